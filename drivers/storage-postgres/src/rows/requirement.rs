//! A requirement as a row: a column for each of the 21, beside it what the file said, then what the
//! file had beyond them and what it is found by.

use super::cells::{Cells, to_json};
use super::columns::{Cell, Column, array_text};
use crate::error::{Fault, Outcome};
use rtmx_core::{Effort, Given, Key, Placement, Priority, Requirement, Status};
use rtmx_storage::columns::{self, folded, priority_number, status_number};
use std::collections::BTreeSet;

pub(super) const COLUMNS: [Column; 36] = [
    Column::text("category"),
    Column::text("category_folded").unread(),
    Column::text("subcategory"),
    Column::text("subcategory_folded").unread(),
    Column::small("status"),
    Column::text("status_given"),
    Column::small("priority"),
    Column::text("priority_given"),
    Column::integer("phase"),
    Column::text("phase_given"),
    Column::float("effort_weeks"),
    Column::text("effort_weeks_given"),
    Column::text("assignee"),
    Column::text("assignee_folded").unread(),
    Column::text("sprint"),
    Column::text("sprint_folded").unread(),
    Column::text("started_date"),
    Column::text("completed_date"),
    Column::text("requirement_text"),
    Column::text("target_value"),
    Column::text("test_module"),
    Column::text("test_function"),
    Column::text("validation_method"),
    Column::text("notes"),
    Column::texts("dependencies"),
    Column::text("dependencies_given"),
    Column::texts("blocks"),
    Column::text("blocks_given"),
    Column::text("requirement_file"),
    Column::text("external_id"),
    Column::json("extra"),
    Column::integer("placement_rank"),
    Column::text("placement_raw"),
    Column::json("placement_surplus"),
    Column::texts("dependency_keys").unread(),
    Column::terms("search"),
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

/// The values of a requirement's columns. `terms` is what it is found by.
pub(super) fn cells(r: &Requirement, terms: String) -> Outcome<Vec<Cell<'_>>> {
    let extra = if r.extra.is_empty() { None } else { Some(to_json(&r.extra)?) };
    let surplus = &r.placement.surplus;
    let surplus = if surplus.is_empty() { None } else { Some(to_json(surplus)?) };
    Ok(vec![
        (&r.category).into(),
        folded(&r.category).into(),
        (&r.subcategory).into(),
        folded(&r.subcategory).into(),
        status_number(r.status.value).into(),
        (&r.status.given).into(),
        priority_number(r.priority.value).into(),
        (&r.priority.given).into(),
        r.phase.value.map(i64::from).into(),
        (&r.phase.given).into(),
        r.effort_weeks.value.map(Effort::weeks).into(),
        (&r.effort_weeks.given).into(),
        (&r.assignee).into(),
        folded(&r.assignee).into(),
        (&r.sprint).into(),
        folded(&r.sprint).into(),
        (&r.started_date).into(),
        (&r.completed_date).into(),
        (&r.requirement_text).into(),
        (&r.target_value).into(),
        (&r.test_module).into(),
        (&r.test_function).into(),
        (&r.validation_method).into(),
        (&r.notes).into(),
        array_text(&r.dependencies.value).into(),
        (&r.dependencies.given).into(),
        array_text(&r.blocks.value).into(),
        (&r.blocks.given).into(),
        (&r.requirement_file).into(),
        (&r.external_id).into(),
        extra.into(),
        r.placement.rank.into(),
        (&r.placement.raw).into(),
        surplus.into(),
        array_text(r.dependencies.value.iter().filter(can_be_an_id)).into(),
        terms.into(),
    ])
}

/// Whether a text is short enough for an id, and so for an index.
fn can_be_an_id(text: &&String) -> bool {
    text.len() <= Key::ID_LIMIT_BYTES
}

pub(super) fn read(cells: &mut Cells<'_>) -> Outcome<Requirement> {
    let effort = |weeks: Option<f64>| match weeks {
        Some(weeks) => Effort::from_weeks(weeks).map(Some),
        None => Some(None),
    };
    let phase = |phase: Option<i64>| match phase {
        Some(phase) => u32::try_from(phase).ok().map(Some),
        None => Some(None),
    };
    let ids = |cells: &mut Cells<'_>| -> Outcome<Given<BTreeSet<String>>> {
        Ok(Given { value: cells.texts()?, given: cells.value()? })
    };
    // Struct fields are evaluated in the order in which they are written: that of the columns that are read.
    Ok(Requirement {
        category: cells.value()?,
        subcategory: cells.value()?,
        status: Given { value: status_numbered(cells.value()?)?, given: cells.value()? },
        priority: Given { value: priority_numbered(cells.value()?)?, given: cells.value()? },
        phase: Given { value: cells.decoded(phase)?, given: cells.value()? },
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
