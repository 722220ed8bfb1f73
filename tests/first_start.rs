//! The first start, the first token, and an installation that knows itself again.

#![cfg(all(feature = "server", feature = "storage-sqlite"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use axum::body::Body;
use axum::extract::Request;
use http::{Method, StatusCode};
use rtmx::http::{App, Arrival, open_storage, prepare, router};
use rtmx_config::Settings;
use rtmx_core::{Cx, Secret, assert_code, server, storage};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

struct Fixture {
    app: App,
}

impl Fixture {
    async fn open(data_dir: &Path) -> Fixture {
        Fixture::with(data_dir, |_| {}).await
    }

    async fn with(data_dir: &Path, change: impl FnOnce(&mut Settings)) -> Fixture {
        let mut settings = Settings::default();
        settings.data.dir = data_dir.to_owned();
        change(&mut settings);
        let drivers = rtmx::standard_drivers().unwrap();
        let opened = open_storage(&settings, &drivers).await.unwrap();
        Fixture { app: App::new(opened.storage, opened.name, Arc::new(settings)) }
    }

    async fn close(self) {
        self.app.storage.close(&Cx::new()).await.unwrap();
    }

    /// Sends a request as it would arrive, and answers with status and JSON.
    async fn call(
        &self,
        arrival: Arrival,
        token: Option<&str>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let service = router(self.app.clone()).layer(axum::Extension(arrival));
        let response = service.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn get(&self, arrival: Arrival, token: Option<&str>, path: &str) -> (StatusCode, Value) {
        self.call(arrival, token, Method::GET, path, None).await
    }
}

fn first_token(data_dir: &Path) -> String {
    std::fs::read_to_string(data_dir.join("first-token")).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_listener_open_to_others_gets_a_first_token_in_a_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(folder.path()).await;
    prepare(&fixture.app, false).await.unwrap();
    let mode = std::fs::metadata(folder.path().join("first-token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = first_token(folder.path());
    let (status, _) = fixture.get(Arrival::Network, Some(&token), "/api/v1/projects").await;
    assert_eq!(status, StatusCode::OK);
    let (status, problem) = fixture.get(Arrival::Network, None, "/api/v1/projects").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_code(problem["code"].as_str().unwrap(), server::UNAUTHENTICATED);
    let (status, problem) = fixture.get(Arrival::Network, Some("rtmx_wrong"), "/api/v1/projects").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_code(problem["code"].as_str().unwrap(), server::TOKEN_INVALID);
    // A second start makes no second token.
    prepare(&fixture.app, false).await.unwrap();
    assert_eq!(first_token(folder.path()), token);
    for probe in ["/live", "/health", "/ready"] {
        assert_eq!(fixture.get(Arrival::Network, None, probe).await.0, StatusCode::OK, "{probe}");
    }
    fixture.close().await;
}

#[tokio::test]
async fn a_given_first_token_is_used_and_a_weak_one_refused() {
    let given = "0123456789abcdef0123456789abcdef";
    let folder = tempfile::tempdir().unwrap();
    let give = |text: &str| {
        let text = text.to_owned();
        move |settings: &mut Settings| settings.auth.admin_token = Some(Secret::new(text))
    };
    let weak = Fixture::with(folder.path(), give("short")).await;
    assert_code(prepare(&weak.app, false).await.unwrap_err(), server::TOKEN_TOO_WEAK);
    weak.close().await;
    let fixture = Fixture::with(folder.path(), give(given)).await;
    prepare(&fixture.app, false).await.unwrap();
    assert!(!folder.path().join("first-token").exists());
    let (status, _) = fixture.get(Arrival::Network, Some(given), "/api/v1/projects").await;
    assert_eq!(status, StatusCode::OK);
    fixture.close().await;
}

#[tokio::test]
async fn a_loopback_listener_serves_without_users_until_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(folder.path()).await;
    prepare(&fixture.app, true).await.unwrap();
    assert!(!folder.path().join("first-token").exists());
    assert_eq!(fixture.get(Arrival::Loopback, None, "/api/v1/projects").await.0, StatusCode::OK);
    let foreign =
        Request::get("/api/v1/projects").header("host", "rebound.example").body(Body::empty()).unwrap();
    let service = router(fixture.app.clone()).layer(axum::Extension(Arrival::Loopback));
    let response = service.oneshot(foreign).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let problem: Value = serde_json::from_slice(&bytes).unwrap();
    assert_code(problem["code"].as_str().unwrap(), server::HOST_REFUSED);
    let new = json!({"name": "reader", "role": "viewer"});
    let (status, made) =
        fixture.call(Arrival::Loopback, None, Method::POST, "/api/v1/tokens", Some(new)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let (status, _) = fixture.get(Arrival::Loopback, None, "/api/v1/projects").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "with a user, nobody is anonymous");
    let reader = made["token"].as_str().unwrap();
    assert_eq!(fixture.get(Arrival::Loopback, Some(reader), "/api/v1/projects").await.0, StatusCode::OK);
    let (status, problem) = fixture.get(Arrival::Loopback, Some(reader), "/api/v1/tokens").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_code(problem["code"].as_str().unwrap(), server::FORBIDDEN);
    fixture.close().await;
}

#[tokio::test]
async fn tokens_are_listed_without_secrets_and_revoked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(folder.path()).await;
    prepare(&fixture.app, false).await.unwrap();
    let admin = first_token(folder.path());
    let new = json!({"name": "ci", "role": "editor", "project": "default"});
    let (_, made) =
        fixture.call(Arrival::Network, Some(&admin), Method::POST, "/api/v1/tokens", Some(new)).await;
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (_, list) = fixture.get(Arrival::Network, Some(&admin), "/api/v1/tokens").await;
    assert_eq!(list["tokens"].as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains(token) && !list.to_string().contains("hash"), "{list}");
    assert_eq!(
        fixture.get(Arrival::Network, Some(token), "/api/v1/projects/default/status").await.0,
        StatusCode::OK
    );
    let path = format!("/api/v1/tokens/{id}/revoke");
    let (status, revoked) = fixture.call(Arrival::Network, Some(&admin), Method::POST, &path, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(revoked["revoked_at"].is_string());
    let (status, _) = fixture.get(Arrival::Network, Some(token), "/api/v1/projects/default/status").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let stored = std::fs::read(folder.path().join("first-token")).unwrap();
    assert!(!stored.is_empty());
    fixture.close().await;
}

#[tokio::test]
async fn a_reset_replaces_a_lost_first_token() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(folder.path()).await;
    prepare(&fixture.app, false).await.unwrap();
    let lost = first_token(folder.path());
    let (status, made) = fixture.call(Arrival::Owner, None, Method::POST, "/api/v1/tokens/reset", None).await;
    assert_eq!(status, StatusCode::OK);
    let new = made["token"].as_str().unwrap();
    assert_eq!(
        fixture.get(Arrival::Network, Some(&lost), "/api/v1/projects").await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(fixture.get(Arrival::Network, Some(new), "/api/v1/projects").await.0, StatusCode::OK);
    fixture.close().await;
}

#[tokio::test]
async fn an_installation_whose_data_is_gone_does_not_start_as_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(folder.path()).await;
    prepare(&fixture.app, true).await.unwrap();
    fixture.close().await;
    for name in ["rtmx.db", "rtmx.db-wal", "rtmx.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let empty = Fixture::open(folder.path()).await;
    let error = prepare(&empty.app, true).await.unwrap_err();
    assert_code(&error, storage::DATA_GONE);
    assert!(error.next().contains("installation"), "{}", error.next());
    // Nothing was made: the same refusal again.
    assert_code(prepare(&empty.app, true).await.unwrap_err(), storage::DATA_GONE);
    empty.close().await;
}

#[tokio::test]
async fn a_taken_port_is_refused_with_its_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = Settings::default();
    settings.server.listen = taken.local_addr().unwrap();
    settings.metrics.enabled = false;
    let error = rtmx::http::Listeners::bind(&settings).await.unwrap_err();
    assert_code(&error, server::LISTEN_FAILED);
    assert!(error.message().contains(&settings.server.listen.to_string()), "{error:?}");
}
