//! Asks a server on this machine whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one question may take.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// More than any answer of `/ready` needs.
const ANSWER_LIMIT_BYTES: u64 = 16 * 1024;

/// What the server says: nothing wrong, or why it is not ready.
pub(crate) async fn ask(address: SocketAddr) -> Result<(), String> {
    match timeout(ASK_LIMIT, exchange(address)).await {
        Ok(Ok(answer)) => judge(&answer),
        Ok(Err(error)) => Err(format!("{address} does not answer: {error}")),
        Err(_) => Err(format!("{address} does not answer within {} s", ASK_LIMIT.as_secs())),
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

async fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
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
