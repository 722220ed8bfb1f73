//! The server's API as a program uses it: what a story prepares, and what it compares pages with.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// Less than the time after which the server closes an idle connection.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) kind: String,
    pub(crate) tag: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A client of one server.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Api {
    pub(crate) fn of(base: &str, token: Option<&str>) -> Api {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_idle_timeout(IDLE_LIMIT)
            .build()
            .expect("the client has no settings to refuse");
        Api { client, base: base.to_owned(), token: token.map(str::to_owned) }
    }

    /// Sends a request and reads the answer, whatever it says.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Got {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (kind, tag) = (header("content-type").to_owned(), header("etag").to_owned());
        let status = answer.status();
        let body = answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error:?}")).to_vec();
        Got { status, kind, tag, body }
    }

    /// Asks for a page as a browser does.
    pub(crate) async fn page(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[("accept", "text/html")], Vec::new()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.good(Method::GET, path, &[], Vec::new()).await.json()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/json")];
        self.good(Method::POST, path, &headers, body.to_string().into_bytes()).await.json()
    }

    async fn good(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Got {
        let got = self.send(method.clone(), path, headers, body).await;
        assert!(got.status.is_success(), "{method} {path}: {} {}", got.status, got.text());
        got
    }

    /// Makes a project of the same name as its id.
    pub(crate) async fn make_project(&self, id: &str) {
        self.post("/api/v1/projects", &json!({ "id": id })).await;
    }

    /// Imports a file, whole.
    pub(crate) async fn import(&self, project: &str, file: &[u8]) -> Value {
        let path = format!("/api/v1/projects/{project}/import");
        self.good(Method::POST, &path, &[("content-type", "text/csv")], file.to_vec()).await.json()
    }

    /// The project's file.
    pub(crate) async fn export(&self, project: &str) -> Vec<u8> {
        let path = format!("/api/v1/projects/{project}/export.csv");
        self.good(Method::GET, &path, &[], Vec::new()).await.body
    }

    /// A requirement.
    pub(crate) async fn requirement(&self, project: &str, id: &str) -> Value {
        self.get(&format!("/api/v1/projects/{project}/requirements/{id}")).await
    }

    /// Changes fields of a requirement as it is now.
    pub(crate) async fn patch(&self, project: &str, id: &str, fields: &Value) {
        let path = format!("/api/v1/projects/{project}/requirements/{id}");
        let tag = self.good(Method::GET, &path, &[], Vec::new()).await.tag;
        let headers = [("content-type", "application/merge-patch+json"), ("if-match", tag.as_str())];
        self.good(Method::PATCH, &path, &headers, fields.to_string().into_bytes()).await;
    }
}
