//! Sign-in: who sent a request.
//!
//! Four ways in. The admin socket is the owner of the installation, checked by the kernel. A token
//! is checked against the store at every request, so that a revocation counts at once on every
//! server. A session's cookie stands for the token that it was made with, and counts only on requests
//! of our own pages. Without any, requests are let in only on a loopback listener of an installation
//! that never had a token, and only when they were plainly sent by this machine to this machine.

use super::{App, Caller, Problem, origin, sessions, tokens};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, header};
use rtmx_core::{Cx, Error, Result, server};

/// How a request came in. Put into its extensions by whoever accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Over the admin socket or in process: the owner of the installation.
    Owner,
    /// Over a TCP listener that only this machine reaches.
    Loopback,
    /// Over a TCP listener that others may reach.
    Network,
}

/// Puts the [`Caller`] into the request's extensions, or answers that there is none.
pub(super) async fn authenticate(
    State(app): State<App>,
    super::RequestCx(cx): super::RequestCx,
    mut request: Request,
    next: Next,
) -> std::result::Result<Response, Problem> {
    let arrival = arrival_of(&request);
    let token = bearer(request.headers())?;
    let by_cookie = token.is_none() && sessions::cookies(request.headers()).next().is_some();
    let caller = match (arrival, token) {
        (Arrival::Owner, _) => Caller::local_admin(),
        (_, Some(token)) => tokens::caller_of(&app, &cx, token).await?,
        (_, None) => without_token(&app, &cx, arrival, request.method(), request.headers()).await?,
    };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if by_cookie {
        // Caches on the way know that `Authorization` makes an answer somebody's own, not that a cookie does.
        let own = HeaderValue::from_static("private, no-cache");
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(own);
    }
    Ok(response)
}

/// How a request came in.
pub(super) fn arrival_of(request: &Request) -> Arrival {
    request.extensions().get::<Arrival>().copied().unwrap_or(Arrival::Network)
}

/// Who sends a request that carries no token.
///
/// # Errors
///
/// `origin_refused`, `session_ended`, `host_refused`, `unauthenticated`.
pub(super) async fn without_token(
    app: &App,
    cx: &Cx,
    arrival: Arrival,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Caller> {
    let signed_in = match sessions::cookies(headers).next() {
        Some(secret) => {
            origin::check(method, headers)?;
            Some(sessions::caller_of(app, cx, secret).await)
        }
        None => None,
    };
    match signed_in {
        Some(Ok(caller)) => Ok(caller),
        Some(Err(error)) if error.code() != server::SESSION_ENDED => Err(error),
        // Cookies know no ports: this one may be of another installation on this machine.
        ended_or_none if arrival == Arrival::Loopback && !tokens::any(app, cx).await? => {
            drop(ended_or_none);
            origin::check_local(method, headers)?;
            Ok(Caller::anonymous())
        }
        Some(Err(ended)) => Err(ended),
        None => Err(Error::new(server::UNAUTHENTICATED, "this needs a token")),
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let malformed =
        || Error::new(server::TOKEN_INVALID, "the `Authorization` header is not `Bearer <token>`");
    token.map(|(_, token)| Some(token.trim())).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_no_bearer_token_is_refused_and_not_taken_for_none() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).unwrap().is_none());
        headers.insert(header::AUTHORIZATION, "Basic dXNlcg==".parse().unwrap());
        rtmx_core::assert_code(bearer(&headers).unwrap_err(), server::TOKEN_INVALID);
        headers.insert(header::AUTHORIZATION, "bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap(), Some("abc"));
    }
}
