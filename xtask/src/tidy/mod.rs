//! `tidy`: the rules of this workspace that no compiler checks.
//!
//! [`RULES`] is the list; each rule is a function over a [`Tree`], which is a value, so that every
//! rule has a test that shows it can fail. All faults are listed, not only the first.

mod codes;
mod documents;
mod layers;
mod manifests;
mod source;
mod text;
mod tree;
mod unsafety;

use crate::Result;
use crate::workspace::Workspace;
use std::fmt;
use tree::Tree;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    place: String,
    message: String,
}

impl Fault {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Fault>;

const RULES: &[(&str, Rule)] = &[
    ("layers", layers::direction),
    ("runtime-free", layers::runtime_free),
    ("unsafe", unsafety::only_at_the_c_boundary),
    ("lints", manifests::lints_are_inherited),
    ("versions", manifests::versions_come_from_the_workspace),
    ("description", documents::crates_are_described),
    ("header", documents::files_open_with_a_header),
    ("readme", documents::drivers_have_a_readme),
    ("code-map", documents::the_code_map_is_complete),
    ("length", text::files_stay_short),
    ("unfinished", text::nothing_is_unfinished),
    ("file-name", text::files_are_named_after_an_idea),
    ("codes", codes::every_code_is_provoked),
];

/// Runs the check and prints what it found.
///
/// # Errors
///
/// If a rule is broken.
pub(crate) fn run() -> Result<()> {
    check(&Workspace::read()?).map(|rules| println!("{rules} rules hold"))
}

/// Checks all rules and prints warnings and faults; answers the number of rules.
///
/// # Errors
///
/// If a rule is broken.
pub(crate) fn check(workspace: &Workspace) -> Result<usize> {
    let tree = Tree::read(workspace)?;
    for warning in text::files_grow_long(&tree) {
        println!("warning: {warning}");
    }
    let faults = faults(&tree);
    for (rule, fault) in &faults {
        println!("{fault} [{rule}]");
    }
    match faults.len() {
        0 => Ok(RULES.len()),
        1 => Err("1 fault".to_owned()),
        several => Err(format!("{several} faults")),
    }
}

fn faults(tree: &Tree) -> Vec<(&'static str, Fault)> {
    let all = RULES.iter().flat_map(|(name, rule)| rule(tree).into_iter().map(move |fault| (*name, fault)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_cached_key(|(rule, fault)| {
        let (path, line) = fault.place.split_once(':').unwrap_or((&fault.place, ""));
        (path.to_owned(), line.parse::<usize>().unwrap_or(0), fault.message.clone(), *rule)
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_in_one_run() {
        let tree = Tree::of(&[("rtmx-core/src/utils.rs", "fn f() { dbg!(1); unsafe { g() } }\n")]);
        let found: Vec<_> = faults(&tree).into_iter().map(|(rule, _)| rule).collect();
        for rule in ["unsafe", "header", "unfinished", "file-name"] {
            assert!(found.contains(&rule), "{rule} is missing in {found:?}");
        }
    }

    #[test]
    fn this_workspace_is_read_whole() {
        let tree =
            Tree::read(&Workspace::read().expect("cargo reads this workspace")).expect("it can be read");
        assert!(tree.sources.iter().any(|source| source.path == "rtmx-core/src/lib.rs"));
        assert!(tree.texts.iter().any(|(path, _)| path == "Cargo.toml"));
        assert!(tree.sources.iter().all(|source| !source.path.starts_with("target/")));
    }
}
