//! Every bad input has its own stable code, and nothing of it is applied.

use crate::client::{Api, Got};
use rtmx::core::{assert_code, import, server, storage};
use serde_json::json;

#[tokio::test]
async fn what_does_not_exist_is_said_to_be_missing_by_kind() {
    let api = Api::new().await;
    api.make(json!({"req_id": "REQ-A-1"})).await;
    assert_code(api.get("/api/v1/projects/nowhere/status").send().await.code(), server::PROJECT_NOT_FOUND);
    let refused = api.get("/api/v1/projects/NOT%00AN%20ID/status").send().await;
    assert_code(refused.code(), server::PROJECT_NOT_FOUND);
    assert_code(api.get("/requirements/REQ-Z-9").send().await.code(), server::REQUIREMENT_NOT_FOUND);
    assert_code(api.get("/impact/REQ-Z-9").send().await.code(), server::REQUIREMENT_NOT_FOUND);
    assert_code(api.get("/requirements/REQ-Z-9/text").send().await.code(), server::REQUIREMENT_NOT_FOUND);
    assert_code(api.get("/requirements/REQ-Z-9/history").send().await.code(), server::REQUIREMENT_NOT_FOUND);
    assert_code(api.get("/requirements/REQ-A-1/text").send().await.code(), storage::RECORD_NOT_FOUND);
    assert_code(api.get("/baselines/v1").send().await.code(), storage::RECORD_NOT_FOUND);
    assert_code(api.get("/api/v1/nothing").send().await.code(), server::ROUTE_NOT_FOUND);
    assert_code(api.delete("/status").send().await.code(), server::METHOD_NOT_ALLOWED);
    let patched = api.patch("/requirements/REQ-Z-9").based_on("\"00000000-1\"").json(json!({})).await;
    assert_code(patched.code(), server::REQUIREMENT_NOT_FOUND);
}

#[tokio::test]
async fn parameters_that_are_not_known_or_not_possible_are_refused() {
    let api = Api::new().await;
    let refused = api.get("/requirements?staus=MISSING").send().await;
    assert_code(refused.code(), server::UNKNOWN_FILTER);
    assert!(
        refused.json()["detail"].as_str().is_some_and(|text| text.contains("`status`")),
        "{}",
        refused.text()
    );
    assert_code(api.get("/status?phase=1").send().await.code(), server::UNKNOWN_FILTER);
    assert_code(api.get("/requirements?sort=prority").send().await.code(), server::SORT_INVALID);
    assert_code(api.get("/requirements?sort=phase,-phase").send().await.code(), server::SORT_INVALID);
    assert_code(api.get("/requirements?sort=a,b").send().await.code(), server::SORT_INVALID);
    assert_code(api.get("/requirements?limit=many").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/requirements?limit=0").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/requirements?limit=1001").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/requirements?limit=1&limit=2").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/requirements/%FF").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/requirements?cursor=zz").send().await.code(), storage::CURSOR_INVALID);
    assert_code(api.get("/changes?cursor=zz").send().await.code(), storage::CURSOR_INVALID);
    assert_code(api.get("/history?cursor=zz").send().await.code(), storage::CURSOR_INVALID);
    assert_code(api.get("/changes?cursor=00000000-1").send().await.code(), storage::EPOCH_CHANGED);
    assert_code(api.get("/history?cursor=00000000-1-0").send().await.code(), storage::EPOCH_CHANGED);
    assert_code(api.get("/backlog?view=everything").send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/gaps?reasons=blocked").send().await.code(), server::UNKNOWN_FILTER);
    for value in [
        "reason=everything",
        "phase=one",
        "priority=P1",
        "status=DONE",
        "offset=-1",
        "limit=0",
        "limit=1001",
        "search=a&search=b",
    ] {
        assert_code(api.get(format!("/gaps?{value}")).send().await.code(), server::PARAMETER_INVALID);
    }
    let many = "&category=x".repeat(101);
    assert_code(api.get(format!("/gaps?limit=1{many}")).send().await.code(), server::PARAMETER_INVALID);
    assert_code(api.get("/compare?from=1&to=9").send().await.code(), storage::QUERY_INVALID);
    assert_code(api.get("/compare?to=head").send().await.code(), server::PARAMETER_INVALID);
    let too_many: Vec<String> = (0..101).map(|n| format!("status={n}")).collect();
    let refused = api.get(format!("/requirements?{}", too_many.join("&"))).send().await;
    assert_code(refused.code(), storage::QUERY_INVALID);
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let api = Api::new().await;
    let post = || api.post("/requirements");
    assert_code(post().body("application/json", "{\"req_id\": ").await.code(), server::BODY_INVALID);
    assert_code(post().body("application/json", "[1]").await.code(), server::BODY_INVALID);
    assert_code(post().body("text/plain", "{}").await.code(), server::CONTENT_TYPE_INVALID);
    let refused = api.post("/import").body("application/json", "{}").await;
    assert_code(refused.code(), server::CONTENT_TYPE_INVALID);
    assert_code(api.post("/import").send().await.code(), server::CONTENT_TYPE_INVALID);
    let huge = post().header("content-length", "10737418240").body("application/json", "{}").await;
    assert_code(huge.code(), server::BODY_TOO_LARGE);
    api.make(json!({"req_id": "REQ-A-1"})).await;
    let text = || api.put("/requirements/REQ-A-1/text").header("if-none-match", "*");
    assert_code(text().body("text/markdown", vec![0xff, 0xfe]).await.code(), server::BODY_INVALID);
    assert_code(text().body("application/pdf", "x").await.code(), server::CONTENT_TYPE_INVALID);
    let unknown = api.post("/api/v1/projects").json(json!({"id": "a", "colour": "red"})).await;
    assert_code(unknown.code(), server::BODY_INVALID);
    let late = api.post("/baselines").json(json!({"name": "v1", "revision": 99})).await;
    assert_code(late.code(), server::BODY_INVALID);
    let unnamed = api.post("/baselines").json(json!({"name": "head"})).await;
    assert_code(unnamed.code(), storage::CHANGE_SET_INVALID);
    assert_eq!(api.revision().await, 1, "nothing was applied but the one requirement");
}

#[tokio::test]
async fn values_that_do_not_fit_their_column_are_refused() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "REQ-A-1"})).await;
    let bodies = [
        json!({"status": "DONE"}),
        json!({"status": 1}),
        json!({"priority": "P1"}),
        json!({"phase": 0}),
        json!({"phase": 1.5}),
        json!({"phase": "3"}),
        json!({"effort_weeks": -1}),
        json!({"dependencies": "REQ-B-1"}),
        json!({"dependencies": ["A B"]}),
        json!({"dependencies": ["A|B"]}),
        json!({"dependencies": [1]}),
        json!({"started_date": "31.01.2026"}),
        json!({"notes": ["a"]}),
        json!({"req_id": "REQ-A-2"}),
        json!({"blocks": []}),
        json!({"revision": 7}),
        json!({"staus": "MISSING"}),
        json!({"extra": []}),
        json!({"extra": {"a": 1}}),
        json!({"extra": {"status": "x"}}),
        json!({"extra": {"": "x"}}),
    ];
    for body in bodies {
        let shown = body.to_string();
        let got = api.patch("/requirements/REQ-A-1").based_on(&tag).json(body).await;
        assert_eq!(got.code(), import::REQUIREMENT_INVALID.id(), "{shown}: {}", got.text());
    }
    assert_code(api.post("/requirements").json(json!({})).await.code(), import::REQUIREMENT_INVALID);
    let refused = api.post("/requirements").json(json!({"req_id": " x"})).await;
    assert_code(refused.code(), import::REQUIREMENT_INVALID);
    assert_eq!(api.get("/requirements/REQ-A-1").send().await.etag(), tag);
}

#[tokio::test]
async fn an_edit_must_say_what_it_is_based_on_and_be_right() {
    let api = Api::new().await;
    let first = api.make(json!({"req_id": "REQ-A-1"})).await;
    let path = "/requirements/REQ-A-1";
    assert_code(api.patch(path).json(json!({})).await.code(), server::PRECONDITION_REQUIRED);
    assert_code(api.put(path).json(json!({})).await.code(), server::PRECONDITION_REQUIRED);
    assert_code(api.delete(path).send().await.code(), server::PRECONDITION_REQUIRED);
    let refused = api.delete(path).header("if-none-match", "*").send().await;
    assert_code(refused.code(), server::PRECONDITION_REQUIRED);
    assert_code(api.patch(path).based_on("*").json(json!({})).await.code(), server::HEADER_INVALID);
    assert_code(api.patch(path).based_on("seven").json(json!({})).await.code(), server::HEADER_INVALID);
    let restored = api.patch(path).based_on("\"00000000-1\"").json(json!({})).await;
    assert_code(restored.code(), storage::STALE_REVISION);
    let keyed = api.patch(path).based_on(&first).header("idempotency-key", "mine").json(json!({})).await;
    assert_code(keyed.code(), server::HEADER_INVALID);
    let stream =
        api.get("/changes").header("accept", "text/event-stream").header("last-event-id", "x").send().await;
    assert_code(stream.code(), server::HEADER_INVALID);

    let second = api.patch(path).based_on(&first).json(json!({"notes": "x"})).await.etag();
    let stale = api.patch(path).based_on(&first).json(json!({"notes": "y"})).await;
    assert_eq!(stale.status, 412);
    assert_code(stale.code(), storage::STALE_REVISION);
    let stale = api.delete(path).based_on(&first).send().await;
    assert_code(stale.code(), storage::STALE_REVISION);
    let found = api.get(path).send().await;
    assert_eq!((found.etag(), &found.json()["notes"]), (second, &json!("x")));
}

#[tokio::test]
async fn what_exists_already_is_not_made_again() {
    let api = Api::new().await;
    api.make(json!({"req_id": "REQ-A-1"})).await;
    let refused = api.post("/requirements").json(json!({"req_id": "REQ-A-1"})).await;
    assert_code(refused.code(), server::REQUIREMENT_EXISTS);
    let refused = api.post("/api/v1/projects").json(json!({"id": "default"})).await;
    assert_code(refused.code(), server::PROJECT_EXISTS);
    for id in ["", "UPPER", "-first", "a/b", "sp ace", &"x".repeat(65)] {
        let got = api.post("/api/v1/projects").json(json!({"id": id})).await;
        assert_code(got.code(), server::PROJECT_INVALID);
    }
    let refused = api.post("/api/v1/projects").json(json!({"id": "a", "name": " "})).await;
    assert_code(refused.code(), server::PROJECT_INVALID);
    let text =
        || api.put("/requirements/REQ-A-1/text").header("if-none-match", "*").body("text/markdown", "x");
    assert_eq!(text().await.status, 201);
    assert_code(text().await.code(), storage::RECORD_EXISTS);
    let baseline = || api.post("/baselines").json(json!({"name": "v1"}));
    assert_eq!(baseline().await.status, 201);
    assert_code(baseline().await.code(), storage::RECORD_EXISTS);
}

#[tokio::test]
async fn a_cycle_is_refused_by_name_unless_it_is_allowed() {
    let api = Api::new().await;
    let first = api.make(json!({"req_id": "REQ-A-1", "dependencies": ["REQ-B-1"]})).await;
    let closing = json!({"req_id": "REQ-B-1", "dependencies": ["REQ-A-1"]});
    let refused = api.post("/requirements").json(closing.clone()).await;
    assert_code(refused.code(), server::CYCLE_CLOSED);
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["facts"]["cycle"], "REQ-B-1 -> REQ-A-1 -> REQ-B-1");
    let selfish =
        api.patch("/requirements/REQ-A-1").based_on(&first).json(json!({"dependencies": ["REQ-A-1"]})).await;
    assert_code(selfish.code(), server::CYCLE_CLOSED);

    let allowed = api.post("/requirements?allow_cycles=true").json(closing).await;
    assert_eq!(allowed.status, 201, "{}", allowed.text());
    assert_eq!(api.get("/cycles").send().await.json()["count"], 1);
    let inside =
        api.patch("/requirements/REQ-A-1").based_on(&first).json(json!({"notes": "in a cycle"})).await;
    assert_eq!(inside.status, 200, "an edit that adds no link is not held against it: {}", inside.text());
}

#[tokio::test]
async fn files_that_cannot_be_imported_are_refused_with_their_rows() {
    let api = Api::new().await;
    let import = |body: &[u8]| api.post("/import").csv(body.to_vec());
    assert_code(import(b"").await.code(), import::CSV_NO_HEADER);
    assert_code(import(b"a,b\n1,2\n").await.code(), import::CSV_NO_HEADER);
    assert_code(import(b"req_id\n\xff\n").await.code(), import::CSV_NOT_UTF8);
    assert_code(import(b"req_id,notes\nREQ-A-1,\"open\n").await.code(), import::CSV_MALFORMED);
    assert_code(import(b"req_id,notes\nREQ-A-1,x\n,y\n").await.code(), import::CSV_ROW_WITHOUT_ID);
    assert_code(import(b"req_id\nREQ-\x01\n").await.code(), import::CSV_ID_INVALID);
    let twice: Got = import(b"req_id,notes\nREQ-A-1,x\nREQ-B-1,\nREQ-A-1,y\n").await;
    assert_code(twice.code(), import::CSV_DUPLICATE_ID);
    let report = &twice.json()["report"];
    assert!(report["errors"].as_array().is_some_and(|errors| !errors.is_empty()), "{report}");
    assert_eq!(api.get("/status").send().await.json()["total"], 0);
    assert_eq!(api.revision().await, 0, "nothing was applied");
}
