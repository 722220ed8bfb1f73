//! The forms in which requirements are made and edited.

use crate::client::Api;
use crate::page::Page;
use crate::sheet::Sheet;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn saving_an_untouched_form_writes_nothing_whatever_the_file_held() {
    let api = Api::new().await;
    let file = "req_id,category,requirement_text,status,priority,phase,notes,effort_weeks,dependencies,blocks,started_date,risk,Req Kind\r\n\
        R-1,\" CAT \",\"\nfirst\nsecond\r\nthird\",done,P1,Phase 3,\"a\rb\",0,\"B, C\",\"X Y\",soon,\"<r>\n\",\"k \"\r\n\
        R-2,,,,,,,,,,,,\r\n\
        R-3,\"line\nbreak\",=1+1,COMPLETE,HIGH,2.0,,2.50,A|,,2026-01-31,,\r\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let revision = api.revision().await;
    for id in ["R-1", "R-2", "R-3"] {
        let form = Page::open(&api, &format!("/requirements/{id}/edit")).await;
        assert_eq!(Sheet::of(&form).save(&api).await, format!("/requirements/{id}?notice=unchanged"));
    }
    assert_eq!(api.revision().await, revision);
    assert_eq!(api.get("/export.csv").send().await.text(), file);
    // Of an edit in one column, the others keep the texts of the file.
    let form = Page::open(&api, "/requirements/R-1/edit").await;
    Sheet::of(&form).typed("assignee", "alice").save(&api).await;
    let stored = api.get("/requirements/R-1").send().await.json();
    assert_eq!((&stored["assignee"], &stored["notes"]), (&json!("alice"), &json!("a\rb")));
    assert_eq!(stored["requirement_text"], json!("\nfirst\nsecond\r\nthird"));
    assert_eq!(stored["as_given"]["status"], json!("done"));
    assert_eq!(stored["as_given"]["phase"], json!("Phase 3"));
}

#[tokio::test]
async fn every_column_can_be_edited_and_a_new_one_made() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R", "extra": {"risk": "low"}})).await;
    let form = Page::open(&api, "/requirements/R/edit").await;
    let texts = [
        ("category", "C"),
        ("subcategory", "S"),
        ("requirement_text", "T\nU"),
        ("target_value", "V"),
        ("test_module", "m"),
        ("test_function", "f"),
        ("validation_method", "Unit Test"),
        ("status", "PARTIAL"),
        ("priority", "P0"),
        ("phase", "4"),
        ("notes", "N"),
        ("effort_weeks", "1.5"),
        ("assignee", "alice"),
        ("sprint", "v1"),
        ("started_date", "2026-01-31"),
        ("completed_date", "2026-02-01"),
        ("requirement_file", "r.md"),
        ("external_id", "X"),
        ("blocks", "B"),
        ("dependencies", "A, D"),
        ("extra.risk", "high"),
        ("new_name", "owner"),
        ("new_value", "bob"),
    ];
    let sheet = texts.iter().fold(Sheet::of(&form), |sheet, (name, text)| sheet.typed(name, text));
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=saved");
    let stored = api.get("/requirements/R").send().await.json();
    let want = json!({"category": "C", "subcategory": "S", "requirement_text": "T\nU", "target_value": "V",
        "test_module": "m", "test_function": "f", "validation_method": "Unit Test", "status": "PARTIAL",
        "priority": "P0", "phase": 4, "notes": "N", "effort_weeks": 1.5, "assignee": "alice", "sprint": "v1",
        "started_date": "2026-01-31", "completed_date": "2026-02-01", "requirement_file": "r.md",
        "external_id": "X", "blocks_given": ["B"], "dependencies": ["A", "D"],
        "extra": {"owner": "bob", "risk": "high"}});
    for (name, value) in want.as_object().expect("it is an object") {
        assert_eq!(&stored[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_its_field_and_everything_typed_is_kept() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R", "notes": "old"})).await;
    let form = Page::open(&api, "/requirements/R/edit").await;
    let sheet = Sheet::of(&form).typed("phase", "soon").typed("notes", "new").typed("started_date", "31.1.");
    let answer = sheet.press(&api, "save").await;
    let api_says =
        api.patch("/requirements/R").based_on("\"00000000-1\"").json(json!({"phase": 0})).await.status;
    assert!(answer.status.is_client_error() && api_says.is_client_error());
    assert_eq!(
        answer.text("#field-phase-fault"),
        "cannot set `phase` to `soon`: it takes a whole number from 1 up, or nothing"
    );
    assert!(
        answer
            .one("#field-phase")
            .attr("aria-describedby")
            .expect("it is described")
            .contains("field-phase-fault")
    );
    assert!(answer.text("#field-started_date-fault").contains("date"));
    assert!(answer.one("main form").attr("data-changed").is_some(), "a live update must not throw it away");
    let kept = Sheet::of(&answer);
    assert_eq!((kept.text("phase"), kept.text("notes"), kept.text("started_date")), ("soon", "new", "31.1."));
    assert_eq!(api.get("/requirements/R").send().await.json()["notes"], "old");
    let mended = kept.typed("phase", "3").typed("started_date", "2026-01-31");
    mended.save(&api).await;
    assert_eq!(api.get("/requirements/R").send().await.json()["notes"], "new");
}

#[tokio::test]
async fn a_cycle_is_refused_with_its_way_and_can_be_allowed() {
    let api = Api::new().await;
    api.make(json!({"req_id": "A"})).await;
    api.make(json!({"req_id": "B", "dependencies": ["A"]})).await;
    let form = Page::open(&api, "/requirements/A/edit").await;
    assert!(form.all("[name=allow_cycles]").is_empty(), "it is offered only where it matters");
    let refused =
        Sheet::of(&form).typed("dependencies", "B").typed("notes", "kept").press(&api, "save").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text("#field-dependencies-fault").contains("A -> B -> A"), "{}", refused.source);
    let sheet = Sheet::of(&refused);
    assert_eq!((sheet.text("dependencies"), sheet.text("notes")), ("B", "kept"));
    sheet.ticked("allow_cycles", "true").save(&api).await;
    assert_eq!(api.get("/cycles").send().await.json()["count"], 1);
    let page = Page::open(&api, "/requirements/A").await;
    assert!(
        page.texts(".whys li").iter().any(|why| why.contains("A → B → A")),
        "{:?}",
        page.texts(".whys li")
    );
}

#[tokio::test]
async fn unknown_dependencies_are_told_and_not_refused() {
    let api = Api::new().await;
    api.make(json!({"req_id": "A"})).await;
    let form = Page::open(&api, "/requirements/new").await;
    let sheet = Sheet::of(&form).typed("req_id", "N").typed("dependencies", "A GONE other:X");
    let revision = api.revision().await;
    let checked = sheet.press(&api, "check").await;
    assert_eq!((checked.status, api.revision().await), (StatusCode::OK, revision), "a check writes nothing");
    let hint = checked.text("#field-dependencies-hint");
    assert!(hint.contains("GONE does not exist") && !hint.contains("other:X"), "{hint}");
    assert_eq!(Sheet::of(&checked).save(&api).await, "/requirements/N?notice=created");
}

#[tokio::test]
async fn a_new_requirement_needs_a_free_id_and_may_be_filled_in_by_the_address() {
    let api = Api::new().await;
    api.make(json!({"req_id": "TAKEN"})).await;
    let form = Page::open(&api, "/requirements/new?category=AUTH&dependencies=TAKEN&extra.risk=low").await;
    let sheet = Sheet::of(&form);
    assert_eq!(
        (sheet.text("category"), sheet.text("dependencies"), sheet.text("extra.risk")),
        ("AUTH", "TAKEN", "low")
    );
    for (id, message) in [("TAKEN", "exists already"), ("A|B", "separates ids"), ("", "1 to 512 bytes")] {
        let refused = sheet.clone().typed("req_id", id).press(&api, "save").await;
        assert!(refused.status.is_client_error(), "{id}");
        assert!(
            refused.text("#field-req_id-fault").contains(message),
            "{id}: {}",
            refused.text("#field-req_id-fault")
        );
        assert_eq!(Sheet::of(&refused).text("category"), "AUTH");
    }
    assert_eq!(
        sheet.typed("req_id", "REQ/1 #?").save(&api).await,
        "/requirements/REQ%2F1%20%23%3F?notice=created"
    );
    let unknown = Page::open(&api, "/requirements/new?categry=x").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn words_in_use_are_offered() {
    let api = Api::new().await;
    for (id, category) in [("A", "AUTH"), ("B", "AUTH"), ("C", "DATA")] {
        api.make(json!({"req_id": id, "category": category, "assignee": "alice", "phase": 2})).await;
    }
    let form = Page::open(&api, "/requirements/new").await;
    let offered = |list: &str| -> Vec<String> {
        let options = form.all(&format!("datalist#{list} option"));
        options.iter().map(|option| option.attr("value").expect("it has a value").to_owned()).collect()
    };
    assert_eq!(
        (offered("categories"), offered("phases")),
        (vec!["AUTH".into(), "DATA".into()], vec!["2".into()])
    );
    assert_eq!(form.one("#field-category").attr("list"), Some("categories"));
}
