//! Rules for files as files: length, names, and what must not be left in them.

use super::Fault;
use super::tree::Tree;

/// A file longer than this holds more than one idea.
const REFUSED_ABOVE: usize = 600;
/// A file longer than this is worth a second look.
const WARNED_ABOVE: usize = 400;

fn longer_than(tree: &Tree, least: usize, most: usize) -> Vec<Fault> {
    let lines = tree.sources.iter().map(|source| (&source.path, source.text.lines().count()));
    let long = lines.filter(|(_, count)| *count > least && *count <= most);
    long.map(|(path, count)| {
        Fault::new(path, format!("has {count} lines: split it by idea near {WARNED_ABOVE}"))
    })
    .collect()
}

/// No source file is longer than 600 lines.
pub(super) fn files_stay_short(tree: &Tree) -> Vec<Fault> {
    longer_than(tree, REFUSED_ABOVE, usize::MAX)
}

/// Source files between 400 and 600 lines.
pub(super) fn files_grow_long(tree: &Tree) -> Vec<Fault> {
    longer_than(tree, WARNED_ABOVE, REFUSED_ABOVE)
}

/// No placeholders in code, and no open point without an issue's number.
pub(super) fn nothing_is_unfinished(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in &tree.sources {
        for word in ["todo", "unimplemented", "dbg"] {
            let calls = source.words(word).filter(|at| source.code[at + word.len()..].starts_with('!'));
            for at in calls {
                faults.push(Fault::new(
                    format!("{}:{}", source.path, source.line(at)),
                    format!("`{word}!` is left"),
                ));
            }
        }
    }
    let comments = tree.sources.iter().map(|source| (&source.path, &source.comments));
    for (path, text) in comments.chain(tree.texts.iter().map(|(path, text)| (path, text))) {
        for (at, line) in text.lines().enumerate() {
            if open_points(line).any(|numbered| !numbered) {
                faults.push(Fault::new(
                    format!("{path}:{}", at + 1),
                    "an open point without an issue's number",
                ));
            }
        }
    }
    faults
}

/// For each mark of an open point in the line, quoted ones left out: whether a number such as `(#12)` follows it.
fn open_points(line: &str) -> impl Iterator<Item = bool> + '_ {
    let marks = ["TODO", "FIXME", "XXX"].into_iter().flat_map(|mark| line.match_indices(mark));
    let whole = |(at, mark): &(usize, &str)| {
        let letter =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let before = at.checked_sub(1).and_then(|before| line.as_bytes().get(before));
        !letter(before) && !letter(line.as_bytes().get(at + mark.len()))
    };
    let quoted = |(at, _): &(usize, &str)| line[..*at].matches('`').count() % 2 == 1;
    marks.filter(whole).filter(move |mark| !quoted(mark)).map(|(at, mark)| {
        let rest = line[at + mark.len()..].trim_start_matches([' ', '(']);
        rest.strip_prefix('#').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// No file is a drawer for whatever fits nowhere else.
pub(super) fn files_are_named_after_an_idea(tree: &Tree) -> Vec<Fault> {
    const DRAWERS: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "misc", "shared", "stuff"];
    let drawer = |path: &str| {
        let path = path.strip_suffix(".rs").unwrap_or(path);
        path.split('/').any(|part| DRAWERS.contains(&part))
    };
    let found = tree.sources.iter().filter(|source| drawer(&source.path));
    found.map(|source| Fault::new(&source.path, "name the file after its idea")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_warned_about_and_longer_ones_refused() {
        // lines, refused, warned
        for (lines, refused, warned) in [(400, 0, 0), (401, 0, 1), (600, 0, 1), (601, 1, 0)] {
            let tree = Tree::of(&[("src/a.rs", &"\n".repeat(lines))]);
            assert_eq!(files_stay_short(&tree).len(), refused, "{lines}");
            assert_eq!(files_grow_long(&tree).len(), warned, "{lines}");
        }
    }

    #[test]
    fn placeholders_and_open_points_without_number_are_found() {
        // file, text, faults
        let cases = [
            ("a.rs", "fn f() { todo!() }", 1),
            ("a.rs", "fn f() { let s = \"todo!()\"; }", 0),
            ("a.rs", "fn f() { dbg!(1); unimplemented!() }", 2),
            ("a.rs", "// TODO: later", 1),
            ("a.rs", "// TODO(#12): later", 0),
            ("a.rs", "// see TODOS and NO_TODO", 0),
            ("a.md", "FIXME #7 and FIXME", 1),
            ("a.md", "the status `TODO` counts as MISSING", 0),
        ];
        for (path, text, count) in cases {
            assert_eq!(nothing_is_unfinished(&Tree::of(&[(path, text)])).len(), count, "{text}");
        }
    }

    #[test]
    fn drawers_are_found_as_files_and_as_folders() {
        for (path, count) in [("src/utils.rs", 1), ("tests/common/mod.rs", 1), ("src/backoff.rs", 0)] {
            assert_eq!(files_are_named_after_an_idea(&Tree::of(&[(path, "")])).len(), count, "{path}");
        }
    }
}
