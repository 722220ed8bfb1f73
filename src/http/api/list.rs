//! The query of a list: filters by column, search, sort, page.

use super::nearest::nearest;
use super::params::{Params, invalid, shown};
use rtmx_core::{CORE_COLUMNS, Column, Error, Kind, Result, Space, server};
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// How many requirements a page holds if the request does not say.
const PAGE_DEFAULT: usize = 100;
/// The most that it may ask for.
const PAGE_MOST: usize = 1_000;
/// The parameters of a list that are no columns.
const OTHERS: [&str; 5] = ["search", "sort", "limit", "cursor", "count"];

/// Reads the query of a list.
pub(in crate::http) enum ListQuery {}

impl ListQuery {
    /// The question that the parameters ask.
    ///
    /// # Errors
    ///
    /// `unknown_filter`, `sort_invalid`, `parameter_invalid`.
    pub(in crate::http) fn read(mut params: Params, space: &Space) -> Result<RecordQuery> {
        let mut query = RecordQuery::all(space.clone(), Kind::Requirement);
        query.search = params.take("search")?.filter(|text| !text.trim().is_empty());
        query.limit = params.take_limit(PAGE_DEFAULT, PAGE_MOST)?;
        query.cursor = params.take("cursor")?;
        query.count = params.take_switch("count")?;
        if let Some(sort) = params.take("sort")? {
            query.sort = read_sort(&sort)?;
        }
        for (name, value) in params.take_rest() {
            let field = Field::parse(&name).map_err(|_| unknown(&name))?;
            match query.filters.iter_mut().find(|filter| filter.field == field) {
                Some(filter) => filter.any_of.push(value),
                None => query.filters.push(Filter { field, any_of: vec![value] }),
            }
        }
        Ok(query)
    }
}

/// Reads chosen columns: `status,extra.risk`, repeated or not. Each counts once.
///
/// # Errors
///
/// `parameter_invalid`.
pub(in crate::http) fn read_columns(given: &[String]) -> Result<Vec<Field>> {
    let mut columns = Vec::new();
    let names = given.iter().flat_map(|names| names.split(',')).map(str::trim);
    for name in names.filter(|name| !name.is_empty()) {
        let field = Field::parse(name).map_err(|_| {
            let near = nearest(name, column_names());
            let advice = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            invalid("columns", &format!("there is no column `{}`{advice}", shown(name)))
        })?;
        if !columns.contains(&field) {
            columns.push(field);
        }
    }
    Ok(columns)
}

/// Reads `-priority,phase`.
fn read_sort(text: &str) -> Result<Vec<Sort>> {
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let mut sort: Vec<Sort> = Vec::new();
    for key in keys {
        let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        let field = Field::parse(name).map_err(|_| {
            let near = nearest(name, column_names());
            let advice = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            Error::new(server::SORT_INVALID, format!("cannot sort by `{}`{advice}", shown(name)))
        })?;
        if sort.iter().any(|earlier| earlier.field == field) {
            return Err(Error::new(server::SORT_INVALID, format!("cannot sort by `{}` twice", shown(name))));
        }
        sort.push(Sort { field, descending });
    }
    if sort.len() > 4 {
        return Err(Error::new(server::SORT_INVALID, format!("cannot sort by {} columns", sort.len())));
    }
    Ok(sort)
}

fn column_names() -> impl Iterator<Item = &'static str> {
    CORE_COLUMNS.into_iter().map(Column::name)
}

fn unknown(name: &str) -> Error {
    let name = shown(name);
    let message = match nearest(&name, column_names().chain(OTHERS)) {
        Some(near) => format!("there is no filter `{name}`: did you mean `{near}`?"),
        None => format!(
            "there is no filter `{name}`: there are the columns by name, and `extra.<name>` for others"
        ),
    };
    Error::new(server::UNKNOWN_FILTER, message).with("parameter", name)
}

/// The filters of a list, for the OpenAPI document: one for each column.
pub(super) enum Filters {}

impl IntoParams for Filters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String).build();
        let parameter = |column: Column| {
            ParameterBuilder::new()
                .name(column.name())
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(format!(
                    "Only requirements with this value in the column `{}`; may be repeated.",
                    column.name()
                )))
                .schema(Some(text()))
                .build()
        };
        CORE_COLUMNS.into_iter().map(parameter).collect()
    }
}
