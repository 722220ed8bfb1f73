//! What the driver does not show: pages, foreign keys, and whether what is kept twice agrees.
//!
//! A connection of its own looks, beside the driver's. Counts and search are also compared with the
//! model through the driver, in every cell; the statements here say the same of the tables alone.

use crate::verify::{Verdict, corrupt};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Whether everything is checked, or what costs least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thoroughly {
    Yes,
    No,
}

/// Statements that answer with one number, which is 0 where all is well.
const ZEROS: [(&str, &str); 5] = [
    (
        "counts that differ from the requirements",
        "SELECT (SELECT count(*) FROM (\
           SELECT space, status, ifnull(phase, -1), category, priority, count(*) FROM requirement \
             GROUP BY 1, 2, 3, 4, 5 \
           EXCEPT SELECT space, status, phase, category, priority, count FROM tally)) \
         + (SELECT abs((SELECT count(*) FROM requirement) - (SELECT ifnull(sum(count), 0) FROM tally)))",
    ),
    (
        "requirements without search terms, or terms without a requirement",
        "SELECT (SELECT count(*) FROM (SELECT row FROM requirement EXCEPT SELECT row FROM requirement_terms)) \
         + (SELECT count(*) FROM (SELECT row FROM requirement_terms EXCEPT SELECT row FROM requirement))",
    ),
    (
        "gaps between the head and the change sets",
        "SELECT count(*) FROM space WHERE revision <> (SELECT count(*) FROM change_set WHERE space = space.id)",
    ),
    (
        "revisions without history",
        "SELECT count(*) FROM change_set WHERE NOT EXISTS (\
           SELECT 1 FROM history WHERE history.space = change_set.space AND history.revision = change_set.revision)",
    ),
    (
        "records that their last write did not make",
        "SELECT count(*) FROM requirement AS r WHERE NOT EXISTS (\
           SELECT 1 FROM history AS h WHERE h.space = r.space AND h.kind = 'requirement' AND h.id = r.id \
             AND h.revision = r.revision AND h.body IS NOT NULL)",
    ),
];

/// The search index compares itself with the terms that went into it.
const SEARCH: &str =
    "INSERT INTO requirement_search (requirement_search, rank) VALUES ('integrity-check', 1)";

/// Looks at the pages of a database that has no schema yet.
pub(crate) fn check_pages(file: &Path) -> Verdict<()> {
    let checked = connect(file).and_then(|conn| integrity(&conn));
    match checked {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => corrupt(answer),
        Err(error) => corrupt(format!("it cannot be inspected: {error}")),
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, flags)
}

/// Every page and every index, the search index with them.
fn integrity(conn: &Connection) -> rusqlite::Result<String> {
    conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
}

/// Looks at the database from beside the driver.
pub(crate) fn inspect(file: &Path, thoroughly: Thoroughly) -> Verdict<()> {
    match findings(file, thoroughly) {
        Ok(None) => Ok(()),
        Ok(Some(how)) => corrupt(how),
        Err(error) => corrupt(format!("it cannot be inspected: {error}")),
    }
}

fn findings(file: &Path, thoroughly: Thoroughly) -> rusqlite::Result<Option<String>> {
    let conn = connect(file)?;
    let integrity = integrity(&conn)?;
    if integrity != "ok" {
        return Ok(Some(integrity));
    }
    if conn.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Ok(Some("a foreign key leads nowhere".to_owned()));
    }
    if thoroughly == Thoroughly::Yes {
        conn.execute_batch(SEARCH)?;
        for (what, statement) in ZEROS {
            let count: i64 = conn.query_row(statement, [], |row| row.get(0))?;
            if count != 0 {
                return Ok(Some(format!("{count} {what}")));
            }
        }
    }
    Ok(None)
}
