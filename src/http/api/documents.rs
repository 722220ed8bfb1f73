//! Answers that several handlers give: JSON that was computed already, and "you have this already".

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

/// JSON under an entity tag.
pub(super) fn json_bytes(tag: HeaderValue, json: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, json).into_response()
}

/// The client has the representation already.
pub(super) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
}

/// Percent-encodes an id for one part of a path (RFC 3986, unreserved characters stay).
pub(in crate::http) fn path_segment(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        if plain(byte) { segment.push(char::from(byte)) } else { segment.push_str(&format!("%{byte:02X}")) }
    }
    segment
}
