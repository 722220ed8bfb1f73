//! The search index: which text stands for a requirement, and which expression for a search.
//!
//! The terms come from `rtmx-storage`, so that they are the same on every engine. SQLite's `ascii`
//! tokenizer, told that `-`, `_`, `.`, `/` and `@` belong to words, cuts the text at the spaces
//! between them and nowhere else. What went into the index is kept in `requirement_terms`, because
//! taking it out again needs the same text, even when the rules for terms have changed since.

use crate::error::Outcome;
use crate::sql;
use rtmx_storage::query::SearchTerms;
use rusqlite::Connection;

const ADD: &str = "INSERT INTO requirement_search (rowid, terms) VALUES (?1, ?2)";
const REMOVE: &str =
    "INSERT INTO requirement_search (requirement_search, rowid, terms) VALUES ('delete', ?1, ?2)";
const KEEP: &str = "INSERT INTO requirement_terms (row, terms) VALUES (?1, ?2)";
const CHANGE: &str = "UPDATE requirement_terms SET terms = ?2 WHERE row = ?1";

/// Puts a requirement's terms, a [`document_text`](rtmx_storage::query::document_text), into the
/// index, in place of those that it had.
pub(crate) fn put(conn: &Connection, space: i64, row: i64, document: &str) -> Outcome<()> {
    let Some(before) = kept(conn, row)? else { return add(conn, space, row, document) };
    let terms = terms_text(space, document);
    if before != terms {
        sql::execute(conn, REMOVE, (row, before))?;
        sql::execute(conn, CHANGE, (row, &terms))?;
        sql::execute(conn, ADD, (row, &terms))?;
    }
    Ok(())
}

/// Puts the terms of a requirement that is new into the index.
pub(crate) fn add(conn: &Connection, space: i64, row: i64, document: &str) -> Outcome<()> {
    let terms = terms_text(space, document);
    sql::execute(conn, KEEP, (row, &terms))?;
    sql::execute(conn, ADD, (row, &terms))?;
    Ok(())
}

/// Takes a requirement's terms out of the index.
pub(crate) fn remove(conn: &Connection, row: i64) -> Outcome<()> {
    if let Some(before) = kept(conn, row)? {
        sql::execute(conn, REMOVE, (row, before))?;
        sql::execute(conn, "DELETE FROM requirement_terms WHERE row = ?1", [row])?;
    }
    Ok(())
}

/// The expression that finds the documents of a space that hold all terms.
pub(crate) fn expression(space: i64, terms: &SearchTerms) -> String {
    let mut expression = format!("\"{}\"", space_term(space));
    for term in &terms.whole {
        expression.push_str(&format!(" AND \"{term}\""));
    }
    if let Some(prefix) = &terms.prefix {
        expression.push_str(&format!(" AND \"{prefix}\" *"));
    }
    expression
}

fn kept(conn: &Connection, row: i64) -> Outcome<Option<String>> {
    sql::first(conn, "SELECT terms FROM requirement_terms WHERE row = ?1", [row], |row| row.get(0))
}

fn terms_text(space: i64, document: &str) -> String {
    let mut text = space_term(space);
    text.push_str(document);
    text
}

/// No term of a document begins with `@`.
fn space_term(space: i64) -> String {
    format!("@{space}")
}
