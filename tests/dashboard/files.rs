//! Import by the dashboard: checked first, then imported as it was checked, or refused.

use crate::client::Api;
use crate::page::Page;
use rtmx::core::{assert_code, server, storage};
use serde_json::json;

const BOUNDARY: &str = "----a-boundary-of-a-browser";

/// What a browser sends for the form.
fn form(fields: &[(&str, &str)], file: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"<b>matrix.csv\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    ));
    body
}

async fn send(api: &Api, fields: &[(&str, &str)], file: &str) -> Page {
    let call = api.post("/projects/default/files").header("accept", "text/html");
    let call = call.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    Page::read(call.with(form(fields, file)).open().await).await
}

/// What the report of a check carries to the import.
fn seal(page: &Page) -> String {
    page.one("input[name=checked]").attr("value").expect("a seal has a value").to_owned()
}

#[tokio::test]
async fn a_check_tells_what_an_import_would_do_and_changes_nothing() {
    for api in [Api::new().await, Api::sqlite().await] {
        api.make(json!({"req_id": "R-1", "requirement_text": "old"})).await;
        api.make(json!({"req_id": "R-9"})).await;
        let before = api.revision().await;
        let file = "req_id,requirement_text,status\nR-1,new,MISSING\nR-2,<i>two</i>,someday\n";
        let page = send(&api, &[("mode", "replace"), ("act", "check")], file).await;
        assert_eq!(page.status, 200);
        assert_eq!(
            page.texts("table.counts td"),
            ["2", "1", "1", "0", "1", "0", "0", "0"],
            "rows, added, changed, moved, deleted, unchanged, kept, links"
        );
        assert_eq!(page.texts(".ids li"), ["R-9"]);
        assert!(page.text(".answer").contains("<b>matrix.csv"), "the name is text");
        let findings = page.texts(".answer .findings tbody tr");
        assert!(
            findings.iter().any(|row| row.starts_with("3 3 status R-2") || row.starts_with("33statusR-2")),
            "{findings:?}"
        );
        assert_eq!(page.one("input[name=mode][checked]").attr("value"), Some("replace"));
        assert_eq!(api.revision().await, before, "nothing was changed");
    }
}

#[tokio::test]
async fn an_import_is_the_one_that_was_checked() {
    for api in [Api::new().await, Api::sqlite().await] {
        let file = "req_id,status\nR-1,MISSING\nR-2,COMPLETE\n";
        let checked = send(&api, &[("act", "check")], file).await;
        let seal = seal(&checked);
        let import = |seal: &str| [("act", "import".to_owned()), ("checked", seal.to_owned())];
        let fields = import(&seal);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();

        let other = send(&api, &fields, "req_id\nR-3\n").await;
        assert_eq!(other.status, 409);
        assert_code(other.text(".answer code"), server::IMPORT_NOT_CHECKED);
        let mut replacing = fields.clone();
        replacing.push(("mode", "replace"));
        let otherwise = send(&api, &replacing, file).await;
        assert_code(otherwise.text(".answer code"), server::IMPORT_NOT_CHECKED);
        let unchecked = send(&api, &[("act", "import")], file).await;
        assert_code(unchecked.text(".answer code"), server::IMPORT_NOT_CHECKED);
        assert_eq!(api.revision().await, 0, "nothing was changed");

        let done = send(&api, &fields, file).await;
        assert_eq!(done.status, 303);
        let to = done.headers["location"].to_str().expect("an address is text").to_owned();
        assert_eq!(to, "/projects/default/files?done=1");
        let page = Page::open(&api, "/files?done=1").await;
        assert!(
            page.text(".answer").contains("2 requirements were written and 0 deleted"),
            "{}",
            page.text(".answer")
        );
        let again = send(&api, &fields, file).await;
        assert_code(again.text(".answer code"), storage::STALE_REVISION);
        assert_eq!((again.status.as_u16(), api.revision().await), (412, 1));
        let nothing = send(&api, &[("act", "check")], file).await;
        assert_eq!(nothing.text(".answer h2"), "The import would change nothing");
        assert!(nothing.all("button[value=import]").is_empty());
    }
}

#[tokio::test]
async fn a_project_that_moved_on_refuses_an_import_that_was_checked_before() {
    let api = Api::new().await;
    let file = "req_id\nR-1\n";
    let seal = seal(&send(&api, &[("act", "check")], file).await);
    api.make(json!({"req_id": "R-5"})).await;
    let late = send(&api, &[("act", "import"), ("checked", &seal)], file).await;
    assert_eq!(late.status, 412);
    assert_code(late.text(".answer code"), storage::STALE_REVISION);
    assert!(late.text(".answer").contains("Nothing was changed"));
    assert_eq!(api.get("/requirements/R-1").send().await.status, 404);
}

#[tokio::test]
async fn a_refused_file_is_shown_with_its_rows() {
    let api = Api::new().await;
    let page = send(&api, &[("act", "check")], "req_id\nR-1\nR-1\n\"\"\n").await;
    assert_eq!(page.status, 422);
    let rows = page.texts(".answer .findings tbody tr td:first-child");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.parse::<u64>().is_ok()), "{rows:?}");
    assert_eq!(page.all("form#import input[type=file]").len(), 1, "another file can be chosen");
}

#[tokio::test]
async fn forms_that_are_none_are_refused() {
    let api = Api::new().await;
    let none = send(&api, &[("act", "check"), ("colour", "red")], "req_id\n").await;
    assert_eq!((none.status.as_u16(), none.text("main code").as_str()), (400, "body_invalid"));
    let call = api.post("/projects/default/files").header("accept", "text/html");
    let page = Page::read(call.header("content-type", "text/csv").with("req_id\n").open().await).await;
    assert_eq!((page.status.as_u16(), page.text("main code").as_str()), (415, "content_type_invalid"));
}

#[tokio::test]
async fn who_may_only_read_is_offered_the_export_and_not_the_import() {
    let api = Api::new().await;
    let token = api.post("/api/v1/tokens").json(json!({"name": "reader", "role": "viewer"})).await;
    assert_eq!(token.status, 200, "{}", token.text());
    let token = token.json()["token"].as_str().expect("a new token is shown").to_owned();
    let call = api.get("/projects/default/files").token(&token).header("accept", "text/html");
    let page = Page::read(call.open().await).await;
    assert_eq!((page.status.as_u16(), page.all("form#import").len()), (200, 0));
    let call = api.post("/projects/default/files").token(&token).header("accept", "text/html");
    let call = call.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let page = Page::read(call.with(form(&[("act", "check")], "req_id\n")).open().await).await;
    assert_eq!((page.status.as_u16(), page.text("main code").as_str()), (403, "forbidden"));
}
