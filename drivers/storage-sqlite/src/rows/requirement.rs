//! A requirement as a row: a column for each of the 21, beside it what the file said, then what the
//! file had beyond them.

use super::cells::to_json;
use super::{Cells, Values};
use crate::error::{Fault, Outcome};
use rtmx_core::{Effort, Given, Placement, Priority, Requirement, Status};
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

/// The number of a status in its column, which is also its sort key.
pub(crate) fn status_number(status: Status) -> i64 {
    match status {
        Status::Complete => 0,
        Status::Partial => 1,
        Status::Missing => 2,
        Status::NotStarted => 3,
    }
}

/// The number of a priority in its column, which is also its sort key.
pub(crate) fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::P0 => 0,
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}

/// The status of a number.
pub(crate) fn status_numbered(number: i64) -> Outcome<Status> {
    let found = Status::ALL.into_iter().find(|status| status_number(*status) == number);
    found.ok_or_else(|| out_of_range("status", number))
}

/// The priority of a number.
pub(crate) fn priority_numbered(number: i64) -> Outcome<Priority> {
    let found = Priority::ALL.into_iter().find(|priority| priority_number(*priority) == number);
    found.ok_or_else(|| out_of_range("priority", number))
}

fn out_of_range(column: &'static str, number: i64) -> Fault {
    Fault::Row { what: "requirement", column, source: format!("{number} is out of range").into() }
}

/// Text as filters compare it.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
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
    let folded = |cells: &mut Cells<'_, '_>| {
        let text = cells.value();
        cells.skip();
        text
    };
    let effort = |weeks: Option<f64>| match weeks {
        Some(weeks) => Effort::from_weeks(weeks).map(Some),
        None => Some(None),
    };
    let ids = |cells: &mut Cells<'_, '_>| -> Outcome<Given<BTreeSet<String>>> {
        Ok(Given { value: cells.json()?, given: cells.value()? })
    };
    // Struct fields are evaluated in the order in which they are written: that of the columns.
    Ok(Requirement {
        category: folded(cells)?,
        subcategory: folded(cells)?,
        status: Given { value: status_numbered(cells.value()?)?, given: cells.value()? },
        priority: Given { value: priority_numbered(cells.value()?)?, given: cells.value()? },
        phase: Given { value: cells.value()?, given: cells.value()? },
        effort_weeks: Given { value: cells.decoded(effort)?, given: cells.value()? },
        assignee: folded(cells)?,
        sprint: folded(cells)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::Column;
    use rtmx_storage::query::{Field, SortValue};

    #[test]
    fn the_numbers_of_status_and_priority_are_their_sort_keys() {
        for status in Status::ALL {
            let requirement = Requirement { status: status.into(), ..Requirement::default() };
            let key = Field::Core(Column::Status).sort_value("x", &requirement);
            assert_eq!(key, SortValue::Number(status_number(status) as f64), "{}", status.name());
        }
        for priority in Priority::ALL {
            let requirement = Requirement { priority: priority.into(), ..Requirement::default() };
            let key = Field::Core(Column::Priority).sort_value("x", &requirement);
            assert_eq!(key, SortValue::Number(priority_number(priority) as f64), "{}", priority.name());
        }
    }
}
