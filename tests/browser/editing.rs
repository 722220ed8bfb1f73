//! Writing: an edit, one that came too late, a new requirement, one that goes.

use crate::Told;
use crate::inspection::inspect;
use crate::matrix;
use crate::tab::{Scripts, Tab};
use serde_json::json;
use thirtyfour::WebElement;

pub(crate) async fn a_requirement_is_found_opened_edited_and_saved(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    tab.open(&tab.at("requirements")).await?;
    tab.click("REQ-004").await?;
    tab.click("Edit").await?;
    write(&tab, "Text", "The system shall do what was typed").await?;
    tab.click("Save").await?;
    tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-004');").await?;
    assert!(tab.text("main").await?.contains("The system shall do what was typed"));
    let stored = tab.api.requirement(&tab.project, "REQ-004").await;
    assert_eq!(stored["requirement_text"], "The system shall do what was typed");
    Ok(())
}

pub(crate) async fn without_scripts_an_edit_is_saved_all_the_same(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    tab.scripts(Scripts::Off).await?;
    tab.open(&tab.at("requirements/REQ-004/edit")).await?;
    write(&tab, "Text", "typed without a script").await?;
    tab.click("Save").await?;
    tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-004');").await?;
    let stored = tab.api.requirement(&tab.project, "REQ-004").await;
    assert_eq!(stored["requirement_text"], "typed without a script");
    Ok(())
}

pub(crate) async fn an_edit_that_came_too_late_shows_both_and_stores_what_is_chosen(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    // what is chosen, what then is stored
    let cases = [("Mine", "mine"), ("Theirs", "theirs"), ("Merged, as edited here", "both of us")];
    for (choice, stored) in cases {
        tab.open(&tab.at("requirements/REQ-004/edit")).await?;
        write(&tab, "Text", "mine").await?;
        let theirs = json!({ "requirement_text": "theirs", "assignee": format!("somebody for {choice}") });
        tab.api.patch(&tab.project, "REQ-004", &theirs).await;
        tab.click("Save").await?;
        tab.until("the conflict", "return document.querySelector('[data-conflict]') !== null;").await?;
        if choice == "Mine" {
            // The answer to a form cannot be asked for again, so only what needs no second look.
            let page = tab.text("main").await?;
            assert!(page.contains("theirs") && page.contains("mine") && page.contains("meanwhile"), "{page}");
        }
        assert_eq!(
            tab.api.requirement(&tab.project, "REQ-004").await["requirement_text"],
            "theirs",
            "nothing is stored yet"
        );
        if choice.starts_with("Merged") {
            retype(&tab, tab.find("[data-conflict] .field :is(input, textarea)").await?, "both of us")
                .await?;
        }
        tab.field(choice).await?.click().await?;
        tab.click("Save both").await?;
        tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-004');").await?;
        let now = tab.api.requirement(&tab.project, "REQ-004").await;
        assert_eq!(
            (&now["requirement_text"], &now["assignee"]),
            (&json!(stored), &theirs["assignee"]),
            "{choice}"
        );
        // Begin anew.
        tab.api.patch(&tab.project, "REQ-004", &json!({ "requirement_text": "as it was" })).await;
    }
    Ok(())
}

pub(crate) async fn a_requirement_is_made_and_deleted(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    tab.open(&tab.at("requirements/new")).await?;
    tab.field("Id").await?.send_keys("REQ-NEW").await?;
    write(&tab, "Text", "The system shall be new").await?;
    tab.click("Create").await?;
    tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-NEW');").await?;
    assert_eq!(
        tab.api.requirement(&tab.project, "REQ-NEW").await["requirement_text"],
        "The system shall be new"
    );

    tab.click("Delete…").await?;
    let faults = inspect(&tab, "delete").await?;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    tab.click("Delete REQ-NEW").await?;
    // The page that asked hears of the deletion, too, and must not stand in the way of the answer.
    tab.until("the end of it", "return !location.pathname.endsWith('/delete');").await?;
    assert!(tab.text("h1").await?.contains("was deleted"), "{}", tab.text("main").await?);
    let path = format!("/api/v1/projects/{}/requirements/REQ-NEW", tab.project);
    assert_eq!(tab.api.page(&path).await.status, 404);
    Ok(())
}

pub(crate) async fn what_is_typed_and_not_saved_is_untouched_by_an_update(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    tab.open(&tab.at("requirements/REQ-004/edit")).await?;
    write(&tab, "Text", "half a sen").await?;
    tab.js("window.typing = document.activeElement;").await?;
    tab.api.patch(&tab.project, "REQ-004", &json!({ "requirement_text": "theirs" })).await;
    tab.until("a word of it", "return document.querySelector('#live').innerText.includes('has changed');")
        .await?;
    let same = "return document.activeElement === window.typing && window.typing.value;";
    assert_eq!(tab.js(same).await?, "half a sen");
    Ok(())
}

/// Types a text into the control of a label, over what is there.
async fn write(tab: &Tab, label: &str, text: &str) -> Told {
    retype(tab, tab.field(label).await?, text).await
}

async fn retype(tab: &Tab, field: WebElement, text: &str) -> Told {
    field.click().await?;
    let all = tab
        .browser
        .action_chain()
        .key_down(thirtyfour::Key::Control)
        .send_keys("a")
        .key_up(thirtyfour::Key::Control);
    all.perform().await?;
    field.send_keys(text).await?;
    Ok(())
}
