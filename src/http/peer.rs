//! Who sends a request, and over what: what the connection says, or a proxy that is trusted.
//!
//! `X-Forwarded-For` and `X-Forwarded-Proto` are what proxies write in practice; `Forwarded` (RFC 7239)
//! is not read, so that there is one word and not two that may differ. Anybody can send these headers, so
//! they count only from a trusted proxy's address.

use super::App;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who is at the other end of a TCP connection; in the extensions of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// That a connection speaks TLS; in the extensions of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OverTls;

/// Who sends a request; in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    /// `None` over the admin socket.
    pub(super) address: Option<IpAddr>,
    /// Whether the way to this server, or to the trusted proxy before it, is TLS; `None` where nobody says.
    pub(super) tls: Option<bool>,
}

/// Finds out who sends a request, and tells browsers to insist on TLS where the settings say so.
pub(super) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let settings = app.settings();
    let sender = sender(&request, &settings.server.trusted_proxies);
    request.extensions_mut().insert(sender);
    let mut response = next.run(request).await;
    let hsts = settings.server.hsts.as_secs();
    if hsts > 0 && sender.tls == Some(true) {
        let value = HeaderValue::try_from(format!("max-age={hsts}")).expect("digits are visible ASCII");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

fn sender(request: &Request, trusted: &[IpNet]) -> Sender {
    let connected = request.extensions().get::<Peer>().map(|Peer(address)| address.ip().to_canonical());
    let over_tls = request.extensions().get::<OverTls>().is_some();
    let proxied = connected.is_some_and(|address| is_one_of(trusted, address));
    let forwarded = proxied.then(|| proto(request.headers())).flatten();
    let address = connected.map(|address| behind(address, request.headers(), trusted));
    Sender { address, tls: forwarded.or(over_tls.then_some(true)) }
}

/// What the trusted proxy that is nearest says of its own side.
fn proto(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all(FORWARDED_PROTO).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    [("https", true), ("http", false)]
        .into_iter()
        .find(|(name, _)| last.eq_ignore_ascii_case(name))
        .map(|it| it.1)
}

/// The address that a request counts for.
#[cfg(feature = "licensed")]
pub(crate) fn address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.ip().to_canonical());
    behind(peer, request.headers(), trusted)
}

/// Of `X-Forwarded-For` only what a trusted proxy wrote is believed: the last entry that is not itself
/// one of them.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if !is_one_of(trusted, peer) {
        return peer;
    }
    let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.parse::<IpAddr>() else { return peer };
        let address = address.to_canonical();
        if !is_one_of(trusted, address) {
            return address;
        }
    }
    peer
}

fn is_one_of(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 one.
#[cfg(feature = "licensed")]
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(peer: &str, headers: &[(HeaderName, &str)]) -> Request {
        let mut request = Request::new(Body::empty());
        let address = SocketAddr::new(peer.parse().expect("an address"), 40_000);
        request.extensions_mut().insert(Peer(address));
        for (name, value) in headers {
            request.headers_mut().append(name, value.parse().expect("a header"));
        }
        request
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_is_believed() {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/24", "2001:db8::/32"].iter().map(|text| text.parse().expect("a network")).collect();
        // who connects, what is forwarded, who counts
        let cases = [
            ("192.0.2.9", "203.0.113.1", "192.0.2.9"),
            ("10.0.1.1", "203.0.113.1", "10.0.1.1"),
            ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
            ("10.0.0.1", "198.51.100.7, 203.0.113.1", "203.0.113.1"),
            ("10.0.0.1", "203.0.113.1, 10.0.0.7", "203.0.113.1"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"),
            ("2001:db8::9", "203.0.113.1", "203.0.113.1"),
        ];
        for (peer, forwarded, wanted) in cases {
            let request = request(peer, &[(FORWARDED_FOR, forwarded)]);
            let got = sender(&request, &trusted).address.expect("it came over TCP");
            assert_eq!(got.to_string(), wanted, "{peer} {forwarded}");
            let got = sender(&request, &[]).address.expect("it came over TCP");
            assert_eq!(got, peer.parse::<IpAddr>().expect("an address").to_canonical(), "nobody is trusted");
        }
    }

    #[cfg(feature = "licensed")]
    #[test]
    fn a_subscriber_has_64_bits_of_an_address() {
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().expect("an address");
        assert_eq!(subscriber(one).to_string(), "2001:db8:1:2::");
    }

    #[test]
    fn tls_is_what_the_connection_speaks_or_a_trusted_proxy_says() {
        let trusted = ["10.0.0.1/32".parse().expect("a network")];
        // who connects, whether over TLS, what is forwarded, what holds
        let cases: [(&str, bool, &[&str], Option<bool>); 8] = [
            ("192.0.2.9", true, &[], Some(true)),
            ("192.0.2.9", true, &["http"], Some(true)),
            ("192.0.2.9", false, &["https"], None),
            ("192.0.2.9", false, &[], None),
            ("10.0.0.1", false, &["https"], Some(true)),
            ("10.0.0.1", true, &["http"], Some(false)),
            ("10.0.0.1", false, &["https", "http"], Some(false)),
            ("10.0.0.1", false, &["http, HTTPS"], Some(true)),
        ];
        for (peer, over_tls, forwarded, wanted) in cases {
            let headers: Vec<_> = forwarded.iter().map(|value| (FORWARDED_PROTO, *value)).collect();
            let mut request = request(peer, &headers);
            if over_tls {
                request.extensions_mut().insert(OverTls);
            }
            assert_eq!(sender(&request, &trusted).tls, wanted, "{peer} {over_tls} {forwarded:?}");
        }
    }
}
