//! Import: what a file changes in a project.
//!
//! The decision to know: an import is a comparison. [`prepare`] reads what is stored and answers
//! the shortest list of changes that makes it what the file says; a file that was imported before
//! changes nothing. The caller applies the list as one change set against the head that was
//! compared with, so an import is applied whole, or refused because somebody else was faster.
//! Cycles and dependencies on ids that do not exist are accepted: they are findings of the matrix,
//! not mistakes of the file.

mod plan;
mod rank;
mod report;

pub(crate) use report::{At, shown};
pub use report::{Finding, ImportReport, LISTED_PER_WARNING, Warning};

use crate::csv::Parsed;
use crate::query::{PAGE_LIMIT, RecordQuery};
use crate::{Query, StorageBackend};
use plan::Plan;
use rtmx_core::{Body, Change, Cx, Error, Head, Kind, Record, Result, Space, storage};

/// What an import does with requirements that the file does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// They stay, and so do the values of columns that the file does not have.
    ///
    /// When the file has every stored requirement and every column that holds a value, order and
    /// form become the file's; else they stay, columns that are new follow the old ones, and
    /// requirements that are new follow the last that has a place.
    #[default]
    Merge,
    /// They are deleted, with their documents and test links. Order and form become the file's.
    Replace,
}

/// An import that is ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What the file was compared with: to be expected by the change set, with its epoch.
    pub head: Head,
    /// The changes: deletions, then the layout, the requirements in the order of the file, and the
    /// test links. Empty when there is nothing to do.
    pub changes: Vec<Change>,
    /// What the changes do, and what was noticed in the file.
    pub report: ImportReport,
}

/// Compares a file with what is stored.
///
/// Test links of a requirement change only if the file has several rows for it: an export has one
/// row for each requirement, and importing it again must not lose the tests.
///
/// # Errors
///
/// `head_moved` if somebody wrote while the records were read; those of
/// [`StorageBackend::fetch`].
pub async fn prepare(
    cx: &Cx,
    backend: &dyn StorageBackend,
    space: &Space,
    parsed: Parsed,
    mode: ImportMode,
) -> Result<Prepared> {
    let head = backend.head(cx, space).await?;
    let moved = || {
        let message = format!("could not compare the file with `{space}`: it was changed meanwhile");
        Err(Error::new(storage::HEAD_MOVED, message))
    };
    let mut plan = Plan::new(parsed, mode);
    for kind in [Kind::Layout, Kind::Requirement, Kind::TestLink] {
        if kind == Kind::TestLink && !plan.needs_links() {
            continue;
        }
        let mut query = RecordQuery::all(space.clone(), kind);
        loop {
            let page = backend.fetch(cx, &Query::Records(query.clone())).await?;
            if page.head != head {
                return moved();
            }
            query.cursor = page.next.clone();
            for record in page.into_records() {
                compare(&mut plan, record);
            }
            if query.cursor.is_none() {
                break;
            }
        }
    }
    let absent: Vec<String> = plan.ids_to_delete().map(str::to_owned).collect();
    for ids in absent.chunks(PAGE_LIMIT) {
        let query = Query::ids(space.clone(), Kind::RequirementText, ids.iter().cloned());
        let page = backend.fetch(cx, &query).await?;
        if page.head != head {
            return moved();
        }
        for record in page.into_records() {
            compare(&mut plan, record);
        }
    }
    let (changes, report) = plan.finish();
    Ok(Prepared { head, changes, report })
}

fn compare(plan: &mut Plan, record: Record) {
    let Record { id, revision, body } = record;
    match body {
        Body::Layout(layout) => plan.stored_layout(revision, layout),
        Body::Requirement(requirement) => plan.stored_requirement(id, revision, &requirement),
        Body::TestLink(link) => plan.stored_link(id, revision, &link),
        Body::RequirementText(_) => plan.stored_text(id, revision),
        _ => {}
    }
}
