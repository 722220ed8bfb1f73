//! The analyses answer for the newest state.

use crate::client::Api;
use serde_json::json;

async fn sample(api: &Api) {
    let file = "req_id,category,status,priority,phase,effort_weeks,dependencies\n\
        REQ-A-1,UI,COMPLETE,HIGH,1,1,\nREQ-A-2,UI,MISSING,P0,1,0.5,REQ-A-1\n\
        REQ-A-3,API,PARTIAL,LOW,2,2,REQ-A-2\nREQ-A-4,API,NOT_STARTED,MEDIUM,,,REQ-A-3|REQ-GONE\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
}

#[tokio::test]
async fn each_analysis_answers_and_is_known_by_its_tag() {
    for api in [Api::new().await, Api::sqlite().await] {
        sample(&api).await;
        let status = api.get("/status").send().await.json();
        let counts =
            ["total", "complete", "partial", "missing", "not_started"].map(|name| status[name].as_u64());
        assert_eq!(counts, [4, 1, 1, 1, 1].map(Some));
        assert_eq!(status["percentage"], 37.5);
        assert_eq!(status["phases"][2]["phase"], json!(null), "{status}");
        assert_eq!(
            status["categories"][0],
            json!({"category": "API", "total": 2, "complete": 0, "partial": 1,
            "missing": 0, "not_started": 1, "percentage": 25.0})
        );
        assert_eq!(status["priorities"][0]["priority"], "P0");

        let path = api.get("/critical-path?limit=1").send().await.json();
        assert_eq!((&path["total"], &path["requirements"][0]["req_id"]), (&json!(2), &json!("REQ-A-2")));
        let impact = api.get("/impact/REQ-A-2").send().await.json();
        assert_eq!((&impact["transitive_downstream_count"], &impact["blocked"]), (&json!(2), &json!(false)));
        assert_eq!(api.get("/layers").send().await.json()["count"], 4);
        assert_eq!(api.get("/next").send().await.json()["best"]["req_id"], "REQ-A-2");
        assert_eq!(api.get("/backlog?view=list").send().await.json()["summary"]["total_incomplete"], 3);
        assert_eq!(api.get("/health").send().await.json()["stats"]["orphaned_deps"], 1);
        for path in
            ["status", "backlog", "next", "health", "cycles", "critical-path", "layers", "impact/REQ-A-1"]
        {
            let found = api.get(format!("/{path}")).send().await;
            assert_eq!(found.status, 200, "{path}: {}", found.text());
            let known = api.get(format!("/{path}")).header("if-none-match", found.etag()).send().await;
            assert_eq!((known.status.as_u16(), known.body.len()), (304, 0), "{path}");
        }
    }
}

#[tokio::test]
async fn no_answer_is_stale_after_a_write() {
    for api in [Api::new().await, Api::sqlite().await] {
        sample(&api).await;
        for round in 0..30 {
            let before = api.get("/layers").send().await.json()["count"].as_u64().expect("a number");
            let last = if round == 0 { "REQ-A-4".into() } else { format!("REQ-L-{:03}", round - 1) };
            api.make(json!({"req_id": format!("REQ-L-{round:03}"), "dependencies": [last]})).await;
            let after = api.get("/layers").send().await.json()["count"].as_u64();
            assert_eq!(after, Some(before + 1), "round {round}");
        }
        let tag = api.get("/requirements/REQ-L-000").send().await.etag();
        assert_eq!(api.delete("/requirements/REQ-L-000").based_on(&tag).send().await.status, 204);
        let impact = api.get("/impact/REQ-L-001").send().await.json();
        assert_eq!(impact["orphaned_dependencies"], json!(["REQ-L-000"]));
    }
}

#[tokio::test]
async fn a_document_and_the_columns_of_the_file_count_for_health() {
    let api = Api::new().await;
    sample(&api).await;
    let check = |health: &serde_json::Value, name: &str| {
        let checks = health["checks"].as_array().expect("health has checks").clone();
        checks.into_iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {health}"))
    };
    let before = api.get("/health").send().await.json();
    assert_eq!(check(&before, "generic_acceptance_criteria")["count"], 0, "{before}");
    let text = api.put("/requirements/REQ-A-1/text").header("if-none-match", "*");
    let text = text.body("text/markdown", "# REQ-A-1: A\n- [ ] Requirement language is reviewed\n").await;
    assert_eq!(text.status, 201);
    let after = api.get("/health").send().await.json();
    assert_eq!(check(&after, "generic_acceptance_criteria")["count"], 1, "{after}");
}
