//! A requirement as the API shows it: one flat object with the 21 columns under their names.
//!
//! The decision to know: `blocks` is derived from what the other requirements depend on. What the
//! file says is `blocks_given`, shown where it differs. Texts that were read leniently (`done`,
//! `Phase 3`) are under `as_given`, beside the value that counts.

use super::conditions::tag_with;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use rtmx_core::trace::Matrix;
use rtmx_core::{Column, Effort, Epoch, Given, Priority, Requirement, Revision, Status, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the members are the columns of the matrix, under their names")]
pub(super) struct RequirementView {
    /// The id. Given once.
    pub(super) req_id: String,
    pub(super) category: String,
    pub(super) subcategory: String,
    pub(super) requirement_text: String,
    pub(super) target_value: String,
    pub(super) test_module: String,
    pub(super) test_function: String,
    pub(super) validation_method: String,
    /// `COMPLETE`, `PARTIAL`, `MISSING` or `NOT_STARTED`.
    pub(super) status: Status,
    /// `P0`, `HIGH`, `MEDIUM` or `LOW`.
    pub(super) priority: Priority,
    /// 1 and up.
    pub(super) phase: Option<u32>,
    pub(super) notes: String,
    /// Greater than zero.
    pub(super) effort_weeks: Option<f64>,
    /// The ids that must be complete before this one.
    #[schema(value_type = Vec<String>)]
    pub(super) dependencies: BTreeSet<String>,
    /// The ids that depend on this one. Derived; not edited here.
    #[schema(value_type = Vec<String>)]
    pub(super) blocks: BTreeSet<String>,
    /// The column `blocks` of the file, where it differs from what is derived.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) blocks_given: Option<BTreeSet<String>>,
    pub(super) assignee: String,
    pub(super) sprint: String,
    pub(super) started_date: String,
    pub(super) completed_date: String,
    pub(super) requirement_file: String,
    pub(super) external_id: String,
    /// The columns beyond the 21, by name.
    pub(super) extra: BTreeMap<String, String>,
    /// For values that were read leniently, the text of the file, by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(super) as_given: BTreeMap<String, String>,
    /// The project's revision at the last write to this requirement.
    pub(super) revision: u64,
    /// When it was last written, by the writer's clock. Only in answers about one requirement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) updated_at: Option<Timestamp>,
    /// Who wrote it last. Only in answers about one requirement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) updated_by: Option<String>,
}

impl RequirementView {
    /// A requirement, and what depends on it by this matrix.
    pub(super) fn new(id: &str, revision: Revision, requirement: &Requirement, matrix: &Matrix) -> Self {
        RequirementView::of(id.to_owned(), revision, requirement.clone(), matrix)
    }

    /// The same of a requirement that nobody else needs: its texts are not copied.
    pub(super) fn of(id: String, revision: Revision, r: Requirement, matrix: &Matrix) -> Self {
        let dependents = matrix.dependents(&id);
        let as_given = as_given(&r);
        let given = r.blocks.value;
        let same = given.iter().map(String::as_str).eq(dependents.iter().copied());
        let (blocks, blocks_given) = if same {
            (given, None)
        } else {
            (dependents.into_iter().map(str::to_owned).collect(), Some(given))
        };
        RequirementView {
            blocks,
            as_given,
            blocks_given,
            req_id: id,
            category: r.category,
            subcategory: r.subcategory,
            requirement_text: r.requirement_text,
            target_value: r.target_value,
            test_module: r.test_module,
            test_function: r.test_function,
            validation_method: r.validation_method,
            status: r.status.value,
            priority: r.priority.value,
            phase: r.phase.value,
            notes: r.notes,
            effort_weeks: r.effort_weeks.value.map(Effort::weeks),
            dependencies: r.dependencies.value,
            assignee: r.assignee,
            sprint: r.sprint,
            started_date: r.started_date,
            completed_date: r.completed_date,
            requirement_file: r.requirement_file,
            external_id: r.external_id,
            extra: r.extra,
            revision: revision.0,
            updated_at: None,
            updated_by: None,
        }
    }

    /// The entity tag: it also changes with what depends on the requirement, which other writes change.
    pub(super) fn tag(&self, epoch: Epoch) -> HeaderValue {
        let digest = if self.blocks.is_empty() { String::new() } else { digest(&self.blocks) };
        tag_with(epoch, Revision(self.revision), &digest)
    }
}

/// An answer as JSON text. Room for what is expected is made at once, because a large text that grows is
/// copied again and again.
pub(super) fn to_json(answer: &impl Serialize, expected_bytes: usize) -> Bytes {
    let mut text = Vec::with_capacity(expected_bytes);
    serde_json::to_writer(&mut text, answer).expect("an answer is plain data");
    text.into()
}

/// An answer that is JSON already.
pub(super) fn json_text(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn digest(ids: &BTreeSet<String>) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn as_given(requirement: &Requirement) -> BTreeMap<String, String> {
    fn text<T>(given: &Given<T>) -> Option<&String> {
        given.given.as_ref()
    }
    let texts = [
        (Column::Status, text(&requirement.status)),
        (Column::Priority, text(&requirement.priority)),
        (Column::Phase, text(&requirement.phase)),
        (Column::EffortWeeks, text(&requirement.effort_weeks)),
        (Column::Dependencies, text(&requirement.dependencies)),
        (Column::Blocks, text(&requirement.blocks)),
    ];
    texts.into_iter().filter_map(|(column, text)| Some((column.name().to_owned(), text?.clone()))).collect()
}
