//! The license server: leases, activations, revocations and keysets over HTTP.
//!
//! The decision to know: only what is signed says anything, in both directions. A question is the
//! installation's own signed document, so that there are no accounts; an answer is a lease, signed with
//! the only private key that is here, and a revoked license gets one too. Problems (402, 404, 429,
//! 503) are no verdicts: an installation takes them for an outage. Speaking TLS is a proxy's job.

mod answers;
mod body;
mod books;
mod customers;
mod observe;
mod probes;
mod refusals;
mod seats;
mod staff;
mod start;
mod throttle;
mod turn;
mod writer;

pub(super) use start::run;

use super::register::Register;
use crate::http::{Clock, Metrics, Problem};
use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::get;
use books::Books;
use ipnet::IpNet;
use refusals::Refusals;
use rtmx_core::{Cx, Error, Result, Secret, Timestamp, server};
use rtmx_license::{KeyId, KeyRing, SigningKey};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use throttle::Throttle;
use tokio::task::JoinHandle;
use utoipa_axum::router::OpenApiRouter;
use writer::Writer;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// The fewest characters of the staff's token.
const TOKEN_LEAST_CHARS: usize = 32;

/// What the vendor's server is made of, beside its register.
#[derive(Debug)]
pub struct Vendor {
    /// The product whose licenses are served.
    pub product: String,
    /// The keys that documents are verified with.
    pub ring: KeyRing,
    /// The name of the lease key.
    pub lease_kid: KeyId,
    /// The lease key.
    pub lease_key: SigningKey,
    /// The token of the vendor's staff; nobody is staff without one.
    pub staff_token: Option<Secret<String>>,
    /// How often may be asked.
    pub limits: Limits,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

/// How often may be asked, and who is believed about who asks.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a minute from one address.
    pub peer_rate: u32,
    /// Requests a minute for one installation, and from all unknown ones for one license.
    pub license_rate: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The running license server: cheap to clone, shared by all handlers.
#[derive(Debug, Clone)]
pub struct LicenseServer(Arc<LicenseServerParts>);

/// What all handlers share.
#[derive(Debug)]
pub struct LicenseServerParts {
    product: String,
    ring: KeyRing,
    lease_key: (KeyId, SigningKey),
    staff_hash: Option<[u8; 32]>,
    trusted_proxies: Vec<IpNet>,
    peers: Throttle<IpAddr>,
    licenses: Throttle<String>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    books: Books,
    refusals: Refusals,
    writer: Mutex<Option<Arc<Writer>>>,
    writing: Mutex<Option<JoinHandle<()>>>,
    draining: AtomicBool,
    /// Another server has the turn of this register.
    standing_by: AtomicBool,
}

impl Deref for LicenseServer {
    type Target = LicenseServerParts;

    fn deref(&self) -> &LicenseServerParts {
        &self.0
    }
}

impl LicenseServer {
    /// A server over an open register.
    ///
    /// # Errors
    ///
    /// `token_too_weak` for the staff's token; what reading the register meets.
    pub async fn open(register: Register, vendor: Vendor) -> Result<LicenseServer> {
        let staff_hash = vendor.staff_token.as_ref().map(staff_hash).transpose()?;
        let cx = Cx::new().with_deadline(Instant::now() + REQUEST_LIMIT);
        let books = Books::open(&cx, register.clone(), vendor.product.clone()).await?;
        let (writer, writing) = Writer::start(register);
        let metrics = Metrics::new();
        Ok(LicenseServer(Arc::new(LicenseServerParts {
            product: vendor.product,
            ring: vendor.ring,
            lease_key: (vendor.lease_kid, vendor.lease_key),
            staff_hash,
            trusted_proxies: vendor.limits.trusted_proxies,
            peers: Throttle::per_minute(vendor.limits.peer_rate),
            licenses: Throttle::per_minute(vendor.limits.license_rate),
            clock: vendor.clock,
            metrics,
            books,
            refusals: Refusals::default(),
            writer: Mutex::new(Some(Arc::new(writer))),
            writing: Mutex::new(Some(writing)),
            draining: AtomicBool::new(false),
            standing_by: AtomicBool::new(false),
        })))
    }

    /// Asks for the turn of the register, which one server at a time has; without it, this one waits.
    pub async fn take_turn(&self, holder: &str) {
        turn::take(self, holder).await;
    }

    /// Gives the turn back, so that another need not wait for its end.
    pub async fn give_turn_back(&self, holder: &str) {
        turn::give_back(self, holder).await;
    }

    /// Follows what other programs write into the register, for ever.
    pub async fn follow(self) {
        turn::follow(self).await;
    }

    /// Records what is on its way, and ends. Later requests that record something are refused.
    pub async fn finish(&self) {
        if let Ok(writer) = self.writer() {
            self.refusals.flush(&writer, self.now(), true).await;
        }
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writing) = writing {
            // A task that failed has said so.
            let _ = writing.await;
        }
    }
}

impl LicenseServerParts {
    /// The time in whole seconds, as documents have it.
    fn now(&self) -> Timestamp {
        super::claims::whole(self.clock.now())
    }

    /// The keys as they are after the keysets that were taken over.
    fn ring(&self) -> KeyRing {
        let keysets = self.books.keysets();
        let chain: Vec<&str> = keysets.iter().map(|keyset| keyset.document.as_str()).collect();
        // What was accepted once is not judged by its expiry again.
        match self.ring.advance(&chain, Timestamp::MIN) {
            Ok(ring) => ring,
            Err(refusal) => {
                tracing::error!(
                    code = refusal.code().id(),
                    "the recorded keysets do not lead on from the keys that this server was started with"
                );
                self.ring.clone()
            }
        }
    }

    /// The way to the register.
    fn writer(&self) -> Result<Arc<Writer>> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        writer.ok_or_else(|| Error::new(server::NOT_READY, "the server is shutting down"))
    }

    fn cx(&self) -> Cx {
        Cx::new().with_deadline(Instant::now() + REQUEST_LIMIT)
    }

    /// # Errors
    ///
    /// `not_ready` while another server has the turn.
    fn check_turn(&self) -> Result<()> {
        if self.standing_by.load(Ordering::Relaxed) {
            return Err(Error::new(
                server::NOT_READY,
                "another license server has this register; this one waits",
            ));
        }
        Ok(())
    }
}

/// The whole application.
pub fn router(server: LicenseServer) -> Router {
    let (staff, staff_document) = staff::router().split_for_parts();
    let staff = staff.layer(middleware::from_fn_with_state(server.clone(), staff::authenticate));
    let (customers, mut document) = OpenApiRouter::<LicenseServer>::new()
        .merge(customers::router())
        .merge(probes::router())
        .split_for_parts();
    document.merge(staff_document);
    "RTMX license server".clone_into(&mut document.info.title);
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let document = Arc::new(serde_json::to_value(&document).expect("an OpenAPI document is plain data"));
    Router::new()
        .merge(customers)
        .merge(staff)
        .route("/v1/openapi.json", get(|| async move { axum::Json((*document).clone()) }))
        .route("/api/v1/errors/{code}", get(crate::http::explain))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(server.clone(), observe::observe))
        .with_state(server)
}

async fn no_route(request: Request) -> Problem {
    let path: String = super::escaped(request.uri().path()).chars().take(200).collect();
    Error::new(server::ROUTE_NOT_FOUND, format!("there is nothing at `{path}`"))
        .with_next("See `/v1/openapi.json` for the paths that there are.")
        .into()
}

async fn no_method(request: Request) -> Problem {
    let message = format!("`{}` does not take {}", request.uri().path(), request.method());
    Error::new(server::METHOD_NOT_ALLOWED, message).into()
}

/// # Errors
///
/// `token_too_weak`.
fn staff_hash(token: &Secret<String>) -> Result<[u8; 32]> {
    let token = token.expose().trim();
    if token.chars().count() < TOKEN_LEAST_CHARS {
        let message = format!("the staff's token has fewer than {TOKEN_LEAST_CHARS} characters");
        return Err(Error::new(server::TOKEN_TOO_WEAK, message));
    }
    Ok(Sha256::digest(token).into())
}
