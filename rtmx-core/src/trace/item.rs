//! One requirement as the lists of backlog and next show it.

use super::matrix::Matrix;
use crate::{Priority, Status};
use serde::{Deserialize, Serialize};

/// A requirement in a list. The full text is in its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    /// Its id.
    pub req_id: String,
    /// The beginning of its text, at most 60 characters.
    pub label: String,
    /// Its category.
    pub category: String,
    /// Its subcategory.
    pub subcategory: String,
    /// Its status.
    pub status: Status,
    /// Its priority.
    pub priority: Priority,
    /// Its phase, if it has one.
    pub phase: Option<u32>,
    /// In weeks; 0 for unknown.
    pub effort_weeks: f64,
    /// Who works on it.
    pub assignee: String,
    /// The version it is planned for.
    pub sprint: String,
    /// Whether a dependency exists and is not complete.
    pub blocked: bool,
    /// How many incomplete requirements depend on it directly.
    pub blocks_count: usize,
    /// How many other incomplete requirements depend on it, directly or through incomplete ones.
    pub transitive_blocks_count: usize,
}

impl Matrix {
    /// The requirement with this id, as lists show it.
    pub fn item(&self, id: &str) -> Option<Item> {
        self.find(id).and_then(|slot| self.item_at(slot))
    }

    pub(super) fn item_at(&self, slot: u32) -> Option<Item> {
        let row = self.at(slot).row.as_ref()?;
        Some(Item {
            req_id: self.id(slot).to_owned(),
            label: row.label.to_string(),
            category: row.category.to_string(),
            subcategory: row.subcategory.to_string(),
            status: row.status,
            priority: row.priority,
            phase: row.phase,
            effort_weeks: row.effort,
            assignee: row.assignee.to_string(),
            sprint: row.sprint.to_string(),
            blocked: self.blocked(slot),
            blocks_count: self.waiting_directly(slot),
            transitive_blocks_count: self.blocking()[slot as usize] as usize,
        })
    }

    /// How many other incomplete requirements depend directly on this one.
    pub(super) fn waiting_directly(&self, slot: u32) -> usize {
        let others = self.at(slot).down.iter().filter(|dependent| **dependent != slot);
        others.filter(|dependent| self.is_incomplete(**dependent)).count()
    }
}

/// A sum of weeks without the noise of binary fractions, so that it does not depend on the order of the
/// summands.
pub(super) fn weeks(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}
