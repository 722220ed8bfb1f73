//! The matrix as a table.

use crate::client::Api;
use crate::page::Page;
use serde_json::json;

async fn numbered(api: &Api, count: usize) {
    let mut file = "req_id,category,requirement_text,status,priority,phase\n".to_owned();
    for n in 0..count {
        let status = ["COMPLETE", "MISSING", "PARTIAL"][n % 3];
        let priority = ["P0", "HIGH", "LOW"][n / 3 % 3];
        file.push_str(&format!("R-{n:04},C{},Text {n},{status},{priority},{}\n", n % 2, n % 5 + 1));
    }
    assert_eq!(api.post("/import").csv(file).await.status, 200);
}

fn ids(page: &Page) -> Vec<String> {
    page.texts("tbody tr[data-row] th")
}

/// Walks from the first page to the last by `Next` and back by `Previous`; answers the ids forward.
async fn there_and_back(api: &Api, address: &str) -> Vec<String> {
    let mut pages = vec![Page::open(api, address).await];
    assert!(pages[0].all("a[rel=prev], a[rel=first]").is_empty(), "nothing comes before the first page");
    while !pages[pages.len() - 1].all("a[rel=next]").is_empty() {
        let next = pages[pages.len() - 1].link("a[rel=next]");
        pages.push(Page::open(api, &next).await);
    }
    let mut back = Page::open(api, &pages[pages.len() - 2].link("a[rel=next]")).await;
    for earlier in pages.iter().rev().skip(1) {
        back = Page::open(api, &back.link("a[rel=prev]")).await;
        assert_eq!(ids(&back), ids(earlier), "{address}");
        assert!(!back.all("a[rel=next]").is_empty(), "there is a way forward again");
    }
    assert!(back.all("a[rel=prev]").is_empty(), "the way back ends at the first page");
    pages.iter().flat_map(ids).collect()
}

#[tokio::test]
async fn pages_lead_forward_and_back_by_their_addresses_in_every_order() {
    for api in [Api::new().await, Api::sqlite().await] {
        numbered(&api, 120).await;
        for sort in ["", "-req_id", "status", "-phase", "-priority,phase", "status,-priority,phase,-category"]
        {
            let found = there_and_back(&api, &format!("/requirements?limit=25&sort={sort}")).await;
            let listed = api.get(format!("/requirements?limit=1000&sort={sort}")).send().await.json();
            let listed = listed["requirements"].as_array().expect("a page has a list").iter();
            let listed: Vec<String> =
                listed.map(|it| it["req_id"].as_str().expect("an id is text").to_owned()).collect();
            assert_eq!(found, listed, "sorted by `{sort}`");
        }
        let few = there_and_back(&api, "/requirements?status=MISSING&search=text&limit=25").await;
        assert_eq!(few.len(), 40);
    }
}

#[tokio::test]
async fn the_address_of_a_page_is_the_query_of_the_api() {
    let api = Api::new().await;
    numbered(&api, 60).await;
    let query = "?status=MISSING&status=partial&phase=2&sort=-priority&search=text";
    let page = Page::open(&api, &format!("/requirements{query}")).await;
    let listed = api.get(format!("/requirements{query}&count=true")).send().await.json();
    let listed_ids = listed["requirements"].as_array().expect("a page has a list").iter();
    assert_eq!(
        ids(&page),
        listed_ids.map(|it| it["req_id"].as_str().unwrap_or_default()).collect::<Vec<_>>()
    );
    assert!(page.text(".summary").starts_with(&format!("{} requirements", listed["total"])));
    assert_eq!(
        page.texts(".chips li a"),
        [
            "Search: text ×, remove",
            "Status: Missing ×, remove",
            "Status: Partial ×, remove",
            "Phase: 2 ×, remove",
            "Remove all"
        ]
    );
    let without = page.link(".chips li:nth-child(2) a");
    assert_eq!(without, "/requirements?status=partial&phase=2&sort=-priority&search=text");
}

#[tokio::test]
async fn numbers_beside_the_choices_say_what_each_would_leave() {
    for api in [Api::new().await, Api::sqlite().await] {
        numbered(&api, 60).await;
        let page = Page::open(&api, "/requirements?phase=1&status=MISSING").await;
        for status in ["COMPLETE", "MISSING", "PARTIAL", "NOT_STARTED"] {
            let filtered = api.get(format!("/requirements?phase=1&count=true&status={status}")).send().await;
            let label = page.texts(&format!("fieldset label:has(input[value={status}])"));
            let count = filtered.json()["total"].to_string();
            assert!(label[0].ends_with(&format!(" {count}")), "{label:?} {count}");
        }
        assert_eq!(page.all("input[name=status][checked]").len(), 1);
        assert_eq!(page.one("select[name=phase] option[selected]").attr("value"), Some("1"));
    }
}

#[tokio::test]
async fn a_form_without_scripts_leads_to_the_address_that_it_means() {
    let api = Api::new().await;
    numbered(&api, 3).await;
    let sent = "/requirements?form=1&sort=-phase&status=MISSING&phase=&category=%E2%88%85&assignee=&where=notes&is=a%20b&limit=50";
    let page = Page::open(&api, sent).await;
    assert_eq!(page.status, 303);
    assert_eq!(
        page.headers["location"],
        "/projects/default/requirements?sort=-phase&status=MISSING&category=&limit=50&notes=a%20b"
    );
}

#[tokio::test]
async fn headers_sort_up_then_down_then_not() {
    let api = Api::new().await;
    numbered(&api, 3).await;
    let sorts = |page: &Page| page.link("th.c-status a");
    let page = Page::open(&api, "/requirements?phase=1").await;
    assert_eq!(page.one("th[aria-sort]").attr("aria-sort"), Some("ascending"));
    assert_eq!(sorts(&page), "/requirements?phase=1&sort=status");
    let page = Page::open(&api, &sorts(&page)).await;
    assert_eq!(page.one("th.c-status").attr("aria-sort"), Some("ascending"));
    let page = Page::open(&api, &sorts(&page)).await;
    assert_eq!(page.one("th.c-status").attr("aria-sort"), Some("descending"));
    assert_eq!(sorts(&page), "/requirements?phase=1");
}

#[tokio::test]
async fn chosen_columns_are_shown_in_their_order_and_others_are_refused() {
    let api = Api::new().await;
    api.make(json!({"req_id": "R-1", "notes": "n", "extra": {"risk": "high"}})).await;
    let page = Page::open(&api, "/requirements?columns=extra.risk,notes").await;
    assert_eq!(page.texts("thead th"), ["ID", "risk", "Notes"]);
    assert_eq!(page.texts("tbody tr > *"), ["R-1", "high", "n"]);
    let page = Page::open(&api, "/requirements?columns=note").await;
    assert_eq!(page.status, 400);
    assert!(page.text("main").contains("did you mean `notes`?"), "{}", page.text("main"));
}

#[tokio::test]
async fn an_empty_list_says_which_filter_to_loosen() {
    let api = Api::new().await;
    numbered(&api, 30).await;
    let page = Page::open(&api, "/requirements?status=NOT_STARTED&phase=1").await;
    assert_eq!(page.texts(".nothing li"), ["Without “Status: Not started”: 6", "Without any filter"]);
    assert_eq!(page.link(".nothing li:first-child a"), "/requirements?phase=1");
}

#[tokio::test]
async fn hostile_texts_are_shown_as_what_they_are_and_long_ones_are_cut() {
    let api = Api::new().await;
    let long = "x".repeat(10_000);
    let texts =
        ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "مرحبا \u{202e}abc", "\"><img src=x>", &long];
    for (n, text) in texts.iter().enumerate() {
        let id = format!("R\"<b>{n}");
        api.make(json!({"req_id": id, "requirement_text": text, "category": text})).await;
    }
    let page = Page::open(&api, "/requirements").await;
    assert!(page.all("main script, main img, main b").is_empty());
    let shown: Vec<String> =
        page.all("td.c-requirement_text").iter().map(|cell| cell.text().collect::<String>()).collect();
    assert_eq!(shown[..4], texts[..4]);
    assert_eq!(shown[4].chars().count(), 241);
    assert_eq!(page.link("tbody tr:first-child a"), "/requirements/R%22%3Cb%3E0");
    assert!(page.source.len() < 100_000, "{} bytes", page.source.len());
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_a_page_that_says_so() {
    let api = Api::new().await;
    for (query, code) in [
        ("?stauts=MISSING", "unknown_filter"),
        ("?sort=nothing", "sort_invalid"),
        ("?limit=201", "parameter_invalid"),
        ("?cursor=00", "cursor_invalid"),
        ("?cursor=00&before=00", "parameter_invalid"),
    ] {
        let page = Page::open(&api, &format!("/requirements{query}")).await;
        assert_eq!((page.status.as_u16(), page.text("main code").as_str()), (400, code), "{query}");
    }
}
