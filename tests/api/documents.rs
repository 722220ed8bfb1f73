//! Requirement documents in Markdown go in and come out, in both styles.

use crate::client::{Api, Got};
use rtmx::core::{assert_code, import, server, storage};
use serde_json::json;

const METADATA: &str = "# REQ-A-1: A client\r\n\r\n## Metadata\r\n- **Category**: ADAPT\r\n- **Priority:** HIGH\r\n\
    - **Phase**: 27\r\n- **Status**: COMPLETE\r\n- **Effort**: 1 week\r\n- **Dependencies**: REQ-A-2\r\n\
    - **Validation Method**: Unit Test\r\n- **Colour**: blue\r\n\r\n## Requirement\r\n\r\nIt shall talk.\r\n\r\n\
    ## Rationale\r\n\r\nSilence helps nobody. \r\n\r\n## Tests\r\n- `a_test.go::TestA`\r\n- b_test.go::TestB\r\n";

const HEADINGS: &str = "# REQ-A-1: A client\n\n## Status: COMPLETE\n## Priority: P0\n## Phase: soon\n\n\
    ## Description\nIt shall talk.\n\n## Rationale\nSilence helps nobody.\n\n## Test Cases\n1. `a_test.go::TestA`\n\n\
    ## Dependencies\n- REQ-A-2 (to talk to)\n\n## Estimated Effort: 2.5 weeks\n";

async fn send(api: &Api, query: &str, document: &str) -> Got {
    api.post(format!("/import/document{query}")).body("text/markdown", document.to_owned()).await
}

async fn row(api: &Api, id: &str) -> serde_json::Value {
    api.get(format!("/requirements/{id}")).send().await.json()
}

#[tokio::test]
async fn both_styles_make_a_requirement_with_its_text_and_its_tests_in_one_revision() {
    // document, style, priority, effort, tests
    let cases = [(METADATA, "metadata", "HIGH", 1.0, 2), (HEADINGS, "headings", "P0", 2.5, 1)];
    for (document, style, priority, effort, tests) in cases {
        for api in [Api::new().await, Api::sqlite().await] {
            let got = send(&api, "", document).await;
            assert_eq!(got.status, 200, "{style}: {}", got.text());
            let report = got.json();
            let want = (&json!(style), &json!("created"), &json!("created"), &json!(tests), &json!(1));
            let found = (&report["style"], &report["requirement"], &report["document"]);
            assert_eq!((found.0, found.1, found.2, &report["test_links"], &report["revision"]), want);

            let row = row(&api, "REQ-A-1").await;
            assert_eq!((&row["priority"], &row["effort_weeks"]), (&json!(priority), &json!(effort)));
            assert_eq!(
                (&row["requirement_text"], &row["status"]),
                (&json!("It shall talk."), &json!("MISSING"))
            );
            assert_eq!(row["dependencies"], json!(["REQ-A-2"]));
            assert_eq!(api.get("/requirements/REQ-A-1/text").send().await.body, document);
            let links = api.get("/requirements/REQ-A-1/test-links").send().await.json();
            assert_eq!(links["test_links"].as_array().map(Vec::len), Some(tests));
            assert_eq!(links["test_links"][0]["test_function"], "TestA");

            let again = send(&api, "", document).await.json();
            assert_eq!((&again["applied"], &again["revision"]), (&json!(false), &json!(1)), "{again}");
        }
    }
}

#[tokio::test]
async fn both_styles_come_out_and_go_in_again_without_a_change() {
    for style in ["metadata", "headings"] {
        let api = Api::new().await;
        let mut file = String::from("req_id,requirement_text,priority,blocks,dependencies,notes\n");
        file.push_str(
            "REQ-A-1,\"Shall work,\nand last\",HIGH,REQ-A-3,REQ-A-0,kept\nREQ-A-2,Waits,LOW,,REQ-A-1,\n",
        );
        assert_eq!(api.post("/import").csv(file.clone()).await.status, 200);
        let got = api.get(format!("/requirements/REQ-A-1/document?style={style}")).send().await;
        assert_eq!(got.header("content-type"), "text/markdown; charset=utf-8");
        let known = api.get(format!("/requirements/REQ-A-1/document?style={style}"));
        assert_eq!(known.header("if-none-match", got.etag()).send().await.status, 304);
        let document = got.text();
        for id in ["REQ-A-0", "REQ-A-2", "REQ-A-3"] {
            assert!(document.contains(id), "{id}: {document}");
        }
        let sent = api.post("/import/document").based_on(&got.etag());
        let report = sent.body("text/markdown", document.clone()).await.json();
        assert_eq!(
            (&report["requirement"], &report["changed"]),
            (&json!("unchanged"), &json!([])),
            "{report}"
        );
        assert_eq!((&report["style"], &report["document"]), (&json!(style), &json!("created")));
        assert_eq!(api.get("/export.csv").send().await.text(), file);
        let unsaid = api.get("/requirements/REQ-A-1/document").send().await.text();
        assert_eq!(unsaid, document, "the stored document's style is the one that is written");
    }
}

#[tokio::test]
async fn an_edited_row_is_written_into_the_prose_of_its_document() {
    let api = Api::new().await;
    assert_eq!(send(&api, "", METADATA).await.status, 200);
    let tag = api.get("/requirements/REQ-A-1").send().await.etag();
    let edit = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"status": "PARTIAL"})).await;
    assert_eq!(edit.status, 200, "{}", edit.text());
    for (style, field) in [("metadata", "- **Status**: PARTIAL\n"), ("headings", "## Status: PARTIAL\n")] {
        let out = api.get(format!("/requirements/REQ-A-1/document?style={style}")).send().await.text();
        assert!(out.starts_with("# REQ-A-1: A client\n") && out.contains(field), "{out}");
        assert!(out.contains("Silence helps nobody."), "{out}");
    }
    assert_code(api.get("/requirements/REQ-A-9/document").send().await.code(), server::REQUIREMENT_NOT_FOUND);
    let style = api.get("/requirements/REQ-A-1/document?style=yaml").send().await;
    assert_code(style.code(), server::PARAMETER_INVALID);
}

#[tokio::test]
async fn a_dry_run_reports_what_was_not_read_and_changes_nothing() {
    let api = Api::new().await;
    let report = send(&api, "?dry_run=true", HEADINGS).await.json();
    assert_eq!((&report["applied"], &report["requirement"]), (&json!(false), &json!("created")));
    assert_eq!(report["unread"], json!({"phase": "soon"}));
    assert_eq!(report["status_not_taken"], "COMPLETE");
    let report = send(&api, "?dry_run=true", METADATA).await.json();
    assert_eq!((&report["unread"], &report["unknown"]), (&json!({}), &json!(["Colour"])));
    assert_eq!(
        (api.revision().await, api.get("/requirements/REQ-A-1").send().await.status.as_u16()),
        (0, 404)
    );
}

#[tokio::test]
async fn the_status_is_taken_over_when_it_is_asked_for() {
    let api = Api::new().await;
    assert_eq!(send(&api, "", HEADINGS).await.json()["status_not_taken"], "COMPLETE");
    let report = send(&api, "?status=true", HEADINGS).await.json();
    assert_eq!((&report["changed"], &report["document"]), (&json!(["status"]), &json!("unchanged")));
    assert!(report["status_not_taken"].is_null(), "{report}");
    assert_eq!(row(&api, "REQ-A-1").await["status"], "COMPLETE");
}

#[tokio::test]
async fn a_document_beside_its_matrix_can_leave_the_row_as_it_is() {
    let api = Api::new().await;
    let file = "req_id,requirement_text\nREQ-A-1,Talk\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let report = send(&api, "?keep_row=true", METADATA).await.json();
    assert_eq!((&report["requirement"], &report["document"]), (&json!("unchanged"), &json!("created")));
    assert_eq!(api.get("/export.csv").send().await.text(), file);
    assert_eq!(api.get("/requirements/REQ-A-1/text").send().await.text(), METADATA);
    assert_eq!(send(&api, "?keep_row=true", METADATA).await.json()["applied"], false);
    let both = send(&api, "?keep_row=true&status=true", METADATA).await;
    assert_code(both.code(), server::PARAMETER_INVALID);
}

#[tokio::test]
async fn what_is_no_requirement_document_is_refused_whole() {
    let api = Api::new().await;
    for text in ["", "# Just words\n", "req_id,status\nREQ-A-1,MISSING\n", "# REQ-A-1: x\n\0"] {
        let got = send(&api, "", text).await;
        assert_eq!(got.status, 422, "{text:?}");
        assert_code(got.code(), import::MARKDOWN_INVALID);
    }
    let got = api.post("/import/document").body("text/markdown", &b"# REQ-A-1: \xff\n"[..]).await;
    assert_code(got.code(), import::MARKDOWN_INVALID);
    let got = api.post("/import/document").body("text/csv", METADATA).await;
    assert_code(got.code(), server::CONTENT_TYPE_INVALID);
    let got = api.post("/import").body("text/markdown", METADATA).await;
    assert_code(got.code(), server::CONTENT_TYPE_INVALID);
    assert!(got.json()["next"].as_str().is_some_and(|next| next.contains("import/document")));
    assert_eq!(api.revision().await, 0);
}

#[tokio::test]
async fn a_document_that_closes_a_cycle_is_refused_unless_it_may() {
    let api = Api::new().await;
    api.make(json!({"req_id": "REQ-A-2", "dependencies": ["REQ-A-1"]})).await;
    for query in ["", "?dry_run=true"] {
        let got = send(&api, query, METADATA).await;
        assert_eq!(got.status, 409);
        assert_code(got.code(), server::CYCLE_CLOSED);
    }
    assert_eq!(api.revision().await, 1);
    assert_eq!(send(&api, "?allow_cycles=true", METADATA).await.status, 200);
    assert_eq!(api.get("/cycles").send().await.json()["count"], 1);
    assert_eq!(send(&api, "", METADATA).await.status, 200, "it adds no link");
}

#[tokio::test]
async fn a_document_names_what_it_is_based_on_and_may_be_repeated() {
    let key = "5a0d2c1e-7f55-4a32-9d0c-0c8e6a4f1b77";
    for api in [Api::new().await, Api::sqlite().await] {
        let sent = |text: &'static str| {
            api.post("/import/document").header("idempotency-key", key).body("text/markdown", text)
        };
        let first = sent(METADATA).await.json();
        let tag = api.get("/requirements/REQ-A-1/document").send().await.etag();
        let edit = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"phase": 3})).await;
        assert_eq!(edit.status, 200, "{}", edit.text());
        assert_eq!(sent(METADATA).await.json(), first, "an answer that was lost is given again");
        assert_eq!((&row(&api, "REQ-A-1").await["phase"], api.revision().await), (&json!(3), 2));
        assert_code(sent(HEADINGS).await.code(), storage::CHANGE_SET_REUSED);

        let late = api.post("/import/document").based_on(&tag).body("text/markdown", HEADINGS).await;
        assert_code(late.code(), storage::STALE_REVISION);
        let new =
            api.post("/import/document").header("if-none-match", "*").body("text/markdown", HEADINGS).await;
        assert_code(new.code(), server::REQUIREMENT_EXISTS);
    }
}
