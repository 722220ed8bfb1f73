//! Requirements are made, read, edited and deleted, each edit based on what was read.

use crate::client::Api;
use serde_json::json;

#[tokio::test]
async fn a_requirement_is_shown_flat_with_its_columns_under_their_names() {
    let api = Api::new().await;
    let file = "req_id,category,requirement_text,status,phase,dependencies,blocks,Cost\r\n\
        REQ-A-1,UI,Shows a list,done,Phase 3,REQ-B-1,REQ-X-9,12\r\nREQ-B-1,API,Answers,COMPLETE,1,,REQ-A-1,\r\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let mut found = api.get("/requirements/REQ-A-1").send().await.json();
    let at = found["updated_at"].take();
    assert_eq!(at, "2023-11-14T22:13:20Z");
    let golden = json!({
        "req_id": "REQ-A-1", "category": "UI", "subcategory": "", "requirement_text": "Shows a list",
        "target_value": "", "test_module": "", "test_function": "", "validation_method": "",
        "status": "MISSING", "priority": "MEDIUM", "phase": 3, "notes": "", "effort_weeks": null,
        "dependencies": ["REQ-B-1"], "blocks": [], "blocks_given": ["REQ-X-9"],
        "assignee": "", "sprint": "", "started_date": "", "completed_date": "", "requirement_file": "",
        "external_id": "", "extra": {"Cost": "12"},
        "as_given": {"phase": "Phase 3", "status": "done"},
        "revision": 1, "updated_at": null, "updated_by": "local-admin",
    });
    assert_eq!(found, golden);
    let other = api.get("/requirements/REQ-B-1").send().await.json();
    assert_eq!(other["blocks"], json!(["REQ-A-1"]));
    assert!(other.get("blocks_given").is_none(), "it agrees with what is derived: {other}");
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_gives_a_new_tag() {
    let api = Api::new().await;
    let made =
        api.post("/requirements").json(json!({"req_id": "REQ-A-1", "notes": "first", "phase": 2})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), "/api/v1/projects/default/requirements/REQ-A-1");
    let first = made.etag();

    let patched = api.patch("/requirements/REQ-A-1").based_on(&first);
    let patched = patched.json(json!({"status": "PARTIAL", "phase": null, "extra": {"risk": "high"}})).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    let found = patched.json();
    assert_eq!(
        (&found["status"], &found["phase"], &found["notes"]),
        (&json!("PARTIAL"), &json!(null), &json!("first"))
    );
    assert_eq!(found["extra"], json!({"risk": "high"}));
    assert_ne!(patched.etag(), first);

    let whole =
        api.put("/requirements/REQ-A-1").based_on(&patched.etag()).json(json!({"category": "UI"})).await;
    let found = whole.json();
    assert_eq!(
        (&found["category"], &found["notes"], &found["extra"]),
        (&json!("UI"), &json!(""), &json!({}))
    );
    assert_eq!(found["status"], "MISSING");

    assert_eq!(api.delete("/requirements/REQ-A-1").based_on(&whole.etag()).send().await.status, 204);
    assert_eq!(api.get("/requirements/REQ-A-1").send().await.status, 404);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back_and_changes_nothing() {
    let api = Api::new().await;
    let file = "req_id,status,phase,priority,dependencies,blocks\nREQ-A-1,todo,Phase 2,P1,REQ-B-1 REQ-C-1,REQ-Z-1\nREQ-B-1,,,,REQ-A-2,\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let before = api.get("/export.csv").send().await;
    let read = api.get("/requirements/REQ-A-1").send().await;
    let sent = api.put("/requirements/REQ-A-1").based_on(&read.etag()).json(read.json()).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(sent.json()["revision"], 1);
    let after = api.get("/export.csv").send().await;
    assert_eq!((before.text(), before.etag()), (after.text(), after.etag()));
    assert_eq!(after.text(), file);
}

#[tokio::test]
async fn the_tag_changes_with_what_depends_on_the_requirement_and_edits_ignore_that() {
    let api = Api::new().await;
    let alone = api.make(json!({"req_id": "REQ-A-1"})).await;
    let again = api.get("/requirements/REQ-A-1").header("if-none-match", &alone).send().await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));

    api.make(json!({"req_id": "REQ-B-1", "dependencies": ["REQ-A-1"]})).await;
    let found = api.get("/requirements/REQ-A-1").header("if-none-match", &alone).send().await;
    assert_eq!(found.status, 200, "what is shown has changed");
    assert_eq!(found.json()["blocks"], json!(["REQ-B-1"]));
    for tag in [alone, found.etag(), format!("W/{}", found.etag())] {
        let edit = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"notes": ""})).await;
        assert_eq!(edit.status, 200, "{tag}: {}", edit.text());
    }
}

#[tokio::test]
async fn ids_with_special_characters_are_percent_encoded_in_paths() {
    let api = Api::new().await;
    // id, as part of a path
    let cases = [
        ("org/repo:REQ-1", "org%2Frepo%3AREQ-1"),
        ("REQ A", "REQ%20A"),
        ("REQ?x=1#y", "REQ%3Fx%3D1%23y"),
        ("Größe-1", "Gr%C3%B6%C3%9Fe-1"),
        ("100%", "100%25"),
    ];
    for (id, encoded) in cases {
        let made = api.post("/requirements").json(json!({"req_id": id})).await;
        assert_eq!(made.status, 201, "{id}: {}", made.text());
        assert_eq!(made.header("location"), format!("/api/v1/projects/default/requirements/{encoded}"));
        let found = api.get(format!("/requirements/{encoded}")).send().await;
        assert_eq!(found.json()["req_id"], id);
        assert_eq!(api.get(format!("/impact/{encoded}")).send().await.json()["req_id"], id);
        let edited = api
            .patch(format!("/requirements/{encoded}"))
            .based_on(&found.etag())
            .json(json!({"notes": "x"}))
            .await;
        assert_eq!(edited.json()["notes"], "x", "{id}");
    }
}

#[tokio::test]
async fn a_put_that_must_not_replace_makes_a_new_requirement() {
    let api = Api::new().await;
    let made =
        api.put("/requirements/REQ-A-1").header("if-none-match", "*").json(json!({"notes": "n"})).await;
    assert_eq!(made.status, 201);
    let again =
        api.put("/requirements/REQ-A-1").header("if-none-match", "*").json(json!({"notes": "m"})).await;
    assert_eq!(again.status, 409);
    assert_eq!(api.get("/requirements/REQ-A-1").send().await.json()["notes"], "n");
}

#[tokio::test]
async fn deleting_takes_the_document_and_test_links_along() {
    let api = Api::new().await;
    let file = "req_id,test_module,test_function\nREQ-A-1,t.py,one\nREQ-A-1,t.py,two\n";
    assert_eq!(api.post("/import?duplicates=merge").csv(file).await.status, 200);
    let links = api.get("/requirements/REQ-A-1/test-links").send().await.json();
    let names: Vec<_> = links["test_links"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|link| link["test_function"].clone())
        .collect();
    assert_eq!(names, ["one", "two"]);
    let text = api.put("/requirements/REQ-A-1/text").header("if-none-match", "*");
    assert_eq!(text.body("text/markdown", "# REQ-A-1: A").await.status, 201);

    let tag = api.get("/requirements/REQ-A-1").send().await.etag();
    assert_eq!(api.delete("/requirements/REQ-A-1").based_on(&tag).send().await.status, 204);
    api.make(json!({"req_id": "REQ-A-1"})).await;
    assert_eq!(api.get("/requirements/REQ-A-1/text").send().await.status, 404);
    assert_eq!(api.get("/requirements/REQ-A-1/test-links").send().await.json(), json!({"test_links": []}));
}
