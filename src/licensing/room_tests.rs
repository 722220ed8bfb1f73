//! Each limit refuses what is new, by its name, where it is made.

use super::super::{Licensing, Snapshot};
use super::*;
use crate::http::{Arrival, prepare, router};
use crate::licensing::nodes::Seat;
use axum::body::Body as Content;
use http::{Request, StatusCode};
use rtmx_core::Epoch;
use rtmx_license::{Community, Enforcement, Entitlement, Entitlements};
use rtmx_storage::{MemoryBackend, MigrationPlan};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const fn limit(name: &'static str, noun: &'static str, most: u64) -> Entitlement {
    let community = Community::AtMost { most, unlimited: "unlimited" };
    Entitlement { name, noun, meaning: "", enforcement: Enforcement::Enforced, community }
}

/// The limits of the product, small enough to be reached.
const SMALL: &[Entitlement] = &[
    limit(PROJECTS, "projects", 2),
    limit(USERS, "tokens", 2),
    limit(REQUIREMENTS, "requirements", 2),
    limit(NODES, "live servers", 1),
];

struct Server {
    app: App,
    _data: tempfile::TempDir,
}

impl Server {
    async fn new() -> Server {
        let storage = MemoryBackend::new(|| Epoch(uuid::Uuid::nil()));
        storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it migrates");
        let data = tempfile::tempdir().expect("a folder");
        let mut settings = rtmx_config::Settings::default();
        settings.data.dir = data.path().to_owned();
        let snapshot = Snapshot::new(Entitlements::community(SMALL));
        let licensing = Licensing { snapshot, ..Licensing::default() };
        let app = App::new(Arc::new(storage), "memory", Arc::new(settings)).with_licensing(licensing);
        prepare(&app, true).await.expect("it is prepared");
        Server { app, _data: data }
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Content::from(body.to_string())).expect("it is well formed");
        let router = router(self.app.clone()).layer(axum::Extension(Arrival::Owner));
        let answer = match router.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("it is whole");
        (status, serde_json::from_slice(&body).expect("it is JSON"))
    }
}

#[track_caller]
fn assert_refused((status, problem): &(StatusCode, Value), name: &str) {
    assert_eq!(*status, StatusCode::PAYMENT_REQUIRED, "{name}: {problem}");
    assert_eq!(problem["code"], "license_limit_reached", "{name}: {problem}");
    assert_eq!(problem["facts"]["limit"], name, "{problem}");
}

#[tokio::test]
async fn each_limit_refuses_by_its_name_where_something_is_made() {
    let server = Server::new().await;
    let requirement = |id: &str| json!({ "req_id": id });
    let token = |project: Option<&str>| json!({"name": "t", "role": "viewer", "project": project});
    const REQUIREMENTS_OF: &str = "/api/v1/projects/default/requirements";
    // `default` is one of the two.
    assert_eq!(server.post("/api/v1/projects", &json!({"id": "two"})).await.0, 201);
    assert_refused(&server.post("/api/v1/projects", &json!({"id": "three"})).await, "max_tenants");

    assert_eq!(server.post(REQUIREMENTS_OF, &requirement("REQ-1")).await.0, 201);
    let other = "/api/v1/projects/two/requirements";
    assert_eq!(server.post(other, &requirement("REQ-1")).await.0, 201, "all projects count together");
    assert_refused(&server.post(REQUIREMENTS_OF, &requirement("REQ-2")).await, "max_documents");
    assert_refused(&server.post(other, &requirement("REQ-2")).await, "max_documents");

    assert_eq!(server.post("/api/v1/tokens", &token(None)).await.0, 200);
    assert_eq!(server.post("/api/v1/tokens", &token(Some("two"))).await.0, 200);
    assert_refused(&server.post("/api/v1/tokens", &token(Some("two"))).await, "max_users_per_tenant");
    assert_refused(&server.post("/api/v1/tokens", &token(None)).await, "max_users_per_tenant");
    assert_eq!(server.post("/api/v1/tokens", &token(Some("default"))).await.0, 200, "each project by itself");
}

#[tokio::test]
async fn a_server_too_many_makes_nothing_new() {
    let server = Server::new().await;
    let make = |id: &str| json!({ "req_id": id });
    let path = "/api/v1/projects/default/requirements";
    assert_eq!(server.post(path, &make("REQ-1")).await.0, 201);
    let long_ago =
        Instant::now().checked_sub(Duration::from_secs(1_000)).expect("this machine runs for longer");
    let beyond = Seat { number: Some(1), beyond_since: Some(long_ago), was_member: false };
    server.app.licensing.seat.store(Arc::new(beyond));
    assert_refused(&server.post(path, &make("REQ-2")).await, "max_nodes");
    assert_refused(&server.post("/api/v1/projects", &json!({"id": "two"})).await, "max_nodes");
    server.app.licensing.seat.store(Arc::new(Seat { number: Some(0), ..beyond }));
    assert_eq!(server.post(path, &make("REQ-2")).await.0, 201, "within the limit");
}
