//! Migrations that build or drop indexes on tables that are in use.
//!
//! They say `CONCURRENTLY`, so that nobody's write waits for them, and therefore run outside a
//! transaction, statement by statement. Each can be run again: a build that was ended leaves an index
//! that is not valid, and that is dropped before the next one.
//!
//! Source: PostgreSQL manual, `CREATE INDEX`, "Building Indexes Concurrently".

use crate::error::Outcome;
use crate::session::Session;
use rtmx_core::{Error, storage};
use rtmx_storage::Migration;

const BUILD: &str = "CREATE INDEX CONCURRENTLY IF NOT EXISTS ";
const DROP: &str = "DROP INDEX CONCURRENTLY IF EXISTS ";

/// Whether the migration is of this sort.
pub(super) fn are_all(migration: &Migration) -> bool {
    migration.sql.contains(" CONCURRENTLY ")
}

/// The same statements for a transaction, where nobody would wait or nothing else is possible.
pub(super) fn in_a_transaction(sql: &str) -> String {
    sql.replace(" CONCURRENTLY ", " ")
}

/// Runs the statements. The session has the schema in its `search_path`, and no transaction.
pub(super) async fn build(session: &mut Session, migration: &Migration) -> Outcome<()> {
    const IS_TORN: &str =
        "SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid";
    // What is awaited here are old transactions, and nobody waits behind it.
    session.script("SET lock_timeout = 0".into()).await?;
    for statement in statements(migration.sql) {
        if let Some(rest) = statement.strip_prefix(BUILD) {
            let index = rest.split_whitespace().next().unwrap_or_default();
            let torn = session.first(session.statement(IS_TORN).bind(index)).await?;
            if torn.is_some() {
                session.script(format!("DROP INDEX CONCURRENTLY {index}")).await?;
            }
        } else if !statement.starts_with(DROP) {
            let message = format!("migration {} has something beside indexes", migration.version);
            return Err(Error::new(storage::INTERNAL, message).into());
        }
        session.script(statement).await?;
    }
    Ok(())
}

/// The statements of a script, without its comments.
fn statements(sql: &str) -> Vec<String> {
    let lines: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let all = lines.join("\n");
    all.split(';').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}
