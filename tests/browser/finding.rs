//! Finding requirements in the table: filters, order, search, pages. The address always says which.

use crate::Told;
use crate::matrix;
use crate::tab::{Scripts, Tab};
use serde_json::Value;

/// More than fit on one page of the table.
const ROWS: usize = 130;
const IDS: &str = "return Array.from(document.querySelectorAll('main tr[data-row] th a'), (link) => link.innerText.trim());";

pub(crate) async fn filters_order_search_and_pages_are_what_the_address_says(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(ROWS)).await;
    tab.open(&tab.at("requirements")).await?;
    let all = listed(&tab).await?;

    // A filter acts when it is chosen.
    tick(&tab, "MISSING").await?;
    tab.until("the filter to act", "return location.search.includes('status=MISSING');").await?;
    let missing = listed(&tab).await?;
    assert!(missing.len() < all.len() || all.len() < ROWS, "{missing:?}");
    let status = "return Array.from(document.querySelectorAll('main tr[data-row] .status'))
        .every((cell) => cell.classList.contains('missing'));";
    assert_eq!(tab.js(status).await?, true, "only what the filter says");
    let total = tab.text("main .summary strong").await?;
    assert_eq!(total, "33", "32 or 33 of 130 are missing");

    // A heading sorts, and says so.
    tab.named("main thead", "ID").await?.click().await?;
    tab.until(
        "the order",
        "return location.search.includes('sort=') && document.querySelector('main th[aria-sort]') !== null;",
    )
    .await?;
    let sorted = listed(&tab).await?;
    assert_ne!(sorted, missing, "the other way round");

    // The address alone brings the same list back.
    let address = tab.address().await;
    tab.open("/").await?;
    tab.open(&address).await?;
    assert_eq!(listed(&tab).await?, sorted);
    tab.browser.back().await?;
    tab.browser.forward().await?;
    assert_eq!(listed(&tab).await?, sorted);

    // A search is among the filters, and can be taken away again.
    let search = tab.find("#search").await?;
    search.send_keys("number 7\u{e007}").await?;
    tab.until("the search", "return location.search.includes('search=');").await?;
    let found = listed(&tab).await?;
    assert!(!found.is_empty() && found.len() < sorted.len(), "{found:?}");
    tab.click("Remove all").await?;
    tab.until("no filter", "return !location.search.includes('status=');").await?;
    assert_eq!(tab.text("main .summary strong").await?, ROWS.to_string());

    // Pages hold each requirement once.
    tab.open(&tab.at("requirements?limit=50")).await?;
    let mut seen = listed(&tab).await?;
    for _ in 0..ROWS {
        let Ok(next) = tab.named("main .pager", "Next").await else { break };
        next.click().await?;
        seen.extend(listed(&tab).await?);
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (ROWS, ROWS));
    tab.named("main .pager", "First").await?.click().await?;
    assert_eq!(listed(&tab).await?, seen[..50], "back at the beginning");
    Ok(())
}

pub(crate) async fn without_scripts_filters_act_by_their_button(tab: Tab) -> Told {
    tab.project_of(&matrix::plain(ROWS)).await;
    tab.scripts(Scripts::Off).await?;
    tab.open(&tab.at("requirements")).await?;
    tick(&tab, "MISSING").await?;
    tab.click("Apply").await?;
    tab.until("the filter", "return location.search.includes('status=MISSING');").await?;
    assert_eq!(tab.text("main .summary strong").await?, "33");
    tab.named("main thead", "ID").await?.click().await?;
    tab.until("the order", "return location.search.includes('sort=');").await?;
    let search = tab.find("#search").await?;
    search.send_keys("number 7\u{e007}").await?;
    tab.until("the search", "return location.search.includes('search=');").await?;
    listed(&tab).await?;
    Ok(())
}

pub(crate) async fn each_number_leads_to_a_list_of_that_many(tab: Tab) -> Told {
    tab.project_of(&matrix::real()).await;
    // Links whose words begin with a number.
    let numbers = "return Array.from(document.querySelectorAll('main a[href]'))
        .map((link) => [parseInt(link.innerText.replace(/[\\s,.]/g, ''), 10), new URL(link.href)])
        .filter(([number, to]) => number > 0 && to.pathname.endsWith('/requirements') && to.search)
        .map(([number, to]) => [number, to.pathname + to.search]);";
    tab.open(&tab.at("")).await?;
    let found = tab.js(numbers).await?;
    let found = found.as_array().cloned().unwrap_or_default();
    assert!(!found.is_empty(), "the first page counts something");
    for link in found {
        let path = link[1].as_str().expect("an address is text");
        tab.open(path).await?;
        let total = tab.text("main .summary strong").await?.replace([',', ' '], "");
        assert_eq!(total, link[0].to_string(), "{path}");
    }
    Ok(())
}

/// The ids on this page, after comparing them with what the API answers to the same question.
async fn listed(tab: &Tab) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let ids = strings(&tab.js(IDS).await?);
    let address = tab.address().await;
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let same: Vec<&str> =
        query.split('&').filter(|pair| !pair.starts_with("form=") && !pair.is_empty()).collect();
    if !same.iter().any(|pair| {
        pair.starts_with("cursor=") || pair.starts_with("before=") || pair.starts_with("columns=")
    }) {
        let answer =
            tab.api.get(&format!("/api/v1/projects/{}/requirements?{}", tab.project, same.join("&"))).await;
        let wanted: Vec<String> = answer["requirements"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|requirement| requirement["req_id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(ids, wanted[..ids.len().min(wanted.len())], "{address}");
    }
    Ok(ids)
}

async fn tick(tab: &Tab, status: &str) -> Told {
    tab.find(&format!("main input[name=status][value={status}]")).await?.click().await?;
    Ok(())
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
