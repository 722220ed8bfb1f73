//! Two people edit at once: whoever comes second is shown both, and nothing is lost.

use crate::client::Api;
use crate::page::Page;
use crate::sheet::Sheet;
use http::StatusCode;
use serde_json::{Value, json};

/// A form that was opened before somebody else saved `theirs`.
async fn opened_before(api: &Api, theirs: Value) -> Sheet {
    let made = json!({"req_id": "R", "notes": "n", "requirement_text": "The user shall log in.", "category": "C",
        "dependencies": ["A"], "extra": {"risk": "low"}});
    let tag = api.make(made).await;
    let sheet = Sheet::of(&Page::open(api, "/requirements/R/edit").await);
    assert_eq!(api.patch("/requirements/R").based_on(&tag).json(theirs).await.status, 200);
    sheet
}

async fn stored(api: &Api) -> Value {
    api.get("/requirements/R").send().await.json()
}

#[tokio::test]
async fn what_only_one_side_changed_is_taken_from_it_and_said() {
    let api = Api::new().await;
    let theirs = json!({"category": "THEIRS", "extra": {"owner": "bob"}});
    let sheet = opened_before(&api, theirs).await;
    let answer = sheet.typed("notes", "mine").typed("extra.risk", "high").press(&api, "save").await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(stored(&api).await["notes"], "n", "nothing is written before a person says so");
    assert!(answer.all("[data-conflict]").is_empty());
    assert_eq!(answer.texts("[data-taken=only-mine] dt"), ["Notes", "risk"]);
    assert_eq!(answer.texts("[data-taken=only-theirs] dt"), ["Category", "owner"]);
    assert!(answer.one("main form").attr("data-changed").is_some());
    assert_eq!(Sheet::of(&answer).save(&api).await, "/requirements/R?notice=saved");
    let now = stored(&api).await;
    assert_eq!((&now["notes"], &now["category"]), (&json!("mine"), &json!("THEIRS")));
    assert_eq!(now["extra"], json!({"owner": "bob", "risk": "high"}));
}

#[tokio::test]
async fn a_form_without_changes_leaves_theirs_alone() {
    let api = Api::new().await;
    let sheet = opened_before(&api, json!({"notes": "theirs"})).await;
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=unchanged");
    assert_eq!(stored(&api).await["notes"], "theirs");
}

#[tokio::test]
async fn the_same_change_on_both_sides_is_no_conflict() {
    let api = Api::new().await;
    let sheet = opened_before(&api, json!({"notes": "same", "dependencies": ["A", "B"]})).await;
    let revision = api.revision().await;
    let sheet = sheet.typed("notes", "same").typed("dependencies", "B, A");
    assert_eq!(sheet.save(&api).await, "/requirements/R?notice=unchanged");
    assert_eq!(api.revision().await, revision);
}

#[tokio::test]
async fn what_both_changed_is_decided_by_a_person() {
    // choice, what is typed as merged, the text that is stored
    let cases = [
        ("theirs", "", "The user must log in."),
        ("mine", "", "Every user shall log in."),
        ("merged", "Every user must\nlog in.", "Every user must\nlog in."),
    ];
    for (choice, merged, want) in cases {
        let api = Api::new().await;
        let sheet =
            opened_before(&api, json!({"requirement_text": "The user must log in.", "notes": "theirs"}))
                .await;
        let sheet = sheet.typed("requirement_text", "Every user shall log in.").typed("assignee", "me");
        let answer = sheet.press(&api, "save").await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(answer.text("[data-conflict=requirement_text] .theirs"), "The user must log in.");
        assert_eq!(answer.text("[data-conflict=requirement_text] .mine"), "Every user shall log in.");
        assert_eq!(answer.texts("[data-conflict] ins"), ["Every", "shall"]);
        let radio = answer.all("input[type=radio][name='choose.requirement_text']");
        assert_eq!((radio.len(), radio[0].attr("required").is_some()), (3, true));
        let mut sheet = Sheet::of(&answer).ticked("choose.requirement_text", choice);
        if !merged.is_empty() {
            sheet = sheet.typed("requirement_text", merged);
        }
        sheet.save(&api).await;
        let now = stored(&api).await;
        assert_eq!((&now["requirement_text"], &now["notes"]), (&json!(want), &json!("theirs")), "{choice}");
        assert_eq!(now["assignee"], "me", "{choice}");
    }
}

#[tokio::test]
async fn lists_of_ids_are_merged_as_a_proposal_and_extra_columns_conflict_too() {
    let api = Api::new().await;
    let theirs = json!({"dependencies": ["A", "THEIRS"], "extra": {"risk": "theirs"}, "status": "COMPLETE"});
    let sheet = opened_before(&api, theirs).await;
    let sheet = sheet.typed("dependencies", "A MINE").typed("extra.risk", "mine").typed("status", "PARTIAL");
    let answer = sheet.press(&api, "save").await;
    let names: Vec<_> =
        answer.all("[data-conflict]").iter().filter_map(|found| found.attr("data-conflict")).collect();
    assert_eq!(names, ["status", "dependencies", "extra.risk"]);
    let sheet = Sheet::of(&answer);
    assert_eq!(sheet.text("dependencies"), "A|MINE|THEIRS");
    let sheet = sheet.ticked("choose.dependencies", "merged").ticked("choose.extra.risk", "mine");
    sheet.ticked("choose.status", "theirs").save(&api).await;
    let now = stored(&api).await;
    assert_eq!(now["dependencies"], json!(["A", "MINE", "THEIRS"]));
    assert_eq!((&now["extra"]["risk"], &now["status"]), (&json!("mine"), &json!("COMPLETE")));
}

#[tokio::test]
async fn if_it_moves_again_it_is_merged_again() {
    let api = Api::new().await;
    let mut sheet = opened_before(&api, json!({"notes": "theirs 0"})).await.typed("notes", "mine");
    for round in 1..4 {
        let answer = sheet.press(&api, "save").await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{round}");
        assert_eq!(answer.text("[data-conflict=notes] .theirs"), format!("theirs {}", round - 1));
        sheet = Sheet::of(&answer).ticked("choose.notes", "mine");
        let tag = api.get("/requirements/R").send().await.etag();
        let moved = json!({"notes": format!("theirs {round}"), "category": format!("C{round}")});
        assert_eq!(api.patch("/requirements/R").based_on(&tag).json(moved).await.status, 200);
    }
    let answer = sheet.press(&api, "save").await;
    Sheet::of(&answer).ticked("choose.notes", "mine").save(&api).await;
    let now = stored(&api).await;
    assert_eq!((&now["notes"], &now["category"]), (&json!("mine"), &json!("C3")));
}

#[tokio::test]
async fn a_requirement_that_was_deleted_meanwhile_can_be_made_again() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "R", "notes": "n", "category": "C"})).await;
    let sheet = Sheet::of(&Page::open(&api, "/requirements/R/edit").await).typed("notes", "mine");
    assert_eq!(api.delete("/requirements/R").based_on(&tag).send().await.status, 204);
    let answer = sheet.press(&api, "save").await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(answer.text("h1"), "R was deleted meanwhile");
    assert_eq!(answer.texts(".changes ins"), ["mine"]);
    assert_eq!(api.get("/requirements/R").send().await.status, 404);
    let again = Sheet::of(&answer);
    assert_eq!(again.clone().save(&api).await, "/requirements/R?notice=created");
    let now = stored(&api).await;
    assert_eq!((&now["notes"], &now["category"]), (&json!("mine"), &json!("C")));
    // The same answer once more meets the one that was made: nothing is left to do.
    assert_eq!(again.save(&api).await, "/requirements/R?notice=unchanged");
}

/// Saves; answers the merged form if somebody else was faster.
async fn saved_or_merged(api: &Api, sheet: Sheet) -> Option<Sheet> {
    let answer = sheet.press(api, "save").await;
    if answer.status == StatusCode::SEE_OTHER {
        return None;
    }
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{}", answer.source);
    Some(Sheet::of(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_forms_that_are_sent_at_once_every_change_is_stored_in_the_end() {
    for api in [Api::new().await, Api::sqlite().await] {
        api.make(json!({"req_id": "R"})).await;
        let api = std::sync::Arc::new(api);
        let columns = ["notes", "category", "subcategory", "assignee", "sprint", "external_id"];
        let edit = |column: &'static str| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move {
                let mut sheet = {
                    let form = Page::open(&api, "/requirements/R/edit").await;
                    Sheet::of(&form).typed(column, column)
                };
                while let Some(again) = saved_or_merged(&api, sheet).await {
                    sheet = again;
                }
            })
        };
        let edits: Vec<_> = columns.into_iter().map(edit).collect();
        for edit in edits {
            edit.await.expect("the task ends by itself");
        }
        let now = stored(&api).await;
        for column in columns {
            assert_eq!(now[column], column, "{now}");
        }
    }
}
