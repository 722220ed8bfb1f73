//! What a list can be narrowed to: the phases and categories that occur, and the priorities.

use super::address::Address;
use super::list::EMPTY;
use crate::http::App;
use crate::http::api::scope::Scope;
use crate::http::api::status;
use rtmx_core::{Priority, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The most phases or categories that a form offers.
const LIMIT: usize = 200;

/// The choices of a form, with what is chosen.
pub(super) struct Choices {
    pub(super) phases: Vec<Choice>,
    pub(super) categories: Vec<Choice>,
    pub(super) priorities: Vec<Choice>,
}

/// A value that a list can be narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

impl Choices {
    /// The choices of a project. What the address has chosen is among them, whether or not it occurs.
    pub(super) async fn of(app: &App, scope: &Scope, address: &Address) -> Result<Choices> {
        let (_, rows) = status::tally(app, &scope.cx, &scope.space).await?;
        let phases: BTreeSet<(bool, Option<u32>)> =
            rows.iter().map(|row| (row.phase.is_none(), row.phase)).collect();
        let phases = phases.into_iter().map(|(_, phase)| phase.map(|it| it.to_string()).unwrap_or_default());
        // Categories that differ by case alone are one to a filter.
        let categories: BTreeMap<String, &str> =
            rows.iter().map(|row| (row.category.trim().to_lowercase(), row.category.trim())).collect();
        Ok(Choices {
            phases: offer(address, "phase", "No phase", phases),
            categories: offer(
                address,
                "category",
                "No category",
                categories.into_values().map(str::to_owned),
            ),
            priorities: offer(address, "priority", "", Priority::ALL.map(|it| it.name().to_owned())),
        })
    }
}

fn offer(
    address: &Address,
    name: &str,
    nothing: &str,
    values: impl IntoIterator<Item = String>,
) -> Vec<Choice> {
    let fold = |text: &str| text.trim().to_lowercase();
    let chosen: Vec<String> = address.values(name).map(fold).collect();
    let mut offered: Vec<String> = values.into_iter().take(LIMIT).collect();
    for value in address.values(name) {
        if !offered.iter().any(|known| fold(known) == fold(value)) {
            offered.push(value.to_owned());
        }
    }
    let choice = |value: String| {
        let is_chosen = chosen.contains(&fold(&value));
        match value.as_str() {
            "" => Choice { value: EMPTY.to_owned(), name: nothing.to_owned(), is_chosen },
            _ => Choice { name: value.clone(), value, is_chosen },
        }
    };
    offered.into_iter().map(choice).collect()
}
