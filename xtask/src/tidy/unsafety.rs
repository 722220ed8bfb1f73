//! The `unsafe` rule: only the crates at the C boundary and the crash laboratory hold it, and each use
//! says why it holds.

use super::Fault;
use super::tree::Tree;

// The crash laboratory plants faults into connections that are the driver's own.
const ALLOWED: [&str; 3] = ["drivers/abi/", "drivers/loader/", "tests/crash-lab/"];

/// No `unsafe` outside the two crates; inside them, a `// SAFETY:` comment within the lines before.
pub(super) fn only_at_the_c_boundary(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in &tree.sources {
        let allowed = ALLOWED.iter().any(|dir| source.path.starts_with(dir));
        for at in source.words("unsafe") {
            let line = source.line(at);
            let place = format!("{}:{line}", source.path);
            if !allowed {
                faults.push(Fault::new(place, "`unsafe` belongs into drivers/abi and drivers/loader only"));
            } else if !source
                .comments
                .lines()
                .skip(line.saturating_sub(4))
                .take(4)
                .any(|l| l.contains("SAFETY:"))
            {
                faults.push(Fault::new(
                    place,
                    "`unsafe` without a `// SAFETY:` comment in the three lines before",
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_found_unless_it_is_at_the_boundary_and_explained() {
        // path, text, faults
        let cases = [
            ("rtmx-core/src/a.rs", "fn f() { unsafe { g() } }", 1),
            ("tests/a.rs", "unsafe fn f() {}", 1),
            ("src/a.rs", "// unsafe is not used here\n", 0),
            ("drivers/loader/src/a.rs", "unsafe { g() }", 1),
            ("drivers/loader/src/a.rs", "// SAFETY: the pointer is ours.\nunsafe { g() }", 0),
        ];
        for (path, text, count) in cases {
            assert_eq!(only_at_the_c_boundary(&Tree::of(&[(path, text)])).len(), count, "{path}: {text}");
        }
    }
}
