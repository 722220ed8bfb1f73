//! The schema of something without tables: one migration, run by the one algorithm.

use super::MemoryBackend;
use crate::{Migration, MigrationLog, MigrationStep, MigrationSteps, Standing, standing};
use async_trait::async_trait;
use rtmx_core::{Cx, Error, Result, storage};

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "records",
    step: MigrationStep::Expand,
    oldest_compatible: 1,
    sql: "records, change sets and leases in maps",
}];

/// Fails unless a database with this record of migrations can be used.
pub(super) fn check_ready(log: &[MigrationLog]) -> Result<()> {
    let state = standing(MIGRATIONS, log)?;
    match state.standing {
        Standing::Current | Standing::Ahead => Ok(()),
        Standing::Fresh | Standing::Behind => {
            Err(Error::new(storage::SCHEMA_BEHIND, format!("the database is at schema {}", state.version)))
        }
        Standing::Incompatible => {
            Err(Error::new(storage::SCHEMA_AHEAD, format!("the database is at schema {}", state.version)))
        }
    }
}

pub(super) struct Steps<'b> {
    backend: &'b MemoryBackend,
    cx: Cx,
    locked: bool,
}

impl<'b> Steps<'b> {
    pub(super) fn new(backend: &'b MemoryBackend) -> Self {
        Steps { backend, cx: Cx::new(), locked: false }
    }
}

#[async_trait]
impl MigrationSteps for Steps<'_> {
    async fn lock(&mut self) -> Result<()> {
        let mut state = self.backend.lock(&self.cx)?;
        if state.migrating {
            return Err(Error::new(storage::MIGRATION_LOCKED, "the database is being migrated already"));
        }
        state.migrating = true;
        self.locked = true;
        Ok(())
    }

    async fn ensure_log(&mut self) -> Result<()> {
        Ok(())
    }

    async fn log(&mut self) -> Result<Vec<MigrationLog>> {
        Ok(self.backend.lock(&self.cx)?.migrations.clone())
    }

    async fn apply(&mut self, migration: &Migration) -> Result<()> {
        let entry = MigrationLog {
            version: migration.version,
            name: migration.name.to_owned(),
            checksum: migration.checksum(),
            oldest_compatible: migration.oldest_compatible,
        };
        self.backend.lock(&self.cx)?.migrations.push(entry);
        Ok(())
    }

    async fn unlock(&mut self) -> Result<()> {
        if std::mem::take(&mut self.locked) {
            self.backend.lock(&self.cx)?.migrating = false;
        }
        Ok(())
    }
}
