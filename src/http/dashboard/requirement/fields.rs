//! The form of a requirement: every column as a field, with what was typed and what is wrong with it.

use super::columns::{Control, GROUPS, control, form_text, hint, label};
use super::typed::{Faults, Typed};
use crate::http::App;
use crate::http::api::params::shown;
use crate::http::api::scope::Scope;
use crate::index::Snapshot;
use rtmx_core::trace::{Matrix, Vocabulary, is_cross_repo};
use rtmx_core::{Column, Requirement, Result};
use std::sync::Arc;

/// The most words that a field offers.
const WORDS: usize = 100;
/// The most unknown ids that a form names.
const UNKNOWN: usize = 10;

/// A form, ready for its template.
pub(super) struct Fields {
    pub(super) groups: Vec<Group>,
    /// The words that fields offer: the id of the list and its words.
    pub(super) lists: Vec<(&'static str, Vec<String>)>,
    /// What is wrong, with the field that it is about: its id in the page, its label, the message.
    pub(super) faults: Vec<(String, String, String)>,
}

/// Fields that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) is_open: bool,
    pub(super) fields: Vec<Field>,
}

/// One column in a form.
pub(super) struct Field {
    /// The name under which it is sent.
    pub(super) name: String,
    /// Its id in the page.
    pub(super) id: String,
    pub(super) label: String,
    pub(super) shape: Shape,
    pub(super) value: String,
    pub(super) hint: Option<String>,
    pub(super) fault: Option<String>,
    /// The list of words that it offers.
    pub(super) list: Option<&'static str>,
}

/// How a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Number,
    Date,
    /// So many lines.
    Area(usize),
    Choice(&'static [&'static str]),
}

impl Field {
    /// The words that describe it, by their ids in the page.
    pub(super) fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let fault = self.fault.as_ref().map(|_| format!("{}-fault", self.id));
        fault.into_iter().chain(hint).collect::<Vec<_>>().join(" ")
    }

    /// A column beyond the 21, or another one by its name.
    pub(super) fn by_name(name: &str, number: usize, value: String, fault: Option<String>) -> Field {
        if let Some(column) = Column::parse(name) {
            return Field::of(column, value, None, fault);
        }
        let label = name.strip_prefix("extra.").unwrap_or(name).to_owned();
        let shape = if is_long(&value) { area(&value) } else { Shape::Line };
        let id = format!("extra-{number}");
        Field { name: name.to_owned(), id, label, shape, value, hint: None, fault, list: None }
    }

    fn of(column: Column, value: String, hint: Option<String>, fault: Option<String>) -> Field {
        let list = match column {
            Column::Category => Some("categories"),
            Column::Subcategory => Some("subcategories"),
            Column::Assignee => Some("assignees"),
            Column::Sprint => Some("sprints"),
            Column::Phase => Some("phases"),
            _ => None,
        };
        let is_date = |text: &str| text.is_empty() || (text.len() == 10 && text.split('-').count() == 3);
        let shape = match control(column) {
            Control::Area => area(&value),
            // A line would swallow line breaks, and a date what is none.
            _ if is_long(&value) => area(&value),
            Control::Date if is_date(&value) => Shape::Date,
            Control::Choice(words) => Shape::Choice(words),
            Control::Number => Shape::Number,
            Control::Date | Control::Line => Shape::Line,
        };
        let name = column.name().to_owned();
        let id = format!("field-{name}");
        Field { name, id, label: label(column).to_owned(), shape, value, hint, fault, list }
    }
}

fn is_long(value: &str) -> bool {
    value.contains(['\n', '\r']) || value.chars().count() > 120
}

fn area(value: &str) -> Shape {
    let lines = value.lines().map(|line| line.chars().count() / 80 + 1).sum::<usize>();
    Shape::Area(lines.clamp(3, 20))
}

/// The fields of a form over `stored`, with what was typed.
pub(super) async fn fields(
    app: &App,
    scope: &Scope,
    id: &str,
    stored: &Requirement,
    typed: &Typed,
    faults: &Faults,
) -> Result<Fields> {
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let words = Arc::clone(&snapshot).answer("vocabulary".to_owned(), vocabulary).await?;
    let words: Vocabulary = serde_json::from_slice(&words).unwrap_or_default();
    let (requirement, _) = typed.apply(stored);
    let unknown = unknown_ids(&snapshot.matrix, id, &requirement);
    let mut groups: Vec<Group> = Vec::new();
    for group in &GROUPS {
        let field = |column: &Column| {
            let value = typed.get(column.name()).map(str::to_owned);
            let value = value.unwrap_or_else(|| form_text(stored, *column));
            let hint = hint_of(*column, stored, &unknown);
            Field::of(*column, value, hint, faults.get(column.name()).cloned())
        };
        let fields: Vec<Field> = group.columns.iter().map(field).collect();
        let is_open = group.is_open || fields.iter().any(|field| field.fault.is_some());
        groups.push(Group { title: group.title, is_open, fields });
    }
    let mut names: Vec<&str> = stored.extra.keys().map(String::as_str).chain(typed.extras()).collect();
    names.sort_unstable();
    names.dedup();
    let extra = names.into_iter().enumerate().map(|(number, name)| {
        let key = format!("extra.{name}");
        let now = || stored.extra.get(name).cloned().unwrap_or_default();
        let value = typed.get(&key).map_or_else(now, str::to_owned);
        Field::by_name(&key, number, value, faults.get(&key).cloned())
    });
    let fields: Vec<Field> = extra.collect();
    let is_open = fields.iter().any(|field| field.fault.is_some());
    groups.push(Group { title: "Other columns", is_open, fields });
    let told = groups
        .iter()
        .flat_map(|group| &group.fields)
        .filter_map(|field| field.fault.clone().map(|fault| (field.id.clone(), field.label.clone(), fault)));
    let faults = told.collect();
    let lists = vec![
        ("categories", words.categories),
        ("subcategories", words.subcategories),
        ("assignees", words.assignees),
        ("sprints", words.sprints),
        ("phases", words.phases),
    ];
    Ok(Fields { groups, lists, faults })
}

fn vocabulary(snapshot: &Snapshot) -> Vocabulary {
    snapshot.matrix.vocabulary(WORDS)
}

fn hint_of(column: Column, stored: &Requirement, unknown: &[String]) -> Option<String> {
    let given = match column {
        Column::Status => stored.status.given.as_ref(),
        Column::Priority => stored.priority.given.as_ref(),
        _ => None,
    };
    if let Some(given) = given {
        return Some(format!("The file says `{}`; that stays unless you choose another.", shown(given)));
    }
    let hint = hint(column).map(str::to_owned);
    if column != Column::Dependencies || unknown.is_empty() {
        return hint;
    }
    let named = unknown.iter().take(UNKNOWN).map(|id| shown(id)).collect::<Vec<_>>().join(", ");
    let more = unknown.len().saturating_sub(UNKNOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let exist = if unknown.len() == 1 { "does" } else { "do" };
    Some(format!("{} Not here yet: {named}{more} {exist} not exist.", hint.unwrap_or_default()))
}

/// What the requirement names and does not exist.
fn unknown_ids(matrix: &Matrix, id: &str, requirement: &Requirement) -> Vec<String> {
    let named = requirement.dependencies.value.iter();
    named.filter(|other| *other != id && !matrix.contains(other) && !is_cross_repo(other)).cloned().collect()
}
