//! Gaps first: the overview's tiles and the page of gaps.

use crate::client::Api;
use crate::page::{Page, text};
use serde_json::json;

pub(crate) async fn sample(api: &Api) {
    let file = "req_id,category,requirement_text,status,priority,phase,assignee,effort_weeks,test_module,test_function,dependencies\n\
        REQ-A-1,UI,Shows the list,COMPLETE,HIGH,1,ann,1,tests/a.rs,shows,\n\
        REQ-A-2,UI,Sorts the list,COMPLETE,LOW,1,ann,1,,,REQ-A-3\n\
        REQ-A-3,API,Answers,PARTIAL,P0,2,,2,tests/a.rs,answers,REQ-A-4\n\
        REQ-A-4,API,Reads,NOT_STARTED,MEDIUM,,Bob,,tests/a.rs,reads,REQ-A-5|REQ-GONE|sync:X:REQ-1\n\
        REQ-A-5,API,Writes,MISSING,MEDIUM,2,,0.5,tests/a.rs,writes,REQ-A-4\n\
        REQ-A-6,,Deletes,MISSING,MEDIUM,2,,,tests/a.rs,MISSING,REQ-A-6\n\
        REQ-A-7,,Begins,MISSING,HIGH,3,,0.5,tests/b/a.rs,begins,\n\
        REQ-A-8,,Goes on,MISSING,HIGH,3,,0.5,tests/b/a.rs,goes_on,REQ-A-7\n";
    let got = api.post("/import").csv(file).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

fn ids(page: &Page) -> Vec<String> {
    page.texts("tbody tr[data-row] th")
}

#[tokio::test]
async fn the_overview_begins_with_the_gaps_and_each_number_leads_to_the_list_that_it_counts() {
    for api in [Api::new().await, Api::sqlite().await] {
        let empty = Page::open(&api, "").await;
        assert!(empty.all(".tiles li").is_empty() && !empty.source.contains("Nothing is wrong"));
        sample(&api).await;
        let page = Page::open(&api, "").await;
        let headings = page.texts("main h2");
        assert_eq!(&headings[..2], ["Gaps", "Completion"]);
        assert_eq!(page.text(".figure a"), "7 of 8 requirements");
        let tiles = page.texts(".tiles a");
        let want = [
            "1 Complete without a test",
            "1 Complete on incomplete",
            "2 In a cycle",
            "1 Depends on itself",
            "1 Unknown dependency",
            "5 Blocked",
            "5 Missing",
            "1 Partial",
            "2 Without a test",
        ];
        assert_eq!(tiles, want);
        for (tile, told) in page.all(".tiles a").into_iter().zip(tiles) {
            let address = tile.attr("href").expect("a tile is a link");
            let list = Page::open(&api, address.strip_prefix("/projects/default").expect("it is ours")).await;
            let count = told.split(' ').next().expect("a tile begins with its number");
            assert_eq!(list.text(".summary strong"), count, "{told}");
            assert_eq!(ids(&list).len().to_string(), count, "{told}");
            assert!(list.text(".rule").starts_with(&told[count.len() + 1..]), "{told}");
        }
    }
}

#[tokio::test]
async fn a_project_without_gaps_says_so() {
    let api = Api::new().await;
    api.make(json!({"req_id": "REQ-A-1", "status": "COMPLETE", "test_module": "a", "test_function": "b"}))
        .await;
    let overview = Page::open(&api, "").await;
    assert!(overview.text("section[aria-labelledby=gaps]").contains("Nothing is wrong or left to do"));
    let gaps = Page::open(&api, "/gaps").await;
    assert!(gaps.text(".nothing").contains("Nothing is wrong or left to do. Each of the 1 requirements"));
    let health = Page::open(&api, "/health").await;
    assert!(health.all("#errors").len() == 1, "the category is empty: {}", health.source);
    assert!(Page::open(&api, "/backlog").await.text(".nothing").contains("Nothing is left to do."));
    assert!(Page::open(&api, "/next").await.text(".nothing").contains("Nothing is left to do."));
}

#[tokio::test]
async fn each_gap_is_a_row_with_its_reasons_as_words_and_links() {
    let api = Api::new().await;
    sample(&api).await;
    let page = Page::open(&api, "/gaps").await;
    let whys: Vec<(String, String)> = ids(&page).into_iter().zip(page.texts("td.c-why")).collect();
    let want = [
        ("REQ-A-2", "Complete without a testComplete on incomplete: REQ-A-3"),
        (
            "REQ-A-4",
            "In a cycle: REQ-A-4 → REQ-A-5 → REQ-A-4Unknown dependency: REQ-GONEBlocked: REQ-A-5Missing",
        ),
        ("REQ-A-5", "In a cycle: REQ-A-5 → REQ-A-4 → REQ-A-5Blocked: REQ-A-4Missing"),
        ("REQ-A-6", "Depends on itselfBlocked: REQ-A-6MissingWithout a test"),
        ("REQ-A-3", "Blocked: REQ-A-4Partial"),
        ("REQ-A-7", "Missing"),
        ("REQ-A-8", "Blocked: REQ-A-7Missing"),
    ];
    assert_eq!(whys, want.map(|(id, why)| (id.to_owned(), why.to_owned())));
    let links = page.all("tr[data-key=\"REQ-A-4\"] .c-why a");
    let links: Vec<String> =
        links.iter().filter_map(|link| Some(link.attr("href")?.replace("/projects/default", ""))).collect();
    let want = [
        "/gaps?reason=in_cycle",
        "/requirements/REQ-A-4",
        "/requirements/REQ-A-5",
        "/requirements/REQ-A-4",
        "/gaps?reason=orphaned_dependency",
        "/gaps?reason=blocked",
        "/requirements/REQ-A-5",
        "/gaps?reason=missing",
    ];
    assert_eq!(links, want, "what exists nowhere is no link");
    let cycles = Page::open(&api, "/gaps?reason=in_cycle").await;
    assert_eq!(cycles.texts(".rings li"), ["REQ-A-4 → REQ-A-5 → REQ-A-4 (2 requirements)"]);
    assert_eq!(cycles.all(".rings a").len(), 3);
}

#[tokio::test]
async fn filters_are_in_the_address_and_a_form_leads_to_the_address_that_it_meant() {
    let api = Api::new().await;
    sample(&api).await;
    // query, ids
    let cases: [(&str, &[&str]); 6] = [
        ("phase=2&priority=P0", &["REQ-A-3"]),
        ("phase=", &["REQ-A-4"]),
        ("category=", &["REQ-A-6", "REQ-A-7", "REQ-A-8"]),
        ("reason=blocked&assignee=bob", &["REQ-A-4"]),
        ("reason=missing&status=MISSING&search=writes", &["REQ-A-5"]),
        ("phase=99", &[]),
    ];
    for (query, want) in cases {
        let page = Page::open(&api, &format!("/gaps?{query}")).await;
        assert_eq!(
            (page.status.as_u16(), ids(&page)),
            (200, want.iter().map(|id| (*id).to_owned()).collect()),
            "{query}"
        );
        let chosen: Vec<String> = page.all("select option[selected]").into_iter().map(text).collect();
        assert_eq!(
            chosen.len(),
            query.matches('=').count()
                - query.matches("reason=").count()
                - query.matches("assignee=").count()
                - query.matches("search=").count(),
            "{query}"
        );
    }
    let sent =
        "/projects/default/gaps?form=1&reason=missing&phase=&category=%E2%88%85&search=&assignee=A%20%26%20B";
    let answer = api.get(sent).header("accept", "text/html").open().await;
    assert_eq!(answer.status(), 303);
    let to = answer.headers()["location"].to_str().expect("an address is text");
    assert_eq!(to, "/projects/default/gaps?reason=missing&category=&assignee=A%20%26%20B");
    for refused in ["reason=everything", "phase=one", "offset=x", "staus=MISSING"] {
        assert_eq!(Page::open(&api, &format!("/gaps?{refused}")).await.status, 400, "{refused}");
    }
    assert_eq!(
        Page::open(&api, "/gaps?offset=500").await.text(".nothing"),
        "This page of the list is empty: its rows are gone."
    );
}

#[tokio::test]
async fn pages_hold_every_gap_once_and_lead_back() {
    let api = Api::new().await;
    let mut file = String::from("req_id,phase\n");
    (0..120).for_each(|n| file.push_str(&format!("REQ-A-{n:03},{}\n", n % 3 + 1)));
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let mut seen = Vec::new();
    let mut address = "/gaps?phase=1&phase=2".to_owned();
    let mut back = Vec::new();
    loop {
        let page = Page::open(&api, &address).await;
        seen.extend(ids(&page));
        back.push(page.all("a[rel=prev]").first().and_then(|it| it.attr("href")).map(str::to_owned));
        if page.all("a[rel=next]").is_empty() {
            break;
        }
        address = page.link("a[rel=next]");
    }
    let want: Vec<String> = (0..120).filter(|n| n % 3 < 2).map(|n| format!("REQ-A-{n:03}")).collect();
    assert_eq!(seen, want);
    assert_eq!(back, [None, Some("/projects/default/gaps?phase=1&phase=2".to_owned())]);
}

#[tokio::test]
async fn hostile_texts_are_shown_as_what_they_are() {
    let api = Api::new().await;
    let id = "REQ-<script>alert(1)</script>\u{202e}X";
    let text = format!("<img src=x onerror=alert(1)> =cmd|' /C calc'!A0 שלום {}", "x".repeat(10_000));
    let assignee = "</select><script>alert(2)</script>";
    api.make(json!({"req_id": id, "requirement_text": text, "category": assignee, "assignee": assignee,
        "status": "COMPLETE", "dependencies": ["\"><script>alert(3)</script>"]}))
        .await;
    for address in [
        "",
        "/gaps",
        "/gaps?reason=orphaned_dependency&assignee=%3C/select%3E%3Cscript%3Ealert(2)%3C/script%3E",
        "/health",
        "/backlog?view=list",
        "/next",
    ] {
        let page = Page::open(&api, address).await;
        assert_eq!(page.status, 200, "{address}");
        assert_eq!(page.all("script").len(), 2, "only our own scripts: {address}");
        assert!(page.all("img").is_empty(), "{address}");
        assert!(page.all("[style], [onerror], [onclick]").is_empty(), "{address}");
        assert!(page.source.len() < 100_000, "{address}: {} bytes", page.source.len());
    }
    let gaps = Page::open(&api, "/gaps").await;
    assert_eq!(ids(&gaps), [id]);
    assert!(gaps.text("td.c-requirement_text").starts_with("<img src=x"));
}
