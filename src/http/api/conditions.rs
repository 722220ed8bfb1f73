//! Conditional requests: entity tags and what a client says about them.
//!
//! An entity tag is `"<epoch>-<revision>"`: the first 8 digits of the database's epoch, and the
//! revision of the last write. A tag may go on after a second hyphen with a digest of what a
//! representation shows beyond the record itself; for an edit only epoch and revision count. The
//! mark of a weak tag is accepted, since proxies that compress put it there.

use crate::http::Problem;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rtmx_core::{ChangeSetId, Epoch, Error, Head, Result, Revision, server, storage};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What an edit says about what it is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Basis {
    /// `If-Match` with a tag.
    At {
        /// The epoch's first 8 digits.
        epoch: String,
        /// The revision.
        revision: Revision,
    },
    /// `If-None-Match: *`: there must be nothing yet.
    Absent,
    /// Nothing was said.
    Unsaid,
}

/// The conditions of a request. An extractor.
#[derive(Debug, Clone)]
pub(in crate::http) struct Conditions {
    /// What an edit is based on.
    pub(in crate::http) basis: Basis,
    /// The name of the change, if the client gave it one.
    pub(in crate::http) idempotency_key: Option<ChangeSetId>,
    /// The tags that the client has already, as given.
    known: Vec<String>,
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let basis = basis(&parts.headers)?;
        let known = text_of(&parts.headers, &header::IF_NONE_MATCH)?.unwrap_or_default();
        let known = known.split(',').map(|tag| strong(tag).to_owned()).collect();
        let key = text_of(&parts.headers, &IDEMPOTENCY_KEY)?;
        let key = key.map(|text| text.trim().parse().map(ChangeSetId)).transpose();
        let key = key.map_err(|_| header_invalid("Idempotency-Key", "it is not a UUID"))?;
        Ok(Conditions { basis, idempotency_key: key, known })
    }
}

impl Conditions {
    /// Nothing said.
    pub(in crate::http) fn none() -> Self {
        Conditions { basis: Basis::Unsaid, idempotency_key: None, known: Vec::new() }
    }

    /// As `If-Match` with the text of a head.
    ///
    /// # Errors
    ///
    /// `header_invalid`.
    pub(in crate::http) fn based_on(head: &str) -> Result<Self> {
        let basis = read_tag(&format!("\"{head}\""));
        let basis = basis.ok_or_else(|| header_invalid("If-Match", "it is not one `ETag` of this server"))?;
        Ok(Conditions { basis, ..Conditions::none() })
    }

    /// The conditions of an edit that is based on this and has no name.
    pub(in crate::http) fn on(basis: Basis) -> Conditions {
        Conditions { basis, idempotency_key: None, known: Vec::new() }
    }

    /// Takes `If-None-Match: *` as nothing said, for an edit that never creates.
    pub(super) fn never_creates(&mut self) {
        if self.basis == Basis::Absent {
            self.basis = Basis::Unsaid;
        }
    }

    /// Whether the client has this representation already.
    pub(super) fn knows(&self, tag: &HeaderValue) -> bool {
        let tag = tag.to_str().unwrap_or_default();
        self.known.iter().any(|known| known == tag || known == "*")
    }
}

impl Basis {
    /// Reads an entity tag that this server gave out.
    pub(in crate::http) fn read(tag: &str) -> Option<Basis> {
        read_tag(tag)
    }

    /// The revision that the edit is based on, provided that it is of this epoch.
    ///
    /// # Errors
    ///
    /// `precondition_required`; `stale_revision` also for a tag from before a restore, which no longer
    /// names anything (RFC 9110, section 13.1.1: the condition is false, so 412).
    pub(in crate::http) fn revision(&self, epoch: Epoch) -> Result<Revision> {
        match self {
            Basis::At { epoch: given, revision } if *given == epoch.short() => Ok(*revision),
            Basis::At { .. } => {
                Err(Error::new(storage::STALE_REVISION, "the tag in `If-Match` is from before a restore"))
            }
            Basis::Absent | Basis::Unsaid => Err(Error::new(
                server::PRECONDITION_REQUIRED,
                "could not edit without the `ETag` in `If-Match`",
            )),
        }
    }
}

/// The entity tag of a record, or of a whole project at its head.
pub(in crate::http) fn tag(epoch: Epoch, revision: Revision) -> HeaderValue {
    tag_with(epoch, revision, "")
}

/// A head as an entity tag has it between its quotes.
pub(in crate::http) fn head_text(head: Head) -> String {
    format!("{}-{}", head.epoch.short(), head.revision)
}

/// The entity tag of the project as a whole.
pub(super) fn head_tag(head: Head) -> HeaderValue {
    tag(head.epoch, head.revision)
}

/// The entity tag of a representation that shows more than the record.
pub(super) fn tag_with(epoch: Epoch, revision: Revision, digest: &str) -> HeaderValue {
    let hyphen = if digest.is_empty() { "" } else { "-" };
    let text = format!("\"{}-{revision}{hyphen}{digest}\"", epoch.short());
    HeaderValue::from_str(&text).expect("a tag is hexadecimal digits and hyphens")
}

fn basis(headers: &HeaderMap) -> Result<Basis> {
    if let Some(given) = text_of(headers, &header::IF_MATCH)? {
        return read_tag(&given)
            .ok_or_else(|| header_invalid("If-Match", "it is not one `ETag` of this server"));
    }
    match text_of(headers, &header::IF_NONE_MATCH)?.as_deref().map(str::trim) {
        Some("*") => Ok(Basis::Absent),
        _ => Ok(Basis::Unsaid),
    }
}

fn read_tag(given: &str) -> Option<Basis> {
    let tag = strong(given).strip_prefix('"')?.strip_suffix('"')?;
    let mut parts = tag.splitn(3, '-');
    let epoch =
        parts.next().filter(|part| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let revision = parts.next()?.parse().ok().map(Revision)?;
    Some(Basis::At { epoch: epoch.to_owned(), revision })
}

fn strong(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| header_invalid(name.as_str(), "it is not plain text"))?;
    Ok(Some(text.to_owned()))
}

/// The error for a header that cannot be read.
pub(super) fn header_invalid(name: &str, why: &str) -> Error {
    Error::new(server::HEADER_INVALID, format!("could not take the header `{name}`: {why}"))
        .with("header", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_back_with_and_without_digest_and_weakness() {
        let want = Some(Basis::At { epoch: "0123abcd".into(), revision: Revision(7) });
        for given in ["\"0123abcd-7\"", " W/\"0123abcd-7\"", "\"0123abcd-7-99ff\""] {
            assert_eq!(read_tag(given), want, "{given}");
        }
        for given in ["*", "0123abcd-7", "\"0123abcd\"", "\"xyz-7\"", "\"0123abcd-\"", "\"a-1\", \"b-2\""] {
            assert_eq!(read_tag(given), None, "{given}");
        }
    }
}
