//! The gaps of a project: what is wrong or left to do, and why.

use super::analysis::answer;
use super::conditions::Conditions;
use super::params::{Params, invalid, shown};
use super::problems::Reading;
use super::scope::Viewing;
use crate::http::{Answer, App};
use axum::extract::State;
use axum::response::Response;
use rtmx_core::trace::{GapQuery, Gaps, Reason};
use rtmx_core::{Priority, Result, Status};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How many gaps a page holds if the request does not say.
const PAGE_DEFAULT: usize = 100;
/// The most that it may ask for.
const PAGE_MOST: usize = 1_000;
/// The most values that one filter may have.
const VALUES_MOST: usize = 100;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_gaps))
}

/// Answers what is wrong or left to do and why, the gravest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/gaps", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("reason" = Option<String>, Query, description = "Only gaps with this reason; may be repeated: `complete_untested`, `complete_on_incomplete`, `in_cycle`, `self_dependency`, `orphaned_dependency`, `blocked`, `missing`, `partial` or `untested`."),
        ("phase" = Option<String>, Query, description = "Only this phase; empty for requirements without one; may be repeated."),
        ("category" = Option<String>, Query, description = "Only this category, ignoring case; empty for requirements without one; may be repeated."),
        ("priority" = Option<String>, Query, description = "Only this priority; may be repeated."),
        ("status" = Option<String>, Query, description = "Only this status; may be repeated."),
        ("assignee" = Option<String>, Query, description = "Only what is assigned to this person, ignoring case; empty for nobody; may be repeated."),
        ("search" = Option<String>, Query, description = "Only requirements that hold each of these words in their id or the beginning of their text, ignoring case."),
        ("limit" = Option<usize>, Query, description = "At most so many gaps, up to 1,000; 100 if not given."),
        ("offset" = Option<usize>, Query, description = "So many gaps are passed over; none if not given."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Gaps), (status = 304, description = "The client has it already."), Reading))]
async fn get_gaps(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    mut params: Params,
) -> Answer<Response> {
    let mut query = read(&mut params)?;
    query.limit = Some(params.take_limit(PAGE_DEFAULT, PAGE_MOST)?);
    query.offset = params.take_as("offset", "a number")?.unwrap_or(0);
    params.finish()?;
    let question = format!("gaps {query:?}");
    answer(&app, &scope, &conditions, question, move |snapshot| snapshot.matrix.gaps(&query)).await
}

/// The filters of a list of gaps, without its page.
///
/// # Errors
///
/// `parameter_invalid`.
pub(in crate::http) fn read(params: &mut Params) -> Result<GapQuery> {
    let reasons = Reason::ALL.map(Reason::name).join(", ");
    let phase = |text: &str| match text {
        "" => Some(None),
        _ => text.parse().ok().map(Some),
    };
    Ok(GapQuery {
        reasons: each(params, "reason", &reasons, Reason::parse)?,
        phases: each(params, "phase", "the numbers of phases", phase)?,
        categories: each(params, "category", "", |text| Some(text.to_owned()))?,
        priorities: each(params, "priority", &Priority::ALL.map(Priority::name).join(", "), Priority::parse)?,
        statuses: each(params, "status", &Status::ALL.map(Status::name).join(", "), Status::parse)?,
        assignees: each(params, "assignee", "", |text| Some(text.to_owned()))?,
        search: params.take("search")?.filter(|text| !text.trim().is_empty()),
        offset: 0,
        limit: None,
    })
}

/// Every value of a filter.
fn each<T: PartialEq>(
    params: &mut Params,
    name: &'static str,
    expected: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>> {
    let given = params.take_all(name);
    if given.len() > VALUES_MOST {
        return Err(invalid(name, &format!("it may be given at most {VALUES_MOST} times")));
    }
    let mut values = Vec::with_capacity(given.len());
    for text in given {
        let value = read(text.trim());
        let value =
            value.ok_or_else(|| invalid(name, &format!("`{}` is none of {expected}", shown(&text))))?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}
