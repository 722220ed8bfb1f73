//! What somebody typed into the form of a requirement, and the requirement that it makes.
//!
//! The decision to know: a text that is what the form showed counts as not typed, so that saving an
//! untouched form writes nothing, whatever the browser made of its line ends. What was typed is kept
//! until it is stored or thrown away by a person; an error or a conflict shows it again.

use super::columns::form_text;
use crate::http::dashboard::form::{Form, typed};
use rtmx_core::{CORE_COLUMNS, Column, Requirement};
use rtmx_storage::csv::edit;
use std::collections::BTreeMap;

/// The texts of a form by column; `extra.<name>` beyond the 21.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    texts: BTreeMap<String, String>,
}

/// What cannot be stored, by column: the message beside the field.
pub(super) type Faults = BTreeMap<String, String>;

impl Typed {
    /// What a form sent. A column whose conflict was decided has the chosen text.
    pub(super) fn of(form: &Form, stored: Option<&Requirement>) -> Typed {
        let mut texts = BTreeMap::new();
        for (name, text) in form.fields().filter(|(name, _)| is_column(name)) {
            let chosen = match form.text(&format!("choose.{name}")) {
                Some("theirs") => stored.map(|stored| text_now(stored, name)),
                Some("mine") => form.text(&format!("mine.{name}")).map(str::to_owned),
                _ => None,
            };
            texts.insert(name.to_owned(), chosen.unwrap_or_else(|| text.to_owned()));
        }
        if let Some(name) = form.text("new_name").map(str::trim).filter(|name| !name.is_empty()) {
            let text = form.text("new_value").unwrap_or_default();
            texts.entry(format!("extra.{name}")).or_insert_with(|| text.to_owned());
        }
        Typed { texts }
    }

    /// The texts that an address names, for a form that is filled in already.
    pub(super) fn prefilled(given: Vec<(String, String)>) -> Typed {
        Typed { texts: given.into_iter().filter(|(name, _)| is_column(name)).collect() }
    }

    /// What was typed for a column, if anything was sent for it.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.texts.get(column).map(String::as_str)
    }

    /// The columns beyond the 21 for which something was sent.
    pub(super) fn extras(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().filter_map(|name| name.strip_prefix("extra."))
    }

    /// The requirement as it was typed, and what of it cannot be stored.
    pub(super) fn apply(&self, to: &Requirement) -> (Requirement, Faults) {
        let mut requirement = to.clone();
        let mut faults = Faults::new();
        for (name, text) in &self.texts {
            let Some(text) = typed(&text_now(to, name), text) else { continue };
            let set = match name.strip_prefix("extra.") {
                Some(extra) if Column::parse(extra).is_some() => {
                    let message = format!("`{extra}` is one of the 21 columns and has its own field");
                    faults.insert(name.clone(), message);
                    continue;
                }
                Some(extra) => edit::set(&mut requirement, extra, &text),
                None => edit::set(&mut requirement, name, &text),
            };
            if let Err(error) = set {
                faults.insert(name.clone(), error.message().to_owned());
            }
        }
        (requirement, faults)
    }
}

/// The text of a column as a form shows it.
pub(super) fn text_now(requirement: &Requirement, name: &str) -> String {
    match (Column::parse(name), name.strip_prefix("extra.")) {
        (Some(column), _) => form_text(requirement, column),
        (None, Some(extra)) => requirement.extra.get(extra).cloned().unwrap_or_default(),
        (None, None) => String::new(),
    }
}

fn is_column(name: &str) -> bool {
    let extra = name.strip_prefix("extra.").is_some_and(|extra| !extra.is_empty());
    extra || CORE_COLUMNS.iter().any(|column| *column != Column::ReqId && column.name() == name)
}
