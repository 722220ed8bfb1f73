//! Asks a server on this machine whether it is ready.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long one question may take.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// More than any answer of `/ready` needs.
const ANSWER_LIMIT_BYTES: u64 = 16 * 1024;

/// Where a server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// At its listener.
    Address(SocketAddr),
    /// At its admin socket, because its listener speaks TLS: a probe knows no name for it, and may have no
    /// certificate.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Address(address) => address.fmt(f),
            Place::Socket(path) => path.display().fmt(f),
        }
    }
}

/// What the server says: nothing wrong, or why it is not ready.
pub(crate) async fn ask(place: &Place) -> Result<(), String> {
    let ask = async {
        match place {
            Place::Address(address) => exchange(TcpStream::connect(reachable(*address)).await?).await,
            Place::Socket(path) => exchange(UnixStream::connect(path).await?).await,
        }
    };
    match timeout(ASK_LIMIT, ask).await {
        Ok(Ok(answer)) => judge(&answer),
        Ok(Err(error)) => Err(format!("{place} does not answer: {error}")),
        Err(_) => Err(format!("{place} does not answer within {} s", ASK_LIMIT.as_secs())),
    }
}

/// The command with which a person would ask.
pub(crate) fn command(place: &Place) -> String {
    let curl = "curl --fail --retry 30 --retry-all-errors";
    match place {
        Place::Address(address) => format!("{curl} http://{}/ready", reachable(*address)),
        Place::Socket(path) => format!("{curl} --unix-socket {} http://localhost/ready", path.display()),
    }
}

/// Where this machine reaches a listener: one on every address is asked on loopback.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<String> {
    stream.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judge(answer: &str) -> Result<(), String> {
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    match status {
        Some("200") => Ok(()),
        Some(status) => {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
            Err(format!("the server answers {status}: {body}"))
        }
        None => Err("something else than RTMX answers".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_is_ready() {
        assert_eq!(judge("HTTP/1.1 200 OK\r\n\r\n{}"), Ok(()));
        assert_eq!(judge("HTTP/1.1 503 No\r\n\r\nstorage"), Err("the server answers 503: storage".into()));
        assert!(judge("SSH-2.0-x").is_err());
        assert!(judge("").is_err());
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listen, wanted) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            let address = |text: &str| text.parse::<SocketAddr>().expect("the cases are addresses");
            assert_eq!(reachable(address(listen)), address(wanted));
        }
    }
}
