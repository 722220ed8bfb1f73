//! The error-code rule: every code of the registry is provoked by a test.

use super::Fault;
use super::source::Source;
use super::tree::Tree;

const REGISTRY: &str = "rtmx-core/src/codes/";

/// Every declared code is the second argument of an `assert_code(...)` in test code.
pub(super) fn every_code_is_provoked(tree: &Tree) -> Vec<Fault> {
    let asserted: Vec<(&Source, &str)> = tree.sources.iter().flat_map(assertions).collect();
    let declared = tree.sources.iter().flat_map(declarations);
    let unproven = declared
        .filter(|(_, area, name)| !asserted.iter().any(|(source, call)| names(source, call, area, name)));
    let message = |area: &str, name: &str| {
        format!(
            "no test provokes it: none has `assert_code(found, {area}::{name})`; remove the code if nothing returns it"
        )
    };
    unproven.map(|(place, area, name)| Fault::new(place, message(area, name))).collect()
}

/// Place, area and constant of the codes that a file of the registry declares.
fn declarations(source: &Source) -> Vec<(String, &str, &str)> {
    let Some(area) = source.path.strip_prefix(REGISTRY).and_then(|file| file.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
    let constant =
        |line| str::split_once(line, " = \"").map(|(name, _)| name.trim()).filter(|name| is_name(name));
    let lines = source.text.lines().enumerate();
    lines
        .filter_map(|(at, line)| Some((format!("{}:{}", source.path, at + 1), area, constant(line)?)))
        .collect()
}

/// The arguments of the calls of `assert_code` in test code.
fn assertions(source: &Source) -> Vec<(&Source, &str)> {
    let calls = source.words("assert_code").filter(|at| source.is_test(*at));
    let arguments = calls.filter_map(|at| {
        let open = at + "assert_code".len();
        if source.code.as_bytes().get(open) != Some(&b'(') {
            return None;
        }
        source.group_end(open, b'(', b')').map(|end| (source, &source.code[open..end]))
    });
    arguments.collect()
}

/// Whether the arguments name this constant: with its area, with what the file calls its area, or bare.
fn names(source: &Source, arguments: &str, area: &str, name: &str) -> bool {
    let means_area = |path: &str| path == area || source.code.contains(&format!("{area} as {path}"));
    arguments.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = &arguments[..at];
        let ends = !arguments[at + name.len()..].starts_with(word);
        let begins = match before.strip_suffix("::") {
            Some(path) => path.rsplit(|c| !word(c)).next().is_some_and(means_area),
            None => !before.ends_with(word),
        };
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str =
        "crate::code::codes! {\n    DISK_FULL = \"disk_full\", Unavailable, 507, exit 1,\n    \"x\";\n}\n";

    #[test]
    fn a_code_counts_as_provoked_only_by_an_assertion_in_test_code() {
        // file, text, whether the code counts as provoked
        let cases = [
            ("tests/a.rs", "assert_code(error, storage::DISK_FULL);", true),
            ("tests/a.rs", "assert_code(found, rtmx_core::storage::DISK_FULL);", true),
            ("tests/a.rs", "assert_code(\n    found,\n    DISK_FULL,\n);", true),
            ("tests/a.rs", "use rtmx_core::storage as codes;\nassert_code(error, codes::DISK_FULL);", true),
            ("tests/a.rs", "assert_code(error, codes::DISK_FULL);", false),
            ("tests/a.rs", "assert_code(error, server::DISK_FULL);", false),
            ("tests/a.rs", "assert_code(error, storage::DISK_FULLER);", false),
            ("tests/a.rs", "// assert_code(error, storage::DISK_FULL);", false),
            ("tests/a.rs", "check(error, storage::DISK_FULL);", false),
            ("src/a.rs", "fn f() { assert_code(error, storage::DISK_FULL); }", false),
            (
                "src/a.rs",
                "#[cfg(test)]\nmod tests { fn f() { assert_code(error, storage::DISK_FULL); } }",
                true,
            ),
        ];
        for (path, text, provoked) in cases {
            let tree = Tree::of(&[("rtmx-core/src/codes/storage.rs", DECLARED), (path, text)]);
            assert_eq!(every_code_is_provoked(&tree).is_empty(), provoked, "{path}: {text}");
        }
    }
}
