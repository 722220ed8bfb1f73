//! The page of health: every rule, whether it is kept, and where it is not.

use super::frame::{Frame, Section, Visiting, page};
use super::gaps::{Rings, rings};
use crate::http::api::params::{Params, invalid, shown};
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rtmx_core::trace::{Check, CheckStatus, Detail, Health, HealthStatus, Rule, Severity};
use std::sync::Arc;

/// How many findings of a rule the page of all rules lists.
const FINDINGS: usize = 10;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    verdict: &'static str,
    class: &'static str,
    parts: Vec<Part>,
    cycles: Rings,
    total: u64,
    only: Option<&'static str>,
}

/// Rules under one heading.
struct Part {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    rules: Vec<RuleRow>,
}

/// A rule and what came of it.
struct RuleRow {
    name: &'static str,
    /// What holds while it is kept.
    sentence: &'static str,
    state: &'static str,
    class: &'static str,
    message: String,
    count: usize,
    is_staged: bool,
    /// The list of exactly the requirements that are concerned, where there is one.
    list: Option<String>,
    findings: Vec<Finding>,
    /// Where the rule is shown with all its findings, if not all are shown.
    whole: Option<String>,
    is_open: bool,
}

/// A finding with links to its rows.
struct Finding {
    id: String,
    address: String,
    other: Option<(String, Option<String>)>,
    message: String,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let only = params.take("rule")?;
    params.finish()?;
    let scope = &visiting.scope;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let health = Arc::clone(&snapshot).remember("health".to_owned(), |it| it.matrix.health()).await?;
    let only = match only {
        Some(name) => Some(named(&health, &name)?),
        None => None,
    };
    let frame = visiting.frame("Health", Some(Section::Health), snapshot.head);
    let cycles = rings(&frame, Arc::clone(&snapshot)).await?;
    let rule = |check: &Check| rule_row(&frame, &snapshot, check, only);
    let of =
        |wanted: &dyn Fn(&Check) -> bool| health.checks.iter().filter(|it| wanted(it)).map(rule).collect();
    let is_hygiene = |check: &Check| check.severity == Severity::Hygiene;
    let broken = |check: &Check| matches!(check.status, CheckStatus::Fail | CheckStatus::Warn);
    let mut parts = vec![
        Part {
            id: "errors",
            title: "Errors",
            about: "The matrix is wrong here.",
            rules: of(&|it| it.status == CheckStatus::Fail),
        },
        Part {
            id: "warnings",
            title: "Warnings",
            about: "The matrix may mislead here.",
            rules: of(&|it| it.status == CheckStatus::Warn && !is_hygiene(it)),
        },
        Part {
            id: "hygiene",
            title: "Hygiene",
            about: "The matrix could be easier to work with. None of these counts for its health.",
            rules: of(&|it| is_hygiene(it)),
        },
        Part { id: "kept", title: "Kept", about: "", rules: of(&|it| !broken(it) && !is_hygiene(it)) },
    ];
    if let Some(only) = only {
        parts.iter_mut().for_each(|part| part.rules.retain(|rule| rule.name == only));
    }
    parts.retain(|part| !part.rules.is_empty());
    let (verdict, class) = match health.status {
        HealthStatus::Healthy => ("Healthy: every rule is kept.", "good"),
        HealthStatus::Warning => ("Warnings: the matrix is sound and may mislead.", "warn"),
        HealthStatus::Unhealthy => ("Unhealthy: the matrix is wrong in places.", "bad"),
    };
    page(&HealthPage { verdict, class, parts, cycles, total: health.stats.total, only, frame })
}

/// The rule of this name.
fn named(health: &Health, name: &str) -> rtmx_core::Result<&'static str> {
    let found = health.checks.iter().map(|check| check.name.name()).find(|known| *known == name);
    found.ok_or_else(|| invalid("rule", &format!("there is no rule `{}`", shown(name))))
}

fn rule_row(
    frame: &Frame,
    snapshot: &crate::index::Snapshot,
    check: &Check,
    only: Option<&'static str>,
) -> RuleRow {
    let (state, class) = match (check.status, check.severity) {
        (CheckStatus::Pass, _) => ("Kept", "good"),
        (CheckStatus::Skip, _) => ("Not applicable", "none"),
        (CheckStatus::Fail, _) => ("Error", "bad"),
        (CheckStatus::Warn, Severity::Hygiene) => ("Could be better", "none"),
        (CheckStatus::Warn, _) => ("Warning", "warn"),
    };
    let name = check.name.name();
    let most = if only.is_some() { usize::MAX } else { FINDINGS };
    let address_of = |id: &String| snapshot.matrix.contains(id).then(|| frame.requirement(id));
    let finding = |detail: &Detail| Finding {
        address: frame.requirement(&detail.req_id),
        id: detail.req_id.clone(),
        other: detail
            .other
            .as_ref()
            .filter(|other| **other != detail.req_id)
            .map(|other| (other.clone(), address_of(other))),
        message: detail.message.clone(),
    };
    RuleRow {
        name,
        sentence: check.name.sentence(),
        state,
        class,
        message: check.message.clone(),
        count: check.count,
        is_staged: check.staged,
        list: list_of(frame, check.name).filter(|_| check.count > 0),
        findings: check.details.iter().take(most).map(finding).collect(),
        whole: (check.details.len() > most).then(|| format!("{}?rule={name}", frame.at("health"))),
        is_open: only.is_some(),
    }
}

/// The list of exactly the requirements that a broken rule concerns.
fn list_of(frame: &Frame, rule: Rule) -> Option<String> {
    let (part, query) = match rule {
        Rule::OrphanedDeps => ("gaps", "reason=orphaned_dependency".to_owned()),
        Rule::Cycles => ("gaps", "reason=in_cycle".to_owned()),
        Rule::SelfDependency => ("gaps", "reason=self_dependency".to_owned()),
        Rule::StatusConsistency => ("gaps", "reason=complete_on_incomplete".to_owned()),
        Rule::TestCoverage | Rule::MissingTestMapping => ("gaps", "reason=untested".to_owned()),
        Rule::GenericOwner => ("requirements", "assignee=&assignee=team".to_owned()),
        Rule::MissingExternalId => ("requirements", "external_id=".to_owned()),
        _ => return None,
    };
    Some(format!("{}?{query}", frame.at(part)))
}
