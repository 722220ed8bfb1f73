//! Several rows of one id become one requirement with test links.

use super::read::ReadRow;
use super::refuse::{Faults, rows_text};
use crate::import::{At, ImportReport, Warning};
use rtmx_core::{CORE_COLUMNS, Column, Given, Key, Kind, Requirement, Status, TestLink};
use std::collections::{BTreeMap, BTreeSet};

/// Merges `others` into `first` by the rule of [`super::Duplicates::Merge`].
pub(super) fn merge(
    first: &mut ReadRow,
    others: Vec<ReadRow>,
    links: &mut Vec<TestLink>,
    faults: &mut Faults,
    report: &mut ImportReport,
) {
    let own = ReadRow {
        id: first.id.clone(),
        requirement: first.requirement.clone(),
        row: first.row,
        line: first.line,
    };
    for other in &others {
        take(&mut first.requirement, &other.requirement);
    }
    if first.requirement != own.requirement {
        first.requirement.placement.raw = None;
    }

    let rows: Vec<u64> = std::iter::once(own.row).chain(others.iter().map(|other| other.row)).collect();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    let before = links.len();
    for row in std::iter::once(own).chain(others) {
        let at = At { row: Some(row.row), line: Some(row.line), column: None, req_id: Some(&first.id) };
        let Some(link) = link(&first.id, &first.requirement, &row.requirement) else { continue };
        let key = Key::new(Kind::TestLink, link.record_id());
        if let Err(error) = key.check() {
            faults.invalid_id(at, error.to_string());
            continue;
        }
        if let Some(earlier) = by_id.get(&key.id) {
            report.warn(Warning::TestRepeated, at, || {
                format!(
                    "an earlier row names the test `{}` of `{}` too",
                    link.test_function, link.test_module
                )
            });
            for (name, value) in link.extra {
                links[*earlier].extra.entry(name).or_insert(value);
            }
        } else {
            by_id.insert(key.id, links.len());
            links.push(link);
        }
    }
    let at = At { row: Some(first.row), line: Some(first.line), column: None, req_id: Some(&first.id) };
    let (made, status) = (links.len() - before, first.requirement.status.value);
    report.warn(Warning::RowsMerged, at, || {
        let rows = rows_text(&rows, rows.len());
        format!(
            "{rows} became one requirement with {made} test links; its status is {}, the lowest of the rows",
            status.name()
        )
    });
}

/// What one more row of the same id changes.
fn take(requirement: &mut Requirement, other: &Requirement) {
    if completion(other.status.value) < completion(requirement.status.value) {
        requirement.status = other.status.clone();
    }
    let join = |ids: &mut Given<BTreeSet<String>>, more: &BTreeSet<String>| {
        if !more.is_subset(&ids.value) {
            ids.value.extend(more.iter().cloned());
            ids.given = None;
        }
    };
    join(&mut requirement.dependencies, &other.dependencies.value);
    join(&mut requirement.blocks, &other.blocks.value);
}

fn completion(status: Status) -> u8 {
    match status {
        Status::Complete => 2,
        Status::Partial => 1,
        Status::Missing | Status::NotStarted => 0,
    }
}

/// The link of a row: its test, its status, and whatever it says otherwise than the merged
/// requirement. `None` for a row that names no test and says nothing else.
fn link(id: &str, merged: &Requirement, row: &Requirement) -> Option<TestLink> {
    let mut extra = BTreeMap::new();
    for column in CORE_COLUMNS {
        let own = matches!(
            column,
            Column::ReqId
                | Column::TestModule
                | Column::TestFunction
                | Column::ValidationMethod
                | Column::Status
        );
        let text = row.text_of(column);
        if !own && text != merged.text_of(column) {
            extra.insert(column.name().to_owned(), text);
        }
    }
    let keys: BTreeSet<&String> = merged.extra.keys().chain(row.extra.keys()).collect();
    for key in keys {
        let text = row.extra.get(key);
        if text != merged.extra.get(key) {
            extra.insert(key.clone(), text.cloned().unwrap_or_default());
        }
    }
    if row.placement.surplus != merged.placement.surplus {
        let mut surplus = Vec::new();
        for (index, field) in row.placement.surplus.iter().enumerate() {
            if index > 0 {
                surplus.push(b',');
            }
            super::push_field(&mut surplus, field);
        }
        extra.insert("surplus".into(), String::from_utf8_lossy(&surplus).into_owned());
    }
    let names_test = !row.test_module.trim().is_empty() || !row.test_function.trim().is_empty();
    if !names_test && extra.is_empty() {
        return None;
    }
    let status = row.text_of(Column::Status);
    extra.insert(Column::Status.name().to_owned(), status);
    Some(TestLink {
        req_id: id.to_owned(),
        test_module: row.test_module.clone(),
        test_function: row.test_function.clone(),
        validation_method: row.validation_method.clone(),
        extra,
    })
}
