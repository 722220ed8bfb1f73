//! Where a server is, as its URL says.

use http::Uri;
use std::net::IpAddr;

/// The port of a proxy whose URL names none; the one that `http://` means everywhere else.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As a name for TLS: without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encrypted: bool,
    /// For the header `host`.
    pub(crate) authority: String,
    /// What its paths begin with; no slash at the end.
    prefix: String,
}

impl Server {
    /// Reads `https://host[:port][/path]`; `http://` is taken for a loopback address only.
    ///
    /// # Errors
    ///
    /// What is the matter, as the rest of a sentence that begins with the setting's name. Nothing of the
    /// URL is part of it, because it may hold a password.
    pub fn parse(url: &str) -> Result<Server, &'static str> {
        let form = "is not of the form https://host[:port][/path]";
        // Neither a password nor anything else that `http::Uri` passes over in silence.
        if url.contains('@') {
            return Err("holds a user, and no user is logged in that way");
        }
        if url.contains(['#', '?']) {
            return Err("holds a query or a fragment, and paths are put behind it");
        }
        let uri: Uri = url.trim().parse().map_err(|_| form)?;
        let authority = uri.authority().ok_or(form)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_loopback(&host) => false,
            Some("http") => return Err("must begin with https://; http:// is for loopback addresses only"),
            _ => return Err(form),
        };
        // `port_u16` is also none for a port that is no number.
        let default = if encrypted { HTTPS_PORT } else { HTTP_PORT };
        let port = match authority.as_str().strip_prefix(authority.host()).ok_or(form)? {
            "" => default,
            rest => {
                rest.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|p| *p != 0).ok_or(form)?
            }
        };
        if rustls::pki_types::ServerName::try_from(host.as_str()).is_err() {
            return Err("names a host that cannot be one");
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Server { host, port, encrypted, authority: authority.as_str().to_owned(), prefix })
    }

    /// Its name and port, for messages and the header `host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of one of the server's resources.
    pub fn path(&self, resource: &str) -> String {
        format!("{}{resource}", self.prefix)
    }

    /// The whole address, as a proxy's list of exceptions is asked for it.
    pub(crate) fn uri(&self) -> Option<Uri> {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}/", self.authority).parse().ok()
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_a_place() {
        // url, host, port, encrypted, path of a resource
        let cases = [
            ("https://license.example", "license.example", 443, true, "/v1/leases"),
            ("https://license.example/", "license.example", 443, true, "/v1/leases"),
            ("https://license.example:8443/rtmx/", "license.example", 8443, true, "/rtmx/v1/leases"),
            ("https://[2001:db8::1]:9000", "2001:db8::1", 9000, true, "/v1/leases"),
            ("https://10.0.0.7", "10.0.0.7", 443, true, "/v1/leases"),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, false, "/v1/leases"),
            ("http://[::1]:8080/a/b", "::1", 8080, false, "/a/b/v1/leases"),
            ("http://localhost", "localhost", 80, false, "/v1/leases"),
        ];
        for (url, host, port, encrypted, path) in cases {
            let server = Server::parse(url).expect(url);
            let found = (server.host.as_str(), server.port, server.encrypted, server.path("/v1/leases"));
            assert_eq!(found, (host, port, encrypted, path.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused_without_being_shown() {
        let cases = [
            "",
            "license.example",
            "ftp://license.example",
            "http://license.example",
            "http://10.0.0.7",
            "http://localhost.example",
            "https://",
            "https://a b",
            "https://license.example:0",
            "https://license.example:99999",
            "https://license.example?x=1",
            "https://license.example/#x",
            "https://ann:hunter2@license.example",
        ];
        for url in cases {
            let why = Server::parse(url).expect_err(url);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
