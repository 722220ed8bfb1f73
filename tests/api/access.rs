//! Who may do what, and who sees what.

use crate::client::Api;
use http::Method;
use rtmx::core::{assert_code, server};
use serde_json::{Value, json};

async fn token(api: &Api, role: &str, project: Option<&str>) -> String {
    let made = api.post("/api/v1/tokens").json(json!({"name": role, "role": role, "project": project})).await;
    made.json()["token"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned()
}

#[tokio::test]
async fn a_viewer_reads_an_editor_writes_and_an_admin_makes_projects() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "REQ-A-1"})).await;
    let (viewer, editor) = (token(&api, "viewer", None).await, token(&api, "editor", None).await);
    assert_eq!(api.get("/requirements/REQ-A-1").token(&viewer).send().await.status, 200);
    assert_eq!(api.get("/export.csv").token(&viewer).send().await.status, 200);
    let refused = api.post("/requirements").token(&viewer).json(json!({"req_id": "X"})).await;
    assert_code(refused.code(), server::FORBIDDEN);
    let patch =
        api.patch("/requirements/REQ-A-1").token(&viewer).based_on(&tag).json(json!({"notes": "x"})).await;
    assert_code(patch.code(), server::FORBIDDEN);
    let delete = api.delete("/requirements/REQ-A-1").token(&viewer).based_on(&tag).send().await;
    assert_code(delete.code(), server::FORBIDDEN);
    assert_code(api.post("/import").token(&viewer).csv("req_id\nA\n").await.code(), server::FORBIDDEN);
    let refused = api.post("/baselines").token(&viewer).json(json!({"name": "b"})).await;
    assert_code(refused.code(), server::FORBIDDEN);
    let text = api.put("/requirements/REQ-A-1/text").token(&viewer).header("if-none-match", "*");
    assert_code(text.body("text/markdown", "x").await.code(), server::FORBIDDEN);

    assert_eq!(api.post("/requirements").token(&editor).json(json!({"req_id": "X"})).await.status, 201);
    assert_eq!(api.get("/requirements/X").send().await.json()["updated_by"].as_str().map(str::len), Some(16));
    let refused = api.post("/api/v1/projects").token(&editor).json(json!({"id": "p"})).await;
    assert_code(refused.code(), server::FORBIDDEN);
    assert_eq!(api.revision().await, 2);
}

#[tokio::test]
async fn a_token_of_one_project_sees_no_other() {
    let api = Api::new().await;
    assert_eq!(api.post("/api/v1/projects").json(json!({"id": "mine"})).await.status, 201);
    let token = token(&api, "editor", Some("mine")).await;
    let of_mine = |path: &str| format!("/api/v1/projects/mine{path}");
    let made = api.post(of_mine("/requirements")).token(&token).json(json!({"req_id": "REQ-A-1"})).await;
    assert_eq!(made.status, 201);
    let listed = api.get("/api/v1/projects").token(&token).send().await.json();
    let ids: Vec<&Value> =
        listed["projects"].as_array().expect("a list").iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["mine"]);

    let hidden = api.get("/status").token(&token).send().await;
    let missing = api.get("/api/v1/projects/nowhere/status").token(&token).send().await;
    assert_code(hidden.code(), server::PROJECT_NOT_FOUND);
    assert_eq!(hidden.text().replace("default", "nowhere"), missing.text());
    for path in ["/api/status", "/api/requirements", "/api/requirements/REQ-A-1", "/api/backlog"] {
        assert_code(api.get(path).token(&token).send().await.code(), server::PROJECT_NOT_FOUND);
    }
    let refused = api.post("/api/v1/projects").token(&token).json(json!({"id": "p"})).await;
    assert_code(refused.code(), server::FORBIDDEN);
    assert_eq!(api.get("/status").send().await.json()["total"], 0, "the project `default` has nothing of it");
}

#[tokio::test]
async fn projects_hold_the_same_ids_apart() {
    let api = Api::new().await;
    assert_eq!(
        api.post("/api/v1/projects").json(json!({"id": "two", "name": "The second"})).await.status,
        201
    );
    let default = api.make(json!({"req_id": "REQ-A-1", "notes": "one"})).await;
    let two = "/api/v1/projects/two/requirements";
    assert_eq!(api.post(two).json(json!({"req_id": "REQ-A-1", "notes": "two"})).await.status, 201);
    let edit = api
        .patch("/requirements/REQ-A-1")
        .based_on(&default)
        .json(json!({"dependencies": ["REQ-B-1"]}))
        .await;
    assert_eq!(edit.status, 200);
    let found = api.get(format!("{two}/REQ-A-1")).send().await.json();
    assert_eq!((&found["notes"], &found["dependencies"]), (&json!("two"), &json!([])));
    assert_eq!(api.get("/api/v1/projects/two").send().await.json()["name"], "The second");
    assert_eq!(api.get("/api/v1/projects/two/status").send().await.json()["revision"], 1);
}

#[tokio::test]
async fn without_a_token_nothing_of_the_api_is_answered() {
    let api = Api::new().await;
    let paths = api.document()["paths"].as_object().expect("the document has paths").clone();
    for (template, item) in &paths {
        let path = template.replace("{project}", "default").replace("{id}", "x");
        for method in item.as_object().expect("a path has operations").keys().filter(|key| key.len() <= 6) {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let got = api
                .call(method.clone(), &path)
                .header("authorization", "Bearer nonsense")
                .over_network()
                .send()
                .await;
            assert_eq!(got.status, 401, "{method} {path}");
        }
    }
}
