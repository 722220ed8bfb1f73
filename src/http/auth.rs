//! Sign-in: who sent a request.
//!
//! Three ways in. The admin socket is the owner of the installation, checked by the kernel. A token
//! is checked against the store at every request, so that a revocation counts at once on every
//! server. Without a token, requests are let in only on a loopback listener of an installation that
//! never had a token, and only when they were plainly sent by this machine to this machine.

use super::{App, Caller, Problem, tokens};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};
use rtmx_core::{Error, Result, server};

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
    let arrival = request.extensions().get::<Arrival>().copied().unwrap_or(Arrival::Network);
    let caller = match (arrival, bearer(request.headers())?) {
        (Arrival::Owner, _) => Caller::local_admin(),
        (_, Some(token)) => tokens::caller_of(&app, &cx, token).await?,
        (Arrival::Loopback, None) if !tokens::any(&app, &cx).await? => {
            check_local(request.headers())?;
            Caller::anonymous()
        }
        (Arrival::Loopback | Arrival::Network, None) => {
            return Err(Error::new(server::UNAUTHENTICATED, "this needs a token").into());
        }
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
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

/// Refuses what a browser or a proxy may have sent for somebody else: DNS rebinding shows in `Host`,
/// other sites in `Origin` and `Sec-Fetch-Site`, proxies in the headers that they add.
fn check_local(headers: &HeaderMap) -> Result<()> {
    let refused = |why: String| Err(Error::new(server::HOST_REFUSED, why));
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"] {
        if headers.contains_key(name) {
            return refused(format!("the request was forwarded: it carries `{name}`"));
        }
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_local(host) {
        return refused(format!("the request is for the host `{host}`"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if authority != Some(host) {
            return refused(format!("the request comes from the site `{origin}`"));
        }
    }
    match headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(site) => refused(format!("the request comes from a `{site}` page")),
    }
}

/// Whether a `Host` names this machine, with or without a port.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_requests_from_this_machine_pass_without_a_token() {
        // headers, passes
        let cases: [(&[(&str, &str)], bool); 12] = [
            (&[("host", "localhost:8080")], true),
            (&[("host", "127.0.0.1:8080")], true),
            (&[("host", "[::1]:8080")], true),
            (&[("host", "LOCALHOST")], true),
            (&[("host", "localhost:8080"), ("origin", "http://localhost:8080")], true),
            (&[], false),
            (&[("host", "rebound.example:8080")], false),
            (&[("host", "127.0.0.1.example")], false),
            (&[("host", "localhost:8080"), ("origin", "https://evil.example")], false),
            (&[("host", "localhost:8080"), ("origin", "http://localhost:9999")], false),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "localhost:8080"), ("x-forwarded-for", "10.0.0.9")], false),
        ];
        for (pairs, passes) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(http::HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(check_local(&headers).is_ok(), passes, "{pairs:?}");
        }
    }

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
