//! What was written to a requirement, for people: who, when, which columns, from what to what.

use super::super::diff::{self, Piece};
use super::super::frame::Frame;
use super::columns::label_of;
use crate::http::App;
use crate::http::api::history::{self, ColumnChange, HistoryView};
use crate::http::api::scope::Scope;
use rtmx_core::{Result, Timestamp};

/// How many writes a page shows.
const PAGE: usize = 20;

/// A page of a requirement's history.
pub(super) struct Past {
    pub(super) writes: Vec<Write>,
    /// The `cursor` of the next page.
    pub(super) next: Option<String>,
}

/// One write.
pub(super) struct Write {
    pub(super) revision: u64,
    pub(super) action: &'static str,
    pub(super) actor: String,
    /// By the writer's clock, for machines and for people.
    pub(super) at: Moment,
    pub(super) note: String,
    pub(super) changes: Vec<Change>,
    /// The requirement as this write left it; none where it is gone.
    pub(super) address: Option<String>,
}

/// One column of a write.
pub(super) struct Change {
    pub(super) label: String,
    pub(super) pieces: Vec<Piece>,
}

/// A point in time, for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http::dashboard) struct Moment {
    pub(in crate::http::dashboard) exact: String,
    pub(in crate::http::dashboard) shown: String,
}

impl Moment {
    /// A time as pages show it: day and minute, in UTC, as the server does not know the reader's zone.
    pub(in crate::http::dashboard) fn of(at: Timestamp) -> Moment {
        Moment { exact: at.to_string(), shown: at.strftime("%Y-%m-%d %H:%M UTC").to_string() }
    }
}

/// The history of a requirement, from a page's `next` on.
pub(super) async fn read(
    app: &App,
    scope: &Scope,
    frame: &Frame,
    id: &str,
    cursor: Option<String>,
) -> Result<Past> {
    let page = history::of_requirement(app, scope, id, PAGE, cursor).await?;
    let own = frame.requirement(id);
    let writes = page.history.into_iter().map(|entry| write(entry, &own)).collect();
    Ok(Past { writes, next: page.next })
}

fn write(entry: HistoryView, own: &str) -> Write {
    let action = match entry.action.as_str() {
        "created" => "created",
        "deleted" => "deleted",
        _ => "changed",
    };
    Write {
        address: (action != "deleted").then(|| format!("{own}?at={}", entry.revision)),
        revision: entry.revision,
        action,
        actor: entry.actor,
        at: Moment::of(entry.at),
        note: entry.note,
        changes: entry
            .changes
            .unwrap_or_default()
            .into_iter()
            .filter(|change| action != "created" || !change.after.is_empty())
            .map(|change| changed(change, action))
            .collect(),
    }
}

fn changed(change: ColumnChange, action: &str) -> Change {
    let ColumnChange { column, before, after } = change;
    // What a new requirement is compared with was never there.
    let before = if action == "created" { String::new() } else { before };
    Change { label: label_of(&column), pieces: diff::words(&before, &after) }
}
