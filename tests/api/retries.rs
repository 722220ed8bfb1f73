//! A write whose answer was lost can be sent again: it is applied once and answered alike.

use crate::client::Api;
use rtmx::core::{assert_code, storage};
use serde_json::json;

const KEY: &str = "7f1c2d9e-1111-4222-8333-444455556666";

#[tokio::test]
async fn a_repeated_creation_is_one_creation() {
    for api in [Api::new().await, Api::sqlite().await] {
        let body = json!({"req_id": "REQ-A-1", "notes": "n", "dependencies": ["REQ-B-1"]});
        let send = || api.post("/requirements").header("idempotency-key", KEY).json(body.clone());
        let first = send().await;
        let second = send().await;
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{}", second.text());
        assert_eq!((first.body.clone(), first.etag()), (second.body.clone(), second.etag()));
        assert_eq!(second.header("idempotency-replayed"), "true");
        let other = api.post("/requirements").header("idempotency-key", KEY);
        let other = other.json(json!({"req_id": "REQ-A-1", "notes": "other"})).await;
        assert_code(other.code(), storage::CHANGE_SET_REUSED);
        let elsewhere =
            api.post("/requirements").header("idempotency-key", KEY).json(json!({"req_id": "REQ-A-2"})).await;
        assert_code(elsewhere.code(), storage::CHANGE_SET_REUSED);
        assert_eq!(api.revision().await, 1);
    }
}

#[tokio::test]
async fn a_repeated_edit_is_answered_alike_even_after_others_wrote() {
    for api in [Api::new().await, Api::sqlite().await] {
        let made = api.make(json!({"req_id": "REQ-A-1"})).await;
        let put = || api.put("/requirements/REQ-A-1").based_on(&made).header("idempotency-key", KEY);
        let first = put().json(json!({"notes": "mine", "extra": {"x": "1"}})).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let theirs =
            api.patch("/requirements/REQ-A-1").based_on(&first.etag()).json(json!({"notes": "theirs"})).await;
        assert_eq!(theirs.status, 200);
        let again = put().json(json!({"notes": "mine", "extra": {"x": "1"}})).await;
        assert_eq!(
            (again.status.as_u16(), again.body.clone()),
            (200, first.body.clone()),
            "{}",
            again.text()
        );
        assert_eq!(api.get("/requirements/REQ-A-1").send().await.json()["notes"], "theirs");
    }
}

#[tokio::test]
async fn a_repeated_deletion_baseline_project_and_document_are_one_each() {
    let api = Api::new().await;
    let made = api.make(json!({"req_id": "REQ-A-1"})).await;
    let key = |n: u8| format!("00000000-0000-4000-8000-0000000000{n:02}");
    for round in 0..2 {
        let text = api
            .put("/requirements/REQ-A-1/text")
            .header("if-none-match", "*")
            .header("idempotency-key", key(1));
        assert_eq!(text.body("text/markdown", "# REQ-A-1: A").await.status, 201, "{round}");
        let baseline =
            api.post("/baselines").header("idempotency-key", key(2)).json(json!({"name": "v1"})).await;
        assert_eq!((baseline.status.as_u16(), &baseline.json()["revision"]), (201, &json!(2)), "{round}");
        let project =
            api.post("/api/v1/projects").header("idempotency-key", key(3)).json(json!({"id": "two"})).await;
        assert_eq!(project.status, 201, "{round}: {}", project.text());
    }
    for round in 0..2 {
        let deleted = api
            .delete("/requirements/REQ-A-1")
            .based_on(&made)
            .header("idempotency-key", key(4))
            .send()
            .await;
        assert_eq!(deleted.status, 204, "{round}: {}", deleted.text());
    }
    assert_eq!(api.revision().await, 4);
}

#[tokio::test]
async fn the_same_request_sent_twice_at_once_is_one_change() {
    let api = Api::new().await;
    for round in 0..50_u32 {
        let key = format!("00000000-0000-4000-8000-{round:012}");
        let body = json!({"req_id": format!("REQ-A-{round}"), "dependencies": ["REQ-X-1"]});
        let send = || api.post("/requirements").header("idempotency-key", key.clone()).json(body.clone());
        let (first, second) = tokio::join!(send(), send());
        assert_eq!(
            (first.status.as_u16(), second.status.as_u16()),
            (201, 201),
            "{} {}",
            first.text(),
            second.text()
        );
        assert_eq!(first.json()["revision"], second.json()["revision"]);
    }
    assert_eq!(api.revision().await, 50);
}

#[tokio::test]
async fn whatever_is_sent_twice_at_once_is_answered_alike() {
    let api = Api::new().await;
    let mut writes = 0;
    for round in 0..20_u32 {
        let id = format!("REQ-A-{round}");
        let made = api.make(json!({"req_id": id})).await;
        let key = |number: u32| format!("00000000-0000-4000-8{number:03}-{round:012}");
        let text = || {
            let call = api.put(format!("/requirements/{id}/text")).header("if-none-match", "*");
            call.header("idempotency-key", key(1)).body("text/markdown", "# Text")
        };
        let baseline = || {
            let call = api.post("/baselines").header("idempotency-key", key(2));
            call.json(json!({"name": format!("v{round}")}))
        };
        let project = || {
            let call = api.post("/api/v1/projects").header("idempotency-key", key(3));
            call.json(json!({"id": format!("p{round}")}))
        };
        let delete = || {
            let call = api.delete(format!("/requirements/{id}")).based_on(&made);
            call.header("idempotency-key", key(4)).send()
        };
        let pairs = [
            ("text", 201, tokio::join!(text(), text())),
            ("baseline", 201, tokio::join!(baseline(), baseline())),
            ("project", 201, tokio::join!(project(), project())),
            ("delete", 204, tokio::join!(delete(), delete())),
        ];
        for (name, wanted, (first, second)) in pairs {
            assert_eq!(
                (first.status.as_u16(), second.status.as_u16()),
                (wanted, wanted),
                "{name}: {} {}",
                first.text(),
                second.text()
            );
            assert_eq!(first.text(), second.text(), "{name}");
        }
        writes += 4;
        assert_eq!(api.revision().await, writes);
    }
}

#[tokio::test]
async fn a_repeated_import_is_answered_alike_and_takes_nothing_back() {
    for api in [Api::new().await, Api::sqlite().await] {
        let first_file = "req_id,notes\nREQ-A-1,old\nREQ-A-2,old\n";
        assert_eq!(api.post("/import").csv(first_file).await.status, 200);
        let file = "req_id,notes\nREQ-A-1,new\nREQ-A-3,new\n";
        let send = || api.post("/import?mode=replace").header("idempotency-key", KEY);
        let first = send().csv(file).await;
        assert_eq!(
            (first.status.as_u16(), &first.json()["applied"]),
            (200, &json!(true)),
            "{}",
            first.text()
        );
        let tag = api.get("/requirements/REQ-A-1").send().await.etag();
        let theirs = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"notes": "theirs"})).await;
        assert_eq!(theirs.status, 200);
        let again = send().csv(file).await;
        assert_eq!((again.status.as_u16(), again.text()), (200, first.text()));
        assert_eq!(api.get("/requirements/REQ-A-1").send().await.json()["notes"], "theirs");
        let other = send().csv("req_id,notes\nREQ-A-1,another\n").await;
        assert_code(other.code(), storage::CHANGE_SET_REUSED);
        assert_eq!(api.revision().await, 3);
    }
}
