//! Where the server listens: the API, the metrics, and the admin socket.

use super::{Arrival, Certificate};
use rtmx_config::Settings;
use rtmx_core::{Error, Result, server};
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// The name of the admin socket in the data folder.
const ADMIN_SOCKET: &str = "admin.sock";
/// `sun_path` of `sockaddr_un` holds 108 bytes with the closing NUL (unix(7)).
const SOCKET_PATH_LIMIT_BYTES: usize = 107;

/// Bound and not yet accepting.
#[derive(Debug)]
pub struct Listeners {
    pub(super) api: TcpListener,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) redirect: Option<TcpListener>,
    pub(super) metrics: Option<TcpListener>,
    pub(super) admin: Option<AdminSocket>,
}

impl Listeners {
    /// Binds the addresses of the settings. The admin socket follows with
    /// [`Listeners::open_admin`], once the storage's lock says that this process is the only server.
    ///
    /// # Errors
    ///
    /// `listen_failed` with the address; `tls_invalid`.
    pub async fn bind(settings: &Settings) -> Result<Listeners> {
        let certificate = match settings.server.tls.clone() {
            Some(tls) => {
                let read = tokio::task::spawn_blocking(move || Certificate::read(&tls)).await;
                Some(Arc::new(read.map_err(|source| {
                    Error::new(server::TLS_INVALID, "could not read the certificate").with_source(source)
                })??))
            }
            None => None,
        };
        let api = bind("server.listen", settings.server.listen).await?;
        let metrics = match settings.metrics.enabled {
            true => {
                let address = SocketAddr::new(settings.server.listen.ip(), settings.metrics.port);
                Some(bind("metrics.port", address).await?)
            }
            false => None,
        };
        let redirect = match settings.server.redirect_listen {
            Some(address) => Some(bind("server.redirect_listen", address).await?),
            None => None,
        };
        Ok(Listeners { api, certificate, redirect, metrics, admin: None })
    }

    /// Opens the admin socket in the data folder.
    ///
    /// # Errors
    ///
    /// `listen_failed`.
    pub fn open_admin(&mut self, data_dir: &Path) -> Result<()> {
        self.admin = Some(AdminSocket::open(data_dir)?);
        Ok(())
    }

    /// The certificate of the API's listener, if it speaks TLS.
    pub(crate) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.clone()
    }

    /// The address that leads to TLS.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// The address of the API.
    pub fn address(&self) -> Option<SocketAddr> {
        self.api.local_addr().ok()
    }

    /// The address of the metrics.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// How requests to the API arrive.
    pub(super) fn arrival(&self) -> Arrival {
        let loopback = self.address().is_some_and(|address| address.ip().is_loopback());
        if loopback { Arrival::Loopback } else { Arrival::Network }
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|source| {
        let message = format!("could not listen on {address} (`{key}`)");
        Error::new(server::LISTEN_FAILED, message).with("address", address).with_source(source)
    })
}

/// The Unix socket through which the owner of the installation talks to the running server.
#[derive(Debug)]
pub(super) struct AdminSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(ADMIN_SOCKET);
        let failed = |source: io::Error| {
            let message = format!("could not open the admin socket {}", path.display());
            Error::new(server::LISTEN_FAILED, message).with_source(source)
        };
        // This is the only server of the folder, so a socket that is there was left behind.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = short_path(data_dir, |path| UnixListener::bind(path)).map_err(failed)?;
        // The folder is closed to others, so nobody connects between these two lines; the peer's
        // user is checked besides.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(AdminSocket { listener, path })
    }

    /// Whether the peer is the server's own user, or root (SO_PEERCRED, unix(7)).
    pub(super) fn admits(stream: &UnixStream) -> bool {
        let own = rustix::process::geteuid().as_raw();
        stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes sure that no other server uses a data folder, where no lock of a database file does.
///
/// # Errors
///
/// `listen_failed`.
pub(crate) async fn refuse_second(data_dir: &Path) -> Result<()> {
    if connect_admin(data_dir).await.is_err() {
        return Ok(());
    }
    let message = format!("another server uses the data folder {}", data_dir.display());
    let next = "Give each server on this machine its own `data.dir`, or stop the other one.";
    Err(Error::new(server::LISTEN_FAILED, message).with_next(next))
}

/// Connects to the admin socket of a data folder.
pub(super) async fn connect_admin(data_dir: &Path) -> io::Result<UnixStream> {
    let stream = short_path(data_dir, |path| std::os::unix::net::UnixStream::connect(path))?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Calls with the socket's path, by way of `/proc/self/fd` where it is too long for the kernel.
fn short_path<T>(data_dir: &Path, call: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = data_dir.join(ADMIN_SOCKET);
    if path.as_os_str().len() <= SOCKET_PATH_LIMIT_BYTES {
        return call(&path);
    }
    use std::os::fd::AsRawFd;
    let folder = std::fs::File::open(data_dir)?;
    call(&PathBuf::from(format!("/proc/self/fd/{}/{ADMIN_SOCKET}", folder.as_raw_fd())))
}

/// Connects to a TCP address.
pub(super) async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}
