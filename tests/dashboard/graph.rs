//! The graph as a picture, and the same as a table.

use crate::client::Api;
use crate::page::Page;
use http::StatusCode;
use serde_json::json;

async fn sample() -> Api {
    let api = Api::new().await;
    let file = "req_id,category,phase,status,dependencies,requirement_text\n\
        BASE,CORE,1,COMPLETE,,The base\n\
        MID,CORE,2,PARTIAL,BASE,The middle\n\
        TOP,UI,2,MISSING,MID,<script>alert(1)</script>\n\
        RING-1,UI,3,MISSING,RING-2|TOP,\n\
        RING-2,UI,3,NOT_STARTED,RING-1|RING-2,\n\
        LONE,,,MISSING,,\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    api
}

#[tokio::test]
async fn around_one_requirement_boxes_are_links_and_the_table_has_the_same() {
    let api = sample().await;
    let page = Page::open(&api, "/graph?root=MID&depth=3").await;
    assert_eq!(page.status, StatusCode::OK);
    let boxes = page.texts("svg [role=listitem] title");
    assert_eq!(boxes.len(), 5, "{boxes:?}");
    assert!(boxes.contains(&"TOP: Missing. <script>alert(1)</script>".to_owned()), "{boxes:?}");
    assert_eq!(page.texts("tbody th"), ["MID", "BASE", "TOP", "RING-1", "RING-2"]);
    assert_eq!(page.link("svg .root a"), "/requirements/MID");
    assert_eq!(page.all("svg [role=list]").len(), 1);
    assert_eq!(page.all("path.edge").len(), 6);
    assert!(!page.all("path.back").is_empty(), "a cycle leads back somewhere");
    let near = Page::open(&api, "/graph?root=MID").await;
    assert_eq!(near.texts("tbody th"), ["MID", "BASE", "TOP"]);
    assert_eq!(Page::open(&api, "/graph?root=NONE").await.status, StatusCode::NOT_FOUND);
    assert_eq!(Page::open(&api, "/graph?root=MID&depth=9").await.status, StatusCode::BAD_REQUEST);
    // From left to right, so that the keyboard follows the layers.
    let order = page.all("svg [role=listitem]");
    let left = |place: usize| -> i64 {
        let at = order[place].attr("transform").expect("a box has a place");
        let number = at.trim_start_matches("translate(").split(' ').next().expect("it has two numbers");
        number.parse().expect("it is a number")
    };
    assert!((1..order.len()).all(|place| left(place - 1) <= left(place)));
}

#[tokio::test]
async fn without_a_root_categories_and_phases_are_drawn_with_counts() {
    let api = sample().await;
    let page = Page::open(&api, "/graph").await;
    assert_eq!(page.texts("tbody th"), ["No category", "CORE", "UI"]);
    assert!(page.all("svg .count").is_empty(), "a line from a box to itself would say nothing");
    assert!(page.texts("tbody td").iter().any(|cell| cell.contains("(4)")), "the table counts them");
    let wider = sample().await;
    wider.make(json!({"req_id": "BOTH", "category": "UI", "dependencies": ["BASE", "MID"]})).await;
    let page = Page::open(&wider, "/graph").await;
    assert_eq!(page.texts("svg .count"), ["3"], "lines between groups are counted");
    let phases = Page::open(&api, "/graph?by=phase").await;
    assert_eq!(phases.texts("tbody th"), ["Phase 1", "Phase 2", "Phase 3", "No phase"]);
    let within = Page::open(&api, "/graph?category=UI&status=MISSING").await;
    assert_eq!(within.texts("tbody th"), ["RING-1", "TOP"]);
    let empty = Page::open(&api, "/graph?category=NOWHERE").await;
    assert_eq!((empty.status, empty.all("svg .node").len()), (StatusCode::OK, 0));
    let found = api.get("/graph/groups").send().await.json();
    assert_eq!(found["groups"].as_array().map(Vec::len), Some(3));
    assert_eq!(api.get("/graph?root=MID").send().await.json()["nodes"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn what_is_too_large_is_said_and_not_drawn() {
    let api = Api::new().await;
    let mut file = "req_id,dependencies\n".to_owned();
    for n in 0..500 {
        file.push_str(&format!("R-{n:03},HUB\n"));
    }
    file.push_str("HUB,\n");
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let hub = Page::open(&api, "/graph?root=HUB").await;
    assert_eq!(hub.all("svg .node").len(), 150);
    assert!(hub.source.contains("The nearest 150 of 501 are shown."));
    let set = Page::open(&api, "/graph?status=MISSING").await;
    assert_eq!(set.all("svg .node").len(), 0);
    assert!(set.text(".notice").contains("501 requirements match"), "{}", set.text(".notice"));
}

#[tokio::test]
async fn hostile_names_and_dense_graphs_are_drawn_or_told() {
    let api = Api::new().await;
    let long = "x".repeat(512);
    api.make(json!({"req_id": long, "requirement_text": "y".repeat(10_000)})).await;
    api.make(json!({"req_id": "\"/><script>", "dependencies": [long], "category": "</text>"})).await;
    let page = Page::open(&api, &format!("/graph?root={long}")).await;
    assert_eq!(page.all("svg .node").len(), 2);
    assert!(page.texts("svg .name").iter().all(|name| name.chars().count() <= 24));
    assert_eq!(page.all("script").len(), 2, "only the dashboard's own");
    // Every one depends on every other: 60 boxes, 3,540 lines.
    let ids: Vec<String> = (0..60).map(|n| format!("D{n}")).collect();
    let all = ids.join("|");
    let rows: String = ids.iter().map(|id| format!("{id},{all}\n")).collect();
    assert_eq!(api.post("/import").csv(format!("req_id,dependencies\n{rows}")).await.status, 200);
    let dense = Page::open(&api, "/graph?root=D0").await;
    assert_eq!((dense.status, dense.all("tbody tr").len()), (StatusCode::OK, 60));
    assert!(dense.text(".notice").contains("too many"), "{}", dense.text(".notice"));
}
