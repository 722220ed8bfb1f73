//! A client of the router in process.
//!
//! `RTMX_TEST_STORAGE=postgres-18` runs every test on a PostgreSQL of that version instead of a backend in
//! memory, each in a schema of its own. Who asks for one gets it or a failure that says why there is none.

#[path = "../support/storage.rs"]
mod storage;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use rtmx::core::{Cx, Timestamp};
use rtmx::http::{App, Arrival, Clock, router};
use rtmx::storage::{MigrationPlan, StorageBackend};
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

pub(crate) use storage::memory;

/// An application with its router, called as the installation's owner.
pub(crate) struct Api {
    pub(crate) app: App,
    router: Router,
    document: Value,
    _folder: Option<tempfile::TempDir>,
}

/// A request to be sent.
pub(crate) struct Call<'a> {
    api: &'a Api,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Body,
    arrival: Arrival,
}

/// An answer, read to its end.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A clock that stands still.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).expect("the second is in range")
    }
}

impl Api {
    /// An application over a backend in memory, with the project `default`.
    pub(crate) async fn new() -> Api {
        Api::over(memory().await).await
    }

    /// An application over a backend that others may share.
    pub(crate) async fn over(backend: Arc<dyn StorageBackend>) -> Api {
        let app = App::new(backend, "memory", Arc::default()).with_clock(Arc::new(Noon));
        Api::of(app, None).await
    }

    /// An application over a SQLite database in a folder of its own.
    pub(crate) async fn sqlite() -> Api {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let mut settings = rtmx::config::Settings::default();
        settings.data.dir = folder.path().to_owned();
        let drivers = rtmx::standard_drivers().expect("the names of drivers are unique");
        let opened = rtmx::http::open_storage(&settings, &drivers).await.expect("the folder is empty");
        let migrated = opened.storage.migrate(&Cx::new(), &MigrationPlan::Expand).await;
        migrated.expect("an empty database can be migrated");
        let app = App::new(opened.storage, opened.name, Arc::new(settings)).with_clock(Arc::new(Noon));
        Api::of(app, Some(folder)).await
    }

    /// An application as it stands.
    pub(crate) async fn of(app: App, folder: Option<tempfile::TempDir>) -> Api {
        rtmx::http::api::projects::ensure_default(&app, &Cx::new()).await.expect("the database is migrated");
        let router = router(app.clone());
        let mut api = Api { app, router, document: Value::Null, _folder: folder };
        api.document = api.get("/api/openapi.json").send().await.json();
        api
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// A call of a page, or of a path under `/api`; any other is of the API of the project `default`.
    pub(crate) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        let path = path.into();
        let is_whole = path.starts_with("/api") || path.starts_with("/projects/");
        let path = if is_whole { path } else { format!("/api/v1/projects/default{path}") };
        Call { api: self, method, path, headers: Vec::new(), body: Body::empty(), arrival: Arrival::Owner }
    }

    /// A call of a path as it stands, outside of the API.
    pub(crate) fn outside(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        let (path, headers) = (path.into(), Vec::new());
        Call { api: self, method, path, headers, body: Body::empty(), arrival: Arrival::Owner }
    }

    /// Makes a requirement in the project `default`; answers its `ETag`.
    pub(crate) async fn make(&self, requirement: Value) -> String {
        let made = self.post("/requirements").json(requirement).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.etag()
    }

    /// The revision of the project `default`.
    pub(crate) async fn revision(&self) -> u64 {
        self.get("/status").send().await.json()["revision"].as_u64().expect("a revision is a number")
    }

    /// Fails unless the document has this status for this call.
    fn check_documented(&self, method: &Method, path: &str, status: StatusCode) {
        let path = path.split('?').next().unwrap_or_default();
        let Some(paths) = self.document["paths"].as_object() else { return };
        let Some((template, item)) = paths.iter().find(|(template, _)| fits(template, path)) else { return };
        let Some(operation) = item.get(method.as_str().to_lowercase()) else { return };
        let responses = &operation["responses"];
        let class = format!("{}XX", status.as_u16() / 100);
        let documented = !responses[status.as_str()].is_null() || !responses[class.as_str()].is_null();
        assert!(documented, "{method} {template} answered {status}, which its description does not have");
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected.starts_with('{') || expected == found => {}
            _ => return false,
        }
    }
}

impl Call<'_> {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says which state the edit is based on.
    pub(crate) fn based_on(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }

    /// Comes from elsewhere instead of being the owner.
    pub(crate) fn over_network(mut self) -> Self {
        self.arrival = Arrival::Network;
        self
    }

    /// Sends a token from elsewhere.
    pub(crate) fn token(self, token: &str) -> Self {
        self.over_network().header("authorization", format!("Bearer {token}"))
    }

    /// Comes from this machine instead of being the owner.
    pub(crate) fn over_loopback(mut self) -> Self {
        self.arrival = Arrival::Loopback;
        self
    }

    /// Carries a body, whose type a header says.
    pub(crate) fn with(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends JSON.
    pub(crate) async fn json(self, body: Value) -> Got {
        self.body("application/json", body.to_string()).await
    }

    /// Sends a file.
    pub(crate) async fn csv(self, body: impl Into<Body>) -> Got {
        self.body("text/csv", body).await
    }

    /// Sends a body of some type.
    pub(crate) async fn body(mut self, content_type: &str, body: impl Into<Body>) -> Got {
        self.body = body.into();
        self.header("content-type", content_type).send().await
    }

    /// Sends the request and reads the answer to its end.
    pub(crate) async fn send(self) -> Got {
        let (api, method, path) = (self.api, self.method.clone(), self.path.clone());
        let got = self.unjudged().await;
        api.check_documented(&method, &path, got.status);
        if got.status.is_client_error() || got.status.is_server_error() {
            got.check_problem();
        }
        got
    }

    /// Sends the request and reads the answer, which may be a page, to its end.
    pub(crate) async fn unjudged(self) -> Got {
        let (parts, body) = self.open().await.into_parts();
        let body = body.collect().await.expect("the answer comes whole").to_bytes();
        Got { status: parts.status, headers: parts.headers, body }
    }

    /// Sends the request and leaves the answer's body to the caller.
    pub(crate) async fn open(self) -> Response {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body).expect("the test's request is well formed");
        request.extensions_mut().insert(self.arrival);
        self.api.router.clone().oneshot(request).await.expect("the router never fails")
    }
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The stable code of a problem document.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("{} {}", self.status, self.text())).to_owned()
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag")
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let value =
            self.headers.get(name).unwrap_or_else(|| panic!("no `{name}`: {} {}", self.status, self.text()));
        value.to_str().expect("the header is text").to_owned()
    }

    /// Every error is a whole problem document.
    fn check_problem(&self) {
        let found = self.header("content-type");
        assert_eq!(found, "application/problem+json", "{}", self.text());
        let problem = self.json();
        for member in ["type", "title", "detail", "code", "next"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
    }
}
