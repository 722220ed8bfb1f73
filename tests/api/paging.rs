//! Lists are filtered, searched, sorted and read in pages.

use crate::client::Api;
use serde_json::Value;

async fn sample(api: &Api) {
    let file = "req_id,category,requirement_text,status,priority,phase,effort_weeks,dependencies,owner team\n\
        REQ-A-1,UI,Shows the list,COMPLETE,HIGH,2,1,,red\n\
        REQ-A-2,UI,Sorts the list,MISSING,P0,1,,REQ-A-1,\n\
        REQ-B-1,API,Encrypts at rest,PARTIAL,LOW,,2.5,REQ-A-1|REQ-A-2,blue\n\
        REQ-B-2,,Größe,NOT_STARTED,MEDIUM,10,0.5,,blue\n";
    let got = api.post("/import").csv(file).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

fn ids(page: &Value) -> Vec<String> {
    let requirements = page["requirements"].as_array().expect("a page has a list");
    requirements.iter().map(|it| it["req_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn filters_search_and_sort_choose_what_is_listed() {
    for api in [Api::new().await, Api::sqlite().await] {
        sample(&api).await;
        // query, ids
        let cases: [(&str, &[&str]); 16] = [
            ("", &["REQ-A-1", "REQ-A-2", "REQ-B-1", "REQ-B-2"]),
            ("?category=ui", &["REQ-A-1", "REQ-A-2"]),
            ("?category=", &["REQ-B-2"]),
            ("?status=missing&status=PARTIAL", &["REQ-A-2", "REQ-B-1"]),
            ("?category=UI&status=MISSING", &["REQ-A-2"]),
            ("?phase=", &["REQ-B-1"]),
            ("?effort_weeks=2.50", &["REQ-B-1"]),
            ("?dependencies=REQ-A-1", &["REQ-A-2", "REQ-B-1"]),
            ("?extra.owner%20team=blue", &["REQ-B-1", "REQ-B-2"]),
            ("?search=list", &["REQ-A-1", "REQ-A-2"]),
            ("?search=encrypt%20res", &[]),
            ("?search=rest%20encr", &["REQ-B-1"]),
            ("?search=gr%C3%B6%C3%9F", &["REQ-B-2"]),
            ("?sort=-priority", &["REQ-B-1", "REQ-B-2", "REQ-A-1", "REQ-A-2"]),
            ("?sort=phase", &["REQ-A-2", "REQ-A-1", "REQ-B-2", "REQ-B-1"]),
            ("?sort=-category,-req_id&limit=2", &["REQ-A-2", "REQ-A-1"]),
        ];
        for (query, want) in cases {
            let page = api.get(format!("/requirements{query}")).send().await.json();
            assert_eq!(ids(&page), want, "{query}");
        }
        let counted = api.get("/requirements?category=UI&limit=1&count=true").send().await.json();
        assert_eq!((&counted["total"], ids(&counted).len()), (&2.into(), 1));
    }
}

#[tokio::test]
async fn pages_hold_everything_once_while_others_write() {
    for api in [Api::new().await, Api::sqlite().await] {
        let mut file = String::from("req_id,phase\n");
        (0..50).for_each(|n| file.push_str(&format!("REQ-A-{n:03},{}\n", n % 7 + 1)));
        assert_eq!(api.post("/import").csv(file).await.status, 200);
        let mut seen = Vec::new();
        let mut cursor = String::new();
        for page_number in 0.. {
            assert!(page_number < 50, "the pages end");
            let path = format!("/requirements?sort=-phase&limit=7{cursor}");
            let page = api.get(path).send().await.json();
            seen.extend(ids(&page));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            // Before and behind the place where the page ended.
            api.make(serde_json::json!({"req_id": format!("REQ-NEW-{page_number}"), "phase": 9})).await;
            api.make(serde_json::json!({"req_id": format!("REQ-ZZZ-{page_number}"), "phase": 1})).await;
        }
        seen.retain(|id| id.starts_with("REQ-A-"));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((count, seen.len()), (50, 50));
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_query() {
    let api = Api::new().await;
    sample(&api).await;
    let page = api.get("/requirements?limit=1").send().await.json();
    let cursor = page["next"].as_str().expect("there is more");
    let other = api.get(format!("/requirements?limit=1&category=UI&cursor={cursor}")).send().await;
    rtmx::core::assert_code(other.code(), rtmx::core::storage::CURSOR_INVALID);
}
