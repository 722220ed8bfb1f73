//! Where a request comes from, as the browser that sent it says.
//!
//! What is given by a browser without being asked (a cookie, or being on this machine) proves who sends
//! a request, never that they mean it: any page anywhere can make a browser send one. Browsers say
//! themselves which page it was, in `Sec-Fetch-Site` and `Origin`, which no script can set; so such
//! proof counts only on requests that came from a page of this very origin. Whoever follows a link in a
//! chat or a wiki comes from another site too, and is let in to look: that is a navigation of the whole
//! window, whose answer the other page cannot read, and a `GET` never writes.
//!
//! Sources: W3C "Fetch Metadata Request Headers"; WHATWG Fetch, "append a request `Origin` header".

use http::{HeaderMap, HeaderName, Method, header};
use rtmx_core::{Error, Result, server};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What proxies add to the requests that they pass on.
const FORWARDED: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// What a request tells about the page that it comes from.
#[derive(Debug, PartialEq, Eq)]
enum Sender<'r> {
    /// A page of this origin, or nobody's page: typed, bookmarked, or a program.
    Own,
    /// Another page, or something that cannot be told from one.
    Other(&'r str),
    /// Nothing at all.
    Silent,
}

/// Refuses a request whose cookie must not count.
///
/// # Errors
///
/// `origin_refused`.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<()> {
    let refused = |why: String| Err(Error::new(server::ORIGIN_REFUSED, why));
    match sender(method, headers) {
        Sender::Own => Ok(()),
        _ if is_visit(method, headers) => Ok(()),
        Sender::Other(what) => {
            refused(format!("the request does not come from a page of this server: `{what}`"))
        }
        // On plain HTTP, browsers say nothing when they read; a script of another site would have to
        // send `Origin` to see the answer, and its request would carry no cookie.
        Sender::Silent if method.is_safe() => Ok(()),
        Sender::Silent => refused(
            "the request does not say which page it comes from: it has neither `Sec-Fetch-Site` nor `Origin`"
                .into(),
        ),
    }
}

/// Refuses what a browser or a proxy may have sent for somebody else to an installation that asks for
/// no token: DNS rebinding shows in `Host`, other sites in `Origin` and `Sec-Fetch-Site`, proxies in the
/// headers that they add.
///
/// A request that says nothing of a page is a program's: browsers name the page to `localhost` always.
///
/// # Errors
///
/// `host_refused`.
pub(super) fn check_local(method: &Method, headers: &HeaderMap) -> Result<()> {
    let refused = |why: String| Err(Error::new(server::HOST_REFUSED, why));
    if let Some(name) = FORWARDED.into_iter().find(|name| headers.contains_key(*name)) {
        return refused(format!("the request was forwarded: it carries `{name}`"));
    }
    let host = text(headers, &header::HOST).unwrap_or_default();
    if !is_local(host) {
        return refused(format!("the request is for the host `{host}`"));
    }
    if headers.contains_key(header::ORIGIN) && !is_of_host(headers) {
        let origin = text(headers, &header::ORIGIN).unwrap_or_default();
        return refused(format!("the request comes from the site `{origin}`"));
    }
    match sender(method, headers) {
        Sender::Own | Sender::Silent => Ok(()),
        Sender::Other(_) if is_visit(method, headers) => Ok(()),
        Sender::Other(what) => refused(format!("the request comes from another page: `{what}`")),
    }
}

/// Whether the browser speaks HTTPS, whatever a proxy made of it.
///
/// `Origin` tells. Where it is hidden, so does `Sec-Fetch-Site`, which browsers send over HTTPS and to
/// this machine only.
pub(super) fn is_https(headers: &HeaderMap) -> bool {
    match text(headers, &header::ORIGIN) {
        Some(origin) if origin.starts_with("https://") => true,
        Some(origin) if origin.starts_with("http://") => false,
        _ => headers.contains_key(&SITE) && !is_local(text(headers, &header::HOST).unwrap_or_default()),
    }
}

fn sender<'r>(method: &Method, headers: &'r HeaderMap) -> Sender<'r> {
    if let Some(site) = headers.get(&SITE) {
        return match site.to_str() {
            Ok("same-origin") => Sender::Own,
            Ok("none") if method.is_safe() => Sender::Own,
            Ok(site) => Sender::Other(site),
            Err(_) => Sender::Other("unreadable"),
        };
    }
    match headers.get(header::ORIGIN) {
        None => Sender::Silent,
        Some(_) if is_of_host(headers) => Sender::Own,
        Some(origin) => Sender::Other(origin.to_str().unwrap_or("unreadable")),
    }
}

/// Whether somebody goes to a page of this origin from elsewhere.
fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    (method == Method::GET || method == Method::HEAD)
        && text(headers, &MODE) == Some("navigate")
        && text(headers, &DEST) == Some("document")
}

/// Whether `Origin` is the host that the request is for.
fn is_of_host(headers: &HeaderMap) -> bool {
    let origin = text(headers, &header::ORIGIN).unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let host = text(headers, &header::HOST).filter(|host| !host.is_empty());
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
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

fn text<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn headers(pairs: Pairs) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), value.parse().expect("a header's text"))
        };
        pairs.iter().map(pair).collect()
    }

    const LINK: Pairs = &[
        ("host", "localhost:8080"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];

    #[test]
    fn a_cookie_counts_only_on_requests_of_this_origin_and_on_visits() {
        const HOST: (&str, &str) = ("host", "rtmx.example");
        const OTHER_SITE: (&str, &str) = ("sec-fetch-site", "cross-site");
        const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
        const DOCUMENT: (&str, &str) = ("sec-fetch-dest", "document");
        // headers, whether a read passes, whether a write passes
        let cases: &[(Pairs, bool, bool)] = &[
            (&[HOST, ("sec-fetch-site", "same-origin")], true, true),
            // A proxy may rewrite `Host`; the browser's own word goes before it.
            (
                &[
                    ("host", "10.0.0.5:8080"),
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://rtmx.example"),
                ],
                true,
                true,
            ),
            (&[HOST, ("sec-fetch-site", "none"), NAVIGATE, DOCUMENT], true, false),
            (&[HOST, ("sec-fetch-site", "none")], true, false),
            (&[HOST, OTHER_SITE], false, false),
            (&[HOST, ("sec-fetch-site", "same-site")], false, false),
            (&[HOST, ("sec-fetch-site", "")], false, false),
            (&[HOST, ("sec-fetch-site", "Same-Origin")], false, false),
            (&[HOST, OTHER_SITE, ("origin", "http://rtmx.example")], false, false),
            (&[HOST, OTHER_SITE, NAVIGATE, DOCUMENT], true, false),
            (&[HOST, ("sec-fetch-site", "same-site"), NAVIGATE, DOCUMENT], true, false),
            (&[HOST, OTHER_SITE, NAVIGATE, ("sec-fetch-dest", "iframe")], false, false),
            (&[HOST, OTHER_SITE, NAVIGATE, ("sec-fetch-dest", "object")], false, false),
            (&[HOST, OTHER_SITE, ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")], false, false),
            (&[HOST, OTHER_SITE, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], false, false),
            (&[HOST, OTHER_SITE, ("sec-fetch-mode", "websocket"), DOCUMENT], false, false),
            (&[HOST, ("origin", "http://rtmx.example")], true, true),
            (&[HOST, ("origin", "https://rtmx.example")], true, true),
            (&[HOST, ("origin", "https://RTMX.example")], true, true),
            (&[HOST, ("origin", "https://rtmx.example:8443")], false, false),
            (&[HOST, ("origin", "https://rtmx.example.evil.example")], false, false),
            (&[HOST, ("origin", "https://evil.example")], false, false),
            (&[HOST, ("origin", "null")], false, false),
            (&[HOST, ("origin", "ftp://rtmx.example")], false, false),
            (&[("origin", "http://")], false, false),
            (&[HOST], true, false),
            (&[], true, false),
        ];
        for (pairs, read, write) in cases {
            let headers = headers(pairs);
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(check(&method, &headers).is_ok(), *read, "{method} {pairs:?}");
            }
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(check(&method, &headers).is_ok(), *write, "{method} {pairs:?}");
            }
        }
        rtmx_core::assert_code(
            check(&Method::POST, &headers(&[HOST])).expect_err("it is silent"),
            server::ORIGIN_REFUSED,
        );
    }

    #[test]
    fn only_plain_requests_from_this_machine_pass_without_a_token() {
        const HOST: (&str, &str) = ("host", "localhost:8080");
        // headers, whether a read passes, whether a write passes
        let cases: &[(Pairs, bool, bool)] = &[
            (&[HOST], true, true),
            (&[("host", "127.0.0.1:8080")], true, true),
            (&[("host", "[::1]:8080")], true, true),
            (&[("host", "LOCALHOST")], true, true),
            (&[HOST, ("origin", "http://localhost:8080")], true, true),
            (&[HOST, ("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")], true, true),
            (&[HOST, ("sec-fetch-site", "none")], true, false),
            (LINK, true, false),
            (&[], false, false),
            (&[("host", "rebound.example:8080")], false, false),
            (&[("host", "rebound.example:8080"), ("sec-fetch-site", "same-origin")], false, false),
            (&[("host", "127.0.0.1.example")], false, false),
            (&[HOST, ("origin", "https://evil.example")], false, false),
            (&[HOST, ("origin", "http://localhost:9999")], false, false),
            (&[HOST, ("origin", "http://localhost:9999"), ("sec-fetch-site", "same-origin")], false, false),
            (&[HOST, ("origin", "null")], false, false),
            (&[HOST, ("sec-fetch-site", "cross-site")], false, false),
            (&[HOST, ("sec-fetch-site", "same-site")], false, false),
            (&[HOST, ("x-forwarded-for", "10.0.0.9")], false, false),
            (&[HOST, ("via", "1.1 proxy"), ("sec-fetch-site", "same-origin")], false, false),
        ];
        for (pairs, read, write) in cases {
            let headers = headers(pairs);
            assert_eq!(check_local(&Method::GET, &headers).is_ok(), *read, "GET {pairs:?}");
            assert_eq!(check_local(&Method::POST, &headers).is_ok(), *write, "POST {pairs:?}");
        }
        let forwarded = [("x-forwarded-host", "x")].as_slice();
        let visit = [LINK, forwarded].concat();
        let mut map = HeaderMap::new();
        for (name, value) in visit {
            map.insert(HeaderName::from_static(name), value.parse().expect("a header's text"));
        }
        rtmx_core::assert_code(
            check_local(&Method::GET, &map).expect_err("a proxy passed it on"),
            server::HOST_REFUSED,
        );
    }

    #[test]
    fn https_is_told_by_what_the_browser_says() {
        let cases: &[(Pairs, bool)] = &[
            (&[("host", "rtmx.example"), ("origin", "https://rtmx.example")], true),
            (&[("host", "10.0.0.5:8080"), ("origin", "https://rtmx.example")], true),
            (&[("host", "rtmx.example"), ("origin", "http://rtmx.example")], false),
            (
                &[("host", "localhost"), ("origin", "http://localhost"), ("sec-fetch-site", "same-origin")],
                false,
            ),
            (&[("host", "rtmx.example"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "rtmx.example"), ("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-origin")], false),
            (&[("host", "rtmx.example")], false),
        ];
        for (pairs, https) in cases {
            assert_eq!(is_https(&headers(pairs)), *https, "{pairs:?}");
        }
    }
}
