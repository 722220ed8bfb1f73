//! What a version knows and an operator's file does not mention, as text to append to it.
//!
//! The text is comments alone, so that a file means the same with it, wherever its last line stands; and
//! it is appended, so that what was there stays as it is to the byte. A setting that stands commented
//! out counts as mentioned: appending twice appends nothing.

use crate::reference::parts;
use crate::{KeySpec, Table};
use std::collections::BTreeSet;

/// How an operator's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// TOML, with sections.
    Toml,
    /// Lines `NAME=VALUE`.
    Environment,
}

/// Opens the lines of a section that stands further up, where a second header would be an error.
const IN_SECTION: &str = "In the section [";

impl Table {
    /// The settings that a file neither sets nor has commented out, under their present or a former
    /// name. `set` are the keys that it sets, for a format whose syntax is not known here.
    pub fn not_mentioned(&self, format: FileFormat, text: &str, set: &[String]) -> Vec<&'static KeySpec> {
        let mut mentioned: BTreeSet<String> = set.iter().cloned().collect();
        match format {
            FileFormat::Toml => in_toml(text, &mut mentioned),
            FileFormat::Environment => in_environment(text, &mut mentioned),
        }
        let is_mentioned = |spec: &KeySpec| match format {
            FileFormat::Toml => {
                let mut paths = std::iter::once(&spec.path).chain(spec.formerly);
                paths.any(|path| mentioned.contains(*path))
            }
            FileFormat::Environment => self
                .names(spec)
                .into_iter()
                .any(|name| mentioned.contains(&format!("{name}_FILE")) || mentioned.contains(&name)),
        };
        self.keys().iter().filter(|spec| !is_mentioned(spec)).collect()
    }

    /// What to append to a file so that it mentions these settings: comments, after an empty line. Empty
    /// where there is nothing to mention. `title` says where they come from, such as `RTMX 1.2.0`.
    pub fn appendix(&self, format: FileFormat, text: &str, new: &[&'static KeySpec], title: &str) -> String {
        if new.is_empty() {
            return String::new();
        }
        let mut lines = match format {
            FileFormat::Toml => format!(
                "# Settings of {title} that this file did not mention. Each stands here with its default; to\n\
                 # change one, move it into its section and remove the `#`.\n"
            ),
            FileFormat::Environment => format!(
                "# Settings of {title} that this file did not mention. Each stands here with its default; to\n\
                 # change one, remove the `#` and edit it.\n"
            ),
        };
        let mut open = None;
        for spec in new {
            let (section, _) = parts(spec.path);
            match format {
                FileFormat::Toml => {
                    if open != Some(section) {
                        open = Some(section);
                        lines.push_str(&format!("#\n# {IN_SECTION}{section}]:\n"));
                    }
                    lines.push_str("#\n");
                    lines.push_str(&self.toml_lines(spec));
                }
                FileFormat::Environment => {
                    lines.push_str("#\n");
                    lines.push_str(&self.environment_lines(spec));
                }
            }
        }
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let gap = match text {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        format!("{gap}{lines}").replace('\n', end)
    }
}

/// Adds every key that stands in a TOML text, commented out or not.
fn in_toml(text: &str, mentioned: &mut BTreeSet<String>) {
    let mut section = String::new();
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| c == '#' || c.is_whitespace());
        let header = line.strip_prefix(IN_SECTION).or_else(|| line.strip_prefix('['));
        if let Some((name, _)) = header.and_then(|line| line.split_once(']')) {
            section = name.replace([' ', '\t', '"', '\'', '['], "");
        } else if let Some((name, _)) = line.split_once('=') {
            let name = name.replace([' ', '\t', '"', '\''], "");
            if !section.is_empty() {
                mentioned.insert(format!("{section}.{name}"));
            }
            mentioned.insert(name);
        }
    }
}

/// Adds every variable that stands in a text of lines `NAME=VALUE`, commented out or not.
fn in_environment(text: &str, mentioned: &mut BTreeSet<String>) {
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| c == '#' || c.is_whitespace());
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, _)) = line.split_once('=') {
            mentioned.insert(name.trim().to_owned());
        }
    }
}
