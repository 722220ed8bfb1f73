//! Writing a document from a requirement, around the text that was there.
//!
//! Sections that carry no field (rationale, design, acceptance criteria, notes) are taken over as
//! they stand; a section that carries a field is taken over too when it already says what the
//! requirement says, so that comments beside an id survive.

use super::fields::{Fence, Value, column, ids, value};
use super::parse::first_paragraph;
use super::{Document, Section, Style};
use rtmx_core::{Column, Requirement};
use std::fmt::Write;

/// The fields of the metadata list, in the order of the field's own documents.
const METADATA: [(&str, Column); 13] = [
    ("Category", Column::Category),
    ("Subcategory", Column::Subcategory),
    ("Priority", Column::Priority),
    ("Phase", Column::Phase),
    ("Status", Column::Status),
    ("Effort", Column::EffortWeeks),
    ("Dependencies", Column::Dependencies),
    ("Blocks", Column::Blocks),
    ("Validation Method", Column::ValidationMethod),
    ("Test Module", Column::TestModule),
    ("Test Function", Column::TestFunction),
    ("External ID", Column::ExternalId),
    ("Assignee", Column::Assignee),
];

/// The fields that are headings, and those that are sections below the text.
const HEADINGS: [(&str, Column); 3] =
    [("Status", Column::Status), ("Priority", Column::Priority), ("Phase", Column::Phase)];
const BELOW: [Column; 3] = [Column::Dependencies, Column::Blocks, Column::EffortWeeks];

/// Writes the document of a requirement. With `preserved`, its title and its other sections are kept.
pub fn write(id: &str, requirement: &Requirement, style: Style, preserved: Option<&Document>) -> String {
    let preserved_title = preserved.map(|document| document.title.as_str()).filter(|title| !title.is_empty());
    let title =
        preserved_title.unwrap_or_else(|| requirement.requirement_text.lines().next().unwrap_or("").trim());
    let mut out = if title.is_empty() { format!("# {id}\n") } else { format!("# {id}: {title}\n") };
    let others = Sections { preserved: preserved.map_or(&[], |document| &document.sections) };
    match style {
        Style::Metadata => metadata(&mut out, requirement),
        Style::Headings => headings(&mut out, requirement),
    }
    let (name, other) = match style {
        Style::Metadata => ("Requirement", "Description"),
        Style::Headings => ("Description", "Requirement"),
    };
    let text = others.named(name).or(others.named(other));
    statement(&mut out, name, requirement, text);
    for section in others.to_keep(style) {
        other_section(&mut out, section, requirement);
    }
    if style == Style::Headings {
        test_cases(&mut out, requirement, others.named("Test Cases").or(others.named("Tests")));
        id_list(&mut out, "Dependencies", Column::Dependencies, requirement, &others);
        id_list(&mut out, "Blocks", Column::Blocks, requirement, &others);
        if let Some(effort) = requirement.effort_weeks.value {
            begin(&mut out, "Estimated Effort");
            let _ = writeln!(out, "{effort} weeks");
        }
    }
    out
}

fn begin(out: &mut String, heading: &str) {
    let _ = write!(out, "\n## {heading}\n");
}

/// Appends a section's text. Fenced code that it leaves open is closed, or it would swallow the
/// sections that follow.
fn push_body(out: &mut String, body: &str) {
    let body = body.trim_end();
    out.push_str(body);
    if !body.is_empty() {
        out.push('\n');
    }
    let mut fence = Fence::default();
    for line in body.lines() {
        fence.holds(line);
    }
    if let Some(close) = fence.closing() {
        out.push_str(&close);
        out.push('\n');
    }
}

/// The value of a column in its canonical form: documents hold no leftovers of a file.
fn canonical(requirement: &Requirement, column: Column) -> String {
    match column {
        Column::Status => requirement.status.value.name().to_owned(),
        Column::Priority => requirement.priority.value.name().to_owned(),
        Column::Phase => requirement.phase.value.map(|phase| phase.to_string()).unwrap_or_default(),
        Column::EffortWeeks => {
            requirement.effort_weeks.value.map(|effort| format!("{effort} weeks")).unwrap_or_default()
        }
        Column::Dependencies => requirement.dependencies.value.iter().cloned().collect::<Vec<_>>().join(", "),
        Column::Blocks => requirement.blocks.value.iter().cloned().collect::<Vec<_>>().join(", "),
        _ => one_line(&requirement.text_of(column)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn metadata(out: &mut String, requirement: &Requirement) {
    begin(out, "Metadata");
    for (name, column) in METADATA {
        let text = canonical(requirement, column);
        let ids = matches!(column, Column::Dependencies | Column::Blocks);
        if ids && text.is_empty() {
            let _ = writeln!(out, "- **{name}**: (none)");
        } else if !text.is_empty() {
            let _ = writeln!(out, "- **{name}**: {text}");
        }
    }
}

fn headings(out: &mut String, requirement: &Requirement) {
    out.push('\n');
    for (name, column) in HEADINGS {
        let text = canonical(requirement, column);
        if !text.is_empty() {
            let _ = writeln!(out, "## {name}: {text}");
        }
    }
}

/// The requirement itself: the first paragraph is the matrix's text, what follows stays.
fn statement(out: &mut String, name: &str, requirement: &Requirement, preserved: Option<&Section>) {
    begin(out, name);
    let words = one_line(&requirement.requirement_text);
    let body = preserved.map_or("", |section| section.body.as_str());
    let (said, rest) = first_paragraph(body);
    if preserved.is_some() && (one_line(&said) == words || words.is_empty()) {
        push_body(out, body);
        return;
    }
    let _ = writeln!(out, "\n{}{words}", if words.starts_with(['#', '`', '~', '\\']) { "\\" } else { "" });
    push_body(out, rest);
}

fn test_cases(out: &mut String, requirement: &Requirement, preserved: Option<&Section>) {
    let test =
        requirement.has_test().then(|| format!("{}::{}", requirement.test_module, requirement.test_function));
    if preserved.is_none() && test.is_none() {
        return;
    }
    begin(out, preserved.map_or("Test Cases", |section| section.heading.as_str()));
    let body = preserved.map_or("", |section| section.body.as_str());
    push_body(out, body);
    if let Some(test) = test.filter(|test| !body.contains(test.as_str())) {
        let _ = writeln!(out, "- `{test}`");
    }
}

fn id_list(out: &mut String, name: &str, column: Column, requirement: &Requirement, others: &Sections<'_>) {
    let wanted =
        if column == Column::Blocks { &requirement.blocks.value } else { &requirement.dependencies.value };
    let preserved = others.named(name).filter(|section| ids(&section.body) == *wanted);
    if preserved.is_none() && wanted.is_empty() {
        return;
    }
    begin(out, name);
    match preserved {
        Some(section) => push_body(out, &section.body),
        None => wanted.iter().for_each(|id| {
            let _ = writeln!(out, "- {id}");
        }),
    }
}

/// The sections of the document that was there.
struct Sections<'a> {
    preserved: &'a [Section],
}

impl<'a> Sections<'a> {
    fn named(&self, heading: &str) -> Option<&'a Section> {
        self.preserved.iter().find(|section| section.heading.eq_ignore_ascii_case(heading))
    }

    /// The sections that the style does not write by itself.
    fn to_keep(&self, style: Style) -> impl Iterator<Item = &'a Section> {
        self.preserved.iter().filter(move |section| {
            let name = name_of(section).to_ascii_lowercase();
            match (name.as_str(), column(&name)) {
                ("metadata" | "requirement" | "description", _) => false,
                ("test cases" | "tests", _) => style == Style::Metadata,
                (_, None) => true,
                (_, Some(column)) if style == Style::Metadata => {
                    METADATA.iter().all(|(_, own)| *own != column)
                }
                (_, Some(column)) => {
                    !HEADINGS.iter().any(|(_, own)| *own == column) && !BELOW.contains(&column)
                }
            }
        })
    }
}

fn name_of(section: &Section) -> &str {
    section.heading.split_once(':').map_or(section.heading.as_str(), |(name, _)| name).trim()
}

/// A section that was there: as it stands, unless it says of a column what is no longer so.
fn other_section(out: &mut String, section: &Section, requirement: &Requirement) {
    let inline = section.heading.split_once(':').map_or("", |(_, inline)| inline);
    let text = if inline.trim().is_empty() { section.body.as_str() } else { inline };
    let stale = column(name_of(section))
        .map(|column| (column, canonical(requirement, column)))
        .filter(|(column, wanted)| !matches!(value(*column, text), Value::Read(said) if said == *wanted));
    match stale {
        Some((_, wanted)) if wanted.is_empty() => {}
        Some((_, wanted)) => begin(out, &format!("{}: {wanted}", name_of(section))),
        None => {
            begin(out, &section.heading);
            push_body(out, &section.body);
        }
    }
}
