//! What is remembered between requests never outlives a write, whichever server made it.

use crate::client::{Api, memory};
use rtmx::core::{assert_code, server};
use serde_json::json;
use std::sync::Arc;

async fn two_servers() -> (Api, Api) {
    let backend = memory().await;
    (Api::over(Arc::clone(&backend)).await, Api::over(backend).await)
}

#[tokio::test]
async fn the_first_token_that_another_server_makes_ends_the_access_without_one() {
    let (left, right) = two_servers().await;
    let without = || right.get("/status").over_loopback().header("host", "localhost").send();
    assert_eq!(without().await.status, 200);
    assert_eq!(without().await.status, 200);
    let made = left.post("/api/v1/tokens").json(json!({"name": "one", "role": "viewer"})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_code(without().await.code(), server::UNAUTHENTICATED);
}

#[tokio::test]
async fn a_token_that_another_server_revokes_is_refused_at_once() {
    let (left, right) = two_servers().await;
    let made = left.post("/api/v1/tokens").json(json!({"name": "one", "role": "viewer"})).await.json();
    let text = made["token"].as_str().expect("the answer shows it once").to_owned();
    let asked = || right.get("/status").token(&text).send();
    assert_eq!(asked().await.status, 200);
    assert_eq!(asked().await.status, 200);
    let id = made["id"].as_str().expect("a token has an id");
    assert_eq!(left.post(format!("/api/v1/tokens/{id}/revoke")).send().await.status, 200);
    assert_code(asked().await.code(), server::TOKEN_INVALID);
}

#[tokio::test]
async fn a_project_that_another_server_makes_is_there_at_once() {
    let (left, right) = two_servers().await;
    let asked = || right.get("/api/v1/projects/two/status").send();
    assert_code(asked().await.code(), server::PROJECT_NOT_FOUND);
    assert_eq!(left.post("/api/v1/projects").json(json!({"id": "two"})).await.status, 201);
    assert_eq!(asked().await.status, 200);
}

#[tokio::test]
async fn a_status_is_that_of_the_newest_write_and_of_its_project() {
    for (left, right) in [two_servers().await, {
        let one = Api::sqlite().await;
        let other = Api::of(one.app.clone(), None).await;
        (one, other)
    }] {
        for number in 1..20 {
            left.make(json!({"req_id": format!("REQ-A-{number}")})).await;
            let (first, again) = (right.get("/status").send().await, right.get("/status").send().await);
            assert_eq!(first.json()["total"], number);
            assert_eq!((first.etag(), first.text()), (again.etag(), again.text()));
        }
        assert_eq!(left.post("/api/v1/projects").json(json!({"id": "two"})).await.status, 201);
        assert_eq!(right.get("/api/v1/projects/two/status").send().await.json()["total"], 0);
    }
}

#[tokio::test]
async fn a_page_is_that_of_the_newest_write_and_of_its_question() {
    let (left, right) = two_servers().await;
    let asked = |query: &'static str| right.get(format!("/requirements?{query}")).send();
    for number in 1..20 {
        let depends = if number > 1 { vec![format!("REQ-A-{:02}", number - 1)] } else { Vec::new() };
        left.make(json!({"req_id": format!("REQ-A-{number:02}"), "dependencies": depends})).await;
        let (first, again) = (asked("limit=50").await, asked("limit=50").await);
        assert_eq!(first.text(), again.text());
        let page = first.json();
        assert_eq!(page["requirements"].as_array().expect("a list").len(), number);
        if number > 1 {
            // Derived from what the other server has just written, not part of the row itself.
            assert_eq!(page["requirements"][number - 2]["blocks"], json!([format!("REQ-A-{number:02}")]));
        }
        assert_eq!(asked("limit=50&status=COMPLETE").await.json()["requirements"], json!([]));
        assert_eq!(asked("limit=1").await.json()["requirements"].as_array().expect("a list").len(), 1);
    }
}
