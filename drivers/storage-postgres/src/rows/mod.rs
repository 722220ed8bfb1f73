//! Records as rows: each kind has its table, its columns, and one function each way.

mod cells;
mod columns;
mod others;
mod requirement;

pub(crate) use requirement::{priority_numbered, status_numbered};

use crate::error::Outcome;
use crate::heads::{number, revision};
use crate::session::Session;
use cells::Cells;
use columns::{Column, Values};
use rtmx_core::{Body, Error, Kind, Record, Revision, storage};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::LazyLock;

/// What is said to a kind's table, put together once.
struct Statements {
    columns: &'static [Column],
    /// The columns that are read: those that only filters compare are not.
    read: Vec<&'static str>,
    selection: String,
    by_ids: String,
    revisions: String,
    insert: String,
    upsert: String,
    remove: String,
}

impl Statements {
    fn of(kind: Kind) -> Option<(Kind, Statements)> {
        let columns: &'static [Column] = match kind {
            Kind::Requirement => &requirement::COLUMNS,
            Kind::RequirementText => &others::REQUIREMENT_TEXT,
            Kind::TestLink => &others::TEST_LINK,
            Kind::Baseline => &others::BASELINE,
            Kind::Layout => &others::LAYOUT,
            Kind::Project => &others::PROJECT,
            Kind::Token => &others::TOKEN,
            Kind::Session => &others::SESSION,
            Kind::Setting => &others::SETTING,
            _ => return None,
        };
        let list = |each: &dyn Fn(&Column) -> String| columns.iter().map(each).collect::<Vec<_>>().join(", ");
        let reads: Vec<_> = columns.iter().filter_map(Column::read).collect();
        let selection = format!("id, revision, {}", reads.join(", "));
        // $1 the space, $2 the revision, $3 the ids, then an array for each column.
        let arrays =
            columns.iter().zip(4..).map(|(column, place)| format!("${place}::{}", column.sent.array()));
        let insert = format!(
            "INSERT INTO {kind} (space, id, revision, {names}) SELECT $1, t.id, $2, {made} \
             FROM unnest($3::text[], {arrays}) AS t (id, {names})",
            names = list(&|column| column.name.to_owned()),
            made = list(&|column| column.made_from(&format!("t.{}", column.name))),
            arrays = arrays.collect::<Vec<_>>().join(", "),
        );
        let statements = Statements {
            columns,
            read: columns.iter().filter(|column| column.read().is_some()).map(|column| column.name).collect(),
            by_ids: format!("SELECT {selection} FROM {kind} WHERE space = $1 AND id = ANY ($2)"),
            selection,
            revisions: format!("SELECT id, revision FROM {kind} WHERE space = $1 AND id = ANY ($2)"),
            upsert: format!(
                "{insert} ON CONFLICT (space, id) DO UPDATE SET revision = excluded.revision, {}",
                list(&|column| format!("{name} = excluded.{name}", name = column.name))
            ),
            insert,
            remove: format!("DELETE FROM {kind} WHERE space = $1 AND id = ANY ($2)"),
        };
        Some((kind, statements))
    }
}

fn statements(kind: Kind) -> Outcome<&'static Statements> {
    static ALL: LazyLock<Vec<(Kind, Statements)>> =
        LazyLock::new(|| Kind::ALL.into_iter().filter_map(Statements::of).collect());
    let found = ALL.iter().find(|(known, _)| *known == kind).map(|(_, statements)| statements);
    found.ok_or_else(|| unknown(kind).into())
}

/// The revisions of those of these records that are present.
pub(crate) async fn revisions(
    session: &mut Session,
    space: i64,
    kind: Kind,
    ids: &[&str],
) -> Outcome<Vec<(String, Revision)>> {
    let statement = session.statement(&statements(kind)?.revisions).bind(space).bind(ids);
    let rows = session.rows(statement).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, revision(row.try_get(1)?)))).collect()
}

/// Present records with these ids, in no order.
pub(crate) async fn by_ids(
    session: &mut Session,
    space: i64,
    kind: Kind,
    ids: &[String],
) -> Outcome<Vec<Record>> {
    let statement = session.statement(&statements(kind)?.by_ids).bind(space).bind(ids);
    let rows = session.rows(statement).await?;
    rows.iter().map(|row| read(kind, row)).collect()
}

/// Whether the rows of a portion can be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// None is: that was checked.
    Absent,
    /// Some may be.
    Unknown,
}

/// Rows of one kind on their way into its table.
pub(crate) struct Portion<'b> {
    kind: Kind,
    ids: Vec<&'b str>,
    values: Vec<Values<'b>>,
}

impl<'b> Portion<'b> {
    /// No rows yet.
    pub(crate) fn new(kind: Kind) -> Outcome<Self> {
        let values = statements(kind)?.columns.iter().map(|column| Values::of(column.sent)).collect();
        Ok(Portion { kind, ids: Vec::new(), values })
    }

    /// Adds a record. `terms` is what a requirement is found by.
    pub(crate) fn push(&mut self, id: &'b str, body: &'b Body, terms: Option<String>) -> Outcome<()> {
        let cells = match body {
            Body::Requirement(requirement) => requirement::cells(requirement, terms.unwrap_or_default())?,
            _ => others::cells(body)?,
        };
        self.ids.push(id);
        for (values, cell) in self.values.iter_mut().zip(cells) {
            values.push(cell);
        }
        Ok(())
    }

    /// The ids of the rows.
    pub(crate) fn ids(&self) -> &[&'b str] {
        &self.ids
    }

    /// Writes the rows, each over the one of its id.
    pub(crate) async fn write(
        self,
        session: &mut Session,
        space: i64,
        revision: Revision,
        before: Before,
    ) -> Outcome<()> {
        let statements = statements(self.kind)?;
        let text = if before == Before::Absent { &statements.insert } else { &statements.upsert };
        let mut statement = session.statement(text).bind(space).bind(number(revision)).bind(self.ids);
        for values in self.values {
            statement = values.bind(statement);
        }
        session.execute(statement).await?;
        Ok(())
    }
}

/// Removes records.
pub(crate) async fn remove(session: &mut Session, space: i64, kind: Kind, ids: &[&str]) -> Outcome<()> {
    let statement = session.statement(&statements(kind)?.remove).bind(space).bind(ids);
    session.execute(statement).await?;
    Ok(())
}

/// What a statement selects so that [`read`] can read it.
pub(crate) fn selection(kind: Kind) -> Outcome<&'static str> {
    Ok(&statements(kind)?.selection)
}

/// Reads a record from a row that selects [`selection`].
pub(crate) fn read(kind: Kind, row: &PgRow) -> Outcome<Record> {
    let mut cells = Cells::new(kind.name(), row, &statements(kind)?.read);
    let body = match kind {
        Kind::Requirement => Body::Requirement(requirement::read(&mut cells)?),
        _ => others::read(kind, &mut cells)?,
    };
    Ok(Record { id: row.try_get(0)?, revision: revision(row.try_get(1)?), body })
}

fn unknown(kind: Kind) -> Error {
    Error::new(storage::NOT_SUPPORTED, format!("the storage driver `postgres` has no table for a {kind}"))
}
