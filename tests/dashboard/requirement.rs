//! The page of one requirement.

use crate::client::Api;
use crate::page::Page;
use crate::sheet::Sheet;
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_page_tells_text_state_neighbours_tests_document_and_history() {
    let api = Api::new().await;
    api.make(json!({"req_id": "BASE", "requirement_text": "The base.", "status": "PARTIAL"})).await;
    let tag = api
        .make(json!({"req_id": "REQ-TOP-1", "requirement_text": "The user shall log in.",
            "category": "AUTH", "phase": 2, "dependencies": ["BASE", "GONE", "other:REQ-9"],
            "test_module": "tests/login.rs", "test_function": "logs_in", "extra": {"risk": "high"}}))
        .await;
    api.make(json!({"req_id": "OVER", "dependencies": ["REQ-TOP-1"]})).await;
    let edit = json!({"requirement_text": "The user must log in."});
    assert_eq!(api.patch("/requirements/REQ-TOP-1").based_on(&tag).json(edit).await.status, 200);
    let document = "# Login\n\nNeeds BASE-1 and REQ-TOP-1, see OVER.\n";
    let call = api.put("/requirements/REQ-TOP-1/text").header("if-none-match", "*");
    assert_eq!(call.body("text/markdown", document).await.status, 201);

    let page = Page::open(&api, "/requirements/REQ-TOP-1").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text("h1"), "REQ-TOP-1 Missing");
    assert_eq!(page.text(".requirement-text"), "The user must log in.");
    let reasons = page.texts(".whys li");
    assert!(reasons.iter().any(|why| why.starts_with("Waits for BASE")), "{reasons:?}");
    assert!(reasons.iter().any(|why| why.contains("GONE") && why.contains("nowhere")), "{reasons:?}");
    let up = page.texts("[data-key^=up-]");
    assert_eq!(
        up,
        ["BASE Partial The base.", "GONE does not exist here", "other:REQ-9 in another repository"]
    );
    assert_eq!(page.texts("[data-key^=down-] a"), ["OVER"]);
    assert_eq!(page.texts(".tests li"), ["tests/login.rs logs_in"]);
    assert_eq!(page.text(".prose h3"), "Login");
    assert!(page.texts("#columns + dl dt").contains(&"risk".to_owned()));
    let history = page.texts(".history > li");
    assert_eq!(history.len(), 2);
    assert!(history[0].starts_with("changed by") && history[0].contains("revision 4"), "{history:?}");
    assert_eq!(
        (page.texts(".history del"), page.texts(".history li:first-child ins")),
        (vec!["shall".into()], vec!["must".into()])
    );
    assert_eq!(page.link(".whys a"), "/requirements/BASE");
}

#[tokio::test]
async fn hostile_ids_and_texts_are_shown_as_what_they_are() {
    let api = Api::new().await;
    let id = "\"><script>alert(1)</script>/../REQ?#&%41";
    let long = format!("=cmd|' /C calc'!A0 <script>alert(2)</script> \u{202e}עברית {}", "x".repeat(10_000));
    let body = json!({"req_id": id, "requirement_text": long, "category": "<b>\"", "notes": "</textarea><script>",
        "dependencies": ["<img/src=x>"], "extra": {"<i>": "</dd><script>"}});
    api.make(body).await;
    let address = Page::open(&api, "/requirements?search=alert").await;
    assert!(address.status.is_success() || address.status == StatusCode::NOT_FOUND);
    let encoded = serde_urlencoded::to_string([("", id)]).expect("a text can be encoded");
    let segment = encoded.trim_start_matches('=').replace('+', "%20");
    for part in ["", "/edit", "/delete", "/document"] {
        let page = Page::open(&api, &format!("/requirements/{segment}{part}")).await;
        assert_eq!(page.status, StatusCode::OK, "{part}");
        assert_eq!(page.all("script").len(), 2, "only the dashboard's own: {part}");
        assert!(page.all("img, iframe, object, [onclick], [style]").is_empty(), "{part}");
        assert!(page.texts("h1")[0].contains("<script>alert(1)</script>"), "{part}");
    }
    let page = Page::open(&api, &format!("/requirements/{segment}")).await;
    assert_eq!(page.one(".requirement-text").text().collect::<String>(), long);
    let form = Page::open(&api, &format!("/requirements/{segment}/edit")).await;
    let sheet = Sheet::of(&form);
    assert_eq!((sheet.text("requirement_text"), sheet.text("notes")), (&*long, "</textarea><script>"));
    let revision = api.revision().await;
    assert!(sheet.save(&api).await.ends_with("?notice=unchanged"));
    assert_eq!(api.revision().await, revision);
}

#[tokio::test]
async fn past_revisions_and_deleted_requirements_can_be_read() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "R", "requirement_text": "First."})).await;
    let tag =
        api.patch("/requirements/R").based_on(&tag).json(json!({"requirement_text": "Second."})).await.etag();
    let page = Page::open(&api, "/requirements/R?at=1").await;
    assert_eq!(page.text(".requirement-text"), "First.");
    assert!(page.all("a[href$='/edit']").is_empty(), "what is past is not edited");
    assert_eq!(Page::open(&api, "/requirements/R?at=9").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(Page::open(&api, "/requirements/R?at=0").await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.delete("/requirements/R").based_on(&tag).send().await.status, 204);
    let gone = Page::open(&api, "/requirements/R").await;
    assert_eq!((gone.status, gone.text("h1").as_str()), (StatusCode::NOT_FOUND, "R was deleted"));
    let link = gone.all(".history a")[0].attr("href").expect("a link leads somewhere").to_owned();
    let before = Page::open(&api, link.strip_prefix("/projects/default").expect("its own")).await;
    assert_eq!(before.text(".requirement-text"), "Second.");
    let never = Page::open(&api, "/requirements/NEVER").await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
    assert!(never.source.contains("requirement_not_found"));
}

#[tokio::test]
async fn a_long_history_is_paged() {
    let api = Api::new().await;
    let mut tag = api.make(json!({"req_id": "R"})).await;
    for n in 0..25 {
        tag = api
            .patch("/requirements/R")
            .based_on(&tag)
            .json(json!({"notes": format!("note {n}")}))
            .await
            .etag();
    }
    let first = Page::open(&api, "/requirements/R").await;
    assert_eq!(first.all(".history > li").len(), 20);
    let older = first.link(".history + p a");
    let older = older.split('#').next().expect("there is a first part");
    let second = Page::open(&api, older).await;
    assert_eq!(second.all(".history > li").len(), 6);
    assert!(second.texts(".history > li")[5].starts_with("created"));
}

#[tokio::test]
async fn deleting_is_asked_for_and_names_what_depends_on_it() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "BASE"})).await;
    api.make(json!({"req_id": "A", "dependencies": ["BASE"]})).await;
    api.make(json!({"req_id": "B", "dependencies": ["BASE"]})).await;
    let question = Page::open(&api, "/requirements/BASE/delete").await;
    assert_eq!(question.texts(".neighbours a"), ["A", "B"]);
    assert_eq!(api.get("/requirements/BASE").send().await.status, 200, "asking deletes nothing");
    let sheet = Sheet::of(&question);
    // Somebody edits it between question and answer: then it is asked again.
    assert_eq!(api.patch("/requirements/BASE").based_on(&tag).json(json!({"notes": "x"})).await.status, 200);
    let again = sheet.press(&api, "delete").await;
    assert_eq!(again.status, StatusCode::PRECONDITION_FAILED);
    let done = Sheet::of(&again).press(&api, "delete").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(api.get("/requirements/BASE").send().await.status, 404);
}

#[tokio::test]
async fn who_may_only_read_is_offered_no_edit_and_refused_one() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R"})).await;
    let token = api.post("/api/v1/tokens").json(json!({"name": "reader", "role": "viewer"})).await;
    let token = token.json()["token"].as_str().expect("a token is text").to_owned();
    let open = async |path: &str| {
        let call = api
            .outside(Method::GET, format!("/projects/default{path}"))
            .header("accept", "text/html")
            .token(&token);
        Page::read(call.open().await).await
    };
    let page = open("/requirements/R").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.all("a[href$='/edit'], a[href$='/delete'], a[href$='/document']").is_empty());
    for path in
        ["/requirements/R/edit", "/requirements/R/delete", "/requirements/R/document", "/requirements/new"]
    {
        assert_eq!(open(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let body = "basis=absent&req_id=N";
    let call = api
        .outside(Method::POST, "/projects/default/requirements/new")
        .token(&token)
        .header("accept", "text/html");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(call.with(body).open().await.status(), StatusCode::FORBIDDEN);
    assert_eq!(api.get("/requirements/N").send().await.status, 404);
}

#[tokio::test]
async fn a_requirement_may_be_called_new() {
    let api = Api::new().await;
    api.make(json!({"req_id": "new", "requirement_text": "Odd."})).await;
    api.make(json!({"req_id": "A", "dependencies": ["new"]})).await;
    let address = Page::open(&api, "/requirements/A").await.link("[data-key^=up-] a");
    assert_eq!(Page::open(&api, &address).await.text(".requirement-text"), "Odd.");
}
