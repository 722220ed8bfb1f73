//! One page: through the router in process, over SQLite, and its JSON alone.

use crate::ROWS;
use axum::body::Body;
use axum::extract::Request;
use criterion::{Criterion, criterion_group};
use http_body_util::BodyExt;
use rtmx::http::ApiClient;
use rtmx_bench::matrix;
use rtmx_config::Settings;
use std::collections::BTreeMap;
use std::sync::Arc;

criterion_group!(benches, page);

const PAGE: &str = "/api/v1/projects/default/requirements?limit=50";

fn page(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("the machine has threads");
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let mut settings = Settings::default();
    settings.data.dir = folder.path().to_owned();
    let drivers = rtmx::standard_drivers().expect("the names of drivers are unique");
    let api = runtime.block_on(ApiClient::open(Arc::new(settings), &drivers)).expect("the folder is empty");
    let import = Request::post("/api/v1/projects/default/import").header("content-type", "text/csv");
    runtime.block_on(answer(&api, import.body(matrix::csv(ROWS).into()).expect("the path is plain")));

    let mut group = criterion.benchmark_group("page");
    let ask = || Request::get(PAGE).body(Body::empty()).expect("the path is plain");
    group.bench_function("through the router", |bench| {
        bench.iter(|| runtime.block_on(answer(&api, ask())));
    });
    let body = runtime.block_on(answer(&api, ask()));
    let status = || Request::get("/api/v1/projects/default/status").body(Body::empty());
    group.bench_function("status through the router", |bench| {
        bench.iter(|| runtime.block_on(answer(&api, status().expect("the path is plain"))));
    });
    let read: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&body).expect("a page is JSON");
    group.bench_function("its JSON", |bench| bench.iter(|| serde_json::to_vec(&read)));
    group.finish();
    runtime.block_on(api.close()).expect("nobody else holds the storage");
}

async fn answer(api: &ApiClient, request: Request) -> Vec<u8> {
    let answer = api.call(request).await.expect("the storage is open here");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.into_body().collect().await.expect("the answer is whole").to_bytes().to_vec()
}
