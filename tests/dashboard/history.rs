//! The history of a project, comparisons and baselines.

use crate::client::Api;
use crate::page::Page;
use crate::sheet::Sheet;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn history_has_one_entry_for_each_change_set_and_leads_to_what_it_did() {
    let api = Api::new().await;
    let mut file = "req_id,notes\n".to_owned();
    for n in 0..300 {
        file.push_str(&format!("R-{n:03},n\n"));
    }
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let tag = api.get("/requirements/R-007").send().await.etag();
    let edit = json!({"notes": "<script>"});
    assert_eq!(api.patch("/requirements/R-007").based_on(&tag).json(edit).await.status, 200);
    let page = Page::open(&api, "/history").await;
    let writes = page.texts(".history > li");
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(
        writes[0].starts_with("Revision 2 by local-admin") && writes[0].ends_with("R-007"),
        "{}",
        writes[0]
    );
    assert!(writes[1].contains("and more"), "{}", writes[1]);
    let change = Page::open(&api, &page.link(".history > li:first-child p:first-child a:first-child")).await;
    assert_eq!(change.texts(".history del, .history ins"), ["n", "<script>"]);
    assert!(change.source.contains("0 added, 0 removed, 1 changed"));
    let import = Page::open(&api, "/compare?from=0&to=1").await;
    assert!(import.source.contains("300 added"), "the form of the file is not compared");
}

#[tokio::test]
async fn history_is_paged_and_filtered_by_who_wrote() {
    let api = Api::new().await;
    let token = api.post("/api/v1/tokens").json(json!({"name": "e", "role": "editor"})).await.json();
    let token = token["token"].as_str().expect("a token is text").to_owned();
    for n in 0..60 {
        let call = api.post("/requirements");
        let call = if n % 20 == 0 { call.token(&token) } else { call };
        assert_eq!(call.json(json!({"req_id": format!("R-{n}")})).await.status, 201);
    }
    let first = Page::open(&api, "/history").await;
    assert_eq!(first.all(".history > li").len(), 50);
    let second = Page::open(&api, &first.link("a[rel=next]")).await;
    assert_eq!((second.all(".history > li").len(), second.all("a[rel=next]").len()), (10, 0));
    let revisions = |page: &Page| page.texts(".history > li p:first-child a:first-child");
    let mut seen = revisions(&first);
    seen.extend(revisions(&second));
    let want: Vec<String> = (1..=60).rev().map(|n| format!("Revision {n}")).collect();
    assert_eq!(seen, want);
    let others = second.link(".history > li:last-child .quiet");
    let by = Page::open(&api, &others).await;
    assert_eq!(revisions(&by), ["Revision 41", "Revision 21", "Revision 1"]);
    let listed = api.get("/change-sets?limit=2").send().await.json();
    assert_eq!(listed["change_sets"][0]["records"][0]["id"], "R-59");
    assert!(listed["next"].is_string());
}

#[tokio::test]
async fn baselines_are_taken_listed_and_compared() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "R", "requirement_text": "It shall."})).await;
    let form = Page::open(&api, "/baselines").await;
    let sheet = Sheet::of(&form).typed("name", "v1 <b>").typed("note", "first");
    assert_eq!(sheet.clone().save(&api).await, "/baselines");
    let twice = sheet.press(&api, "save").await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert_eq!(Sheet::of(&twice).text("name"), "v1 <b>");
    let wrong = Sheet::of(&form).typed("name", "head").press(&api, "save").await;
    assert!(wrong.status.is_client_error() && wrong.text("[role=alert]").contains("head"));
    let edit = json!({"requirement_text": "It must."});
    assert_eq!(api.patch("/requirements/R").based_on(&tag).json(edit).await.status, 200);
    let list = Page::open(&api, "/baselines").await;
    assert_eq!(list.texts("tbody th"), ["v1 <b>"]);
    let since = Page::open(&api, &list.link("tbody th a")).await;
    assert_eq!(since.texts(".history del, .history ins"), ["shall.", "must."]);
    assert_eq!(Page::open(&api, "/compare?from=nowhere").await.status, StatusCode::NOT_FOUND);
}
