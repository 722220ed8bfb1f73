//! What can be said of a query without a store. Every engine asks first, so that all refuse alike.

use super::{Field, PAGE_LIMIT, Query, RecordQuery};
use rtmx_core::{Column, Error, Kind, Result, storage};

/// The most sort keys of a query: four of a client's, and the direction of the id for a page that is
/// read backwards.
const SORT_LIMIT: usize = 5;
/// The most values of a filter.
const FILTER_VALUE_LIMIT: usize = 100;

impl Query {
    /// Checks limits, and that filters, search and sort fit the kind.
    ///
    /// # Errors
    ///
    /// `query_invalid`.
    pub fn check(&self) -> Result<()> {
        match self {
            Query::Records(query) => query.check(),
            Query::Ids { ids, .. } => check_ids(ids),
            Query::AsOf { ids, limit, .. } => {
                ids.as_deref().map_or(Ok(()), check_ids)?;
                check_limit(*limit)
            }
            Query::History { key, limit, .. } => {
                key.iter().try_for_each(|key| check_text(&key.id))?;
                check_limit(*limit)
            }
            Query::Tally { .. } => Ok(()),
        }
    }
}

impl RecordQuery {
    /// As [`Query::check`].
    ///
    /// # Errors
    ///
    /// `query_invalid`.
    pub fn check(&self) -> Result<()> {
        check_limit(self.limit)?;
        if self.sort.len() > SORT_LIMIT {
            return Err(invalid(format!(
                "cannot sort by {} columns: the limit is {SORT_LIMIT}",
                self.sort.len()
            )));
        }
        for filter in &self.filters {
            if !(1..=FILTER_VALUE_LIMIT).contains(&filter.any_of.len()) {
                let (field, given) = (&filter.field, filter.any_of.len());
                let message = format!(
                    "the filter on `{field}` has {given} values: 1 to {FILTER_VALUE_LIMIT} are possible"
                );
                return Err(invalid(message));
            }
            filter.any_of.iter().try_for_each(|text| check_text(text))?;
        }
        let extras =
            self.filters.iter().map(|filter| &filter.field).chain(self.sort.iter().map(|sort| &sort.field));
        for field in extras {
            if let Field::Extra(name) = field {
                check_text(name)?;
            }
        }
        self.search.iter().try_for_each(|text| check_text(text))?;
        if self.kind == Kind::Requirement {
            return Ok(());
        }
        let fields =
            self.filters.iter().map(|filter| &filter.field).chain(self.sort.iter().map(|sort| &sort.field));
        if let Some(field) = fields.into_iter().find(|field| **field != Field::Core(Column::ReqId)) {
            let message = format!("a {} has no column `{field}`: only `req_id` can be asked for", self.kind);
            return Err(invalid(message));
        }
        if self.search.is_some() {
            return Err(invalid(format!("a {} cannot be searched for: only requirements can", self.kind)));
        }
        Ok(())
    }
}

fn check_limit(limit: usize) -> Result<()> {
    if (1..=PAGE_LIMIT).contains(&limit) {
        return Ok(());
    }
    Err(invalid(format!("a page cannot hold {limit} entries: 1 to {PAGE_LIMIT} are possible")))
}

fn check_ids(ids: &[String]) -> Result<()> {
    if ids.len() <= PAGE_LIMIT {
        return ids.iter().try_for_each(|id| check_text(id));
    }
    Err(invalid(format!("cannot ask for {} ids at once: the limit is {PAGE_LIMIT}", ids.len())))
}

/// No record has such a text, and PostgreSQL takes none as a value.
fn check_text(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(invalid("no text can be asked for that has the character U+0000".to_owned()));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(storage::QUERY_INVALID, message)
}
