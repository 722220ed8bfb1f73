//! The reference: the server's questions put straight to its database file.
//!
//! Each thread opens the file as the driver's readers do (read-only, the same page cache) and runs
//! one prepared statement again and again, every column read into a value of its own. What the
//! server costs beyond this is HTTP, sign-in, the hand-over between threads and JSON. Threads that
//! walk begin evenly apart in the list, as the clients of a server do. The allocator is the system's.

use crate::cpu;
use crate::figures::Figures;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// What a requirement consists of, in the order of the file's columns.
const COLUMNS: &str = "id, revision, category, subcategory, status, status_given, priority, \
    priority_given, phase, phase_given, effort_weeks, effort_weeks_given, assignee, sprint, started_date, \
    completed_date, requirement_text, target_value, test_module, test_function, validation_method, notes, \
    dependencies, dependencies_given, blocks, blocks_given, requirement_file, external_id, extra, \
    placement_rank, placement_raw, placement_surplus";

const SPACE: &str = "space = (SELECT id FROM space WHERE name = 'project/default')";
/// Requirements of one answer; one more is read to know whether there are more.
const PAGE_ROWS: usize = 50;

/// What is asked of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The first 50 requirements by id, and whether there are more.
    Page,
    /// The same of the 50 behind those of the answer before, and of the first ones after the last.
    Walk,
    /// The same of those that are missing and of high priority.
    Filter,
    /// The counts behind the completion.
    Status,
}

/// What is done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: they are values in memory.
    Drop,
    /// They become one JSON text, an object a row.
    Json,
}

/// What is asked, by how many threads, how often.
#[derive(Debug, Clone)]
pub struct Direct {
    /// The database file.
    pub file: PathBuf,
    /// The question.
    pub question: Question,
    /// What is done with the rows.
    pub then: Then,
    /// Threads that ask at once, each on a connection of its own.
    pub clients: usize,
    /// How often it is asked in all.
    pub requests: usize,
}

/// Rows as values, with the names of their columns.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Question {
    /// `after` is the id that a page of a walk begins behind.
    fn statement(self, after: &str) -> (String, Vec<Value>) {
        let page = |conditions: &str| {
            let limit = PAGE_ROWS + 1;
            format!("SELECT {COLUMNS} FROM requirement WHERE {SPACE}{conditions} ORDER BY id LIMIT {limit}")
        };
        match self {
            Question::Page => (page(""), Vec::new()),
            Question::Walk => (page(" AND id > ?1"), vec![Value::Text(after.to_owned())]),
            Question::Filter => {
                (page(" AND status IN (?1) AND priority IN (?2)"), vec![Value::Integer(2), Value::Integer(1)])
            }
            Question::Status => (
                format!(
                    "SELECT status, phase, category, priority, count FROM tally WHERE {SPACE} \
                     ORDER BY status, phase, category, priority"
                ),
                Vec::new(),
            ),
        }
    }
}

impl Direct {
    /// Asks, and counts what was answered.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn run(&self) -> io::Result<Figures> {
        let start = Barrier::new(self.clients);
        let (mut times, mut spent, mut size) = (Vec::new(), 0, 0);
        let began = Instant::now();
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for number in 0..self.clients {
                let share = self.requests / self.clients + usize::from(number < self.requests % self.clients);
                let start = &start;
                threads.push(scope.spawn(move || self.thread(number, share, start)));
            }
            for thread in threads {
                let outcome = thread.join().map_err(|_| io::Error::other("a thread ended with a panic"))?;
                let (own, nanos, last) = outcome?;
                times.extend(own);
                spent += nanos;
                size = size.max(last);
            }
            io::Result::Ok(())
        })?;
        Ok(Figures::of(times, began.elapsed(), Some(spent), size))
    }

    /// The answer's first column, to compare with what the server answers; of a walk, that of the
    /// second page.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn first_column(&self) -> io::Result<Vec<String>> {
        let conn = open(&self.file)?;
        let mut found = ask(&conn, self.question, "").map_err(io::Error::other)?;
        if self.question == Question::Walk {
            found = ask(&conn, self.question, &found.next()).map_err(io::Error::other)?;
        }
        let first = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(text)) => text,
            other => format!("{other:?}"),
        };
        Ok(found.rows.into_iter().take(PAGE_ROWS).map(first).collect())
    }

    fn thread(
        &self,
        number: usize,
        share: usize,
        start: &Barrier,
    ) -> io::Result<(Vec<Duration>, u64, usize)> {
        let prepared = self.prepare(number);
        start.wait();
        let (conn, mut after) = prepared?;
        let (mut times, mut size) = (Vec::with_capacity(share), 0);
        let before = cpu::of_this_thread()?;
        for _ in 0..share {
            let asked = Instant::now();
            let found = ask(&conn, self.question, &after).map_err(io::Error::other)?;
            if self.question == Question::Walk {
                after = found.next();
            }
            if self.then == Then::Json {
                size = serde_json::to_vec(&found)?.len();
            }
            std::hint::black_box(&found.rows);
            drop(found);
            times.push(asked.elapsed());
        }
        Ok((times, cpu::of_this_thread()? - before, size))
    }

    /// A connection that has answered once, and the id that the next page of a walk begins behind.
    fn prepare(&self, number: usize) -> io::Result<(Connection, String)> {
        let conn = open(&self.file)?;
        let begin = match self.question {
            Question::Walk => begin(&conn, number, self.clients),
            Question::Page | Question::Filter | Question::Status => Ok(String::new()),
        };
        let asked = begin.and_then(|after| ask(&conn, self.question, &after));
        let after = asked.map_err(io::Error::other)?.next();
        Ok((conn, after))
    }
}

fn open(file: &Path) -> io::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags).and_then(|conn| {
        conn.busy_timeout(Duration::from_secs(5))?;
        // As `connection.rs` of the driver has it.
        conn.execute_batch("PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON")?;
        Ok(conn)
    });
    conn.map_err(|error| io::Error::other(format!("could not open {}: {error}", file.display())))
}

/// The id that a thread's walk begins behind: the end of a page, evenly apart from the others.
fn begin(conn: &Connection, number: usize, of: usize) -> rusqlite::Result<String> {
    let text = format!("SELECT count(*) FROM requirement WHERE {SPACE}");
    let rows: u32 = conn.query_row(&text, (), |row| row.get(0))?;
    let before = number * (rows as usize).div_ceil(PAGE_ROWS) / of * PAGE_ROWS;
    let Some(last) = before.checked_sub(1) else { return Ok(String::new()) };
    let text = format!("SELECT id FROM requirement WHERE {SPACE} ORDER BY id LIMIT 1 OFFSET {last}");
    conn.query_row(&text, (), |row| row.get(0))
}

fn ask(conn: &Connection, question: Question, after: &str) -> rusqlite::Result<Table> {
    let (text, values) = question.statement(after);
    let mut statement = conn.prepare_cached(&text)?;
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut found = statement.query(params_from_iter(&values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push((0..names.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?);
    }
    Ok(Table { names, rows })
}

impl Table {
    /// The id that the next page begins behind; empty, which is before every id, if this is the last.
    fn next(&self) -> String {
        match self.rows.get(PAGE_ROWS).and_then(|_| self.rows[PAGE_ROWS - 1].first()) {
            Some(Value::Text(id)) => id.clone(),
            _ => String::new(),
        }
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|row| Object { names: &self.names, row }))
    }
}

struct Object<'t> {
    names: &'t [String],
    row: &'t [Value],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.row.len()))?;
        for (name, value) in self.names.iter().zip(self.row) {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Integer(number) => map.serialize_entry(name, number)?,
                Value::Real(number) => map.serialize_entry(name, number)?,
                Value::Null | Value::Blob(_) => map.serialize_entry(name, &())?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_rows(count: usize) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        let columns = COLUMNS.replacen("id", "id TEXT", 1);
        let tables = format!(
            "CREATE TABLE space (id, name); INSERT INTO space VALUES (1, 'project/default'), (2, 'project/b');
             CREATE TABLE requirement (space, {columns}, PRIMARY KEY (space, id));"
        );
        conn.execute_batch(&tables).unwrap();
        for (space, number) in [1, 2].into_iter().flat_map(|space| (0..count).map(move |n| (space, n))) {
            let id = format!("R-{number:03}");
            conn.execute("INSERT INTO requirement (space, id) VALUES (?1, ?2)", (space, id)).unwrap();
        }
        conn
    }

    #[test]
    fn a_walk_reads_each_page_once_and_begins_anew_after_the_last() {
        // requirements, how many each page reads: one more than it shows if there is another
        let cases: [(usize, &[usize]); 4] =
            [(120, &[51, 51, 20, 51]), (100, &[51, 50, 51]), (20, &[20, 20]), (0, &[0, 0])];
        for (count, wanted) in cases {
            let conn = with_rows(count);
            let (mut after, mut read) = (String::new(), Vec::new());
            for _ in wanted {
                let found = ask(&conn, Question::Walk, &after).unwrap();
                after = found.next();
                read.push(found.rows.len());
            }
            assert_eq!(read, wanted, "{count} requirements");
        }
    }

    #[test]
    fn threads_that_walk_begin_at_different_pages() {
        let conn = with_rows(120);
        let begins = [0, 1, 2].map(|number| begin(&conn, number, 3).unwrap());
        assert_eq!(begins, ["", "R-049", "R-099"]);
    }
}
