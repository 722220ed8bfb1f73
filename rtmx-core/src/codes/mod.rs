//! The registry of error codes, one file an area.

pub mod app;
pub mod config;
pub mod deploy;
pub mod import;
pub mod license;
pub mod server;
pub mod storage;
pub mod tool;
pub mod vendor;

use crate::Code;

/// Every code, by area, in the order of declaration.
pub fn all() -> impl Iterator<Item = Code> {
    [
        storage::ALL,
        import::ALL,
        server::ALL,
        config::ALL,
        deploy::ALL,
        app::ALL,
        license::ALL,
        tool::ALL,
        vendor::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_one_meaning_and_follows_the_text_rules() {
        let mut seen = BTreeSet::new();
        for code in all() {
            let e = code.entry();
            assert!(seen.insert(e.id), "`{}` is declared twice", e.id);
            assert!(
                e.id.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()),
                "{}",
                e.id
            );
            assert!(!e.summary.ends_with('.') && !e.summary.is_empty(), "{}: summary is a phrase", e.id);
            let first = e.summary.chars().next().expect("checked above");
            assert!(first.is_lowercase() || e.summary.starts_with("SQLite"), "{}: lower case first", e.id);
            assert!(e.detail.ends_with('.'), "{}: detail is sentences", e.id);
            assert!(e.next.ends_with('.'), "{}: next is sentences", e.id);
            assert!((400..600).contains(&e.status), "{}", e.id);
            assert!(e.exit != 0, "{}", e.id);
            assert_eq!(Code::find(e.id), Some(code));
        }
    }
}
