//! The listener without TLS beside one with it: it sends everybody to TLS, and answers probes.

use super::{App, Problem, probes};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header, uri};
use rtmx_core::{Error, server};

/// The port of the listener with TLS.
#[derive(Debug, Clone, Copy)]
struct TlsPort(u16);

/// All that the listener without TLS answers.
pub(super) fn router(app: App, tls_port: u16) -> Router {
    Router::new()
        .route("/live", get(probes::live))
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .fallback(move |state: State<App>, request: Request| redirect(state, request, TlsPort(tls_port)))
        .with_state(app)
}

/// Method and body stay as they are (308, RFC 9110 section 15.4.9).
async fn redirect(State(app): State<App>, request: Request, port: TlsPort) -> Result<Response, Problem> {
    let path = request.uri().path_and_query().map_or("/", uri::PathAndQuery::as_str);
    let public = app.settings().server.public_url.clone().filter(|url| url.starts_with("https:"));
    let base = match public {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => of_host(&request, port).ok_or_else(|| {
            Problem(Error::new(server::HOST_REFUSED, "the request does not say for which host it is"))
        })?,
    };
    Ok((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{base}{path}"))]).into_response())
}

/// The same host, at the port that speaks TLS.
fn of_host(request: &Request, TlsPort(port): TlsPort) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let host = host.parse::<uri::Authority>().ok().filter(|authority| !authority.as_str().contains('@'))?;
    let host = host.host();
    Some(if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn the_way_to_tls_is_the_same_host_at_the_other_port() {
        let cases = [
            ("rtmx.example", 443, Some("https://rtmx.example")),
            ("rtmx.example:8080", 8443, Some("https://rtmx.example:8443")),
            ("[::1]:80", 8443, Some("https://[::1]:8443")),
            ("user@evil.example", 443, None),
            ("a b", 443, None),
            ("", 443, None),
        ];
        for (host, port, wanted) in cases {
            let mut request = Request::new(Body::empty());
            request.headers_mut().insert(header::HOST, host.parse().expect("a header"));
            assert_eq!(of_host(&request, TlsPort(port)).as_deref(), wanted, "{host}");
        }
        assert_eq!(of_host(&Request::new(Body::empty()), TlsPort(443)), None);
    }
}
