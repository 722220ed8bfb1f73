//! Runs the SQLite driver's schema, statements and file on a real SQLite 3.35: see `README.md`.

use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Checked<T> = Result<T, Box<dyn std::error::Error>>;

/// The schema as the driver runs it, by version.
const MIGRATIONS: [(&str, &str); 2] = [
    ("0001_records", include_str!("../../../drivers/storage-sqlite/migrations/0001_records.sql")),
    ("0002_sessions", include_str!("../../../drivers/storage-sqlite/migrations/0002_sessions.sql")),
];

/// At least so many statements come from a whole conformance run; fewer mean that the log is not whole.
const STATEMENT_FLOOR: usize = 200;

fn main() -> ExitCode {
    let inputs = std::env::args_os().nth(1).map_or_else(default_inputs, PathBuf::from);
    match check(&inputs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("SQLite {}: {error}", rusqlite::version());
            ExitCode::FAILURE
        }
    }
}

/// This workspace's folder, as cargo says: a target folder that checkouts share keeps the program of
/// another one.
fn crate_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()).into()
}

fn default_inputs() -> PathBuf {
    crate_dir().join("../../target/sqlite-3.35")
}

fn check(inputs: &Path) -> Checked<()> {
    let version = rusqlite::version();
    if !version.starts_with("3.35.") {
        return Err("this is not a 3.35, so nothing would be proven".into());
    }
    every_migration_is_here()?;
    let statements = std::fs::read_to_string(inputs.join("statements.json")).map_err(|error| {
        format!(
            "no statements in `{}` ({error}): run `cargo test -p rtmx-storage-sqlite --test conformance`",
            inputs.display()
        )
    })?;
    let statements: Vec<String> = serde_json::from_str(&statements)?;

    let folder = tempfile::tempdir()?;
    let prepared = schema_and_statements(&folder.path().join("empty.db"), &statements)?;
    let copy = folder.path().join("rtmx.db");
    std::fs::copy(inputs.join("rtmx.db"), &copy)?;
    let records = file(&copy)?;
    println!(
        "SQLite {version}: {prepared} statements prepared, {records} records read, searched and written"
    );
    Ok(())
}

/// A migration that was added to the driver and not here would go untested.
fn every_migration_is_here() -> Checked<()> {
    let folder = crate_dir().join("../../drivers/storage-sqlite/migrations");
    for entry in std::fs::read_dir(folder)? {
        let name =
            entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !MIGRATIONS.iter().any(|(known, _)| *known == name) {
            return Err(format!("the migration `{name}` is not in this program's list").into());
        }
    }
    Ok(())
}

/// Runs the migrations on an empty database and prepares every statement there.
fn schema_and_statements(file: &Path, statements: &[String]) -> Checked<usize> {
    let conn = Connection::open(file)?;
    // The table that records migrations is made by a statement of the log, so that it is tested, too.
    for statement in statements.iter().filter(|text| text.starts_with("CREATE TABLE IF NOT EXISTS")) {
        conn.execute_batch(statement)?;
    }
    for (name, sql) in MIGRATIONS {
        conn.execute_batch(sql).map_err(|error| format!("the migration `{name}`: {error}"))?;
    }
    let migrations: Vec<&str> = MIGRATIONS.iter().map(|(_, sql)| *sql).collect();
    let mut prepared = 0;
    for statement in statements.iter().filter(|text| !migrations.contains(&text.as_str())) {
        // Several in one text are pragmas; each of them has to be known.
        for one in statement.split("; ") {
            conn.prepare(one).map_err(|error| format!("{error}\n{one}"))?;
            prepared += 1;
        }
    }
    if prepared < STATEMENT_FLOOR {
        return Err(
            format!("only {prepared} statements were logged: at least {STATEMENT_FLOOR} are used").into()
        );
    }
    Ok(prepared)
}

/// Opens a database that the driver wrote, checks, reads, searches and writes it.
fn file(file: &Path) -> Checked<i64> {
    let conn = Connection::open(file)?;
    let integrity: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    expect("integrity_check", &integrity, &"ok".to_owned())?;
    let mark: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    expect("application_id", &mark, &0x5254_4D58)?;
    conn.execute_batch("INSERT INTO requirement_search (requirement_search) VALUES ('integrity-check')")?;

    let count = |table: &str| {
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
    };
    let records = count("requirement")?;
    expect("change sets", &count("change_set")?, &records)?;
    expect("history", &count("history")?, &records)?;
    let counted: i64 = conn.query_row("SELECT sum(count) FROM tally", [], |row| row.get(0))?;
    expect("counts", &counted, &records)?;
    let space: i64 = conn.query_row("SELECT id FROM space WHERE name = 'project/p'", [], |row| row.get(0))?;
    expect("found", &found(&conn, &format!("\"@{space}\" AND \"req-7\""))?, &vec!["REQ-7".to_owned()])?;
    expect("found", &found(&conn, &format!("\"@{space}\" AND \"grö\" *"))?, &vec!["REQ-Ä".to_owned()])?;

    // What the driver does to add a record, with plain SQL and no function of its own.
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let columns = columns(&conn)?;
    let others: Vec<&String> =
        columns.iter().filter(|name| !["row", "id"].contains(&name.as_str())).collect();
    let others = others.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let copy = format!(
        "INSERT INTO requirement (id, {others}) SELECT 'REQ-NEW', {others} FROM requirement WHERE id = 'REQ-7'"
    );
    expect("rows added", &conn.execute(&copy, [])?, &1)?;
    let row = conn.last_insert_rowid();
    let terms = format!("@{space} new req req-new");
    conn.execute("INSERT INTO requirement_terms (row, terms) VALUES (?1, ?2)", params![row, terms])?;
    conn.execute("INSERT INTO requirement_search (rowid, terms) VALUES (?1, ?2)", params![row, terms])?;
    conn.execute_batch("COMMIT")?;
    expect("found", &found(&conn, &format!("\"@{space}\" AND \"req-new\""))?, &vec!["REQ-NEW".to_owned()])?;
    let delete =
        "INSERT INTO requirement_search (requirement_search, rowid, terms) VALUES ('delete', ?1, ?2)";
    conn.execute(delete, params![row, terms])?;
    expect("found", &found(&conn, &format!("\"@{space}\" AND \"req-new\""))?, &Vec::new())?;
    let integrity: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    expect("integrity_check", &integrity, &"ok".to_owned())?;
    Ok(records)
}

fn found(conn: &Connection, expression: &str) -> Checked<Vec<String>> {
    let text = "SELECT id FROM requirement WHERE row IN \
         (SELECT rowid FROM requirement_search WHERE requirement_search MATCH ?1) ORDER BY id";
    let mut statement = conn.prepare(text)?;
    let ids = statement.query_map([expression], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

fn columns(conn: &Connection) -> Checked<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info('requirement')")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Checked<()> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}").into()) }
}
