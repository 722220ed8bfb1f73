//! A requirement as a row: a column for each of the 21, beside it what the file said, then what the
//! file had beyond them.

use super::cells::to_json;
use super::{Cells, Values};
use crate::error::{Fault, Outcome};
use rtmx_core::{Effort, Given, Placement, Priority, Requirement, Status};
use rtmx_storage::columns::{self, folded, priority_number, status_number};
use std::collections::BTreeSet;

pub(super) const COLUMNS: [&str; 34] = [
    "category",
    "category_folded",
    "subcategory",
    "subcategory_folded",
    "status",
    "status_given",
    "priority",
    "priority_given",
    "phase",
    "phase_given",
    "effort_weeks",
    "effort_weeks_given",
    "assignee",
    "assignee_folded",
    "sprint",
    "sprint_folded",
    "started_date",
    "completed_date",
    "requirement_text",
    "target_value",
    "test_module",
    "test_function",
    "validation_method",
    "notes",
    "dependencies",
    "dependencies_given",
    "blocks",
    "blocks_given",
    "requirement_file",
    "external_id",
    "extra",
    "placement_rank",
    "placement_raw",
    "placement_surplus",
];

/// The status of a number.
pub(crate) fn status_numbered(number: i64) -> Outcome<Status> {
    columns::status_numbered(number).ok_or_else(|| out_of_range("status", number))
}

/// The priority of a number.
pub(crate) fn priority_numbered(number: i64) -> Outcome<Priority> {
    columns::priority_numbered(number).ok_or_else(|| out_of_range("priority", number))
}

fn out_of_range(column: &'static str, number: i64) -> Fault {
    Fault::Row { what: "requirement", column, source: format!("{number} is out of range").into() }
}

pub(super) fn values(r: &Requirement) -> Outcome<Values<'_>> {
    let extra = if r.extra.is_empty() { None } else { Some(to_json(&r.extra)?) };
    let surplus = &r.placement.surplus;
    let surplus = if surplus.is_empty() { None } else { Some(to_json(surplus)?) };
    Ok(vec![
        Box::new(&r.category),
        Box::new(folded(&r.category)),
        Box::new(&r.subcategory),
        Box::new(folded(&r.subcategory)),
        Box::new(status_number(r.status.value)),
        Box::new(&r.status.given),
        Box::new(priority_number(r.priority.value)),
        Box::new(&r.priority.given),
        Box::new(r.phase.value),
        Box::new(&r.phase.given),
        Box::new(r.effort_weeks.value.map(Effort::weeks)),
        Box::new(&r.effort_weeks.given),
        Box::new(&r.assignee),
        Box::new(folded(&r.assignee)),
        Box::new(&r.sprint),
        Box::new(folded(&r.sprint)),
        Box::new(&r.started_date),
        Box::new(&r.completed_date),
        Box::new(&r.requirement_text),
        Box::new(&r.target_value),
        Box::new(&r.test_module),
        Box::new(&r.test_function),
        Box::new(&r.validation_method),
        Box::new(&r.notes),
        Box::new(to_json(&r.dependencies.value)?),
        Box::new(&r.dependencies.given),
        Box::new(to_json(&r.blocks.value)?),
        Box::new(&r.blocks.given),
        Box::new(&r.requirement_file),
        Box::new(&r.external_id),
        Box::new(extra),
        Box::new(r.placement.rank),
        Box::new(&r.placement.raw),
        Box::new(surplus),
    ])
}

pub(super) fn read(cells: &mut Cells<'_, '_>) -> Outcome<Requirement> {
    let effort = |weeks: Option<f64>| match weeks {
        Some(weeks) => Effort::from_weeks(weeks).map(Some),
        None => Some(None),
    };
    let ids = |cells: &mut Cells<'_, '_>| -> Outcome<Given<BTreeSet<String>>> {
        Ok(Given { value: cells.texts()?, given: cells.value()? })
    };
    // Struct fields are evaluated in the order in which they are written: that of the columns that are read.
    Ok(Requirement {
        category: cells.value()?,
        subcategory: cells.value()?,
        status: Given { value: status_numbered(cells.value()?)?, given: cells.value()? },
        priority: Given { value: priority_numbered(cells.value()?)?, given: cells.value()? },
        phase: Given { value: cells.value()?, given: cells.value()? },
        effort_weeks: Given { value: cells.decoded(effort)?, given: cells.value()? },
        assignee: cells.value()?,
        sprint: cells.value()?,
        started_date: cells.value()?,
        completed_date: cells.value()?,
        requirement_text: cells.value()?,
        target_value: cells.value()?,
        test_module: cells.value()?,
        test_function: cells.value()?,
        validation_method: cells.value()?,
        notes: cells.value()?,
        dependencies: ids(cells)?,
        blocks: ids(cells)?,
        requirement_file: cells.value()?,
        external_id: cells.value()?,
        extra: cells.json_or_default()?,
        placement: Placement { rank: cells.value()?, raw: cells.value()?, surplus: cells.json_or_default()? },
    })
}
