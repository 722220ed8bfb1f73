//! Matrices from the field go through the API and come out byte for byte.
//!
//! The files lie beside the checkout; where one is absent, its case reports itself ignored.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body_util::BodyExt;
use libtest_mimic::{Arguments, Failed, Trial};
use rtmx::core::Cx;
use rtmx::http::{App, Arrival, router};
use rtmx::storage::MigrationPlan;
use std::path::PathBuf;
use std::sync::Arc;
use tower::ServiceExt;

/// The file, and how many requirements its README counts.
const FILES: [(&str, u64); 1] = [("rtmx-2026-06-23-75fa3f0.csv", 287)];

fn main() {
    let arguments = Arguments::from_args();
    let trials = FILES.into_iter().map(|(name, total)| {
        let path = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("../shared/data/rtm")
            .join(name);
        let absent = !path.exists();
        let title =
            format!("import_and_export_of_{name}{}", if absent { " (the file is not here)" } else { "" });
        Trial::test(title, move || round_trip(&path, total)).with_ignored_flag(absent)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn round_trip(path: &PathBuf, total: u64) -> Result<(), Failed> {
    let file = std::fs::read(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let mut settings = rtmx::config::Settings::default();
        settings.data.dir = folder.path().to_owned();
        let opened = rtmx::http::open_storage(&settings, &rtmx::standard_drivers()?).await?;
        opened.storage.migrate(&Cx::new(), &MigrationPlan::Expand).await?;
        let app = App::new(opened.storage, opened.name, Arc::new(settings));
        rtmx::http::api::projects::ensure_default(&app, &Cx::new()).await?;

        let report = call(&app, "POST", "import", file.clone().into()).await?;
        let report: serde_json::Value = serde_json::from_slice(&report)?;
        if report["created"] != total {
            return Err(format!("{total} requirements are expected, and the report says {report}").into());
        }
        let exported = call(&app, "GET", "export.csv", Bytes::new()).await?;
        if exported != file {
            return Err("the export differs from the file".into());
        }
        Ok(())
    })
}

async fn call(app: &App, method: &str, path: &str, body: Bytes) -> Result<Bytes, Failed> {
    let request = Request::builder().method(method).uri(format!("/api/v1/projects/default/{path}"));
    let mut request = request.header("content-type", "text/csv").body(Body::from(body))?;
    request.extensions_mut().insert(Arrival::Owner);
    let response = router(app.clone()).oneshot(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
    }
    Ok(bytes)
}
