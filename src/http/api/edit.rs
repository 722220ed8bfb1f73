//! From the JSON of a request to an edited requirement.
//!
//! The decision to know: members become the texts of columns and go through the one strict column
//! editor, so that the API and every other way to edit accept the same. A member that says what is
//! there already changes nothing, so a document that was read can be sent back.

use super::nearest::nearest;
use super::params::shown;
use rtmx_core::import::REQUIREMENT_INVALID;
use rtmx_core::{CORE_COLUMNS, Column, Error, Requirement, Result};
use rtmx_storage::csv::edit;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The member that stands for the column `blocks`, which the API shows as derived.
const BLOCKS_GIVEN: &str = "blocks_given";
/// Members that are shown and not edited.
const SHOWN_ONLY: [&str; 5] = ["blocks", "as_given", "revision", "updated_at", "updated_by"];

/// What the JSON of a request means for what it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A new requirement: what is not named is empty.
    New,
    /// The whole requirement: what is not named becomes empty, but for `blocks_given`.
    Whole,
    /// A merge patch (RFC 7396): what is not named stays, `null` clears.
    Patch,
}

/// The requirement as the request wants it.
///
/// # Errors
///
/// `requirement_invalid` with the member.
pub(super) fn edited(
    id: &str,
    base: &Requirement,
    given: &Map<String, Value>,
    mode: Mode,
) -> Result<Requirement> {
    let mut requirement = base.clone();
    check_members(id, given, mode)?;
    for column in CORE_COLUMNS.into_iter().filter(|column| *column != Column::ReqId) {
        let member = if column == Column::Blocks { BLOCKS_GIVEN } else { column.name() };
        let value = match (given.get(member), mode) {
            (Some(value), _) => value,
            (None, Mode::Whole) if column != Column::Blocks => &Value::Null,
            (None, _) => continue,
        };
        let text = text_of(column, member, value)?;
        edit::set(&mut requirement, column.name(), &text)?;
        check_ids(&requirement, column, member, value)?;
    }
    edit_extra(&mut requirement, given.get("extra"), mode)?;
    Ok(requirement)
}

/// The id that the JSON of a new requirement names.
///
/// # Errors
///
/// `requirement_invalid`.
pub(super) fn new_id(given: &Map<String, Value>) -> Result<&str> {
    let id = given.get(Column::ReqId.name()).and_then(Value::as_str);
    let id = id.ok_or_else(|| wrong("req_id", "a new requirement needs its id here, as text"))?;
    edit::check_id(id)?;
    Ok(id)
}

fn check_members(id: &str, given: &Map<String, Value>, mode: Mode) -> Result<()> {
    for (member, value) in given {
        let name = member.as_str();
        if name == Column::ReqId.name() {
            if value.as_str() != Some(id) {
                return Err(wrong(
                    name,
                    &format!("the requirement's id is `{}` and cannot be changed", shown(id)),
                ));
            }
        } else if SHOWN_ONLY.contains(&name) {
            if mode != Mode::Whole {
                return Err(wrong(name, shown_only_reason(name)));
            }
        } else if name != "extra" && name != BLOCKS_GIVEN && Column::parse(name).is_none() {
            return Err(unknown_member(name));
        }
    }
    Ok(())
}

fn shown_only_reason(member: &str) -> &'static str {
    match member {
        "blocks" => {
            "it is derived: edit the `dependencies` of the other requirement, or `blocks_given` for the file's column"
        }
        _ => "it is shown and not edited",
    }
}

fn unknown_member(member: &str) -> Error {
    let names = CORE_COLUMNS.into_iter().map(Column::name).chain(["extra", BLOCKS_GIVEN]);
    let advice = match nearest(member, names) {
        Some(near) => format!("there is no such column: did you mean `{near}`?"),
        None => "there is no such column: columns beyond the 21 go into `extra`".to_owned(),
    };
    wrong(member, &advice)
}

fn text_of(column: Column, member: &str, value: &Value) -> Result<String> {
    let wanted = match (column, value) {
        (_, Value::Null) => return Ok(String::new()),
        (Column::Dependencies | Column::Blocks, Value::Array(ids)) => {
            let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
            return ids.map(|ids| ids.join("|")).ok_or_else(|| wrong(member, "each id is a text"));
        }
        (Column::Dependencies | Column::Blocks, _) => "it is a list of ids",
        (Column::Phase | Column::EffortWeeks, Value::Number(number)) => return Ok(number.to_string()),
        (Column::Phase | Column::EffortWeeks, _) => "it is a number or `null`",
        (_, Value::String(text)) => return Ok(text.clone()),
        _ => "it is a text or `null`",
    };
    Err(wrong(member, wanted))
}

/// Refuses ids that a file could not hold: the separators of a list would make several of one.
fn check_ids(requirement: &Requirement, column: Column, member: &str, value: &Value) -> Result<()> {
    let stored = match column {
        Column::Dependencies => &requirement.dependencies.value,
        Column::Blocks => &requirement.blocks.value,
        _ => return Ok(()),
    };
    let wanted: BTreeSet<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if stored.iter().map(String::as_str).eq(wanted) {
        return Ok(());
    }
    Err(wrong(member, "an id in a list cannot be empty and cannot hold `|`, a comma or a space"))
}

fn edit_extra(requirement: &mut Requirement, given: Option<&Value>, mode: Mode) -> Result<()> {
    let nothing = Map::new();
    let (given, clears_others) = match given {
        None => (&nothing, mode == Mode::Whole),
        Some(Value::Null) => (&nothing, true),
        Some(Value::Object(given)) => (given, mode == Mode::Whole),
        Some(_) => return Err(wrong("extra", "it is an object of texts")),
    };
    if clears_others {
        let others = requirement.extra.keys().filter(|name| !given.contains_key(*name));
        for name in others.cloned().collect::<Vec<_>>() {
            edit::set(requirement, &name, "")?;
        }
    }
    for (name, value) in given {
        let text = match value {
            Value::Null => "",
            Value::String(text) => text,
            _ => return Err(wrong("extra", &format!("the value of `{}` is a text or `null`", shown(name)))),
        };
        if Column::parse(name).is_some() {
            return Err(wrong(
                "extra",
                &format!("`{}` is one of the 21 columns, and not an extra one", shown(name)),
            ));
        }
        edit::set(requirement, name, text)?;
    }
    Ok(())
}

fn wrong(member: &str, why: &str) -> Error {
    let member = shown(member);
    Error::new(REQUIREMENT_INVALID, format!("could not take the member `{member}`: {why}"))
        .with("column", member)
}
