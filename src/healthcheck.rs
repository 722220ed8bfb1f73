//! `rtmx-server healthcheck`: asks the running server beside it, so that no image needs another program.

use crate::http;
use rtmx_config::Settings;
use rtmx_core::{Error, Result, server};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

/// Asks `/ready`; success if the server is.
pub(crate) async fn healthcheck(settings: &Settings) -> Result<ExitCode> {
    let (status, body) = match settings.server.tls {
        Some(_) => http::probe_inside(&settings.data.dir, "/ready").await?,
        None => http::probe(reachable(settings.server.listen), "/ready").await?,
    };
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::new(server::NOT_READY, format!("the server answers {status}: {body}")))
}

/// Where this machine reaches a listener: one on every address is asked on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
