//! Names and values of fields, as documents write them.

use super::{Criterion, TestName};
use crate::csv::read_phase;
use rtmx_core::{Column, Effort, Priority, Status};
use std::collections::BTreeSet;

/// The column that a heading or a metadata entry of this name stands for.
pub(super) fn column(name: &str) -> Option<Column> {
    let name = name.trim().to_ascii_lowercase();
    Some(match name.as_str() {
        "category" => Column::Category,
        "subcategory" => Column::Subcategory,
        "status" => Column::Status,
        "priority" => Column::Priority,
        "phase" => Column::Phase,
        "effort" | "estimated effort" | "effort estimate" | "effort weeks" => Column::EffortWeeks,
        "dependencies" | "depends on" => Column::Dependencies,
        "blocks" => Column::Blocks,
        "validation method" | "validation" => Column::ValidationMethod,
        "test module" => Column::TestModule,
        "test function" => Column::TestFunction,
        "external id" => Column::ExternalId,
        "assignee" => Column::Assignee,
        "sprint" => Column::Sprint,
        "target" | "target value" => Column::TargetValue,
        _ => return None,
    })
}

/// What a field's text comes to.
pub(super) enum Value {
    /// The text that the column takes; empty for "none".
    Read(String),
    /// It says something that the column cannot hold.
    Unread,
}

/// Reads the value of a field from its line, or from the lines of its section.
pub(super) fn value(column: Column, text: &str) -> Value {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let plain = plain(item(first).unwrap_or(first));
    let read = |known: Option<String>| known.map_or(Value::Unread, Value::Read);
    let none = is_none(&plain);
    match column {
        Column::Status if !none => {
            read(Status::parse(without_comment(&plain)).map(|status| status.name().into()))
        }
        Column::Priority if !none => {
            read(Priority::parse(without_comment(&plain)).map(|priority| priority.name().into()))
        }
        Column::Phase if !none => read(phase(&plain).map(|phase| phase.to_string())),
        Column::EffortWeeks if !none => read(effort(&plain).map(|effort| effort.to_string())),
        Column::Dependencies | Column::Blocks => {
            Value::Read(ids(text).into_iter().collect::<Vec<_>>().join("|"))
        }
        _ if none => Value::Read(String::new()),
        _ => Value::Read(plain),
    }
}

/// The ids of a list: one each bullet with a comment behind it, or several in one line.
pub(super) fn ids(text: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        match item(line) {
            // Only the first word of a bullet is sure to be an id, unless commas make it a list.
            Some(item) if !without_comment(item).contains([',', '|']) => {
                ids.extend(item.split_whitespace().next().and_then(id));
            }
            _ => ids.extend(
                without_comment(item(line).unwrap_or(line))
                    .split(|c: char| matches!(c, ',' | '|') || c.is_whitespace())
                    .filter_map(id),
            ),
        }
    }
    ids
}

/// A word as an id, without the marks around it. Words that hold brackets, quotes or marks are
/// none: a list in one line could not hold them either.
fn id(word: &str) -> Option<String> {
    const MARKS: [char; 11] = ['`', '*', '[', ']', '(', ')', '.', ',', ';', '"', ':'];
    let id = word.trim_matches(MARKS);
    let begins =
        id.starts_with(|c: char| c.is_alphanumeric() || c == '@') && id.contains(['-', ':', '/', '_']);
    let whole = !id.contains(['(', ')', '[', ']', '`', '"', '*', '|']) && !id.chars().any(char::is_control);
    let short = id.len() <= rtmx_core::Key::ID_LIMIT_BYTES;
    (begins && whole && short && !is_none(id)).then(|| id.to_owned())
}

fn is_none(text: &str) -> bool {
    let text = text.trim_matches(['(', ')', '*', '`', '_', '.', ' ']).to_ascii_lowercase();
    matches!(text.as_str(), "" | "none" | "n/a" | "na" | "-" | "–" | "—" | "tbd")
}

/// `10 (Collaboration)`, `Phase 3`, `3`.
fn phase(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() {
        read_phase(without_comment(text))
    } else {
        digits.parse().ok().filter(|phase| *phase >= 1)
    }
}

/// `2.5 weeks`, `0.5`, `1 week (2 people)`.
fn effort(text: &str) -> Option<Effort> {
    let text = text.trim_start_matches(['~', '≈']).trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = without_comment(unit).trim().trim_end_matches('.').to_ascii_lowercase();
    let weeks = matches!(unit.as_str(), "" | "w" | "wk" | "week" | "weeks");
    number.parse().ok().filter(|_| weeks).and_then(Effort::from_weeks)
}

fn without_comment(text: &str) -> &str {
    text.split('(').next().unwrap_or("").trim()
}

/// A value without the marks that make it bold or code.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    for mark in ["**", "`"] {
        let inner = text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.contains(mark)) {
            return inner.trim().to_owned();
        }
    }
    text.to_owned()
}

/// The text of a list item; `None` for a line that is none.
pub(super) fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(text) = line.strip_prefix(['-', '*', '+']).and_then(|rest| rest.strip_prefix([' ', '\t'])) {
        return Some(text.trim());
    }
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < line.len();
    let rest = digits.strip_prefix(['.', ')']).and_then(|rest| rest.strip_prefix([' ', '\t']));
    rest.filter(|_| numbered).map(str::trim)
}

/// The tests that a section names as `module::function`, one an item.
pub(super) fn tests(body: &str) -> Vec<TestName> {
    let mut tests = Vec::new();
    for item in body.lines().filter_map(item) {
        let word = item
            .split_whitespace()
            .map(|word| word.trim_matches(['`', ',', '.', '(', ')']))
            .find(|word| word.contains("::"));
        let Some((module, function)) = word.and_then(|word| word.split_once("::")) else { continue };
        let test = TestName { module: module.to_owned(), function: function.to_owned() };
        if !test.module.is_empty() && !test.function.is_empty() && !tests.contains(&test) {
            tests.push(test);
        }
    }
    tests
}

/// The criteria of a section: its list items, with the lines that continue them.
pub(super) fn criteria(body: &str) -> Vec<Criterion> {
    let mut criteria: Vec<Criterion> = Vec::new();
    let mut fence = Fence::default();
    for line in body.lines() {
        if fence.holds(line) {
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        match (item(line), criteria.last_mut()) {
            (Some(text), _) => {
                let boxed = [("[ ]", false), ("[x]", true), ("[X]", true)];
                let found =
                    boxed.iter().find_map(|(mark, done)| text.strip_prefix(mark).map(|rest| (rest, *done)));
                let (text, done) = found.map_or((text, None), |(rest, done)| (rest.trim(), Some(done)));
                criteria.push(Criterion { text: text.to_owned(), done });
            }
            (None, Some(last)) if indented && !line.trim().is_empty() => {
                last.text.push(' ');
                last.text.push_str(line.trim());
            }
            _ => {}
        }
    }
    criteria
}

/// Fenced code, in which a line is what it is and no heading.
#[derive(Default)]
pub(super) struct Fence {
    open: Option<(char, usize)>,
}

impl Fence {
    /// The line that closes the code that is still open.
    pub(super) fn closing(&self) -> Option<String> {
        self.open.map(|(mark, length)| mark.to_string().repeat(length))
    }

    /// Whether the line belongs to fenced code, its fences included.
    pub(super) fn holds(&mut self, line: &str) -> bool {
        let line = line.trim();
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| line.chars().take_while(|c| *c == mark).count());
        match (self.open, mark) {
            (Some((open, at_least)), Some(mark)) => {
                if mark == open && length >= at_least && line.len() == length {
                    self.open = None;
                }
                true
            }
            (Some(_), None) => true,
            (None, Some(mark)) if length >= 3 => {
                self.open = Some((mark, length));
                true
            }
            (None, _) => false,
        }
    }
}
