//! The shapes of the command line's own web server.

use crate::client::Api;
use serde_json::json;

async fn sample(api: &Api) {
    let file = "req_id,category,requirement_text,status,priority,phase,effort_weeks,dependencies,sprint,notes\n\
        REQ-A-1,UI,First,COMPLETE,HIGH,1,1,,v1,\nREQ-A-2,UI,Second,MISSING,P0,1,0.5,REQ-A-1,v1,Find Me\n\
        REQ-A-3,API,Third,PARTIAL,LOW,2,2,REQ-A-2,v2,\nREQ-A-4,ui,Fourth,NOT_STARTED,MEDIUM,,,REQ-A-3,,\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
}

#[tokio::test]
async fn status_requirements_and_backlog_have_the_members_that_its_clients_read() {
    let api = Api::new().await;
    sample(&api).await;
    let status = api.get("/api/status").send().await;
    assert_eq!(status.text(), r#"{"total":4,"complete":1,"partial":1,"missing":2}"#);

    let list = api.get("/api/requirements?category=UI&sort=priority&per_page=1&page=2").send().await.json();
    assert_eq!(list["pagination"], json!({"page": 2, "per_page": 1, "total": 2, "total_pages": 2}));
    assert_eq!(
        list["filters_applied"],
        json!({"category": "UI", "status": null, "priority": null, "version": null,
        "assignee": null, "search": null})
    );
    assert_eq!(
        list["requirements"],
        json!([{
            "req_id": "REQ-A-1", "category": "UI", "subcategory": "", "requirement_text": "First", "status": "COMPLETE",
            "priority": "HIGH", "phase": 1, "effort_weeks": 1.0, "assignee": "", "sprint": "v1", "dependencies": [],
            "blocks": ["REQ-A-2"], "started_date": "", "completed_date": "",
        }])
    );
    let found = api.get("/api/requirements?search=find%20me&utm=ignored").send().await.json();
    assert_eq!(
        (&found["pagination"]["total"], &found["requirements"][0]["req_id"]),
        (&json!(1), &json!("REQ-A-2"))
    );

    let one = api.get("/api/requirements/REQ-A-2").send().await.json();
    assert_eq!(one["requirement"]["notes"], "Find Me");
    assert_eq!(
        one["dependency_detail"],
        json!({
            "upstream": [{"req_id": "REQ-A-1", "status": "COMPLETE", "requirement_text": "First"}],
            "downstream": [{"req_id": "REQ-A-3", "status": "PARTIAL", "requirement_text": "Third"}],
            "transitive_upstream_count": 1, "transitive_downstream_count": 2, "all_upstream_complete": true,
        })
    );

    let backlog = api.get("/api/backlog").send().await.json();
    let names: Vec<_> =
        backlog["sections"].as_array().expect("a list").iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["Critical Path", "Quick Wins", "Remaining"]);
    assert_eq!(
        backlog["sections"][0]["items"][0],
        json!({
            "req_id": "REQ-A-2", "requirement_text": "Second", "priority": "P0", "status": "MISSING", "effort_weeks": 0.5,
            "blocked": false, "blocks_count": 1, "transitive_blocks_count": 2, "category": "UI", "assignee": "", "sprint": "v1",
        })
    );
    assert_eq!(
        backlog["summary"],
        json!({"total_incomplete": 3, "total_effort_weeks": 2.5, "unblocked_count": 1,
        "blocked_count": 2})
    );
    for view in ["critical", "quick-wins", "blockers"] {
        assert_eq!(api.get(format!("/api/backlog?view={view}")).send().await.json()["view"], view);
    }
}

#[tokio::test]
async fn what_it_refuses_is_refused_here() {
    let api = Api::new().await;
    for query in ["status=DONE", "priority=urgent", "sort=notes", "order=up", "page=0", "per_page=x"] {
        let got = api.get(format!("/api/requirements?{query}")).send().await;
        assert_eq!(got.code(), "parameter_invalid", "{query}");
    }
    assert_eq!(api.get("/api/requirements/REQ-Z-1").send().await.code(), "requirement_not_found");
}
