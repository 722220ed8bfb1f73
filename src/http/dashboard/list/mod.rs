//! Lists of requirements: what an address asks for, and the page of it.
//!
//! The decision to know: an address is a query of the API, word for word, plus `columns` and, for the
//! page before, `before`. A cursor of the API only goes forward; a page backward is the same query in
//! the opposite order, behind the first row that is shown, so every page has an address of its own,
//! however far one went. What a form without scripts cannot say in these words (`where` and `is`, an
//! untouched field) is brought into them by a redirect. Deliberately absent: page numbers, which
//! would be wrong as soon as somebody writes.

pub(super) mod columns;
mod facets;
mod form;
mod words;

pub(super) use facets::{Chip, Facets, chips};
pub(super) use form::{EMPTY, MARK};
pub(super) use words::Words;

use crate::http::App;
use crate::http::api::commit::requirement_of;
use crate::http::api::list::{ListQuery, read_columns};
use crate::http::api::params::{Params, invalid};
use crate::http::api::scope::Scope;
use rtmx_core::{Column, Head, Record, Requirement, Result, Space};
use rtmx_storage::Query;
use rtmx_storage::query::{Cursor, Field, Order, RecordQuery, Sort};

/// How many rows a page has if the address does not say.
const ROWS_DEFAULT: usize = 50;
/// How many it may have.
pub(super) const ROWS: [usize; 4] = [25, 50, 100, 200];

/// What an address asks for.
pub(super) struct Listing {
    /// The address, without the place in the list.
    pub(super) words: Words,
    /// The query, without the place in the list.
    pub(super) query: RecordQuery,
    /// The chosen columns, the id first.
    pub(super) columns: Vec<Field>,
    place: Place,
}

enum Place {
    First,
    /// Behind the row of this cursor.
    After(String),
    /// Ahead of the row of this cursor, which is one of the opposite order.
    Before(String),
}

/// What was found.
pub(super) struct Found {
    pub(super) head: Head,
    pub(super) records: Vec<Record>,
    /// How many match in all.
    pub(super) total: u64,
    /// The pages around this one.
    pub(super) first: Option<Words>,
    pub(super) previous: Option<Words>,
    pub(super) next: Option<Words>,
}

impl Listing {
    /// Reads an address; `Err` within is the address to go to instead.
    pub(super) fn read(params: Params, space: &Space) -> Result<std::result::Result<Listing, Words>> {
        let mut params = params;
        let given = params.take_rest();
        if given.iter().any(|(name, _)| name == form::MARK) {
            return Ok(Err(form::tidied(given)));
        }
        let mut params = Params::of(given.clone());
        let columns = columns_of(&params.take_all("columns"))?;
        let before = params.take("before")?;
        let after = params.take("cursor")?;
        let limit = params.take_limit(ROWS_DEFAULT, ROWS[ROWS.len() - 1])?;
        let mut query = ListQuery::read(params, space)?;
        (query.limit, query.count) = (limit, false);
        let place = match (after, before) {
            (None, None) => Place::First,
            (Some(after), None) => Place::After(after),
            (None, Some(before)) => Place::Before(before),
            (Some(_), Some(_)) => return Err(invalid("before", "`cursor` is given too")),
        };
        let left_out = |name: &str| matches!(name, "cursor" | "before" | "count");
        let words = given.into_iter().filter(|(name, value)| {
            !(left_out(name) || value.trim().is_empty() && matches!(name.as_str(), "search" | "sort"))
        });
        Ok(Ok(Listing { words: Words::of(words.collect()), query, columns, place }))
    }

    /// Reads the page. `total` is how many match, where that is known already.
    pub(super) async fn fetch(&self, app: &App, scope: &Scope, total: Option<u64>) -> Result<Found> {
        let backward = opposite(&self.query);
        let mut query = match &self.place {
            Place::Before(cursor) => RecordQuery { cursor: Some(cursor.clone()), ..backward.clone() },
            Place::After(cursor) => RecordQuery { cursor: Some(cursor.clone()), ..self.query.clone() },
            Place::First => self.query.clone(),
        };
        query.count = total.is_none();
        let mut page = app.storage.fetch(&scope.cx, &Query::Records(query.clone())).await?;
        let total = total.or(page.total).unwrap_or_default();
        let mut is_first = matches!(self.place, Place::First);
        let mut more = page.next.is_some();
        if matches!(self.place, Place::Before(_)) {
            is_first = !more;
            more = true;
            if is_first {
                // The list begins within this page: show it from its beginning, and whole.
                page = app.storage.fetch(&scope.cx, &Query::Records(self.query.clone())).await?;
                more = page.next.is_some();
            }
        }
        let (head, mut records) = (page.head, page.into_records());
        if matches!(self.place, Place::Before(_)) && !is_first {
            records.reverse();
        }
        let at = |query: &RecordQuery, record: &Record| {
            let place = Order::of(query).place(&record.id, &record.body);
            Cursor::new(query, head.epoch, place.values, place.id).encode()
        };
        let previous = records.first().filter(|_| !is_first);
        let next = records.last().filter(|_| more);
        Ok(Found {
            first: (!is_first).then(|| self.words.clone()),
            previous: previous.map(|record| self.words.with("before", at(&backward, record))),
            next: next.map(|record| self.words.with("cursor", at(&self.query, record))),
            head,
            records,
            total,
        })
    }

    /// What is searched for.
    pub(super) fn search(&self) -> &str {
        self.query.search.as_deref().unwrap_or_default()
    }

    /// The address of the same list sorted by a column: ascending, then descending, then as by itself.
    pub(super) fn sorted_by(&self, field: &Field) -> Words {
        match (self.direction(field), *field == Field::Core(Column::ReqId)) {
            (None, false) => self.words.with("sort", field.to_string()),
            (Some("ascending"), _) => self.words.with("sort", format!("-{field}")),
            _ => self.words.without("sort"),
        }
    }

    /// How the list is sorted by this column first, as `aria-sort` says it.
    pub(super) fn direction(&self, field: &Field) -> Option<&'static str> {
        let by_id = Sort { field: Field::Core(Column::ReqId), descending: false };
        let first = self.query.sort.first().unwrap_or(&by_id);
        (first.field == *field).then_some(if first.descending { "descending" } else { "ascending" })
    }

    /// How the list is sorted, in words.
    pub(super) fn order(&self) -> String {
        let key = |sort: &Sort| {
            format!("{}{}", columns::title(&sort.field), if sort.descending { ", descending" } else { "" })
        };
        let keys: Vec<String> = self.query.sort.iter().map(key).collect();
        if keys.is_empty() { "ID".to_owned() } else { keys.join("; ") }
    }
}

/// The requirements of a page, with their ids.
pub(super) fn rows(records: &[Record]) -> impl Iterator<Item = (&str, &Requirement)> {
    records.iter().filter_map(|record| Some((record.id.as_str(), requirement_of(record)?)))
}

/// What a form sends along so that a new search keeps the rest of the address.
pub(super) fn kept(listing: &Listing) -> Vec<(String, String)> {
    let kept = listing.words.without("search");
    kept.all().iter().map(|(name, value)| (name.clone(), form::sent(value).to_owned())).collect()
}

/// The same query in the opposite order. An id sorts alone, so no key follows it.
fn opposite(query: &RecordQuery) -> RecordQuery {
    let id = Field::Core(Column::ReqId);
    let mut sort: Vec<Sort> = query.sort.clone();
    if let Some(place) = sort.iter().position(|key| key.field == id) {
        sort.truncate(place + 1);
    } else {
        sort.push(Sort { field: id, descending: false });
    }
    sort.iter_mut().for_each(|key| key.descending = !key.descending);
    RecordQuery { sort, ..query.clone() }
}

/// The columns that an address chooses; the id is always the first.
fn columns_of(given: &[String]) -> Result<Vec<Field>> {
    let mut columns = read_columns(given)?;
    if columns.is_empty() {
        columns = columns::DEFAULT.map(Field::Core).into();
    }
    let id = Field::Core(Column::ReqId);
    columns.retain(|field| *field != id);
    columns.insert(0, id);
    Ok(columns)
}
