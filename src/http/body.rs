//! Request bodies: bounded in size and in time, and read into what a handler wants.

use super::{App, Problem};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use rtmx_core::{Error, server};
use serde::de::DeserializeOwned;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The longest pause within a body. A client that pauses longer has gone, or means harm.
const PAUSE_LIMIT: Duration = Duration::from_secs(10);
/// The least mean speed, once a pause's length has passed.
const MEAN_BYTES_PER_SECOND: u64 = 1024;

/// The whole body as bytes. An extractor.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

/// The body as JSON of this type. An extractor; asks for `Content-Type: application/json`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl FromRequest<App> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        Ok(RawBody(read(request, app.settings().server.body_limit).await?))
    }
}

/// The whole body, if it is no larger than `limit` bytes.
///
/// # Errors
///
/// `body_too_large`, `body_too_slow`, `body_invalid`.
pub(crate) async fn read(request: Request, limit: u64) -> Result<Bytes, Error> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced =
        announced.and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let guarded = Guarded::new(request.into_body(), limit);
    guarded
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .map_err(|refused| refused.into_error(limit))
}

/// The body as the fields of an HTML form, if it is no larger than `limit` bytes.
///
/// # Errors
///
/// `content_type_invalid` unless it is `application/x-www-form-urlencoded`; `body_invalid`, without a
/// word of what was in it; `body_too_large`, `body_too_slow`.
pub(super) async fn read_form<T: DeserializeOwned>(request: Request, limit: u64) -> Result<T, Error> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let essence = essence(&request);
    if !essence.eq_ignore_ascii_case(FORM) {
        let message = format!("could not read a body of type `{essence}`: `{FORM}` is needed");
        return Err(Error::new(server::CONTENT_TYPE_INVALID, message));
    }
    let bytes = read(request, limit).await?;
    serde_urlencoded::from_bytes(&bytes)
        .map_err(|_| Error::new(server::BODY_INVALID, "could not read the fields of the form"))
}

/// The body's media type, without parameters.
fn essence(request: &Request) -> &str {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let essence = essence(&request);
        let is_json = essence.eq_ignore_ascii_case("application/json")
            || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"));
        if !is_json {
            let message = format!("could not read a body of type `{essence}`: `application/json` is needed");
            return Err(Error::new(server::CONTENT_TYPE_INVALID, message).into());
        }
        let RawBody(bytes) = RawBody::from_request(request, app).await?;
        let parsed = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("could not read the body as JSON: {error}");
            Error::new(server::BODY_INVALID, message)
        });
        Ok(JsonBody(parsed?))
    }
}

fn too_large(limit: u64) -> Error {
    Error::new(server::BODY_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

/// A body that ends with an error when it grows too large or comes too slowly.
struct Guarded {
    inner: Body,
    limit: u64,
    seen: u64,
    began: Instant,
    pause: Pin<Box<Sleep>>,
}

enum Refused {
    TooLarge,
    TooSlow,
    Broken(axum::Error),
}

impl Refused {
    fn into_error(self, limit: u64) -> Error {
        match self {
            Refused::TooLarge => too_large(limit),
            Refused::TooSlow => {
                Error::new(server::BODY_TOO_SLOW, "the body stopped coming before it was whole")
            }
            Refused::Broken(error) => {
                let source: Box<dyn StdError + Send + Sync> = Box::new(error);
                Error::new(server::BODY_INVALID, "the connection ended before the body was whole")
                    .with_source(source)
            }
        }
    }
}

impl Guarded {
    fn new(inner: Body, limit: u64) -> Self {
        let began = Instant::now();
        Guarded { inner, limit, seen: 0, began, pause: Box::pin(sleep_until(began + PAUSE_LIMIT)) }
    }

    /// When the next data must have come: within a pause, and no later than the mean speed allows.
    fn due(&self) -> Instant {
        let earned = Duration::from_secs(self.seen / MEAN_BYTES_PER_SECOND);
        (Instant::now() + PAUSE_LIMIT).min(self.began + PAUSE_LIMIT + earned)
    }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Refused;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Refused>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.seen += frame.data_ref().map_or(0, |data| data.len() as u64);
                if self.seen > self.limit {
                    return Poll::Ready(Some(Err(Refused::TooLarge)));
                }
                let due = self.due();
                self.pause.as_mut().reset(due);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Refused::Broken(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.pause.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Refused::TooSlow))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
