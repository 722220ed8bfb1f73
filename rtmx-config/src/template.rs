//! Files to start from, in which every setting stands commented out: as TOML, and as variables.
//!
//! The lines of one setting are made here alone, so that what is appended to a file at an upgrade looks
//! as it does in a new one.

use crate::reference::{is_bare, parts, push};
use crate::{KeySpec, Kind, Table};

/// A configuration file of RTMX in which every setting stands commented out with its default: removing
/// the `#` from a line changes nothing until its value is edited.
pub fn template() -> String {
    Table::RTMX.template("RTMX")
}

impl Table {
    /// A TOML file in which every setting of `product` stands commented out with its default.
    pub fn template(&self, product: &str) -> String {
        let mut file = format!(
            "# Settings of {product}. Each stands here with its default; to change one, remove the `#` and edit it.\n\
             # Environment variables and flags go before this file. Secrets are better kept in files of their\n\
             # own, which variables that end in `_FILE` name.\n",
        );
        let mut open = "";
        for spec in self.keys() {
            let (section, _) = parts(spec.path);
            if section != open {
                open = section;
                push(&mut file, format_args!("\n[{section}]\n"));
            } else {
                file.push('\n');
            }
            file.push_str(&self.toml_lines(spec));
        }
        file
    }

    /// A file of environment variables in which every setting of `product` stands commented out. Secrets
    /// are named by files.
    pub fn environment_template(&self, product: &str) -> String {
        let mut file = format!(
            "# Settings of {product} as environment variables. Each stands here with its default; to change one,\n\
             # remove the `#` and edit it. A variable that ends in `_FILE` names a file that holds the value:\n\
             # every variable has that form, and secrets should use it.\n",
        );
        let mut open = "";
        for spec in self.keys() {
            let (section, _) = parts(spec.path);
            if section != open {
                open = section;
                push(&mut file, format_args!("\n# Section {section}\n"));
            }
            push(&mut file, format_args!("\n{}", self.environment_lines(spec)));
        }
        file
    }

    /// The lines of one setting in a TOML file, all of them comments.
    pub(crate) fn toml_lines(&self, spec: &KeySpec) -> String {
        let (_, name) = parts(spec.path);
        let mut lines = self.comment(spec);
        push(&mut lines, format_args!(" Variables: {}.\n", self.names(spec).join(", ")));
        match spec.default {
            Some(default) if is_bare(&spec.kind) => push(&mut lines, format_args!("#{name} = {default}\n")),
            Some(default) => push(&mut lines, format_args!("#{name} = {default:?}\n")),
            None => {
                let example = match spec.kind {
                    Kind::List { .. } | Kind::Networks => "[\"...\"]",
                    _ if is_bare(&spec.kind) => "...",
                    _ => "\"...\"",
                };
                push(&mut lines, format_args!("# It has no default.\n# {name} = {example}\n"));
            }
        }
        lines
    }

    /// The lines of one setting in a file of variables, all of them comments.
    pub(crate) fn environment_lines(&self, spec: &KeySpec) -> String {
        let variable = self.variable(spec);
        let mut lines = self.comment(spec);
        if !spec.variables.is_empty() {
            push(&mut lines, format_args!(" Also: {}.", spec.variables.join(", ")));
        }
        match (spec.secret, spec.default) {
            (true, _) => {
                let file = spec.path.replace('.', "_");
                push(&mut lines, format_args!("\n#{variable}_FILE=/run/secrets/{file}\n"));
            }
            (false, default) => {
                push(&mut lines, format_args!("\n#{variable}={}\n", default.unwrap_or_default()));
            }
        }
        lines
    }

    fn comment(&self, spec: &KeySpec) -> String {
        format!("# {}\n# It is {}.", spec.doc, spec.kind.wanted())
    }
}
