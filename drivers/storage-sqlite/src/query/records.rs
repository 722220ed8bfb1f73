//! Pages of present records.
//!
//! A page by id comes from its index as it is. Any other is found in two steps: first the row numbers,
//! from an index where there is one, then the rows themselves, so that sorting carries no bodies. Three things have no SQL that is the same
//! everywhere and are done on the rows as they come: filters of [`super::condition::Rest`], sorting
//! by extra columns and by sets of ids.

use super::condition::{self, Rest, Text};
use super::order::Keys;
use crate::error::Outcome;
use crate::{rows, search, sql};
use rtmx_core::{Head, Kind, Record};
use rtmx_storage::Page;
use rtmx_storage::query::{Cursor, Items, Order, RecordQuery, SearchTerms, SortPlace};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Up to so many hits the search finds the rows and they are sorted; beyond, the rows come in their
/// order from an index and are looked up among the hits, so that a page of them is soon full.
const FEW_HITS: i64 = 1_000;

/// What a page is put together from.
struct Asked<'q> {
    query: &'q RecordQuery,
    space: i64,
    search: Option<Search>,
    head: Head,
    cursor: Option<Cursor>,
}

struct Search {
    expression: String,
    few: bool,
}

/// Answers a query that passed [`RecordQuery::check`].
pub(super) fn page(conn: &Connection, space: Option<i64>, head: Head, query: &RecordQuery) -> Outcome<Page> {
    let cursor = Cursor::of(query, head.epoch)?;
    let Some(space) = space else {
        let total = query.count.then_some(0);
        return Ok(Page { head, items: Items::Records(Vec::new()), next: None, total });
    };
    let terms = query.search.as_deref().and_then(SearchTerms::parse);
    let search = terms.map(|terms| search_for(conn, space, &terms)).transpose()?;
    let asked = Asked { query, space, search, head, cursor };
    match Keys::of(query) {
        Some(keys) if is_by_id(query) => asked.by_id(conn, &keys),
        Some(keys) => asked.sorted_by_sql(conn, &keys),
        None => asked.sorted_here(conn),
    }
}

/// Whether the rows come from the index of ids in the order of the query, none to be left out.
pub(super) fn is_by_id(query: &RecordQuery) -> bool {
    query.filters.is_empty() && query.sort.is_empty() && query.search.is_none()
}

fn search_for(conn: &Connection, space: i64, terms: &SearchTerms) -> Outcome<Search> {
    const HITS: &str = "SELECT count(*) FROM (SELECT rowid FROM requirement_search \
         WHERE requirement_search MATCH ?1 LIMIT ?2)";
    let expression = search::expression(space, terms);
    let hits: Option<i64> = sql::first(conn, HITS, (&expression, FEW_HITS + 1), |row| row.get(0))?;
    Ok(Search { expression, few: hits.is_some_and(|hits| hits <= FEW_HITS) })
}

impl Asked<'_> {
    fn by_id(&self, conn: &Connection, keys: &Keys) -> Outcome<Page> {
        let (kind, limit) = (self.query.kind, self.query.limit);
        let total = self.query.count.then(|| self.count(conn)).transpose()?;
        let mut text = Text::default();
        text.push(&format!("SELECT {}", rows::selection(kind)?));
        self.push_from(&mut text);
        if let Some(cursor) = &self.cursor {
            keys.push_behind(&mut text, cursor);
        }
        keys.push_order(&mut text);
        text.push(" LIMIT ");
        text.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        let mut statement = sql::statement(conn, &text.text)?;
        let mut found = statement.query(params_from_iter(&text.values))?;
        let mut records: Vec<Record> = Vec::with_capacity(limit.min(64));
        let mut next = None;
        while let Some(row) = found.next()? {
            if records.len() == limit {
                let last = records.last().map(|record| record.id.clone());
                next = last.map(|id| Cursor::new(self.query, self.head.epoch, Vec::new(), id).encode());
                break;
            }
            records.push(rows::read(kind, row)?);
        }
        Ok(Page { head: self.head, items: Items::Records(records), next, total })
    }

    fn sorted_by_sql(&self, conn: &Connection, keys: &Keys) -> Outcome<Page> {
        let (conditions, rest) = self.conditions();
        let (kind, limit) = (self.query.kind, self.query.limit);
        let total = self.query.count.then(|| self.count(conn)).transpose()?;

        let mut text = Text::default();
        text.push(&format!("SELECT {kind}.row, id{}{}", keys.columns(), rest.columns()));
        self.push_from(&mut text);
        conditions(&mut text);
        if let Some(cursor) = &self.cursor {
            keys.push_behind(&mut text, cursor);
        }
        keys.push_order(&mut text);
        if rest.is_empty() {
            text.push(" LIMIT ");
            text.bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        }
        let mut statement = sql::statement(conn, &text.text)?;
        let mut found = statement.query(params_from_iter(&text.values))?;
        let mut rows: Vec<i64> = Vec::new();
        let mut last: Option<(Vec<_>, String)> = None;
        let mut more = false;
        while let Some(row) = found.next()? {
            if !rest.holds(row, 2 + keys.len())? {
                continue;
            }
            if rows.len() == limit {
                more = true;
                break;
            }
            rows.push(row.get(0)?);
            if rows.len() == limit {
                last = Some((keys.values(row, 2)?, row.get(1)?));
            }
        }
        let next = last.filter(|_| more);
        let next = next.map(|(values, id)| Cursor::new(self.query, self.head.epoch, values, id).encode());
        let records = by_rows(conn, kind, &rows)?;
        Ok(Page { head: self.head, items: Items::Records(records), next, total })
    }

    /// Reads every row that is found and keeps the first ones in the order of the query: at most
    /// two pages at a time.
    fn sorted_here(&self, conn: &Connection) -> Outcome<Page> {
        let (conditions, rest) = self.conditions();
        let (kind, limit) = (self.query.kind, self.query.limit);
        let order = Order::of(self.query);
        let behind = self.cursor.as_ref().map(|c| SortPlace { values: c.values.clone(), id: c.id.clone() });
        let mut text = Text::default();
        text.push(&format!("SELECT {}{}", rows::selection(kind)?, rest.columns()));
        self.push_from(&mut text);
        conditions(&mut text);
        let mut statement = sql::statement(conn, &text.text)?;
        let first_of_rest = statement.column_count() - rest.len();
        let mut found = statement.query(params_from_iter(&text.values))?;
        let mut kept: Vec<(SortPlace, Record)> = Vec::new();
        let mut total = 0;
        let sort = |kept: &mut Vec<(SortPlace, Record)>| {
            kept.sort_by(|(a, _), (b, _)| order.compare(a, b));
            kept.truncate(limit + 1);
        };
        while let Some(row) = found.next()? {
            if !rest.holds(row, first_of_rest)? {
                continue;
            }
            total += 1;
            let record = rows::read(kind, row)?;
            let place = order.place(&record.id, &record.body);
            if behind.as_ref().is_none_or(|behind| order.compare(&place, behind).is_gt()) {
                kept.push((place, record));
            }
            if kept.len() > 2 * limit + 1 {
                sort(&mut kept);
            }
        }
        sort(&mut kept);
        let more = kept.len() > limit;
        kept.truncate(limit);
        let last = kept.last().filter(|_| more).map(|(place, _)| place.clone());
        let next =
            last.map(|place| Cursor::new(self.query, self.head.epoch, place.values, place.id).encode());
        let records = kept.into_iter().map(|(_, record)| record).collect();
        Ok(Page {
            head: self.head,
            items: Items::Records(records),
            next,
            total: self.query.count.then_some(total),
        })
    }

    fn count(&self, conn: &Connection) -> Outcome<u64> {
        let (conditions, rest) = self.conditions();
        let kind = self.query.kind;
        if kind == Kind::Requirement && self.query.filters.is_empty() && self.search.is_none() {
            let text = "SELECT ifnull(sum(count), 0) FROM tally WHERE space = ?1";
            let all: Option<i64> = sql::first(conn, text, [self.space], |row| row.get(0))?;
            return Ok(all.unwrap_or_default().cast_unsigned());
        }
        let mut text = Text::default();
        if rest.is_empty() {
            text.push("SELECT count(*)");
        } else {
            text.push(&format!("SELECT {kind}.row{}", rest.columns()));
        }
        self.push_from(&mut text);
        conditions(&mut text);
        let mut statement = sql::statement(conn, &text.text)?;
        let mut found = statement.query(params_from_iter(&text.values))?;
        let mut total = 0;
        while let Some(row) = found.next()? {
            if rest.is_empty() {
                return Ok(row.get::<_, i64>(0)?.cast_unsigned());
            }
            total += u64::from(rest.holds(row, 1)?);
        }
        Ok(total)
    }

    /// The filters: what is added to a statement, and what is left to check.
    fn conditions(&self) -> (impl Fn(&mut Text) + '_, Rest) {
        let mut rest = Rest::default();
        for filter in &self.query.filters {
            condition::add(filter, &mut Text::default(), &mut rest);
        }
        let push = |text: &mut Text| {
            for filter in &self.query.filters {
                condition::add(filter, text, &mut Rest::default());
            }
        };
        (push, rest)
    }

    /// Adds ` FROM ... WHERE ...` with the space and the search.
    fn push_from(&self, text: &mut Text) {
        let kind = self.query.kind;
        match &self.search {
            // Written as a cross join, the search runs first whatever else there is.
            Some(search) if search.few => {
                text.push(" FROM requirement_search CROSS JOIN requirement ON requirement.row = requirement_search.rowid");
                text.push(" WHERE requirement_search MATCH ");
                text.bind(search.expression.clone());
                text.push(" AND space = ");
                text.bind(self.space);
            }
            // The plus keeps SQLite from beginning with the hits instead of the order.
            Some(search) => {
                text.push(" FROM requirement WHERE space = ");
                text.bind(self.space);
                text.push(
                    " AND +row IN (SELECT rowid FROM requirement_search WHERE requirement_search MATCH ",
                );
                text.bind(Value::Text(search.expression.clone()));
                text.push(")");
            }
            None => {
                text.push(&format!(" FROM {kind} WHERE space = "));
                text.bind(self.space);
            }
        }
    }
}

/// The records of these rows, in their order.
fn by_rows(conn: &Connection, kind: Kind, numbers: &[i64]) -> Outcome<Vec<Record>> {
    let text = format!("SELECT {} FROM {kind} WHERE row = ?1", rows::selection(kind)?);
    let mut statement = sql::statement(conn, &text)?;
    let mut records = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut found = statement.query([number])?;
        let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        records.push(rows::read(kind, row)?);
    }
    Ok(records)
}
