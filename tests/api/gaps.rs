//! Gaps: what is wrong or left to do, and why.

use crate::client::Api;
use serde_json::{Value, json};

async fn sample(api: &Api) {
    let file = "req_id,category,requirement_text,status,priority,phase,assignee,test_module,test_function,dependencies\n\
        REQ-A-1,UI,Shows the list,COMPLETE,HIGH,1,ann,tests/a.rs,shows,\n\
        REQ-A-2,UI,Sorts the list,COMPLETE,LOW,1,ann,,,REQ-A-3\n\
        REQ-A-3,API,Answers,PARTIAL,P0,2,,tests/a.rs,answers,REQ-A-4\n\
        REQ-A-4,API,Reads,NOT_STARTED,MEDIUM,,Bob,tests/a.rs,reads,REQ-A-5|REQ-GONE|sync:X:REQ-1\n\
        REQ-A-5,API,Writes,MISSING,MEDIUM,2,,tests/a.rs,writes,REQ-A-4\n\
        REQ-A-6,,Deletes,MISSING,MEDIUM,2,,tests/a.rs,MISSING,REQ-A-6\n";
    let got = api.post("/import").csv(file).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

/// Each gap as `id: reason reason`.
fn told(gaps: &Value) -> Vec<String> {
    let tell = |gap: &Value| {
        let reasons = gap["reasons"].as_array().expect("a gap has reasons");
        let names: Vec<&str> = reasons.iter().filter_map(|cause| cause["reason"].as_str()).collect();
        format!("{}: {}", gap["req_id"].as_str().unwrap_or_default(), names.join(" "))
    };
    gaps["gaps"].as_array().expect("an answer has gaps").iter().map(tell).collect()
}

fn count(gaps: &Value, reason: &str) -> u64 {
    let counts = gaps["counts"].as_array().expect("an answer has counts");
    let found = counts.iter().find(|count| count["reason"] == reason);
    found.and_then(|count| count["count"].as_u64()).unwrap_or_else(|| panic!("{reason}: {gaps}"))
}

#[tokio::test]
async fn every_gap_is_told_with_its_reasons_the_gravest_first() {
    for api in [Api::new().await, Api::sqlite().await] {
        sample(&api).await;
        let gaps = api.get("/gaps").send().await.json();
        let want = [
            "REQ-A-2: complete_untested complete_on_incomplete untested",
            "REQ-A-4: in_cycle orphaned_dependency blocked missing",
            "REQ-A-5: in_cycle blocked missing",
            "REQ-A-6: self_dependency blocked missing untested",
            "REQ-A-3: blocked partial",
        ];
        assert_eq!(told(&gaps), want);
        let shown = ["total", "any", "requirements", "not_started"].map(|name| gaps[name].as_u64());
        assert_eq!(shown, [5, 5, 6, 1].map(Some));
        let first = &gaps["gaps"][1];
        assert_eq!((&first["grade"], &first["transitive_blocks_count"]), (&json!("tangled"), &json!(2)));
        assert_eq!(
            first["reasons"][0],
            json!({"reason": "in_cycle", "message": "is one of 2 requirements that wait for each other",
                "others": ["REQ-A-4", "REQ-A-5", "REQ-A-4"], "count": 2})
        );
        assert_eq!(first["reasons"][1]["others"], json!(["REQ-GONE"]));
        assert_eq!(first["reasons"][2]["others"], json!(["REQ-A-5"]));
        assert!(gaps["counts"][0]["rule"].as_str().is_some_and(|rule| rule.contains("COMPLETE")));
    }
}

#[tokio::test]
async fn filters_and_pages_choose_what_is_listed_and_each_count_is_the_length_of_its_list() {
    let api = Api::new().await;
    sample(&api).await;
    let all = api.get("/gaps").send().await.json();
    // query, ids
    let cases: [(&str, &[&str]); 12] = [
        ("reason=in_cycle", &["REQ-A-4", "REQ-A-5"]),
        ("reason=complete_untested&reason=partial", &["REQ-A-2", "REQ-A-3"]),
        ("phase=1", &["REQ-A-2"]),
        ("phase=", &["REQ-A-4"]),
        ("category=ui", &["REQ-A-2"]),
        ("category=", &["REQ-A-6"]),
        ("priority=p0&priority=LOW", &["REQ-A-2", "REQ-A-3"]),
        ("status=not-started", &["REQ-A-4"]),
        ("assignee=BOB", &["REQ-A-4"]),
        ("search=the%20list", &["REQ-A-2"]),
        ("limit=2", &["REQ-A-2", "REQ-A-4"]),
        ("limit=2&offset=4", &["REQ-A-3"]),
    ];
    for (query, want) in cases {
        let page = api.get(format!("/gaps?{query}")).send().await.json();
        let ids: Vec<String> = told(&page).iter().map(|gap| gap[..7].to_owned()).collect();
        assert_eq!(ids, want, "{query}");
    }
    for reason in all["counts"].as_array().expect("an answer has counts") {
        let name = reason["reason"].as_str().expect("a reason has a name");
        let only = api.get(format!("/gaps?reason={name}")).send().await.json();
        assert_eq!(only["total"], reason["count"], "{name}");
        assert_eq!(only["counts"], all["counts"], "{name}");
    }
    let known = api.get("/gaps?phase=1").send().await.etag();
    let again = api.get("/gaps?phase=1").header("if-none-match", known.clone()).send().await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    api.make(json!({"req_id": "REQ-A-7", "phase": 1})).await;
    let changed = api.get("/gaps?phase=1").header("if-none-match", known).send().await;
    assert_eq!(told(&changed.json())[1], "REQ-A-7: missing untested");
}

#[tokio::test]
async fn a_test_link_is_a_test_until_it_is_gone() {
    for api in [Api::new().await, Api::sqlite().await] {
        let rows = "req_id,status,test_module,test_function\nREQ-A-1,COMPLETE,,\nREQ-A-1,COMPLETE,tests/a.rs,works\nREQ-A-2,COMPLETE,,\n";
        let import = |file: &'static str| api.post("/import?mode=replace&duplicates=merge").csv(file);
        let got = import(rows).await;
        assert_eq!(got.status, 200, "{}", got.text());
        let gaps = api.get("/gaps").send().await.json();
        assert_eq!(told(&gaps), ["REQ-A-2: complete_untested untested"]);
        let health = api.get("/health").send().await.json();
        assert_eq!(health["stats"]["without_tests"], count(&gaps, "untested"), "one number for one question");
        for file in
            ["req_id,status\nREQ-A-2,COMPLETE\n", "req_id,status\nREQ-A-1,COMPLETE\nREQ-A-2,COMPLETE\n"]
        {
            let got = import(file).await;
            assert_eq!(got.status, 200, "{}", got.text());
        }
        assert_eq!(count(&api.get("/gaps").send().await.json(), "untested"), 2);
    }
}
