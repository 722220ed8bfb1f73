//! The one file that speaks HTTP: one question, one answer, one connection.

use crate::connect::beside;
use crate::{Server, Trouble};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rtmx_core::{Cx, Timestamp};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most bytes of an answer's head.
const HEAD_LIMIT_BYTES: usize = 32 * 1024;

/// The way to a server.
#[derive(Debug)]
pub struct Way {
    /// Where it is.
    pub server: Server,
    /// Which proxy leads there, if one does.
    pub proxy: Option<Matcher>,
    /// PEM certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// Asks one server.
#[derive(Debug)]
pub struct Client {
    /// The way there.
    pub way: Way,
    /// How long finding the host, connecting, the proxy and TLS may take together.
    pub connect_timeout: Duration,
    /// How long it may take from the question to the last byte of its answer.
    pub answer_timeout: Duration,
}

/// The times of one question, or of several that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// The time that certificates are judged at.
    pub now: Timestamp,
    /// When the caller has no more time.
    pub deadline: Option<Instant>,
}

/// How much of an answer's body is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes of a body with status 200; more is a trouble.
    pub expected: usize,
    /// The bytes of any other body after which the rest is left unread.
    pub other: usize,
}

/// What a server said.
#[derive(Debug)]
pub struct Answer {
    /// Its verdict.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as far as it was read.
    pub body: Vec<u8>,
}

impl Attempt {
    /// Certificates are judged at `now`; the caller's deadline is that of `cx`.
    pub fn new(cx: &Cx, now: Timestamp) -> Attempt {
        Attempt { now, deadline: cx.deadline().map(Instant::from_std) }
    }

    fn within(&self, limit: Duration) -> Instant {
        let end = Instant::now() + limit;
        self.deadline.map_or(end, |deadline| deadline.min(end))
    }
}

impl Client {
    /// Asks once. The request's path is completed to the server's, and the headers that HTTP needs are
    /// added; nothing in them tells one installation from another.
    ///
    /// # Errors
    ///
    /// Whatever kept an answer from coming; any status is an answer.
    pub async fn ask(
        &self,
        attempt: &Attempt,
        mut request: Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<Answer, Trouble> {
        let unasked = |source: http::Error| Trouble::Unasked { source: source.into() };
        let Server { authority, .. } = &self.way.server;
        let resource = request.uri().path_and_query().map_or("/", |it| it.as_str());
        let path =
            self.way.server.path(resource).parse().map_err(|error| unasked(http::Error::from(error)))?;
        *request.uri_mut() = path;
        let host = HeaderValue::from_str(authority).map_err(|error| unasked(http::Error::from(error)))?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let end = attempt.within(self.connect_timeout);
        let timed_out = |what, limit| move |_| Trouble::TimedOut { what, limit };
        let stream = timeout_at(end, self.way.connect(attempt.now, end))
            .await
            .map_err(timed_out("connection", self.connect_timeout))??;
        let end = attempt.within(self.answer_timeout);
        let answer = async {
            let cut = |source| Trouble::Cut { source };
            let (mut sender, connection) = http1::Builder::new()
                .max_buf_size(HEAD_LIMIT_BYTES)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(cut)?;
            beside(connection, async {
                let answer = sender.send_request(request).await.map_err(cut)?;
                let (head, mut body) = answer.into_parts();
                let expected = head.status == StatusCode::OK;
                let limit = if expected { limits.expected } else { limits.other };
                let mut bytes = Vec::new();
                while bytes.len() < limit || expected {
                    let Some(frame) = body.frame().await else { break };
                    let Ok(data) = frame.map_err(cut)?.into_data() else { continue };
                    if expected && bytes.len() + data.len() > limit {
                        return Err(Trouble::TooLarge { limit });
                    }
                    bytes.extend_from_slice(&data);
                }
                bytes.truncate(limit);
                Ok(Answer { status: head.status, headers: head.headers, body: bytes })
            })
            .await
        };
        timeout_at(end, answer).await.map_err(timed_out("whole answer", self.answer_timeout))?
    }
}
