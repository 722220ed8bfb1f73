//! What is asked of the license server, and how much of its answer is read.

use crate::outage::Outage;
use crate::retry_after::retry_after;
use crate::settings::OnlineSettings;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::Matcher;
use rtmx_core::{Cx, Timestamp};
use rtmx_https::{Limits, Trouble, Way};
use rtmx_license::DocumentType;
use std::time::Duration;

const LEASES: &str = "/v1/leases";
const REVOCATIONS: &str = "/v1/revocations";
const KEYSETS: &str = "/v1/keysets";
/// The most bytes of a lease's answer; a lease has at most 16 KiB.
const LEASE_LIMIT_BYTES: usize = 64 * 1024;
/// The most bytes of the keysets' answer: 64 of 16 KiB.
const KEYSETS_LIMIT_BYTES: usize = 1024 * 1024;

/// Asks one license server.
#[derive(Debug)]
pub(crate) struct Client(rtmx_https::Client);

/// The times of one attempt to renew.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// The time that certificates are judged at, and the caller's deadline.
    times: rtmx_https::Attempt,
    /// The clock on the wall, for moments that the server names.
    wall: Timestamp,
}

impl Attempt {
    /// Certificates are judged at `now`, the time that licenses are judged at: a machine whose clock was
    /// set back still reaches the server that can tell it the time.
    pub(crate) fn new(cx: &Cx, now: Timestamp, wall: Timestamp) -> Attempt {
        Attempt { times: rtmx_https::Attempt::new(cx, now), wall }
    }
}

impl Client {
    /// # Errors
    ///
    /// `license_settings_invalid`; the settings were checked before.
    pub(crate) fn new(settings: &OnlineSettings) -> rtmx_core::Result<Client> {
        let no_proxy = settings.no_proxy.clone().unwrap_or_default();
        let matcher = |url: rtmx_core::Secret<String>| {
            Matcher::builder().https(url.expose().clone()).no(no_proxy).build()
        };
        let way = Way {
            server: settings.server()?,
            proxy: settings.proxy()?.map(matcher),
            ca_file: settings.ca_file.clone(),
        };
        Ok(Client(rtmx_https::Client {
            way,
            connect_timeout: Duration::from_millis(settings.connect_timeout_ms),
            answer_timeout: Duration::from_millis(settings.answer_timeout_ms),
        }))
    }

    /// The server's name, for messages.
    pub(crate) fn server(&self) -> &str {
        self.0.way.server.authority()
    }

    /// Asks for a lease.
    pub(crate) async fn lease(&self, attempt: &Attempt, question: &str) -> Result<Vec<u8>, Outage> {
        self.exchange(attempt, Method::POST, LEASES, question, LEASE_LIMIT_BYTES).await
    }

    /// Asks for the revocation list.
    pub(crate) async fn revocations(&self, attempt: &Attempt) -> Result<Vec<u8>, Outage> {
        let limit = DocumentType::RevocationList.token_limit();
        self.exchange(attempt, Method::GET, REVOCATIONS, "", limit).await
    }

    /// Asks for the keysets.
    pub(crate) async fn keysets(&self, attempt: &Attempt) -> Result<Vec<u8>, Outage> {
        self.exchange(attempt, Method::GET, KEYSETS, "", KEYSETS_LIMIT_BYTES).await
    }

    async fn exchange(
        &self,
        attempt: &Attempt,
        method: Method,
        resource: &str,
        question: &str,
        limit: usize,
    ) -> Result<Vec<u8>, Outage> {
        let request = request(method, resource, question)?;
        // Nothing of an answer that does not count is read.
        let answer = self.0.ask(&attempt.times, request, Limits { expected: limit, other: 0 }).await?;
        if answer.status != StatusCode::OK {
            let retry_after = retry_after(&answer.headers, attempt.wall);
            return Err(Outage::Status { status: answer.status, retry_after });
        }
        Ok(answer.body)
    }
}

/// The question, with no header that tells one installation from another.
fn request(method: Method, resource: &str, question: &str) -> Result<Request<Full<Bytes>>, Outage> {
    let text = |text: &'static str| HeaderValue::from_static(text);
    let mut request = Request::builder()
        .method(method)
        .uri(resource)
        .header(ACCEPT, text("text/plain, application/json"))
        .header(USER_AGENT, text("rtmx-license-online"));
    if !question.is_empty() {
        request = request.header(CONTENT_TYPE, text("text/plain; charset=utf-8"));
    }
    let body = Full::new(Bytes::copy_from_slice(question.as_bytes()));
    Ok(request.body(body).map_err(|source| Trouble::Unasked { source: source.into() })?)
}
