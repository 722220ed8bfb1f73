//! `serve`: from the command line to a server that ends well.

use super::super::args::ServeArgs;
use super::super::register::Register;
use super::super::{keyring, passphrase, read_file};
use super::{LicenseServer, Limits, Vendor, probes, router, turn};
use crate::Drivers;
use crate::ctl::output::Outcome;
use crate::http::{Endpoint, SystemClock, init_logging, serve_endpoints};
use ipnet::IpNet;
use rtmx_config::{LogFormat, LogLevel};
use rtmx_core::{Error, Result, Secret, server, storage, tool};
use rtmx_license::DocumentType;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// How long requests in flight may take at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections at once of whoever reads the metrics.
const METRICS_CONNECTIONS: usize = 16;

pub(in crate::licensed) async fn run(drivers: &Drivers, args: &ServeArgs) -> Outcome {
    let format = if args.log_format == "text" { LogFormat::Text } else { LogFormat::Json };
    init_logging(LogLevel::Info, format);
    let shutdown = signals()?;
    let held = passphrase::open_key(&args.lease_key, &args.passphrase, DocumentType::Lease)?;
    let staff_token = match &args.staff_token_file {
        Some(file) => {
            let text = String::from_utf8(read_file(file, 4096)?);
            let unreadable = |_| Error::new(tool::FILE_UNREADABLE, format!("{} is no text", file.display()));
            Some(Secret::new(text.map_err(unreadable)?))
        }
        None => None,
    };
    let vendor = Vendor {
        product: args.product.clone(),
        ring: keyring::ring(args.keys.as_deref(), &args.product, args.threshold)?,
        lease_kid: held.kid,
        lease_key: held.key,
        staff_token,
        limits: Limits {
            peer_rate: args.peer_rate,
            license_rate: args.license_rate,
            trusted_proxies: args.trusted_proxies.iter().map(|ip| IpNet::from(ip.to_canonical())).collect(),
        },
        clock: Arc::new(SystemClock),
    };
    let listener = bind("--listen", args.listen).await?;
    let metrics = bind("--metrics-listen", args.metrics_listen).await?;
    let register = Register::open(drivers, &args.register).await?;
    let storage = Arc::clone(register.storage());
    let served = serve(register, vendor, listener, metrics, args.connections, shutdown).await;
    storage.close(&rtmx_core::Cx::new()).await?;
    served?;
    Ok(0)
}

async fn serve(
    register: Register,
    vendor: Vendor,
    listener: TcpListener,
    metrics: TcpListener,
    connections: u16,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    let metrics_address = metrics.local_addr().map(|address| address.to_string()).unwrap_or_default();
    let shared = register.storage().capability().multi_node;
    let kid = vendor.lease_kid.clone();
    let server = LicenseServer::open(register, vendor).await?;
    let holder = uuid::Builder::from_random_bytes(super::super::random()).into_uuid().to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(turn::tally(server.clone()));
    // A database that one process can open has no other server.
    if shared {
        server.standing_by.store(true, Ordering::Relaxed);
        server.take_turn(&holder).await;
        tasks.spawn(turn::keep(server.clone(), holder.clone()));
        tasks.spawn(server.clone().follow());
    }
    let endpoints = vec![
        Endpoint { listener, router: router(server.clone()), connections: usize::from(connections) },
        Endpoint {
            listener: metrics,
            router: probes::metrics_router(server.clone()),
            connections: METRICS_CONNECTIONS,
        },
    ];
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, address, metrics = metrics_address, lease_key = %kid, "listening");
    let gauge = server.metrics.gauge("http_connections");
    let draining = server.clone();
    let ended = async move {
        shutdown.await;
        draining.draining.store(true, Ordering::Relaxed);
    };
    serve_endpoints(endpoints, gauge, DRAIN, ended).await;
    tasks.shutdown().await;
    server.finish().await;
    if shared && !server.standing_by.load(Ordering::Relaxed) {
        server.give_turn_back(&holder).await;
    }
    Ok(())
}

async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|source| {
        Error::new(server::LISTEN_FAILED, format!("could not listen on {address} (`{flag}`)"))
            .with_next(format!("Free the port, or choose another address with `{flag}`."))
            .with_source(source)
    })
}

/// Completes at the first SIGTERM or SIGINT. The handlers are in place when this returns.
fn signals() -> Result<impl Future<Output = ()>> {
    let failed = |source| Error::new(storage::INTERNAL, "could not listen for signals").with_source(source);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
