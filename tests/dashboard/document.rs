//! The document of a requirement: written, looked at first, and merged when two people write at once.

use crate::client::Api;
use crate::page::Page;
use crate::sheet::Sheet;
use http::StatusCode;
use serde_json::json;

const TEXT: &str = "# R\n\none\ntwo\nthree\nfour\nfive\n";

async fn with_document() -> Api {
    let api = Api::new().await;
    api.make(json!({"req_id": "R"})).await;
    let call = api.put("/requirements/R/text").header("if-none-match", "*");
    assert_eq!(call.body("text/markdown", TEXT).await.status, 201);
    api
}

async fn replace(api: &Api, markdown: &str) {
    let tag = api.get("/requirements/R/text").send().await.etag();
    let call = api.put("/requirements/R/text").based_on(&tag);
    assert_eq!(call.body("text/markdown", markdown.to_owned()).await.status, 204);
}

async fn text(api: &Api) -> String {
    api.get("/requirements/R/text").send().await.text()
}

#[tokio::test]
async fn a_document_is_written_looked_at_and_deleted() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R"})).await;
    let form = Page::open(&api, "/requirements/R/document").await;
    let sheet = Sheet::of(&form).typed("markdown", "# Title\n\n<script>x</script>\n");
    let revision = api.revision().await;
    let preview = sheet.press(&api, "preview").await;
    assert_eq!(
        (preview.status, api.revision().await),
        (StatusCode::OK, revision),
        "a preview writes nothing"
    );
    assert_eq!(preview.text(".prose h3"), "Title");
    assert_eq!(preview.all("script").len(), 2);
    let sheet = Sheet::of(&preview);
    assert_eq!(sheet.text("markdown"), "# Title\n\n<script>x</script>\n");
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=document");
    assert_eq!(text(&api).await, "# Title\n\n<script>x</script>\n");
    let untouched = Sheet::of(&Page::open(&api, "/requirements/R/document").await);
    assert_eq!(untouched.clone().save(&api).await, "/requirements/R?notice=unchanged");
    let gone = untouched.press(&api, "delete").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert_eq!(api.get("/requirements/R/text").send().await.status, 404);
}

#[tokio::test]
async fn line_ends_stay_as_the_document_has_them() {
    let api = with_document().await;
    replace(&api, "\r\n# R\r\n\r\none\r\n").await;
    let form = Page::open(&api, "/requirements/R/document").await;
    assert_eq!(Sheet::of(&form).save(&api).await, "/requirements/R?notice=unchanged");
    let sheet = Sheet::of(&form);
    let longer = format!("{}two\n", sheet.text("markdown"));
    sheet.typed("markdown", &longer).save(&api).await;
    assert_eq!(text(&api).await, "\r\n# R\r\n\r\none\r\ntwo\r\n");
}

#[tokio::test]
async fn changes_in_different_places_are_merged() {
    let api = with_document().await;
    let sheet = Sheet::of(&Page::open(&api, "/requirements/R/document").await);
    replace(&api, &TEXT.replace("one", "ONE (theirs)")).await;
    let mine = TEXT.replace("five", "FIVE (mine)");
    let answer = sheet.typed("markdown", &mine).press(&api, "save").await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert!(text(&api).await.contains("\nfive\n"), "nothing is written before a person says so");
    Sheet::of(&answer).save(&api).await;
    assert_eq!(text(&api).await, TEXT.replace("one", "ONE (theirs)").replace("five", "FIVE (mine)"));
}

#[tokio::test]
async fn changes_in_the_same_place_are_shown_both_and_marks_are_not_saved_by_mistake() {
    let api = with_document().await;
    let sheet = Sheet::of(&Page::open(&api, "/requirements/R/document").await);
    replace(&api, &TEXT.replace("three", "theirs")).await;
    let answer = sheet.typed("markdown", &TEXT.replace("three", "mine")).press(&api, "save").await;
    let sheet = Sheet::of(&answer);
    assert!(
        sheet.text("markdown").contains("<<<<<<< mine\nmine\n=======\ntheirs\n>>>>>>> theirs\n"),
        "{}",
        sheet.text("markdown")
    );
    let refused = sheet.press(&api, "save").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sheet = Sheet::of(&refused).typed("markdown", &TEXT.replace("three", "both"));
    sheet.save(&api).await;
    assert_eq!(text(&api).await, TEXT.replace("three", "both"));
}

#[tokio::test]
async fn the_same_text_twice_is_no_conflict_and_one_that_was_deleted_can_be_written_again() {
    let api = with_document().await;
    let first = Sheet::of(&Page::open(&api, "/requirements/R/document").await);
    let sheet = first.clone().typed("markdown", "# New\n");
    replace(&api, "# New\n").await;
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=unchanged");
    let tag = api.get("/requirements/R/text").send().await.etag();
    assert_eq!(api.delete("/requirements/R/text").based_on(&tag).send().await.status, 204);
    let answer = first.typed("markdown", "# Mine\n").press(&api, "save").await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let sheet = Sheet::of(&answer);
    assert_eq!((sheet.text("basis"), sheet.text("markdown")), ("absent", "# Mine\n"));
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=document");
    assert_eq!(text(&api).await, "# Mine\n");
}

#[tokio::test]
async fn two_first_documents_are_merged() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R"})).await;
    let sheet = Sheet::of(&Page::open(&api, "/requirements/R/document").await);
    let call = api.put("/requirements/R/text").header("if-none-match", "*");
    assert_eq!(call.body("text/markdown", "theirs\n").await.status, 201);
    let answer = sheet.typed("markdown", "mine\n").press(&api, "save").await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let sheet = Sheet::of(&answer).typed("markdown", "theirs\nmine\n");
    sheet.save(&api).await;
    assert_eq!(text(&api).await, "theirs\nmine\n");
}
