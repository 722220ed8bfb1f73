//! Styles, scripts and the icon: a handful of files within the program.
//!
//! Their address holds a hash of all of them, so that a browser keeps them for ever and still never
//! mixes two versions, and scripts can import each other by relative names. Another hash is answered
//! too, without being kept: during an upgrade a page of one version may ask a server of another.

use crate::http::App;
use crate::http::Problem;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, header};
use rtmx_core::{Error, server};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("assets/", $name)) }
    };
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: &[Asset] = &[
    asset!("dashboard.css", STYLE),
    asset!("icon.svg", "image/svg+xml"),
    asset!("dashboard.js", SCRIPT),
    asset!("live.js", SCRIPT),
    asset!("keys.js", SCRIPT),
    asset!("filters.js", SCRIPT),
    asset!("copy.js", SCRIPT),
    asset!("idiomorph.min.js", SCRIPT),
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS {
        hash.update(asset.name.as_bytes());
        hash.update(asset.bytes);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// The folder of this program's assets: `/assets/<hash>`.
pub(super) fn folder() -> String {
    format!("/assets/{}", *VERSION)
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/assets/{version}/{name}", get(serve))
}

async fn serve(Path((version, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Err(Error::new(server::ROUTE_NOT_FOUND, "there is no such asset").into());
    };
    let kept = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    Ok((headers, asset.bytes).into_response())
}
