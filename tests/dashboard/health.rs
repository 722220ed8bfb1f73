//! The page of health: every rule with its state, and each finding with its rows.

use crate::client::Api;
use crate::gaps::sample;
use crate::page::{Page, text};

fn rule(page: &Page, name: &str) -> String {
    page.text(&format!("[data-key=\"rule {name}\"]"))
}

#[tokio::test]
async fn every_rule_is_told_with_its_state_and_what_is_broken_comes_first() {
    let api = Api::new().await;
    sample(&api).await;
    let page = Page::open(&api, "/health").await;
    let known = api.get("/health").send().await.json();
    let checks = known["checks"].as_array().expect("health has checks");
    assert_eq!(page.all(".rules > li").len(), checks.len());
    let parts: Vec<String> =
        page.texts("main h2").iter().map(|it| it.split(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(parts, ["Errors", "Warnings", "Hygiene", "Kept"]);
    assert!(page.text(".notice").starts_with("Unhealthy"));
    for check in checks {
        let name = check["name"].as_str().expect("a check has a name");
        let shown = rule(&page, name);
        assert!(shown.contains(check["message"].as_str().expect("a check has a message")), "{name}: {shown}");
        let state = match (check["status"].as_str(), check["severity"].as_str()) {
            (Some("PASS"), _) => "Kept",
            (Some("SKIP"), _) => "Not applicable",
            (Some("FAIL"), _) => "Error",
            (_, Some("hygiene")) => "Could be better",
            _ => "Warning",
        };
        assert!(shown.starts_with(state), "{name}: {shown}");
    }
}

#[tokio::test]
async fn a_rule_leads_to_exactly_the_requirements_that_it_counts() {
    let api = Api::new().await;
    sample(&api).await;
    let page = Page::open(&api, "/health").await;
    let known = api.get("/health").send().await.json();
    let mut followed = 0;
    for check in known["checks"].as_array().expect("health has checks") {
        let name = check["name"].as_str().expect("a check has a name");
        let selector = format!("[data-key=\"rule {name}\"] .message a");
        let Some(link) = page.all(&selector).into_iter().next() else { continue };
        let address =
            link.attr("href").and_then(|it| it.strip_prefix("/projects/default")).expect("it is ours");
        let list = Page::open(&api, address).await;
        let mut listed = list.texts("tbody tr[data-row] th");
        listed.sort();
        // Coverage is a share and lists nothing; a cycle is told by its first member.
        let concerned = match name {
            "test_coverage" => &known["checks"]
                .as_array()
                .expect("checks")
                .iter()
                .find(|it| it["name"] == "missing_test_mapping")
                .expect("it is checked")["requirements"],
            _ => &check["requirements"],
        };
        let mut want: Vec<String> = serde_json::from_value(concerned.clone()).expect("they are ids");
        if name == "cycles" {
            want.push("REQ-A-5".into());
        }
        assert_eq!(listed, want, "{name}: {address}");
        followed += 1;
    }
    assert_eq!(followed, 8, "of the rules that are broken here");
}

#[tokio::test]
async fn findings_are_linked_to_their_rows_and_cycles_are_paths() {
    let api = Api::new().await;
    sample(&api).await;
    let page = Page::open(&api, "/health").await;
    let finding = page.all("[data-key=\"rule orphaned_deps\"] .findings li")[0];
    assert_eq!(text(finding), "REQ-A-4, REQ-GONE: REQ-A-4 depends on REQ-GONE, which does not exist");
    assert_eq!(page.link("[data-key=\"rule orphaned_deps\"] .findings a"), "/requirements/REQ-A-4");
    assert_eq!(page.texts(".rings li"), ["REQ-A-4 → REQ-A-5 → REQ-A-4 (2 requirements)"]);

    let mut file = String::from("req_id,dependencies\n");
    (0..30).for_each(|n| file.push_str(&format!("REQ-B-{n:02},REQ-NOT-{n}\n")));
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let page = Page::open(&api, "/health").await;
    assert!(rule(&page, "orphaned_deps").contains("The first 10 of 31 findings"));
    let whole = page.link("[data-key=\"rule orphaned_deps\"] details > p > a");
    assert_eq!(whole, "/health?rule=orphaned_deps");
    let one = Page::open(&api, &whole).await;
    assert_eq!((one.all(".rules > li").len(), one.all(".findings li").len()), (1, 31));
    assert_eq!(one.all("details[open]").len(), 1);
    assert_eq!(Page::open(&api, "/health?rule=everything").await.status, 400);
}
