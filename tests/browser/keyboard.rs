//! The whole use by keyboard: from the first page to an edit that is saved, and one always sees where
//! one is.

use crate::Told;
use crate::matrix;
use crate::tab::Tab;
use serde_json::Value;
use thirtyfour::Key;

/// More steps than this to anything on a page are too many for a person.
const STEPS: usize = 80;

/// What has the focus: its name, and whether one sees that it has.
const FOCUS: &str = "
    const it = document.activeElement;
    const style = getComputedStyle(it);
    const box = it.getBoundingClientRect();
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const within = box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return { name: it.labels?.[0]?.innerText.trim() || it.innerText?.trim() || it.getAttribute('aria-label') || it.id, tag: it.localName,
        seen: it === document.body || (outlined || style.boxShadow !== 'none') && within };
";

pub(crate) async fn from_the_first_page_to_a_saved_edit_without_a_mouse(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(12)).await;
    tab.open(&tab.at("")).await?;
    step_to(&tab, "Requirements").await?;
    press(&tab, Key::Enter).await?;
    tab.until("the table", "return location.pathname.endsWith('/requirements');").await?;
    // `j` goes from row to row.
    for _ in 0..4 {
        tab.browser.action_chain().send_keys("j").perform().await?;
    }
    let row = focus(&tab).await?;
    assert_eq!(row["name"], "REQ-004", "{row}");
    press(&tab, Key::Enter).await?;
    tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-004');").await?;
    step_to(&tab, "Edit").await?;
    press(&tab, Key::Enter).await?;
    tab.until("the form", "return location.pathname.endsWith('/edit');").await?;
    step_to(&tab, "Text").await?;
    tab.browser
        .action_chain()
        .key_down(Key::Control)
        .send_keys("a")
        .key_up(Key::Control)
        .send_keys("typed by hand")
        .perform()
        .await?;
    step_to(&tab, "Save").await?;
    press(&tab, Key::Enter).await?;
    tab.until("the requirement", "return location.pathname.endsWith('/requirements/REQ-004');").await?;
    assert_eq!(tab.api.requirement(&tab.project, "REQ-004").await["requirement_text"], "typed by hand");
    Ok(())
}

/// Steps forward until this has the focus; each step must be seen.
async fn step_to(tab: &Tab, name: &str) -> Told {
    for _ in 0..STEPS {
        press(tab, Key::Tab).await?;
        let on = focus(tab).await?;
        assert!(on["seen"] == true, "one does not see that this has the focus: {on}");
        if on["name"] == name {
            return Ok(());
        }
    }
    Err(format!("`{name}` is not reached in {STEPS} steps").into())
}

async fn focus(tab: &Tab) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    Ok(tab.js(FOCUS).await?)
}

async fn press(tab: &Tab, key: Key) -> Told {
    Ok(tab.browser.action_chain().send_keys(key).perform().await?)
}
