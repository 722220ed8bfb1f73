//! Operations on a database as a whole: what is in it is what was there before or what was brought, never
//! a part of either, and what was answered says which.

use crate::bench::Bench;
use crate::check::{Answer, Outcome, is_unknown, outcome_of_read};
use crate::operation::{ARCHIVED, BEFORE, Call};
use rtmx_storage::archive::{self, ArchiveReader};
use rtmx_storage_postgres::MIGRATIONS;
use sqlx::{PgConnection, Row};
use std::path::Path;

/// What is in a database, as far as it has to be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// It was not looked at, because the call is not about all of it.
    NotAsked,
    /// There is no schema, or one without its record.
    Nothing,
    /// The epoch, how many migrations are recorded, and how many change sets, writes and requirements
    /// there are.
    Some { epoch: String, migrations: i64, counts: [i64; 3] },
}

/// What a cell showed.
pub(crate) struct Seen<'a> {
    pub(crate) before: Content,
    /// After the failure, and before the call was made again.
    pub(crate) between: Content,
    pub(crate) first: &'a rtmx_core::Result<Answer>,
    pub(crate) again: Answer,
}

impl Content {
    /// Looks at the database past the proxy, if the call is about all of it.
    pub(crate) async fn of(direct: &mut PgConnection, call: &Call) -> Result<Content, String> {
        if !matches!(call, Call::BackUp(_) | Call::Restore(_) | Call::RestoreOver(_) | Call::Migrate) {
            return Ok(Content::NotAsked);
        }
        let there = sqlx::query(
            "SELECT to_regclass('schema_migration') IS NOT NULL AND to_regclass('meta') IS NOT NULL",
        );
        let there = there.fetch_one(&mut *direct).await.map_err(|error| error.to_string())?;
        if !there.get::<bool, _>(0) {
            return Ok(Content::Nothing);
        }
        let text = "SELECT (SELECT value FROM meta WHERE name = 'epoch'), (SELECT count(*) FROM schema_migration), \
             (SELECT count(*) FROM change_set), (SELECT count(*) FROM history), (SELECT count(*) FROM requirement)";
        let row = sqlx::query(text).fetch_one(direct).await.map_err(|error| error.to_string())?;
        let counts = [row.get(2), row.get(3), row.get(4)];
        Ok(Content::Some { epoch: row.get(0), migrations: row.get(1), counts })
    }

    fn epoch(&self) -> &str {
        match self {
            Content::Some { epoch, .. } => epoch,
            Content::NotAsked | Content::Nothing => "",
        }
    }

    /// How many migrations are recorded.
    fn migrations(&self) -> usize {
        match self {
            Content::Some { migrations, .. } => usize::try_from(*migrations).unwrap_or_default(),
            Content::NotAsked | Content::Nothing => 0,
        }
    }

    /// Whether it is that of the archive, all of it and nothing besides.
    fn is_the_archive(&self, before: &Content) -> bool {
        let all = ARCHIVED as i64;
        self.epoch() != before.epoch()
            && matches!(self, Content::Some { counts, .. } if *counts == [1, all, all])
    }
}

/// What was acknowledged is there, before anything else can mend it.
pub(crate) async fn is_kept(direct: &mut PgConnection, call: &Call, before: &Content) -> Result<(), String> {
    let now = Content::of(direct, call).await?;
    let kept = match call {
        Call::Restore(_) | Call::RestoreOver(_) => now.is_the_archive(before),
        Call::Migrate => now.migrations() == MIGRATIONS.len(),
        _ => now == *before,
    };
    if kept { Ok(()) } else { Err(format!("lost write: it was acknowledged, and there is {now:?}")) }
}

/// Compares what was answered with what is there.
pub(crate) async fn judge(bench: &mut Bench, call: &Call, seen: Seen<'_>) -> Result<Outcome, String> {
    let now = Content::of(&mut bench.direct, call).await?;
    let Seen { before, between, first, again } = seen;
    match (call, again) {
        (Call::Restore(_) | Call::RestoreOver(_), again @ (Answer::Restored | Answer::NotEmpty)) => {
            if between != before && !between.is_the_archive(&before) {
                return Err(format!("half a restore: {between:?}"));
            }
            if !now.is_the_archive(&before) {
                return Err(format!("not restored at last: {now:?}"));
            }
            let was_applied = match call {
                // Whoever is told so now was not told before.
                Call::Restore(_) => matches!(again, Answer::NotEmpty),
                _ => between != before,
            };
            match first {
                Ok(Answer::NotEmpty) => Err("it took its own restore for somebody else's".into()),
                Ok(_) if !was_applied => Err("lost write: it was acknowledged, and done again".into()),
                Ok(_) => Ok(Outcome::Done),
                Err(error) if is_unknown(error) && was_applied => Ok(Outcome::UnknownApplied),
                Err(error) if is_unknown(error) => Ok(Outcome::UnknownAbsent),
                Err(error) if was_applied => Err(format!(
                    "it was applied, and the error does not say that it may have been: {error:?}"
                )),
                Err(_) => Ok(Outcome::Refused),
            }
        }
        (Call::Migrate, Answer::Migrated(applied)) => {
            // Each is a transaction of its own: those before the fault stay.
            let there = between.migrations();
            if there + applied.len() != MIGRATIONS.len() {
                return Err(format!("{applied:?} were run on {between:?}"));
            }
            if applied.is_empty() && now != between {
                return Err(format!("applied twice: {between:?} became {now:?}"));
            }
            Ok(outcome_of_read(first))
        }
        (Call::BackUp(folder), Answer::BackedUp(hash)) => {
            if now != before {
                return Err(format!("a backup changed {before:?} to {now:?}"));
            }
            let hashes = hashes(folder)?;
            if hashes.len() != 1 + usize::from(first.is_ok()) || hashes.iter().any(|found| *found != hash) {
                return Err(format!("not a whole archive for each that was acknowledged: {hashes:?}"));
            }
            match &before {
                Content::Some { counts, .. } if *counts == [1, BEFORE as i64, BEFORE as i64] => {
                    Ok(outcome_of_read(first))
                }
                other => Err(format!("the backup is of {other:?}")),
            }
        }
        (call, answer) => Err(format!("{call:?} was answered by {answer:?}")),
    }
}

/// The contents of the archives in a folder, in which nothing else may be.
fn hashes(folder: &Path) -> Result<Vec<String>, String> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.map_err(|error| error.to_string())?.path();
        let failed = |error: rtmx_core::Error| format!("{}: {error:?}", path.display());
        let mut archive = ArchiveReader::new(archive::open(&path).map_err(failed)?).map_err(failed)?;
        while archive.next().map_err(failed)?.is_some() {}
        Ok(archive.finish().map_err(failed)?.content_hash)
    };
    std::fs::read_dir(folder).map_err(|error| error.to_string())?.map(read).collect()
}
