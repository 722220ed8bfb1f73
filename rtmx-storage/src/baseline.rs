//! Baselines: names for revisions, and what happened between two of them.
//!
//! A comparison reads the feed between the revisions for what was touched, and only that is looked
//! at, so that it costs what changed and not what there is. It holds the touched ids and one chunk
//! of records. What counts as a change is the text of a column as an export would write it; where a
//! row stands in the file does not.

use crate::query::PAGE_LIMIT;
use crate::{FeedPosition, Query, StorageBackend, StorageBackendExt};
use rtmx_core::{
    Baseline, Body, CORE_COLUMNS, Change, Column, Cx, Epoch, Error, Head, Key, Kind, Requirement, Result,
    Revision, Space, Timestamp, storage,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of records that a comparison looks at.
const COMPARED: [Kind; 3] = [Kind::Requirement, Kind::RequirementText, Kind::TestLink];

/// The longest name of a baseline in bytes.
pub const NAME_LIMIT_BYTES: usize = 100;

/// What stands for the newest revision where a baseline's name may stand.
const HEAD_NAME: &str = "head";

/// One difference between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// The record.
    pub key: Key,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a record between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// It is there only in the later one.
    Added,
    /// It is there only in the earlier one.
    Removed,
    /// It is there in both and reads differently.
    Changed {
        /// The columns that differ, in the order of the file; extra columns follow by name.
        fields: Vec<FieldChange>,
    },
}

/// One column before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// The column's name; `extra.<name>` for one beyond the core.
    pub field: String,
    /// The text in the earlier revision.
    pub before: String,
    /// The text in the later revision.
    pub after: String,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Compared {
    /// The earlier revision.
    pub from: Revision,
    /// The later revision.
    pub to: Revision,
    /// How many records were added.
    pub added: u64,
    /// How many were removed.
    pub removed: u64,
    /// How many read differently.
    pub changed: u64,
    /// The first differences, by kind and id; the counts above are of all.
    pub differences: Vec<Difference>,
    /// Whether there are more differences than are listed.
    pub truncated: bool,
}

/// The change that gives a revision a name that is still free.
///
/// # Errors
///
/// `change_set_invalid` for a name that is empty, longer than [`NAME_LIMIT_BYTES`], only digits or
/// `head` (both stand for revisions), or that holds `/` or a control character.
pub fn name_revision(
    name: &str,
    revision: Revision,
    note: impl Into<String>,
    actor: impl Into<String>,
    now: Timestamp,
) -> Result<Change> {
    let why = if name.is_empty() || name.len() > NAME_LIMIT_BYTES {
        "it needs 1 to 100 bytes"
    } else if name == HEAD_NAME || name.bytes().all(|byte| byte.is_ascii_digit()) {
        "numbers and `head` stand for revisions"
    } else if name.contains(|c: char| c == '/' || c.is_control()) {
        "it has `/` or a control character"
    } else {
        let baseline = Baseline { revision, note: note.into(), actor: actor.into(), created_at: now };
        return Ok(Change::create(name, Body::Baseline(baseline)));
    };
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    Err(Error::new(storage::CHANGE_SET_INVALID, format!("cannot name a baseline `{shown}`: {why}")))
}

/// The revision that a baseline's name, a number or `head` stands for.
///
/// # Errors
///
/// `record_not_found` for a name that was never given; `query_invalid` for a number beyond the head.
pub async fn revision_of(
    cx: &Cx,
    backend: &dyn StorageBackend,
    space: &Space,
    name: &str,
) -> Result<Revision> {
    if name == HEAD_NAME {
        return Ok(backend.head(cx, space).await?.revision);
    }
    if let Ok(number) = name.parse() {
        let (revision, head) = (Revision(number), backend.head(cx, space).await?.revision);
        return if revision <= head { Ok(revision) } else { Err(beyond(space, revision, head)) };
    }
    match backend.get(cx, space, &Key::new(Kind::Baseline, name)).await?.body {
        Body::Baseline(baseline) => Ok(baseline.revision),
        other => Err(Error::new(storage::INTERNAL, format!("the baseline `{name}` is a {}", other.kind()))),
    }
}

/// Compares two revisions of a project: all requirements, their texts and test links.
///
/// Lists up to `list_limit` differences and counts all.
///
/// # Errors
///
/// `query_invalid` unless `from` <= `to` <= head; `epoch_changed` if the data is restored meanwhile.
pub async fn compare(
    cx: &Cx,
    backend: &dyn StorageBackend,
    space: &Space,
    from: Revision,
    to: Revision,
    list_limit: usize,
) -> Result<Compared> {
    let head = backend.head(cx, space).await?;
    if to > head.revision {
        return Err(beyond(space, to, head.revision));
    }
    if from > to {
        let message = format!("cannot compare revision {from} with {to}: the earlier one comes first");
        return Err(Error::new(storage::QUERY_INVALID, message));
    }
    let mut compared =
        Compared { from, to, added: 0, removed: 0, changed: 0, differences: Vec::new(), truncated: false };
    let touched = touched(cx, backend, space, head, from, to).await?;
    for (kind, ids) in &touched {
        let ids: Vec<&String> = ids.iter().collect();
        for chunk in ids.chunks(PAGE_LIMIT) {
            let mut before = as_of(cx, backend, space, head.epoch, *kind, from, chunk).await?;
            let mut after = as_of(cx, backend, space, head.epoch, *kind, to, chunk).await?;
            for id in chunk {
                let (before, after) = (before.remove(*id), after.remove(*id));
                let Some(outcome) = outcome(before.as_ref(), after.as_ref()) else { continue };
                match &outcome {
                    Outcome::Added => compared.added += 1,
                    Outcome::Removed => compared.removed += 1,
                    Outcome::Changed { .. } => compared.changed += 1,
                }
                if compared.differences.len() < list_limit {
                    compared.differences.push(Difference { key: Key::new(*kind, *id), outcome });
                } else {
                    compared.truncated = true;
                }
            }
        }
    }
    Ok(compared)
}

/// The ids that were written to between two revisions.
async fn touched(
    cx: &Cx,
    backend: &dyn StorageBackend,
    space: &Space,
    head: Head,
    from: Revision,
    to: Revision,
) -> Result<BTreeMap<Kind, BTreeSet<String>>> {
    let mut touched: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    let mut after = FeedPosition { epoch: Some(head.epoch.short()), revision: from, ordinal: u32::MAX };
    loop {
        let feed = backend.changes(cx, space, after, PAGE_LIMIT, None).await?;
        let over = feed.events.last().is_none_or(|event| event.revision > to);
        let wanted = feed
            .events
            .into_iter()
            .filter(|event| event.revision <= to && COMPARED.contains(&event.key.kind));
        for event in wanted {
            touched.entry(event.key.kind).or_default().insert(event.key.id);
        }
        if over {
            return Ok(touched);
        }
        after = feed.next;
    }
}

async fn as_of(
    cx: &Cx,
    backend: &dyn StorageBackend,
    space: &Space,
    epoch: Epoch,
    kind: Kind,
    at: Revision,
    ids: &[&String],
) -> Result<BTreeMap<String, Body>> {
    let ids = Some(ids.iter().map(|id| (*id).clone()).collect());
    let query = Query::AsOf { space: space.clone(), kind, at, ids, after: None, limit: PAGE_LIMIT };
    let page = backend.fetch(cx, &query).await?;
    if page.head.epoch != epoch {
        return Err(Error::new(storage::EPOCH_CHANGED, "the data was restored during the comparison"));
    }
    Ok(page.into_records().into_iter().map(|record| (record.id, record.body)).collect())
}

fn outcome(before: Option<&Body>, after: Option<&Body>) -> Option<Outcome> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Outcome::Added),
        (Some(_), None) => Some(Outcome::Removed),
        (Some(before), Some(after)) => {
            let fields = field_changes(before, after);
            (!fields.is_empty()).then_some(Outcome::Changed { fields })
        }
    }
}

fn field_changes(before: &Body, after: &Body) -> Vec<FieldChange> {
    let (before, mut after) = (texts(before), texts(after));
    let mut fields = Vec::new();
    for (field, before) in before {
        let place = after.iter().position(|(other, _)| *other == field);
        let after = place.map(|place| after.remove(place).1).unwrap_or_default();
        if before != after {
            fields.push(FieldChange { field, before, after });
        }
    }
    let new = after.into_iter().filter(|(_, text)| !text.is_empty());
    fields.extend(new.map(|(field, after)| FieldChange { field, before: String::new(), after }));
    fields
}

/// The columns of a record as text, in the order in which they are listed.
fn texts(body: &Body) -> Vec<(String, String)> {
    let extras = |extra: &BTreeMap<String, String>| {
        let named = |(name, text): (&String, &String)| (format!("extra.{name}"), text.clone());
        extra.iter().map(named).collect::<Vec<_>>()
    };
    let core = |requirement: &Requirement| {
        let columns = CORE_COLUMNS.into_iter().filter(|column| *column != Column::ReqId);
        columns.map(|column| (column.name().to_owned(), requirement.text_of(column))).collect::<Vec<_>>()
    };
    match body {
        Body::Requirement(requirement) => [core(requirement), extras(&requirement.extra)].concat(),
        Body::RequirementText(text) => vec![("markdown".into(), text.markdown.clone())],
        Body::TestLink(link) => {
            let columns = vec![
                ("req_id".into(), link.req_id.clone()),
                ("test_module".into(), link.test_module.clone()),
                ("test_function".into(), link.test_function.clone()),
                ("validation_method".into(), link.validation_method.clone()),
            ];
            [columns, extras(&link.extra)].concat()
        }
        _ => Vec::new(),
    }
}

fn beyond(space: &Space, revision: Revision, head: Revision) -> Error {
    let message = format!("`{space}` has no revision {revision}: the newest is {head}");
    Error::new(storage::QUERY_INVALID, message).with("head", head)
}
