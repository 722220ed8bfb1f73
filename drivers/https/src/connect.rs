//! From a host's name to a stream that can be spoken on: addresses, proxy, TLS.

use crate::certificates;
use crate::{Server, Trouble, Way};
use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rtmx_core::Timestamp;
use rustls::pki_types::ServerName;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// A stream in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The most addresses of one host that are tried.
const ADDRESS_LIMIT: usize = 8;

impl Way {
    /// Connects until `deadline`; the caller ends it there. `now` is the time that certificates are
    /// judged at.
    pub(crate) async fn connect(
        &self,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Box<dyn Stream>, Trouble> {
        let Server { host, port, encrypted, .. } = &self.server;
        // Nothing of a plain way leaves the machine, so there is no use for a proxy on it.
        let intercept = if *encrypted { self.intercept() } else { None };
        let stream: Box<dyn Stream> = match intercept {
            None => Box::new(reach(host, *port, deadline).await?),
            Some(proxy) => tunnel(&proxy, host, *port, deadline).await?,
        };
        if !*encrypted {
            return Ok(stream);
        }
        let tls = |source| Trouble::Tls { host: host.clone(), source };
        let name = ServerName::try_from(host.clone()).map_err(|error| tls(io::Error::other(error)))?;
        let connector = TlsConnector::from(certificates::tls(self.ca_file.clone(), now).await?);
        Ok(Box::new(connector.connect(name, stream).await.map_err(tls)?))
    }

    fn intercept(&self) -> Option<Intercept> {
        self.proxy.as_ref()?.intercept(&self.server.uri()?)
    }
}

/// Connects to the first address that answers. Each has an equal share of the time that is left, so
/// that one which swallows packets does not use up the others'.
async fn reach(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, Trouble> {
    let not_found = |source| Trouble::NotFound { host: host.to_owned(), source };
    let found = lookup_host((host, port)).await.map_err(not_found)?;
    let addresses: Vec<_> = found.take(ADDRESS_LIMIT).collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // One question, one answer: waiting for more to send would only delay it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer from the address"),
        }
    }
    Err(Trouble::Connect { host: host.to_owned(), port, source: last })
}

/// A tunnel through a proxy.
///
/// Source: RFC 9110, 9.3.6 (`CONNECT`).
async fn tunnel(
    proxy: &Intercept,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Box<dyn Stream>, Trouble> {
    let at = proxy.uri();
    let proxy_host = at.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let stream = reach(proxy_host, at.port_u16().unwrap_or(80), deadline).await?;
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let unasked = |source: http::Error| Trouble::Unasked { source: source.into() };
    let mut request = Request::builder().method(Method::CONNECT).uri(&target).header(HOST, &target);
    if let Some(credentials) = proxy.basic_auth() {
        let mut credentials: HeaderValue = credentials.clone();
        credentials.set_sensitive(true);
        request = request.header(PROXY_AUTHORIZATION, credentials);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(unasked)?;
    let cut = |source| Trouble::Cut { source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(cut)?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(cut)?;
        if answer.status() != StatusCode::OK {
            return Err(Trouble::Proxy { host: proxy_host.to_owned(), status: answer.status() });
        }
        hyper::upgrade::on(answer).await.map_err(cut)
    };
    let upgraded = beside(connection.with_upgrades(), asking).await?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

/// Runs a connection for as long as somebody talks on it. No task is left behind: dropping the call
/// closes the connection.
pub(crate) async fn beside<T>(
    connection: impl Future<Output = hyper::Result<()>>,
    talk: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::pin!(connection, talk);
    tokio::select! {
        biased;
        said = &mut talk => said,
        // Whoever talks learns how it ended.
        _ = &mut connection => talk.await,
    }
}
