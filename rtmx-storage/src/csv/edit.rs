//! The one way to edit a requirement.
//!
//! The decision to know: an edit is strict where an import is lenient, because somebody is there to
//! be told. What is not edited keeps the text it came from, and a value that is set to what it
//! already is counts as not edited; a real change drops the row's own bytes, so that an export
//! writes this row anew and every other as it was.

use super::fields::{is_iso_date, split_ids, text_field};
use super::header::known_as;
use super::write::Target;
use crate::import::shown;
use rtmx_core::import::REQUIREMENT_INVALID;
use rtmx_core::{
    CORE_COLUMNS, Column, Effort, Error, Given, Key, Kind, Layout, Priority, Requirement, Result, Status,
};
use std::collections::BTreeSet;

/// Sets the column of this name, a core column or one beyond the 21, to a text.
///
/// Answers whether anything changed. An empty text clears: status and priority to their defaults,
/// everything else to nothing. Lists of ids may be separated by `|`, commas or spaces.
///
/// # Errors
///
/// `requirement_invalid` for a value that the column cannot hold, for `req_id`, and for a name that
/// cannot be a column's; nothing was changed.
pub fn set(requirement: &mut Requirement, name: &str, text: &str) -> Result<bool> {
    let changed = match Column::parse(name) {
        Some(column) => set_core(requirement, column, text)?,
        None => set_extra(requirement, name, text)?,
    };
    if changed {
        requirement.placement.raw = None;
    }
    Ok(changed)
}

/// Checks the id of a requirement that is to be created.
///
/// # Errors
///
/// `requirement_invalid` for an id that cannot be stored, that has spaces around it, or that holds
/// `|`, which separates ids in lists.
pub fn check_id(id: &str) -> Result<()> {
    let why = if id.contains('|') {
        "it holds `|`, which separates ids"
    } else if id.trim() != id {
        "it has spaces around it"
    } else if let Err(error) = Key::new(Kind::Requirement, id).check() {
        return Err(
            invalid(Column::ReqId.name(), id, "1 to 512 bytes without control characters").with_source(error)
        );
    } else {
        return Ok(());
    };
    Err(Error::new(REQUIREMENT_INVALID, format!("cannot use the id `{}`: {why}", shown(id)))
        .with("column", Column::ReqId.name()))
}

/// Makes a layout hold every column in which the requirement has a value.
///
/// Answers whether the layout changed; it must then be written together with the requirement, in
/// the same change set, or an export would leave the value out. New columns follow the file's own;
/// in a project that was never imported, columns beyond the 21 are in the order of their names.
pub fn cover(layout: &mut Layout, requirement: &Requirement) -> bool {
    let present: BTreeSet<&str> = layout.columns.iter().map(String::as_str).collect();
    let has_column =
        |name: &str| present.contains(name) || (layout.columns.is_empty() && Column::parse(name).is_some());
    let core = CORE_COLUMNS.into_iter().filter(|column| has_value(requirement, *column));
    let extra = requirement.extra.iter().filter(|(_, value)| !value.is_empty());
    let mut used: Vec<&str> = core.map(Column::name).collect();
    used.extend(extra.map(|(key, _)| key.as_str()));
    let missing: Vec<String> = used.into_iter().filter(|name| !has_column(name)).map(str::to_owned).collect();
    if missing.is_empty() {
        return false;
    }
    if layout.columns.is_empty() {
        layout.columns = CORE_COLUMNS.iter().map(|column| column.name().to_owned()).collect();
    }
    layout.columns.extend(missing);
    if layout.header.is_empty() {
        let core = |name: &String| CORE_COLUMNS.iter().position(|column| column.name() == name);
        layout.columns.sort_by(|a, b| match (core(a), core(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (None, None) => a.cmp(b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        });
    }
    true
}

/// Copies one column between requirements; answers whether there was anything to copy.
pub(crate) fn copy_column(to: &mut Requirement, from: &Requirement, column: Column) -> bool {
    match column {
        Column::ReqId => return false,
        Column::Status => to.status.clone_from(&from.status),
        Column::Priority => to.priority.clone_from(&from.priority),
        Column::Phase => to.phase.clone_from(&from.phase),
        Column::EffortWeeks => to.effort_weeks.clone_from(&from.effort_weeks),
        Column::Dependencies => to.dependencies.clone_from(&from.dependencies),
        Column::Blocks => to.blocks.clone_from(&from.blocks),
        _ => {
            if let Some(field) = text_field(to, column) {
                *field = from.text_of(column);
            }
        }
    }
    has_value(from, column)
}

/// Whether leaving a column out of a file would lose something.
fn has_value(requirement: &Requirement, column: Column) -> bool {
    match column {
        Column::ReqId => true,
        Column::Status => requirement.status != Given::default(),
        Column::Priority => requirement.priority != Given::default(),
        _ => !Target::Core(column).text("", requirement).is_empty(),
    }
}

fn set_core(requirement: &mut Requirement, column: Column, text: &str) -> Result<bool> {
    if text.contains('\0') {
        return Err(invalid(column.name(), text, "text without NUL characters"));
    }
    if column != Column::ReqId && requirement.text_of(column) == text {
        return Ok(false);
    }
    let wrong = |wanted: &str| Err(invalid(column.name(), text, wanted));
    let trimmed = text.trim();
    match column {
        Column::ReqId => Err(Error::new(
            REQUIREMENT_INVALID,
            "cannot change the id of a requirement: create one with the new id and delete this one",
        )
        .with("column", column.name())),
        Column::Status => match Status::parse(trimmed) {
            Some(status) => Ok(replace(&mut requirement.status, status)),
            None if trimmed.is_empty() => Ok(replace(&mut requirement.status, Status::default())),
            None => wrong("COMPLETE, PARTIAL, MISSING or NOT_STARTED"),
        },
        Column::Priority => match Priority::parse(trimmed) {
            Some(priority) => Ok(replace(&mut requirement.priority, priority)),
            None if trimmed.is_empty() => Ok(replace(&mut requirement.priority, Priority::default())),
            None => wrong("P0, HIGH, MEDIUM or LOW"),
        },
        Column::Phase => match trimmed.parse::<u32>() {
            Ok(phase) if phase >= 1 => Ok(replace(&mut requirement.phase, Some(phase))),
            _ if trimmed.is_empty() => Ok(replace(&mut requirement.phase, None)),
            _ => wrong("a whole number from 1 up, or nothing"),
        },
        Column::EffortWeeks => match trimmed.parse::<f64>().ok().and_then(Effort::from_weeks) {
            Some(effort) => Ok(replace(&mut requirement.effort_weeks, Some(effort))),
            None if trimmed.is_empty() => Ok(replace(&mut requirement.effort_weeks, None)),
            None => wrong("a number of weeks greater than zero, or nothing"),
        },
        Column::Dependencies | Column::Blocks => {
            let (ids, _) = split_ids(text);
            if let Some(id) = ids.iter().find(|id| Key::new(Kind::Requirement, id.as_str()).check().is_err())
            {
                return Err(invalid(column.name(), id, "ids of 1 to 512 bytes without control characters"));
            }
            let field = match column {
                Column::Dependencies => &mut requirement.dependencies,
                _ => &mut requirement.blocks,
            };
            Ok(replace(field, ids))
        }
        Column::StartedDate | Column::CompletedDate if !trimmed.is_empty() && !is_iso_date(trimmed) => {
            wrong("a date like 2026-01-31, or nothing")
        }
        _ => {
            if let Some(field) = text_field(requirement, column) {
                text.clone_into(field);
            }
            Ok(true)
        }
    }
}

/// Replaces a value. The same value keeps the text it came from: a caller who sends back the value
/// that it read did not edit it.
fn replace<T: PartialEq>(field: &mut Given<T>, value: T) -> bool {
    if field.value == value {
        return false;
    }
    *field = Given::canonical(value);
    true
}

fn set_extra(requirement: &mut Requirement, name: &str, text: &str) -> Result<bool> {
    let usable = !name.is_empty()
        && name.len() <= Key::ID_LIMIT_BYTES
        && name.trim() == name
        && !name.contains('\u{feff}')
        && !name.chars().any(char::is_control);
    if !usable {
        let message = format!(
            "cannot use `{}` as the name of a column: it needs 1 to 512 bytes without control characters and without spaces around it",
            shown(name)
        );
        return Err(Error::new(REQUIREMENT_INVALID, message));
    }
    if let Some(column) = known_as(name) {
        let message = format!(
            "cannot use `{name}` as the name of a column: the column `{}` has that name",
            column.name()
        );
        return Err(Error::new(REQUIREMENT_INVALID, message).with("column", column.name()));
    }
    if text.contains('\0') {
        return Err(invalid(name, text, "text without NUL characters"));
    }
    if requirement.extra.get(name).map_or("", String::as_str) == text {
        return Ok(false);
    }
    if text.is_empty() {
        requirement.extra.remove(name);
    } else {
        requirement.extra.insert(name.to_owned(), text.to_owned());
    }
    Ok(true)
}

fn invalid(column: &str, text: &str, wanted: &str) -> Error {
    let message = format!("cannot set `{column}` to `{}`: it takes {wanted}", shown(text));
    Error::new(REQUIREMENT_INVALID, message).with("column", column)
}
