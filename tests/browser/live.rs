//! Live updates: what others write appears by itself, and nothing moves under the reader.

use crate::Told;
use crate::matrix;
use crate::tab::Tab;
use serde_json::json;

/// Puts a mark on the window that a reload would wipe away, the focus on a link, a selection on a text,
/// and the page somewhere in its middle; forgets the shifts of loading.
const SETTLE_IN: &str = "
    window.mark = 'here all the time';
    const links = Array.from(document.querySelectorAll('main a[href]'));
    window.focused = links[Math.floor(links.length / 2)];
    window.focused.focus({ preventScroll: true });
    const heading = document.querySelector('h1').firstChild;
    document.getSelection().setBaseAndExtent(heading, 0, heading, heading.textContent.length);
    window.selected = document.getSelection().toString();
    window.scrollTo(0, Math.min(150, document.documentElement.scrollHeight - innerHeight));
    window.scrolled = window.scrollY;
    window.shifts = [];
";
/// What of it is not as it was.
const UNSETTLED: &str = "
    const faults = [];
    if (window.mark !== 'here all the time') faults.push('the page was loaded anew');
    if (document.activeElement !== window.focused) faults.push(`the focus is on ${document.activeElement.outerHTML.slice(0, 100)}`);
    if (document.getSelection().toString() !== window.selected) faults.push(`selected is ${document.getSelection()}`);
    if (window.scrollY !== window.scrolled) faults.push(`scrolled from ${window.scrolled} to ${window.scrollY}`);
    for (const shift of window.shifts) faults.push(`shifted by ${shift.value}: ${shift.moved}`);
    return faults;
";

pub(crate) async fn an_edit_through_the_api_appears_and_nothing_moves(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(40)).await;
    // part of the address, what is edited, what then is read there
    let pages = [
        ("", json!({ "status": "COMPLETE" }), "11 complete"),
        (
            "requirements",
            json!({ "requirement_text": "written by somebody else" }),
            "written by somebody else",
        ),
    ];
    for (part, edit, read) in pages {
        tab.open(&tab.at(part)).await?;
        listening(&tab).await?;
        tab.js(SETTLE_IN).await?;
        let before = tab.text("main").await?;
        assert!(!before.contains(read), "{part}: {read:?} is there already");
        tab.api.patch(&tab.project, "REQ-002", &edit).await;
        let there = format!("return document.querySelector('main').innerText.includes({});", json!(read));
        tab.until(&format!("{read:?} on {part:?}"), &there).await?;
        assert_eq!(tab.js(UNSETTLED).await?, json!([]), "{part:?}");
    }
    Ok(())
}

pub(crate) async fn a_new_row_is_offered_and_moves_nothing_until_it_is_wanted(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(20)).await;
    tab.open(&tab.at("requirements")).await?;
    listening(&tab).await?;
    tab.js(SETTLE_IN).await?;
    let new = json!({ "req_id": "REQ-000", "requirement_text": "The system shall be first" });
    tab.api.post(&format!("/api/v1/projects/{}/requirements", tab.project), &new).await;
    tab.until("an offer", "return document.getElementById('news') !== null;").await?;
    assert_eq!(tab.js(UNSETTLED).await?, json!([]));
    let there = "return document.querySelector('main').innerText.includes('REQ-000');";
    assert_eq!(tab.js(there).await?, false, "nothing was added yet");
    tab.find("#news").await?.click().await?;
    tab.until("the new row", there).await?;
    assert_eq!(tab.js("return window.mark;").await?, "here all the time");
    Ok(())
}

pub(crate) async fn more_tabs_than_a_browser_has_connections_all_work(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(10)).await;
    // Browsers keep six connections to one server (Chromium, `kMaxSocketsPerGroup`).
    for _ in 0..9 {
        tab.open(&tab.at("")).await?;
        let new = tab.browser.new_tab().await?;
        tab.browser.switch_to_window(new).await?;
    }
    tab.open(&tab.at("requirements")).await?;
    tab.api.patch(&tab.project, "REQ-002", &json!({ "requirement_text": "seen in the last tab" })).await;
    tab.until(
        "the edit",
        "return document.querySelector('main').innerText.includes('seen in the last tab');",
    )
    .await?;
    Ok(())
}

/// Waits until the page is told of changes: one that came before would be found, and one that is on its
/// way is no fault of what follows.
async fn listening(tab: &Tab) -> Told {
    let open =
        "return performance.getEntriesByType('resource').length > 0 && document.readyState === 'complete';";
    tab.until("the page to be ready", open).await?;
    Ok(())
}
