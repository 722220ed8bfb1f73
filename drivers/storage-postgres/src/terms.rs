//! The search index: what stands for a requirement, and which expression for a search.
//!
//! The terms come from `rtmx-storage`, so that they are the same on every engine; PostgreSQL's own
//! parsers, dictionaries and languages play no part. The first term of a document names its space.

use crate::error::Outcome;
use crate::session::Session;
use rtmx_core::Requirement;
use rtmx_storage::query::{SearchTerms, document_text};

/// The most text of terms that one document has: a `tsvector` ends at 1,048,575 bytes.
///
/// A requirement with more than 100,000 different words is found by those that come first.
const DOCUMENT_LIMIT_BYTES: usize = 1_000_000;

/// The terms of a requirement with spaces between them.
pub(crate) fn document(space: i64, id: &str, requirement: &Requirement) -> String {
    let mut text = space_term(space);
    text.push_str(&document_text(id, requirement));
    if text.len() > DOCUMENT_LIMIT_BYTES {
        let end = text.floor_char_boundary(DOCUMENT_LIMIT_BYTES);
        text.truncate(text[..end].rfind(' ').unwrap_or(end));
    }
    text
}

/// The `tsquery` that finds the documents of a space that hold all terms.
///
/// Terms are letters, digits and `-`, `_`, `.`, `/`: nothing that would end a quote.
pub(crate) fn expression(space: i64, terms: &SearchTerms) -> String {
    let mut expression = format!("'{}'", space_term(space));
    for term in &terms.whole {
        expression.push_str(&format!(" & '{term}'"));
    }
    if let Some(prefix) = &terms.prefix {
        expression.push_str(&format!(" & '{prefix}':*"));
    }
    expression
}

/// Lets the search indexes put aside whatever the transaction writes, for [`gather`] to bring in.
///
/// Source: PostgreSQL manual, "GIN Fast Update Technique".
pub(crate) async fn take_all_at_once(session: &mut Session) -> Outcome<()> {
    session.script("SET LOCAL gin_pending_list_limit = '1GB'".into()).await
}

/// Brings what was put aside into the search indexes: quicker than a little at a time, and before
/// anybody else's write has to. For a role that does not own them, autovacuum does it.
pub(crate) async fn gather(session: &mut Session) -> Outcome<()> {
    session.script("SET LOCAL maintenance_work_mem = '64MB'".into()).await?;
    let text = "SELECT gin_clean_pending_list(oid) FROM pg_catalog.pg_class \
         WHERE oid IN ('requirement_by_term'::regclass, 'requirement_by_dependency'::regclass) \
         AND pg_catalog.pg_has_role(relowner, 'USAGE')";
    session.execute(session.statement(text)).await?;
    Ok(())
}

/// No term of a document begins with `@`.
fn space_term(space: i64) -> String {
    format!("@{space}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_end_is_cut_between_two_terms() {
        let notes = (0..200_000).map(|n| format!("wörd{n} ")).collect::<String>();
        let requirement = Requirement { notes, ..Requirement::default() };
        let text = document(7, "REQ-1", &requirement);
        assert!(text.len() <= DOCUMENT_LIMIT_BYTES && text.len() > DOCUMENT_LIMIT_BYTES - 20);
        assert!(text.starts_with("@7 "), "{}", &text[..20]);
        let whole = document_text("REQ-1", &requirement);
        assert!(whole.split(' ').any(|term| term == text.rsplit(' ').next().unwrap_or_default()));
    }

    #[test]
    fn a_search_becomes_an_expression() {
        let terms = SearchTerms::parse("REQ-Sec größe enc").expect("it has terms");
        assert_eq!(expression(3, &terms), "'@3' & 'größe' & 'req-sec' & 'enc':*");
    }
}
