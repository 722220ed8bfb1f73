//! Reading a document: its first heading, its sections, and the fields that they carry.

use super::fields::{Fence, Value, column, criteria, item, plain, tests, value};
use super::{Document, Section, Style};
use crate::import::shown;
use rtmx_core::{Column, Error, Key, Kind, Result, import};
use std::collections::BTreeMap;

/// How many entries that are no field are listed.
const UNKNOWN_LISTED: usize = 100;

/// Takes a requirement document apart.
///
/// # Errors
///
/// `markdown_invalid` unless the first heading is `# REQ-ID: Title` or `# REQ-ID`, with an id that
/// can be stored, and for a text with NUL characters.
pub fn parse(text: &str) -> Result<Document> {
    if text.contains('\0') {
        let why = "could not read the document: it has a NUL character, which is not text";
        return Err(Error::new(import::MARKDOWN_INVALID, why));
    }
    let (head, sections) = cut(text);
    let (id, title) = title(&head)?;
    let mut document = Document {
        id,
        title,
        style: Style::Headings,
        fields: BTreeMap::new(),
        unread: BTreeMap::new(),
        unknown: Vec::new(),
        tests: Vec::new(),
        acceptance: Vec::new(),
        head,
        sections: Vec::new(),
    };
    for section in &sections {
        read_section(&mut document, section);
    }
    document.sections = sections;
    Ok(document)
}

/// Everything before the first heading of the second level, and the sections that those begin.
fn cut(text: &str) -> (String, Vec<Section>) {
    let mut head = String::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut fence = Fence::default();
    for line in text.split_inclusive('\n') {
        let fenced = fence.holds(line);
        if let Some(heading) = line.strip_prefix("## ").filter(|_| !fenced) {
            let heading = heading.trim().trim_end_matches('#').trim_end().to_owned();
            sections.push(Section { heading, line: line.to_owned(), body: String::new() });
        } else {
            sections.last_mut().map_or(&mut head, |section| &mut section.body).push_str(line);
        }
    }
    (head, sections)
}

fn title(head: &str) -> Result<(String, String)> {
    let invalid =
        |why: String| Error::new(import::MARKDOWN_INVALID, format!("could not read the document: {why}"));
    let mut fence = Fence::default();
    let headings = head.trim_start_matches('\u{feff}').lines().filter(|line| !fence.holds(line));
    let heading = headings.filter_map(|line| line.strip_prefix("# ")).next();
    let heading = heading.ok_or_else(|| invalid("it has no heading `# REQ-ID: Title`".into()))?.trim();
    let split = [": ", " - ", " – ", " — "]
        .iter()
        .filter_map(|mark| heading.split_once(mark))
        .min_by_key(|(id, _)| id.len());
    let (id, title) = split.unwrap_or((heading.trim_end_matches(':'), ""));
    let id = plain(id);
    let one_word = !id.contains(char::is_whitespace) && !id.contains('|') && id.contains('-');
    if !one_word || Key::new(Kind::RequirementText, id.as_str()).check().is_err() {
        return Err(invalid(format!(
            "its heading `{}` does not begin with a requirement id",
            shown(heading)
        )));
    }
    Ok((id, title.trim().to_owned()))
}

fn read_section(document: &mut Document, section: &Section) {
    let (name, inline) = section.heading.split_once(':').unwrap_or((&section.heading, ""));
    if let Some(column) = column(name) {
        let text = if inline.trim().is_empty() { section.body.as_str() } else { inline };
        set(document, column, text);
        return;
    }
    match name.trim().to_ascii_lowercase().as_str() {
        "metadata" => {
            document.style = Style::Metadata;
            for (name, text) in section.body.lines().filter_map(entry) {
                match column(&name) {
                    Some(column) => set(document, column, text),
                    None if document.unknown.len() < UNKNOWN_LISTED => {
                        document.unknown.push(shown(name.trim()));
                    }
                    None => {}
                }
            }
        }
        "requirement" | "description" => {
            let text = first_paragraph(&section.body).0;
            if !text.is_empty() {
                document.fields.entry(Column::RequirementText).or_insert(text);
            }
        }
        "acceptance criteria" => document.acceptance.extend(criteria(&section.body)),
        "test cases" | "tests" => {
            for test in tests(&section.body) {
                document.fields.entry(Column::TestModule).or_insert_with(|| test.module.clone());
                document.fields.entry(Column::TestFunction).or_insert_with(|| test.function.clone());
                document.tests.push(test);
            }
        }
        _ => {}
    }
}

/// The first mention of a field counts.
fn set(document: &mut Document, column: Column, text: &str) {
    match value(column, text) {
        Value::Read(value) => {
            document.fields.entry(column).or_insert(value);
        }
        Value::Unread => {
            document.unread.entry(column).or_insert_with(|| shown(text.trim()));
        }
    }
}

/// An entry of the metadata list: `- **Name**: value`, `- **Name:** value` or `- Name: value`.
fn entry(line: &str) -> Option<(String, &str)> {
    let line = item(line).unwrap_or(line.trim());
    let (name, value) = line.split_once(':')?;
    Some((name.replace('*', ""), value.trim_start_matches('*').trim()))
}

/// A section's first paragraph as one line, and what follows it. Fenced code ends it.
pub(super) fn first_paragraph(body: &str) -> (String, &str) {
    let start = body.len() - body.trim_start().len();
    let mut end = start;
    let mut words: Vec<&str> = Vec::new();
    let mut fence = Fence::default();
    for line in body[start..].split_inclusive('\n') {
        if line.trim().is_empty() || fence.holds(line) {
            break;
        }
        end += line.len();
        let line = line.trim();
        let escaped = line.strip_prefix('\\').filter(|rest| rest.starts_with(['#', '`', '~', '\\']));
        words.push(escaped.unwrap_or(line));
    }
    (words.join(" "), &body[end..])
}
