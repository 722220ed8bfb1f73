//! Which errors each kind of handler answers with, for the OpenAPI document.
//!
//! The document lists for each status the stable codes that come with it, from the same registry
//! that the answers are made of.

use crate::http::ProblemDocument;
use rtmx_core::{Code, import, server, storage};
use std::collections::BTreeMap;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

/// What any request can meet.
const ANY: &[Code] = &[
    server::UNKNOWN_FILTER,
    server::PARAMETER_INVALID,
    server::HEADER_INVALID,
    server::UNAUTHENTICATED,
    server::TOKEN_INVALID,
    server::FORBIDDEN,
    server::HOST_REFUSED,
    storage::INTERNAL,
    storage::STORAGE_UNAVAILABLE,
    storage::STORAGE_BUSY,
    storage::STORAGE_CORRUPT,
];

/// What a request with a body can meet.
const BODY: &[Code] =
    &[server::BODY_INVALID, server::BODY_TOO_LARGE, server::BODY_TOO_SLOW, server::CONTENT_TYPE_INVALID];

/// What a write can meet.
const WRITE: &[Code] = &[
    storage::CHANGE_SET_REUSED,
    storage::CHANGE_SET_INVALID,
    storage::HEAD_MOVED,
    storage::EPOCH_CHANGED,
    storage::STORAGE_FULL,
    storage::STORAGE_READ_ONLY,
    storage::STORAGE_SYNC_FAILED,
];

macro_rules! outcomes {
    ($($(#[$meta:meta])* $name:ident: $($codes:expr),+;)*) => {
        $(
            $(#[$meta])*
            pub(super) enum $name {}

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    describe(&[$($codes),+])
                }
            }
        )*
    };
}

outcomes! {
    /// Reads of the installation.
    Overview: ANY;
    /// Reads of a project.
    Reading: ANY, &[server::PROJECT_NOT_FOUND];
    /// Reads of one thing in a project.
    ReadingOne: ANY, &[server::PROJECT_NOT_FOUND, server::REQUIREMENT_NOT_FOUND, storage::RECORD_NOT_FOUND];
    /// Reads in pages.
    Paging: ANY, &[server::PROJECT_NOT_FOUND, server::REQUIREMENT_NOT_FOUND,
        storage::RECORD_NOT_FOUND, server::SORT_INVALID,
        storage::QUERY_INVALID, storage::CURSOR_INVALID, storage::EPOCH_CHANGED];
    /// Making a project.
    Founding: ANY, BODY, WRITE, &[server::PROJECT_EXISTS, server::PROJECT_INVALID];
    /// Edits of a requirement and what belongs to it.
    Editing: ANY, BODY, WRITE, &[server::PROJECT_NOT_FOUND, server::REQUIREMENT_NOT_FOUND,
        storage::RECORD_NOT_FOUND, server::REQUIREMENT_EXISTS, import::REQUIREMENT_INVALID, server::CYCLE_CLOSED,
        server::PRECONDITION_REQUIRED, storage::STALE_REVISION, storage::RECORD_EXISTS];
    /// Imports.
    Importing: ANY, BODY, WRITE, &[server::PROJECT_NOT_FOUND, storage::STALE_REVISION,
        storage::CHANGE_SET_TOO_LARGE, import::CSV_NOT_UTF8, import::CSV_NO_HEADER, import::CSV_MALFORMED,
        import::CSV_TOO_LARGE, import::CSV_ROW_WITHOUT_ID, import::CSV_ID_INVALID, import::CSV_DUPLICATE_ID];
    /// Imports of requirement documents.
    ImportingDocument: ANY, BODY, WRITE, &[server::PROJECT_NOT_FOUND, server::REQUIREMENT_NOT_FOUND,
        server::REQUIREMENT_EXISTS, import::MARKDOWN_INVALID, import::REQUIREMENT_INVALID, server::CYCLE_CLOSED,
        storage::STALE_REVISION, storage::CHANGE_SET_TOO_LARGE];
}

fn describe(codes: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, String> = BTreeMap::new();
    for code in codes.iter().copied().flatten() {
        let entry = code.entry();
        let text = by_status.entry(entry.status).or_default();
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}- `{}`: {}", entry.id, entry.summary));
    }
    let respond = |(status, text): (u16, String)| {
        let content =
            ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name()))).build();
        let response = ResponseBuilder::new().description(text).content("application/problem+json", content);
        (status.to_string(), RefOr::T(response.build()))
    };
    by_status.into_iter().map(respond).collect()
}
