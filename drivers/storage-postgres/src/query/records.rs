//! Pages of present records.
//!
//! Two things have no SQL that is the same everywhere and are done on the records as they come: the
//! filters of [`super::condition::Rest`], and sorting by extra columns and by sets of ids.

use super::condition::{self, Rest};
use super::order::Keys;
use super::search::{self, Search};
use super::text::{Text, Value};
use crate::error::Outcome;
use crate::session::{Session, Statement};
use crate::{rows, terms};
use futures_util::TryStreamExt;
use rtmx_core::{Head, Kind, Record};
use rtmx_storage::Page;
use rtmx_storage::query::{Cursor, Items, Order, RecordQuery, SearchTerms, SortPlace};
use sqlx::Row;

/// How many records are looked through at a time where some of them may be left out.
const LOOKED_THROUGH: usize = 1_000;

/// What a page is put together from.
struct Asked<'q> {
    query: &'q RecordQuery,
    space: i64,
    search: Option<Search>,
    rest: Rest<'q>,
    head: Head,
    behind: Option<SortPlace>,
}

/// Answers a query that passed [`RecordQuery::check`].
pub(super) async fn page(
    session: &mut Session,
    space: Option<i64>,
    head: Head,
    query: &RecordQuery,
) -> Outcome<Page> {
    let cursor = Cursor::of(query, head.epoch)?;
    let Some(space) = space else {
        let total = query.count.then_some(0);
        return Ok(Page { head, items: Items::Records(Vec::new()), next: None, total });
    };
    let search = match query.search.as_deref().and_then(SearchTerms::parse) {
        Some(terms) => Some(Search::of(session, space, terms::expression(space, &terms)).await?),
        None => None,
    };
    let mut rest = Rest::default();
    for filter in &query.filters {
        condition::add(filter, &mut Text::default(), &mut rest);
    }
    let asked = Asked {
        query,
        space,
        search,
        rest,
        head,
        behind: cursor.map(|cursor| SortPlace { values: cursor.values, id: cursor.id }),
    };
    match Keys::of(query) {
        Some(keys) => asked.sorted_by_sql(session, &keys).await,
        None => asked.sorted_here(session).await,
    }
}

impl Asked<'_> {
    async fn sorted_by_sql(self, session: &mut Session, keys: &Keys) -> Outcome<Page> {
        let (kind, limit) = (self.query.kind, self.query.limit);
        let total = if self.query.count { Some(self.count(session).await?) } else { None };
        if matches!(self.search, Some(Search::Many { .. })) && keys.has_an_index() {
            search::plan_for_order(session).await?;
        }
        let order = Order::of(self.query);
        let wanted = if self.rest.is_empty() { limit + 1 } else { LOOKED_THROUGH };
        let mut behind = self.behind.clone();
        let mut records: Vec<Record> = Vec::with_capacity(limit.min(64));
        loop {
            let mut text = self.select(rows::selection(kind)?);
            if let Some(behind) = &behind {
                keys.push_behind(&mut text, behind);
            }
            keys.push_order(&mut text);
            text.push(&format!(" LIMIT {wanted}"));
            let found = session.rows(self.statement(session, text)).await?;
            for row in &found {
                let record = rows::read(kind, row)?;
                behind = Some(order.place(&record.id, &record.body));
                if self.rest.holds(&record) {
                    records.push(record);
                }
            }
            if records.len() > limit || found.len() < wanted {
                break;
            }
        }
        Ok(self.page(records, total))
    }

    /// Reads every record that is found and keeps the first ones in the order of the query: at most
    /// two pages at a time.
    async fn sorted_here(self, session: &mut Session) -> Outcome<Page> {
        let (kind, limit) = (self.query.kind, self.query.limit);
        let order = Order::of(self.query);
        let statement = self.statement(session, self.select(rows::selection(kind)?));
        let mut kept: Vec<(SortPlace, Record)> = Vec::new();
        let mut total = 0;
        let sort = |kept: &mut Vec<(SortPlace, Record)>| {
            kept.sort_by(|(a, _), (b, _)| order.compare(a, b));
            kept.truncate(limit + 1);
        };
        let mut found = session.stream(statement);
        while let Some(row) = found.try_next().await? {
            let record = rows::read(kind, &row)?;
            if !self.rest.holds(&record) {
                continue;
            }
            total += 1;
            let place = order.place(&record.id, &record.body);
            if self.behind.as_ref().is_none_or(|behind| order.compare(&place, behind).is_gt()) {
                kept.push((place, record));
            }
            if kept.len() > 2 * limit + 1 {
                sort(&mut kept);
            }
        }
        sort(&mut kept);
        let records = kept.into_iter().map(|(_, record)| record).collect();
        Ok(self.page(records, self.query.count.then_some(total)))
    }

    /// A page of records of which there is one more than fits if another page follows.
    fn page(&self, mut records: Vec<Record>, total: Option<u64>) -> Page {
        let more = records.len() > self.query.limit;
        records.truncate(self.query.limit);
        let last = records.last().filter(|_| more);
        let next = last.map(|record| {
            let SortPlace { values, id } = Order::of(self.query).place(&record.id, &record.body);
            Cursor::new(self.query, self.head.epoch, values, id).encode()
        });
        Page { head: self.head, items: Items::Records(records), next, total }
    }

    async fn count(&self, session: &mut Session) -> Outcome<u64> {
        let kind = self.query.kind;
        if kind == Kind::Requirement && self.query.filters.is_empty() && self.search.is_none() {
            let all = "SELECT coalesce(sum(count), 0)::bigint FROM tally WHERE space = $1";
            let found = session.first(session.statement(all).bind(self.space)).await?;
            return Ok(found.map_or(Ok(0), |row| row.try_get::<i64, _>(0))?.cast_unsigned());
        }
        if self.rest.is_empty() {
            let statement = self.statement(session, self.select("count(*)"));
            let found = session.first(statement).await?;
            return Ok(found.map_or(Ok(0), |row| row.try_get::<i64, _>(0))?.cast_unsigned());
        }
        let statement = self.statement(session, self.select(rows::selection(kind)?));
        let mut found = session.stream(statement);
        let mut total = 0;
        while let Some(row) = found.try_next().await? {
            total += u64::from(self.rest.holds(&rows::read(kind, &row)?));
        }
        Ok(total)
    }

    /// `SELECT ... FROM ... WHERE ...` with the space, the search and the filters.
    fn select(&self, what: &str) -> Text {
        let mut text = Text::default();
        text.push(&format!("SELECT {what} FROM {} WHERE space = ", self.query.kind));
        text.bind(Value::Integer(self.space));
        if let Some(search) = &self.search {
            search.push(&mut text);
        }
        for filter in &self.query.filters {
            condition::add(filter, &mut text, &mut Rest::default());
        }
        text
    }

    /// How much a search finds depends on its terms, so its plan is made for them.
    fn statement<'s>(&self, session: &Session, text: Text) -> Statement<'s> {
        if self.search.is_some() { text.planned(session) } else { text.composed(session) }
    }
}
