//! The API of an installation: on this machine, whether its server runs or not, or at an address.
//!
//! While a server runs it holds the storage, so calls go through its admin socket. When none runs,
//! the storage is opened here and the same router answers in process: one code path for both. A server
//! elsewhere is asked with a token.

use super::listen::{connect_admin, connect_tcp};
use super::{App, Arrival, open_storage, router};
use crate::Drivers;
use crate::licensing::{Keeper, Licensing};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::uri::Authority;
use http::{HeaderValue, Response, header};
use hyper_util::rt::TokioIo;
use rtmx_config::Settings;
use rtmx_core::{Cx, Error, Result, Secret, server, tool};
use rtmx_storage::StorageBackend;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

/// How long a probe may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// An answer of the API; its body streams.
pub type ApiAnswer = Response<Body>;

/// A way to call the API, as the installation's owner or with a token.
#[derive(Debug)]
pub struct ApiClient {
    way: Way,
}

#[derive(Debug)]
enum Way {
    Socket(PathBuf),
    InProcess { router: Router, storage: Arc<dyn StorageBackend> },
    Address { authority: Authority, bearer: HeaderValue },
}

impl ApiClient {
    /// Finds the running server of these settings, or opens the storage in its place.
    ///
    /// # Errors
    ///
    /// `storage_locked` when a server holds the storage and does not answer on its socket; what
    /// opening meets.
    pub async fn open(settings: Arc<Settings>, drivers: &Drivers) -> Result<ApiClient> {
        let data_dir = settings.data.dir.clone();
        if connect_admin(&data_dir).await.is_ok() {
            return Ok(ApiClient { way: Way::Socket(data_dir) });
        }
        let opened = open_storage(&settings, drivers).await?;
        let licensing = Licensing::open(&settings, drivers).await;
        let app = App::new(Arc::clone(&opened.storage), opened.name, settings).with_licensing(licensing);
        super::prepare(&app, true).await?;
        if let Some(mut keeper) = Keeper::of(&app) {
            // Nothing that is asked for here waits for a license.
            if let Err(error) = keeper.look().await {
                tracing::warn!(code = %error.code(), next = error.next(), "could not look at the license: {}", error.message());
            }
        }
        let router = router(app).layer(axum::Extension(Arrival::Owner));
        Ok(ApiClient { way: Way::InProcess { router, storage: opened.storage } })
    }

    /// The server at `http://host:port`, asked with a token, which travels in the clear: for a network that
    /// is the installation's own.
    ///
    /// # Errors
    ///
    /// `usage` for another form, and for a token that cannot be one.
    pub fn at(url: &str, token: &Secret<String>) -> Result<ApiClient> {
        let unusable = |why: &str| Error::new(tool::USAGE, format!("cannot ask the server: {why}"));
        let uri: Option<http::Uri> = url.trim().parse().ok();
        let uri = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.path().len() <= 1);
        let authority = uri.and_then(|uri| uri.authority().cloned()).filter(|it| !it.as_str().contains('@'));
        let authority = authority.ok_or_else(|| unusable("the URL is not of the form http://host:port"))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()));
        let mut bearer = bearer.map_err(|_| unusable("the token holds signs that no token has"))?;
        bearer.set_sensitive(true);
        Ok(ApiClient { way: Way::Address { authority, bearer } })
    }

    /// Whether a server is running and answers.
    pub fn is_served(&self) -> bool {
        !matches!(self.way, Way::InProcess { .. })
    }

    /// Sends one request; its URI is a path with a query.
    ///
    /// # Errors
    ///
    /// `not_ready` when the server went away. Problems that the API answers are answers, not errors.
    pub async fn call(&self, mut request: Request) -> Result<ApiAnswer> {
        match &self.way {
            Way::Address { authority, bearer } => {
                let unreachable = |source| {
                    let message = format!("could not reach the server at {authority}");
                    Error::new(server::NOT_READY, message).with_source(source)
                };
                let port = authority.port_u16().unwrap_or(80);
                let host = authority.host().trim_start_matches('[').trim_end_matches(']');
                let connected = timeout(PROBE_LIMIT, TcpStream::connect((host, port))).await;
                let stream = connected.map_err(|_| unreachable(std::io::ErrorKind::TimedOut.into()))?;
                let host = HeaderValue::from_str(authority.as_str());
                request.headers_mut().extend(host.ok().map(|host| (header::HOST, host)));
                request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
                exchange(stream.map_err(unreachable)?, request).await
            }
            Way::Socket(data_dir) => {
                let unreachable = |source| {
                    let message =
                        format!("could not reach the server's admin socket in {}", data_dir.display());
                    Error::new(server::NOT_READY, message).with_source(source)
                };
                let stream = connect_admin(data_dir).await.map_err(unreachable)?;
                exchange(stream, request).await
            }
            Way::InProcess { router, .. } => match router.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
        }
    }

    /// Lets go of the storage, if it was opened here.
    ///
    /// # Errors
    ///
    /// What closing the storage meets.
    pub async fn close(self) -> Result<()> {
        match self.way {
            Way::Socket(_) | Way::Address { .. } => Ok(()),
            Way::InProcess { storage, .. } => storage.close(&Cx::new()).await,
        }
    }
}

/// Asks a server's probe, such as `/ready`: the status and the body.
///
/// # Errors
///
/// `not_ready` if nothing answers within 5 s.
pub async fn probe(address: SocketAddr, path: &str) -> Result<(http::StatusCode, String)> {
    let place = address.to_string();
    ask(&place, path, &place, connect_tcp(address)).await
}

/// [`probe`] by way of the admin socket of a data folder, where the listener's own way is closed to a probe:
/// TLS asks for a name and perhaps for a certificate.
///
/// # Errors
///
/// `not_ready` if nothing answers within 5 s.
pub(crate) async fn probe_inside(data_dir: &Path, path: &str) -> Result<(http::StatusCode, String)> {
    let place = data_dir.display().to_string();
    ask(&place, path, "localhost", async { connect_admin(data_dir).await }).await
}

async fn ask<S>(
    place: &str,
    path: &str,
    host: &str,
    connect: impl Future<Output = std::io::Result<S>>,
) -> Result<(http::StatusCode, String)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed =
        |why: String| Error::new(server::NOT_READY, format!("could not ask {place} for {path}: {why}"));
    let ask = async {
        let stream = connect.await.map_err(|error| failed(error.to_string()))?;
        let request = Request::get(path).header(header::HOST, host).body(Body::empty());
        let answer = exchange(stream, request.map_err(|error| failed(error.to_string()))?).await?;
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 64 * 1024).await.map_err(|error| failed(error.to_string()))?;
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    };
    timeout(PROBE_LIMIT, ask).await.map_err(|_| failed("no answer within 5 s".into()))?
}

async fn exchange<S>(stream: S, mut request: Request) -> Result<ApiAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| {
        Error::new(server::NOT_READY, "the server ended the connection").with_source(error)
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Ends with the exchange: the sender is dropped with the answer's body.
    tokio::spawn(connection);
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    let response = sender.send_request(request).await.map_err(failed)?;
    Ok(response.map(Body::new))
}
