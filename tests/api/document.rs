//! The OpenAPI document describes what is there.

use crate::client::Api;
use serde_json::Value;
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((method.to_owned(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_route_is_described_and_every_description_has_a_route() {
    let api = Api::new().await;
    let found: BTreeSet<String> = operations(api.document())
        .into_iter()
        .map(|(method, path, _)| format!("{method} {}", path.replace("/api/v1/projects/{project}", "~")))
        .collect();
    let of_project = [
        "get ~",
        "get ~/requirements",
        "post ~/requirements",
        "get ~/requirements/{id}",
        "put ~/requirements/{id}",
        "patch ~/requirements/{id}",
        "delete ~/requirements/{id}",
        "get ~/requirements/{id}/text",
        "put ~/requirements/{id}/text",
        "delete ~/requirements/{id}/text",
        "get ~/requirements/{id}/document",
        "get ~/requirements/{id}/test-links",
        "get ~/requirements/{id}/history",
        "post ~/import",
        "post ~/import/document",
        "get ~/export.csv",
        "get ~/status",
        "get ~/gaps",
        "get ~/backlog",
        "get ~/next",
        "get ~/health",
        "get ~/cycles",
        "get ~/critical-path",
        "get ~/impact/{id}",
        "get ~/layers",
        "get ~/changes",
        "get ~/baselines",
        "post ~/baselines",
        "get ~/baselines/{id}",
        "get ~/compare",
        "get ~/history",
    ];
    let others = [
        "get /api/v1/projects",
        "post /api/v1/projects",
        "get /api/status",
        "get /api/requirements",
        "get /api/requirements/{id}",
        "get /api/backlog",
    ];
    for wanted in of_project.into_iter().chain(others) {
        assert!(found.contains(wanted), "`{wanted}` is not described: {found:#?}");
    }
    for (method, path, _) in operations(api.document()) {
        let path = path.replace("{project}", "default").replace("{id}", "x");
        let method = method.to_uppercase().parse().expect("it is a method");
        let got = api.call(method, &path).send().await;
        let code = if got.status.is_client_error() { got.code() } else { String::new() };
        assert!(!matches!(code.as_str(), "route_not_found" | "method_not_allowed"), "{path}: {}", got.text());
    }
}

#[tokio::test]
async fn every_operation_describes_its_answers_its_errors_and_its_path() {
    let api = Api::new().await;
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(api.document()) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has an id"));
        assert!(ids.insert(id.to_owned()), "{name}: `{id}` is used twice");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {operation}");
        let responses = operation["responses"].as_object().expect("an operation has responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        for class in ["4", "5"] {
            assert!(responses.keys().any(|status| status.starts_with(class)), "{name} has no {class}XX");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            let content =
                response["content"].as_object().unwrap_or_else(|| panic!("{name} {status}: {response}"));
            let schema = content.values().next().map(|media| media["schema"]["$ref"].clone());
            assert_eq!(schema, Some("#/components/schemas/ProblemDocument".into()), "{name} {status}");
        }
        let empty = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&empty);
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let described = parameters.iter().any(|it| it["name"] == part && it["in"] == "path");
            assert!(described, "{name}: `{part}` is not described");
        }
    }
}

#[tokio::test]
async fn every_schema_that_is_named_is_there() {
    let api = Api::new().await;
    let text = api.document().to_string();
    let schemas = api.document()["components"]["schemas"].as_object().expect("the document has schemas");
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(schemas.contains_key(name), "`{name}` is named and not described");
    }
    assert!(
        schemas.contains_key("RequirementView") && schemas.contains_key("Health"),
        "{:?}",
        schemas.keys()
    );
}
