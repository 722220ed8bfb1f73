//! Baselines, comparison and history.

use crate::client::Api;
use serde_json::json;

#[tokio::test]
async fn baselines_name_revisions_and_are_compared() {
    for api in [Api::new().await, Api::sqlite().await] {
        let tag = api.make(json!({"req_id": "REQ-A-1", "notes": "one"})).await;
        api.make(json!({"req_id": "REQ-A-2"})).await;
        let taken = api
            .post("/baselines")
            .json(json!({"name": "v1.0 / beta".replace('/', "-"), "note": "first"}))
            .await;
        assert_eq!(taken.status, 201, "{}", taken.text());
        assert_eq!(taken.json()["revision"], 2);
        assert_eq!(taken.header("location"), "/api/v1/projects/default/baselines/v1.0%20-%20beta");
        assert_eq!(api.get("/baselines/v1.0%20-%20beta").send().await.json()["note"], "first");

        let edit = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"notes": "two"})).await;
        assert_eq!(edit.status, 200);
        api.make(json!({"req_id": "REQ-A-3"})).await;
        let compared = api.get("/compare?from=v1.0%20-%20beta").send().await.json();
        assert_eq!(
            (&compared["added"], &compared["changed"], &compared["removed"]),
            (&json!(1), &json!(1), &json!(0))
        );
        let fields = &compared["differences"][0]["fields"];
        assert_eq!(fields, &json!([{"field": "notes", "before": "one", "after": "two"}]), "{compared}");
        let same = api.get("/compare?from=2&to=v1.0%20-%20beta").send().await.json();
        assert_eq!(same["differences"], json!([]));
        let unknown = api.get("/compare?from=v9").send().await;
        assert_eq!(unknown.code(), "record_not_found");
        assert_eq!(api.get("/baselines").send().await.json()["baselines"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn the_history_of_a_requirement_names_what_changed_by_column() {
    for api in [Api::new().await, Api::sqlite().await] {
        let mut tag = api.make(json!({"req_id": "REQ-A-1", "phase": 1})).await;
        for phase in [2, 3] {
            let body = json!({"phase": phase, "extra": {"x": phase.to_string()}});
            tag = api.patch("/requirements/REQ-A-1").based_on(&tag).json(body).await.etag();
        }
        assert_eq!(api.delete("/requirements/REQ-A-1").based_on(&tag).send().await.status, 204);

        let first = api.get("/requirements/REQ-A-1/history?limit=2").send().await.json();
        let actions = |page: &serde_json::Value| -> Vec<String> {
            let list = page["history"].as_array().expect("a page has a list");
            list.iter().map(|it| it["action"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(actions(&first), ["deleted", "changed"]);
        let want = json!([
            {"column": "phase", "before": "2", "after": "3"},
            {"column": "extra.x", "before": "2", "after": "3"},
        ]);
        assert_eq!(first["history"][1]["changes"], want);
        let cursor = first["next"].as_str().expect("there is more");
        let second =
            api.get(format!("/requirements/REQ-A-1/history?limit=2&cursor={cursor}")).send().await.json();
        assert_eq!(actions(&second), ["changed", "created"]);
        assert!(second.get("next").is_none(), "{second}");
        let all = api.get("/history").send().await.json();
        let revisions: Vec<_> = all["history"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|it| it["kind"] == "requirement")
            .map(|it| it["revision"].as_u64())
            .collect();
        assert_eq!(revisions, [Some(4), Some(3), Some(2), Some(1)]);
    }
}
