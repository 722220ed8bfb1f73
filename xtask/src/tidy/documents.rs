//! Rules for what must be written down.

use super::Fault;
use super::tree::Tree;

/// Every crate says in its manifest what it is.
pub(super) fn crates_are_described(tree: &Tree) -> Vec<Fault> {
    let silent = tree.members.iter().filter(|member| member.description.trim().is_empty());
    silent.map(|member| Fault::new(format!("{}/Cargo.toml", member.dir), "has no `description`")).collect()
}

/// Every source file opens with `//!`.
pub(super) fn files_open_with_a_header(tree: &Tree) -> Vec<Fault> {
    let header = |line: &str| line.starts_with("//!") || line.starts_with("#![doc = include_str!");
    let first = |text: &str| text.lines().find(|line| !line.starts_with("#![no_")).is_some_and(header);
    let without = tree.sources.iter().filter(|source| !first(&source.text));
    without
        .map(|source| Fault::new(&source.path, "does not open with `//!`: what lives here, what is absent"))
        .collect()
}

/// Every driver has a README that is more than a title.
pub(super) fn drivers_have_a_readme(tree: &Tree) -> Vec<Fault> {
    let drivers = tree.members.iter().filter(|member| member.dir.starts_with("drivers/"));
    let without = drivers.filter(|member| {
        let text = tree.text(&format!("{}/README.md", member.dir)).unwrap_or_default();
        text.lines().filter(|line| !line.trim().is_empty()).count() < 3
    });
    without
        .map(|member| Fault::new(format!("{}/README.md", member.dir), "is missing or says nothing"))
        .collect()
}

/// `docs/architecture.md` names every crate, and no crate that does not exist.
pub(super) fn the_code_map_is_complete(tree: &Tree) -> Vec<Fault> {
    const PAGE: &str = "docs/architecture.md";
    let text = tree.text(PAGE).unwrap_or_default();
    let place = |dir: &str| if dir.is_empty() { "src".to_owned() } else { dir.to_owned() };
    let named = |dir: &str| text.contains(&format!("`{}/`", place(dir)));
    let missing = tree.members.iter().filter(|member| !named(&member.dir));
    let missing =
        missing.map(|m| Fault::new(PAGE, format!("the code map lacks `{}/` ({})", place(&m.dir), m.name)));
    let mentioned = text.split('`').filter_map(|word| word.strip_suffix('/'));
    let ours = mentioned.filter(|dir| {
        let layout = dir.strip_prefix("drivers/").is_some_and(|name| !name.contains(['<', '{']));
        layout || (dir.starts_with("rtmx-") && !dir.contains(['/', '<']))
    });
    let gone = ours.filter(|dir| !tree.members.iter().any(|member| member.dir == *dir));
    let gone = gone
        .map(|dir| Fault::new(PAGE, format!("the code map names `{dir}/`, which is not in the workspace")));
    missing.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_description_is_found() {
        let mut tree = Tree::default().with_member("x", "rtmx-x", &[]);
        assert_eq!(crates_are_described(&tree), []);
        tree.members[0].description.clear();
        assert_eq!(crates_are_described(&tree).len(), 1);
    }

    #[test]
    fn a_file_without_header_is_found() {
        let cases =
            [("//! Says what.\n", 0), ("#![no_main]\n//! Says what.\n", 0), ("use std::fmt;\n", 1), ("", 1)];
        for (text, count) in cases {
            assert_eq!(files_open_with_a_header(&Tree::of(&[("src/a.rs", text)])).len(), count, "{text:?}");
        }
    }

    #[test]
    fn a_driver_without_readme_is_found() {
        let said = Tree::of(&[("drivers/config-x/README.md", "# X\n\nReads x.\n\nSettings: none.\n")]);
        assert_eq!(drivers_have_a_readme(&said.with_member("x", "drivers/config-x", &[])), []);
        let title = Tree::of(&[("drivers/config-x/README.md", "# X\n")]);
        assert_eq!(drivers_have_a_readme(&title.with_member("x", "drivers/config-x", &[])).len(), 1);
    }

    #[test]
    fn the_code_map_lacks_no_crate_and_invents_none() {
        let tree = |text| Tree::of(&[("docs/architecture.md", text)]).with_member("rtmx-x", "rtmx-x", &[]);
        assert_eq!(
            the_code_map_is_complete(&tree("`rtmx-x/` holds x; `drivers/<family>-<name>/` a driver")),
            []
        );
        assert_eq!(the_code_map_is_complete(&tree("nothing")).len(), 1);
        assert_eq!(
            the_code_map_is_complete(&tree("`rtmx-x/` and `rtmx-y/` and `drivers/config-z/`")).len(),
            2
        );
    }
}
