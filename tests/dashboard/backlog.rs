//! The pages of the backlog and of what to take up next.

use crate::client::Api;
use crate::gaps::sample;
use crate::page::{Page, text};

fn ids(page: &Page) -> Vec<String> {
    page.texts("tbody tr[data-row] th")
}

#[tokio::test]
async fn every_view_of_the_backlog_shows_what_the_api_answers() {
    let api = Api::new().await;
    sample(&api).await;
    for formula in ["tool", "web"] {
        for view in ["all", "critical", "quick-wins", "blockers", "blocked", "list"] {
            let query = format!("view={view}&formula={formula}");
            let page = Page::open(&api, &format!("/backlog?{query}")).await;
            let known = api.get(format!("/backlog?{query}")).send().await.json();
            let sections = known["sections"].as_array().expect("a backlog has sections");
            let told: Vec<String> = sections
                .iter()
                .map(|it| format!("{} {}, ", it["name"].as_str().unwrap_or_default(), it["total"]))
                .collect();
            for (heading, want) in page.texts("main h2").iter().zip(&told) {
                assert!(heading.starts_with(want.as_str()) && heading.contains("week"), "{query}: {heading}");
            }
            let items = sections.iter().flat_map(|it| it["items"].as_array().into_iter().flatten());
            let want: Vec<String> =
                items.map(|it| it["req_id"].as_str().unwrap_or_default().to_owned()).collect();
            assert_eq!((told.len(), ids(&page)), (page.all("main h2").len(), want), "{query}");
            assert_eq!(page.all(".tabs a[aria-current]").len(), 1, "{query}");
            assert!(page.text("#formula a[aria-current]").contains(if formula == "tool" {
                "rtmx backlog"
            } else {
                "web server"
            }));
        }
    }
    let filtered = Page::open(&api, "/backlog?view=list&phase=3").await;
    assert_eq!(ids(&filtered), ["REQ-A-7", "REQ-A-8"]);
    assert!(filtered.text(".summary").starts_with("2 requirements are not complete and fit the filters"));
    assert_eq!(Page::open(&api, "/backlog?view=everything").await.status, 400);
}

#[tokio::test]
async fn a_long_section_is_a_list_of_its_own_with_pages() {
    let api = Api::new().await;
    let mut file = String::from("req_id,priority\n");
    (0..120).for_each(|n| file.push_str(&format!("REQ-A-{n:03},P0\n")));
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let page = Page::open(&api, "/backlog").await;
    assert_eq!(ids(&page).len(), 15);
    let whole = page.link("section > p > a");
    assert_eq!(page.text("section > p > a"), "All 120 of Critical Path");
    let (mut seen, mut address) = (Vec::new(), whole);
    loop {
        let page = Page::open(&api, &address).await;
        assert_eq!(page.all("main h2").len(), 1, "{address}");
        seen.extend(ids(&page));
        if page.all("a[rel=next]").is_empty() {
            break;
        }
        address = page.link("a[rel=next]");
    }
    assert_eq!(seen, (0..120).map(|n| format!("REQ-A-{n:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_best_to_start_now_is_told_with_why() {
    let api = Api::new().await;
    sample(&api).await;
    let page = Page::open(&api, "/next").await;
    let known = api.get("/next").send().await.json();
    assert_eq!(page.link(".best a"), "/requirements/REQ-A-7");
    assert_eq!(known["best"]["req_id"], "REQ-A-7");
    let why = page.text(".best");
    assert!(
        why.contains(
            "It is the only one that waits for nothing: HIGH, an effort of 0.5 weeks; 1 other waits for it."
        ),
        "{why}"
    );
    let webs: Vec<String> = page
        .all(".webs tbody tr")
        .into_iter()
        .map(|row| row.child_elements().map(text).collect::<Vec<_>>().join(" "))
        .collect();
    let want = [
        "1 3 0 2.5 weeks nothing: all wait ",
        "2 2 1 1 week REQ-A-7 REQ-A-7",
        "3 1 0 0 weeks nothing: all wait ",
    ];
    assert_eq!(webs, want);
    assert_eq!(page.texts(".overlaps li"), ["tests: 2 webs (1, 3)"]);

    let tag = api.get("/requirements/REQ-A-7").send().await.etag();
    assert_eq!(api.delete("/requirements/REQ-A-7").based_on(&tag).send().await.status, 204);
    let tag = api.get("/requirements/REQ-A-8").send().await.etag();
    assert_eq!(api.delete("/requirements/REQ-A-8").based_on(&tag).send().await.status, 204);
    let stuck = Page::open(&api, "/next").await;
    assert!(stuck.text(".nothing").starts_with("Nothing can be started now. 4 requirements wait"));
}
