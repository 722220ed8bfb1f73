//! A numbered page of requirements, on a storage that goes by cursors.

use super::super::commit::requirement_of;
use super::super::params::{Params, invalid, shown};
use super::super::scope::Scope;
use super::UpstreamFilters;
use crate::http::App;
use rtmx_core::{Column, Kind, Priority, Record, Result, Status};
use rtmx_storage::Query;
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};

const PER_PAGE_DEFAULT: u64 = 50;
const PER_PAGE_MOST: u64 = 200;

/// A numbered page of a list.
pub(super) struct List {
    query: RecordQuery,
    pub(super) page: u64,
    pub(super) per_page: u64,
    /// Folded to lower case.
    search: Option<String>,
    pub(super) filters: UpstreamFilters,
}

impl List {
    pub(super) fn read(params: &mut Params, scope: &Scope) -> Result<List> {
        let mut query = RecordQuery::all(scope.space.clone(), Kind::Requirement);
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut filters = UpstreamFilters {
            category: given(params.take("category")?),
            status: given(params.take("status")?),
            priority: given(params.take("priority")?),
            version: given(params.take("version")?),
            assignee: given(params.take("assignee")?),
            search: given(params.take("search")?),
        };
        let named = |name, text: &str| invalid(name, &format!("`{}` is not known", shown(text)));
        if let Some(text) = &filters.status {
            let status = Status::parse(text).ok_or_else(|| named("status", text))?;
            filters.status = Some(status.name().to_owned());
        }
        if let Some(text) = &filters.priority {
            let priority = Priority::parse(text).ok_or_else(|| named("priority", text))?;
            filters.priority = Some(priority.name().to_owned());
        }
        let columns = [
            (Column::Category, &filters.category),
            (Column::Status, &filters.status),
            (Column::Priority, &filters.priority),
            (Column::Sprint, &filters.version),
            (Column::Assignee, &filters.assignee),
        ];
        for (column, value) in columns {
            let any_of = value.iter().cloned().collect();
            if value.is_some() {
                query.filters.push(Filter { field: Field::Core(column), any_of });
            }
        }
        let sorts = [
            Column::ReqId,
            Column::Category,
            Column::Priority,
            Column::Status,
            Column::EffortWeeks,
            Column::Phase,
        ];
        let words = sorts.map(|column| (column.name(), column));
        let field = Field::Core(params.take_word("sort", &words)?.unwrap_or(Column::ReqId));
        let descending = params.take_word("order", &[("asc", false), ("desc", true)])?.unwrap_or(false);
        query.sort = vec![Sort { field, descending }];
        let page = params.take_as("page", "a number from 1")?.unwrap_or(1);
        let per_page = params.take_as("per_page", "a number from 1")?.unwrap_or(PER_PAGE_DEFAULT);
        if page == 0 || per_page == 0 {
            return Err(invalid(if page == 0 { "page" } else { "per_page" }, "it counts from 1"));
        }
        let search = filters.search.as_deref().map(str::to_lowercase);
        Ok(List { query, page, per_page: per_page.min(PER_PAGE_MOST), search, filters })
    }

    /// The page's requirements, and how many there are on all pages.
    ///
    /// Pages are numbered, and the storage goes by cursors, so everything before the page is read; with a
    /// search or a category, whose case counts here, everything.
    pub(super) async fn fetch(&self, app: &App, scope: &Scope) -> Result<(Vec<Record>, u64)> {
        let reads_all = self.search.is_some() || self.filters.category.is_some();
        let from = (self.page - 1).saturating_mul(self.per_page);
        let until = from.saturating_add(self.per_page);
        let mut query = RecordQuery { count: !reads_all, ..self.query.clone() };
        let (mut found, mut seen, mut total) = (Vec::new(), 0, None);
        loop {
            let mut page = app.storage.fetch(&scope.cx, &Query::Records(query.clone())).await?;
            query.cursor = page.next.take();
            total = total.or(page.total);
            query.count = false;
            for record in page.into_records().into_iter().filter(|record| self.matches(record)) {
                if (from..until).contains(&seen) {
                    found.push(record);
                }
                seen += 1;
            }
            if query.cursor.is_none() || (total.is_some() && seen >= until) {
                return Ok((found, total.unwrap_or(seen)));
            }
        }
    }

    fn matches(&self, record: &Record) -> bool {
        let Some(requirement) = requirement_of(record) else { return false };
        let in_category = self.filters.category.as_ref().is_none_or(|wanted| requirement.category == *wanted);
        let holds = |search: &String| {
            let texts = [&record.id, &requirement.requirement_text, &requirement.notes];
            texts.into_iter().any(|text| text.to_lowercase().contains(search.as_str()))
        };
        in_category && self.search.as_ref().is_none_or(holds)
    }
}
