//! The trace view: rows with neighbours and gaps, and the neighbourhood of one requirement.

use crate::client::Api;
use crate::page::Page;
use serde_json::json;

async fn chain(api: &Api) {
    api.make(json!({"req_id": "BASE", "status": "PARTIAL", "test_module": "m.rs", "test_function": "f"}))
        .await;
    api.make(json!({"req_id": "MID", "requirement_text": "The <middle>", "dependencies": ["BASE", "GONE"]}))
        .await;
    for n in 1..=5 {
        api.make(json!({"req_id": format!("TOP-{n}"), "dependencies": ["MID"]})).await;
    }
    api.make(json!({"req_id": "FAR", "dependencies": ["TOP-1"]})).await;
}

#[tokio::test]
async fn a_row_stands_between_what_it_needs_and_what_needs_it_and_names_its_gaps() {
    let api = Api::new().await;
    chain(&api).await;
    let page = Page::open(&api, "/trace").await;
    let of = |part: &str| page.text(&format!("tr[data-key=MID] {part}"));
    assert_eq!(of("td:first-child"), "BASE PartialGONE exists nowhere1 in all");
    assert!(of("th").starts_with("MID MissingThe <middle>Gap: "), "{}", of("th"));
    assert!(of("th").contains("GONE"), "the gap names its reason: {}", of("th"));
    assert_eq!(of("td:nth-child(3)"), "No test");
    assert_eq!(of("td:last-child"), "TOP-1 MissingTOP-2 Missing3 more, 6 in all");
    assert_eq!(page.text("tr[data-key=BASE] td:nth-child(3)"), "m.rs f");
    assert_eq!(page.link("tr[data-key=MID] td:last-child .line:last-child a"), "/trace?root=MID");
    assert!(page.all("tr[data-key=MID][data-gap]").len() == 1);
    // The list is the same list as that of the requirements.
    let page = Page::open(&api, "/trace?status=PARTIAL&limit=25").await;
    assert_eq!(page.texts("tbody tr th a"), ["BASE"]);
    assert_eq!(page.link(".chips li:first-child a"), "/trace?limit=25");
}

#[tokio::test]
async fn the_neighbourhood_of_a_requirement_has_levels_both_ways_and_the_way_between() {
    let api = Api::new().await;
    chain(&api).await;
    let page = Page::open(&api, "/trace?root=BASE&depth=2").await;
    assert_eq!(page.texts("section[aria-labelledby=down] h3"), ["Directly 1", "2 steps away 5"]);
    let found = page.texts("section[aria-labelledby=down] li");
    assert_eq!(found.len(), 6);
    assert!(found[1].starts_with("TOP-1 Missing") && found[1].ends_with("through MID"), "{found:?}");
    assert_eq!(page.texts("section[aria-labelledby=up] p"), ["Nothing."]);
    assert!(page.source.contains("?root=BASE&amp;depth=3\""), "one step more is a link");
    let page = Page::open(&api, "/trace?root=BASE&depth=3").await;
    assert!(page.texts("section[aria-labelledby=down] li").last().is_some_and(|it| it.starts_with("FAR ")));
    let page = Page::open(&api, "/trace?root=MID").await;
    assert_eq!(page.texts("section[aria-labelledby=up] li[data-gap]"), ["GONE exists nowhere"]);
    let page = Page::open(&api, "/trace?root=NOBODY").await;
    assert_eq!((page.status.as_u16(), page.text("main code").as_str()), (404, "requirement_not_found"));
}
