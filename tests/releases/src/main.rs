//! The server of another release, for tests of upgrades: the same library that knows other migrations and
//! settings.
//!
//! The variable `OTHER_RELEASE` says which. `previous` is the release before this one: it lacks the newest
//! migration of each engine and the newest setting, so what it writes is what this version finds after an
//! upgrade, and this version's schema is what it meets after a rollback. `broken` is one after this version
//! whose migration fails in its middle.

mod settings;

use rtmx::storage::{Migration, MigrationStep};
use rtmx::{Drivers, core, server_main_with, standard_drivers};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::var("OTHER_RELEASE").as_deref() {
        Ok("previous") => server_main_with(previous),
        Ok("broken") => server_main_with(broken),
        other => panic!("OTHER_RELEASE is `previous` or `broken`, not {other:?}"),
    }
}

fn previous() -> core::Result<Drivers> {
    const fn before(known: &'static [Migration]) -> &'static [Migration] {
        match known.split_last() {
            Some((_, before)) => before,
            None => known,
        }
    }
    const ON_SQLITE: &[Migration] = before(rtmx_storage_sqlite::MIGRATIONS);
    const ON_POSTGRES: &[Migration] = before(rtmx_storage_postgres::MIGRATIONS);
    // One that knew none would not be a release.
    const { assert!(!ON_SQLITE.is_empty() && !ON_POSTGRES.is_empty()) };
    let mut drivers = knowing(ON_SQLITE, ON_POSTGRES)?;
    drivers.config = settings::older(&drivers.config)?;
    Ok(drivers)
}

fn broken() -> core::Result<Drivers> {
    let and_one = |known: &'static [Migration]| -> &'static [Migration] {
        let version = known.last().map_or(1, |last| last.version + 1);
        let fails = Migration {
            version,
            name: "half_done",
            step: MigrationStep::Expand,
            oldest_compatible: 1,
            sql: "CREATE TABLE half_done (id INTEGER); INSERT INTO no_such_table VALUES (1);",
        };
        known.iter().copied().chain([fails]).collect::<Vec<_>>().leak()
    };
    knowing(and_one(rtmx_storage_sqlite::MIGRATIONS), and_one(rtmx_storage_postgres::MIGRATIONS))
}

/// The drivers of this build, of which those for storage know these migrations.
fn knowing(on_sqlite: &'static [Migration], on_postgres: &'static [Migration]) -> core::Result<Drivers> {
    let mut drivers = Drivers { storage: core::Registry::default(), ..standard_drivers()? };
    rtmx_storage_sqlite::register_knowing(on_sqlite, &mut drivers.storage)?;
    rtmx_storage_postgres::register_knowing(on_postgres, &mut drivers.storage)?;
    Ok(drivers)
}
