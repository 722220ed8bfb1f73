//! A license server in process, called through its router; every answer is held against the document.
//!
//! `RTMX_TEST_STORAGE=postgres-18` keeps its register on a PostgreSQL of that version.

#[path = "../support/storage.rs"]
mod storage;

use crate::customer::Customer;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use rtmx::core::{Secret, Timestamp};
use rtmx::http::{Clock, Peer};
use rtmx::license::{
    KeyId, KeyRing, License, Reach, RevocationList, SigningKey, Token, Usage, VerifiedLicense, sign, verify,
};
use rtmx::licensed::{LicenseServer, Limits, Register, Vendor, router};
use rtmx::storage::StorageBackend;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tower::ServiceExt;

pub(crate) use storage::memory;

pub(crate) const STAFF: &str = "the staff's token, 32 characters or more";
const START: i64 = 1_790_000_000;

/// A clock that tests move.
#[derive(Debug, Default)]
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.0.load(Ordering::Relaxed)).expect("it is in range")
    }
}

/// A server, its keys, and a way to call it.
pub(crate) struct Server {
    pub(crate) server: LicenseServer,
    pub(crate) ring: KeyRing,
    pub(crate) clock: Arc<Hand>,
    router: Router,
    document: Value,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("answers are text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a problem.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().expect("a problem has a code").to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Got {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self
    }
}

pub(crate) fn key(name: &str) -> (KeyId, SigningKey) {
    let mut seed = [1; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    (KeyId::parse(name).expect("it is a name"), SigningKey::from_seed(&Secret::new(seed)))
}

pub(crate) fn ring() -> KeyRing {
    let keys = [
        ("root-1", Usage::Root),
        ("license-1", Usage::License),
        ("lease-1", Usage::Lease),
        ("revocation-1", Usage::Revocation),
    ];
    let pin = |builder: rtmx::license::KeyRingBuilder, (name, usage): (&str, Usage)| {
        builder.pin(name, usage, key(name).1.public().as_bytes()).expect("each is there once")
    };
    keys.into_iter().fold(KeyRing::builder("RTMX"), pin).build().expect("there is a root key")
}

impl Server {
    pub(crate) async fn new() -> Server {
        Server::over(memory().await, 600_000, 600_000).await
    }

    pub(crate) async fn over(storage: Arc<dyn StorageBackend>, peer_rate: u32, license_rate: u32) -> Server {
        let clock = Arc::<Hand>::default();
        let (lease_kid, lease_key) = key("lease-1");
        let proxy: IpAddr = "10.0.0.1".parse().expect("an address");
        let vendor = Vendor {
            product: "RTMX".to_owned(),
            ring: ring(),
            lease_kid,
            lease_key,
            staff_token: Some(Secret::new(STAFF.to_owned())),
            limits: Limits { peer_rate, license_rate, trusted_proxies: vec![proxy.into()] },
            clock: Arc::<Hand>::clone(&clock),
        };
        let server = LicenseServer::open(Register::over(storage), vendor).await;
        let server = server.expect("the register can be read");
        let router = router(server.clone());
        let mut made = Server { server, ring: ring(), clock, router, document: Value::Null };
        made.document = made.send("GET", "/v1/openapi.json", &[], "").await.json();
        made
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer =
            headers.iter().find(|(name, _)| *name == "x-test-peer").map_or("192.0.2.1", |(_, peer)| peer);
        let peer = Peer(SocketAddr::new(peer.parse().expect("an address"), 40_000));
        let mut request = request.body(body.into()).expect("the test's request is well formed");
        request.extensions_mut().insert(peer);
        let answer = self.router.clone().oneshot(request).await.expect("a router never fails");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        Got { status: head.status, headers: head.headers, body }
    }

    /// Calls, and holds the answer against the OpenAPI document.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Got {
        let got = self.send(method, path, headers, body).await;
        self.hold(method, path.split('?').next().unwrap_or_default(), &got);
        got
    }

    #[track_caller]
    fn hold(&self, method: &str, path: &str, got: &Got) {
        let paths = self.document["paths"].as_object().expect("the document has paths");
        let fits = |template: &str| {
            let (template, path): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template.iter().zip(&path).all(|(t, p)| t == p || t.starts_with('{'))
        };
        let (_, item) = paths
            .iter()
            .find(|(template, _)| fits(template))
            .unwrap_or_else(|| panic!("`{path}` is not described"));
        let responses = &item[method.to_lowercase()]["responses"];
        assert!(responses.is_object(), "{method} {path} is not described");
        let (exact, class) = (got.status.as_str(), format!("{}XX", &got.status.as_str()[..1]));
        let response = responses.get(exact).or_else(|| responses.get(&class));
        let response = response.unwrap_or_else(|| panic!("{method} {path}: {exact} is not described"));
        let Some(content_type) = got.headers.get(header::CONTENT_TYPE) else {
            assert!(response.get("content").is_none(), "{method} {path} {exact}: a body is described");
            return;
        };
        let essence = content_type.to_str().expect("it is text").split(';').next().unwrap_or_default();
        assert!(
            response["content"].get(essence).is_some(),
            "{method} {path} {exact}: `{essence}` is not described"
        );
        let schema = &response["content"][essence]["schema"];
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            let described = &self.document["components"]["schemas"][name];
            let answer = got.json();
            let members = answer.as_object().expect("an answer with a schema is an object");
            let known = described["properties"].as_object().expect("a schema has properties");
            for member in members.keys() {
                assert!(known.contains_key(member), "{name}: `{member}` is not described");
            }
            for required in described["required"].as_array().into_iter().flatten() {
                assert!(
                    members.contains_key(required.as_str().unwrap_or_default()),
                    "{name}: {required} is missing"
                );
            }
        }
    }

    pub(crate) async fn staff(&self, method: &str, path: &str, body: impl Into<Body>) -> Got {
        self.call(method, path, &[("authorization", &format!("Bearer {STAFF}"))], body).await
    }

    /// A license, signed elsewhere and recorded here.
    pub(crate) async fn license(&self, change: impl FnOnce(&mut License)) -> VerifiedLicense {
        let license = self.signed(change);
        self.staff("POST", "/v1/licenses", license.as_str().to_owned()).await.ok();
        verify(&self.ring, license.as_str().as_bytes()).expect("it is signed")
    }

    pub(crate) fn claims(&self, change: impl FnOnce(&mut License)) -> License {
        let from = Timestamp::from_second(START - 86_400).expect("it is in range");
        let until = Timestamp::from_second(START + 300 * 86_400).expect("it is in range");
        let mut license = License::new("acme-1", "Acme GmbH", "RTMX", "enterprise", from, until)
            .with_limit("max_nodes", 10);
        license.mode = Reach::Online;
        change(&mut license);
        license
    }

    pub(crate) fn signed(&self, change: impl FnOnce(&mut License)) -> Token {
        let (kid, key) = key("license-1");
        sign(&key, &kid, &self.claims(change)).expect("its claims are right")
    }

    pub(crate) fn list(&self, seq: u64, licenses: &[&str]) -> String {
        let list = RevocationList {
            product: "RTMX".to_owned(),
            seq,
            issued_at: self.now(),
            next_update: Timestamp::from_second(self.now().as_second() + 86_400).expect("it is in range"),
            licenses: licenses.iter().map(|id| (*id).to_owned()).collect(),
            tokens: Vec::new(),
            min_seq: std::collections::BTreeMap::new(),
        };
        let (kid, key) = key("revocation-1");
        sign(&key, &kid, &list).expect("its claims are right").as_str().to_owned()
    }

    /// Asks for a lease with a nonce of its own.
    pub(crate) async fn ask(&self, customer: &Customer, license: &VerifiedLicense, nodes: u64) -> Got {
        let question = customer.question(license, nodes, self.now(), nonce());
        self.call(
            "POST",
            "/v1/leases",
            &[("content-type", "text/plain")],
            question.token().as_str().to_owned(),
        )
        .await
    }

    /// Sends a question that was made before.
    pub(crate) async fn ask_plainly(&self, question: &str) {
        let got = self.send("POST", "/v1/leases", &[], question.to_owned()).await;
        assert!(got.status.is_success() && got.body.starts_with(b"v4.public."), "{}", got.text());
    }

    /// The lines of the audit about an act; waits for the first, which may be on its way to the disk.
    pub(crate) async fn audited(&self, act: &str) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let lines: Vec<Value> =
                self.audit().await.into_iter().filter(|entry| entry["act"] == act).collect();
            if !lines.is_empty() {
                return lines;
            }
            assert!(Instant::now() < deadline, "the audit has no `{act}`");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the audit says.
    pub(crate) async fn audit(&self) -> Vec<Value> {
        let got = self.staff("GET", "/v1/audit", "").await.ok();
        got.json()["entries"].as_array().expect("the audit has entries").clone()
    }
}

/// A number that was not used before.
pub(crate) fn nonce() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}
