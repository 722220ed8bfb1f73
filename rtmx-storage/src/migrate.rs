//! The one migration algorithm.
//!
//! A driver offers small steps ([`MigrationSteps`]); the order, the checks and the decisions are
//! here, once. There are no down steps: migrations expand first, an older version keeps working on
//! the expanded schema as far as each migration declares, and contracting steps run only when asked.

use async_trait::async_trait;
use rtmx_core::{Error, Result, storage};
use serde::{Deserialize, Serialize};

/// Whether a migration adds or takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStep {
    /// Adds; versions in the compatibility range go on working.
    Expand,
    /// Takes away what older versions needed.
    Contract,
}

/// One migration of a driver, never edited after its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// 1, 2, 3, ... without a gap.
    pub version: u32,
    /// What it does, in snake case.
    pub name: &'static str,
    /// Whether it adds or takes away.
    pub step: MigrationStep,
    /// The oldest schema version whose software works on the result.
    pub oldest_compatible: u32,
    /// The statements.
    pub sql: &'static str,
}

impl Migration {
    /// The SHA-256 of the statements, in hexadecimal.
    pub fn checksum(&self) -> String {
        use sha2::Digest;
        sha2::Sha256::digest(self.sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// One line of the database's own record of its migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationLog {
    /// The migration's version.
    pub version: u32,
    /// The migration's name.
    pub name: String,
    /// The checksum of what was run.
    pub checksum: String,
    /// The oldest schema version whose software works on the result.
    pub oldest_compatible: u32,
}

/// How a database's schema stands to this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// There is no schema yet.
    Fresh,
    /// Expanding migrations of this version were not run.
    Behind,
    /// As this version wants it; contracting migrations may be left.
    Current,
    /// Newer, and within the range that works with this version.
    Ahead,
    /// Newer than this version can use.
    Incompatible,
}

impl Standing {
    /// Whether a server of this version may use the database.
    pub fn is_ready(self) -> bool {
        matches!(self, Standing::Current | Standing::Ahead)
    }
}

/// The schema of a database, seen from this version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaState {
    /// The newest migration in the database; 0 for none.
    pub version: u32,
    /// The newest migration that this version knows.
    pub known: u32,
    /// How the two stand to each other.
    pub standing: Standing,
    /// Expanding migrations to run, by version.
    pub to_expand: Vec<u32>,
    /// Contracting migrations to run once no older version is left, by version.
    pub to_contract: Vec<u32>,
}

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationPlan {
    /// Expanding migrations up to the first contracting one that was not run.
    Expand,
    /// Everything, contracting migrations too: no older version works afterwards.
    ExpandAndContract,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// The versions that were applied by this call, in order.
    pub applied: Vec<u32>,
    /// The state afterwards.
    pub state: SchemaState,
}

/// What the algorithm needs from a driver.
#[async_trait]
pub trait MigrationSteps: Send {
    /// Takes the database's migration lock, on a connection that is closed afterwards.
    ///
    /// # Errors
    ///
    /// `migration_locked`.
    async fn lock(&mut self) -> Result<()>;
    /// Makes the table that records migrations, if it is missing.
    async fn ensure_log(&mut self) -> Result<()>;
    /// The recorded migrations by version; empty when the table is missing.
    async fn log(&mut self) -> Result<Vec<MigrationLog>>;
    /// Runs one migration and records it, in one transaction where the engine can.
    async fn apply(&mut self, migration: &Migration) -> Result<()>;
    /// Lets go of the lock. Called on success and on failure.
    async fn unlock(&mut self) -> Result<()>;
}

/// Compares a database's record with what this version knows.
///
/// # Errors
///
/// `schema_edited` if a recorded migration is not the one that this version contains.
pub fn standing(known: &[Migration], log: &[MigrationLog]) -> Result<SchemaState> {
    let newest_known = known.last().map_or(0, |migration| migration.version);
    let version = log.iter().map(|entry| entry.version).max().unwrap_or(0);
    for entry in log {
        let same = |migration: &&Migration| migration.version == entry.version;
        if let Some(migration) = known.iter().find(same).filter(|m| m.checksum() != entry.checksum) {
            let message = format!(
                "migration {} `{}` in the database is not the one of this version",
                entry.version, migration.name
            );
            return Err(Error::new(storage::SCHEMA_EDITED, message).with("migration", entry.version));
        }
    }
    let missing = |step| {
        let pending =
            known.iter().filter(|m| m.step == step && !log.iter().any(|entry| entry.version == m.version));
        pending.map(|migration| migration.version).collect::<Vec<_>>()
    };
    let (to_expand, to_contract) = (missing(MigrationStep::Expand), missing(MigrationStep::Contract));
    let oldest_compatible = log.iter().map(|entry| entry.oldest_compatible).max().unwrap_or(0);
    let standing = if log.is_empty() {
        Standing::Fresh
    } else if oldest_compatible > newest_known {
        Standing::Incompatible
    } else if !to_expand.is_empty() {
        Standing::Behind
    } else if version > newest_known {
        Standing::Ahead
    } else {
        Standing::Current
    };
    Ok(SchemaState { version, known: newest_known, standing, to_expand, to_contract })
}

/// Brings a database forward.
///
/// Runs under the driver's lock; reads the record only after the lock is held, so that of two
/// processes the second finds nothing to do. Without contracting, it stops before the first
/// expanding migration that needs a contracting one that was not run.
///
/// # Errors
///
/// `schema_edited`, `schema_ahead`, `migration_failed`, `migration_locked`; migrations before the
/// one that failed stay applied, and the lock is free.
pub async fn migrate(
    steps: &mut dyn MigrationSteps,
    known: &[Migration],
    plan: MigrationPlan,
) -> Result<MigrationReport> {
    steps.lock().await?;
    let outcome = migrate_locked(steps, known, plan).await;
    let unlocked = steps.unlock().await;
    let report = outcome?;
    unlocked?;
    Ok(report)
}

async fn migrate_locked(
    steps: &mut dyn MigrationSteps,
    known: &[Migration],
    plan: MigrationPlan,
) -> Result<MigrationReport> {
    steps.ensure_log().await?;
    let log = steps.log().await?;
    let before = standing(known, &log)?;
    if before.standing == Standing::Incompatible {
        let message = format!(
            "the database is at schema {}, and this version knows up to {}",
            before.version, before.known
        );
        return Err(Error::new(storage::SCHEMA_AHEAD, message));
    }
    let mut applied = Vec::new();
    for migration in known.iter().filter(|m| !log.iter().any(|entry| entry.version == m.version)) {
        if migration.step == MigrationStep::Contract && plan == MigrationPlan::Expand {
            break;
        }
        steps.apply(migration).await?;
        applied.push(migration.version);
    }
    let state = standing(known, &steps.log().await?)?;
    Ok(MigrationReport { applied, state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    const fn migration(version: u32, step: MigrationStep, oldest_compatible: u32) -> Migration {
        Migration { version, name: "m", step, oldest_compatible, sql: "create" }
    }

    const FIRST: Migration = migration(1, MigrationStep::Expand, 1);
    const SECOND: Migration = migration(2, MigrationStep::Expand, 1);
    const CONTRACT: Migration = migration(3, MigrationStep::Contract, 2);
    const FOURTH: Migration = migration(4, MigrationStep::Expand, 2);

    /// A database that is nothing but its record of migrations.
    #[derive(Default)]
    struct Ledger {
        log: Vec<MigrationLog>,
        locked: bool,
        fails_at: Option<u32>,
    }

    #[async_trait]
    impl MigrationSteps for Ledger {
        async fn lock(&mut self) -> Result<()> {
            assert!(!std::mem::replace(&mut self.locked, true), "locked twice");
            Ok(())
        }

        async fn ensure_log(&mut self) -> Result<()> {
            assert!(self.locked, "the record is made under the lock");
            Ok(())
        }

        async fn log(&mut self) -> Result<Vec<MigrationLog>> {
            Ok(self.log.clone())
        }

        async fn apply(&mut self, migration: &Migration) -> Result<()> {
            assert!(self.locked, "a migration is run under the lock");
            if self.fails_at == Some(migration.version) {
                return Err(Error::new(storage::MIGRATION_FAILED, "could not run a statement"));
            }
            self.log.push(logged(migration));
            Ok(())
        }

        async fn unlock(&mut self) -> Result<()> {
            self.locked = false;
            Ok(())
        }
    }

    fn logged(migration: &Migration) -> MigrationLog {
        MigrationLog {
            version: migration.version,
            name: migration.name.into(),
            checksum: migration.checksum(),
            oldest_compatible: migration.oldest_compatible,
        }
    }

    #[tokio::test]
    async fn expanding_stops_before_what_needs_a_contraction() {
        let known = [FIRST, SECOND, CONTRACT, FOURTH];
        let mut ledger = Ledger::default();
        assert_eq!(standing(&known, &ledger.log).unwrap().standing, Standing::Fresh);
        let report = migrate(&mut ledger, &known, MigrationPlan::Expand).await.unwrap();
        assert_eq!(report.applied, [1, 2]);
        assert_eq!(report.state.standing, Standing::Behind);
        let report = migrate(&mut ledger, &known, MigrationPlan::ExpandAndContract).await.unwrap();
        assert_eq!((report.applied, report.state.standing), (vec![3, 4], Standing::Current));
        let again = migrate(&mut ledger, &known, MigrationPlan::ExpandAndContract).await.unwrap();
        assert!(again.applied.is_empty());
    }

    #[tokio::test]
    async fn a_failed_migration_leaves_those_before_it_and_frees_the_lock() {
        let mut ledger = Ledger { fails_at: Some(2), ..Ledger::default() };
        let error = migrate(&mut ledger, &[FIRST, SECOND], MigrationPlan::Expand).await.unwrap_err();
        assert_code(&error, storage::MIGRATION_FAILED);
        assert!(!ledger.locked, "the lock is free");
        assert_eq!(ledger.log.len(), 1);
    }

    #[tokio::test]
    async fn a_newer_database_is_used_as_far_as_it_says_and_refused_beyond() {
        let mut newer = Ledger { log: vec![logged(&FIRST), logged(&SECOND)], ..Ledger::default() };
        assert_eq!(standing(&[FIRST], &newer.log).unwrap().standing, Standing::Ahead);
        assert!(migrate(&mut newer, &[FIRST], MigrationPlan::Expand).await.unwrap().applied.is_empty());
        newer.log.push(logged(&CONTRACT));
        assert_eq!(standing(&[FIRST], &newer.log).unwrap().standing, Standing::Incompatible);
        let error = migrate(&mut newer, &[FIRST], MigrationPlan::Expand).await.unwrap_err();
        assert_code(&error, storage::SCHEMA_AHEAD);
    }

    #[tokio::test]
    async fn an_edited_migration_is_refused() {
        let mut ledger = Ledger { log: vec![logged(&FIRST)], ..Ledger::default() };
        let edited = Migration { sql: "create or replace", ..FIRST };
        let error = migrate(&mut ledger, &[edited, SECOND], MigrationPlan::Expand).await.unwrap_err();
        assert_code(&error, storage::SCHEMA_EDITED);
        assert!(!ledger.locked && ledger.log.len() == 1, "nothing was run");
    }
}
