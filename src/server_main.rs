//! The command line of `rtmx-server`.

use crate::http::{self, App, Listeners, LocalApi};
use crate::{settings, standard_drivers};
use ::http::Request;
use axum::body::Body;
use clap::{Parser, Subcommand};
use futures_util::StreamExt;
use rtmx_config::Settings;
use rtmx_core::{Cx, Error, Result, Retry, server, storage};
use rtmx_storage::MigrationPlan;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long `migrate --wait` keeps asking for the lock.
const MIGRATE_WAIT_LIMIT: Duration = Duration::from_secs(600);

/// The RTMX server. Without a command it serves.
#[derive(Debug, Parser)]
#[command(
    name = "rtmx-server",
    version,
    after_help = "Examples:\n  rtmx-server --config /etc/rtmx/rtmx.toml\n  rtmx-server migrate\n  rtmx-server healthcheck\n  rtmx-server import matrix.csv --project default"
)]
struct Arguments {
    /// A TOML file, read after /etc/rtmx/rtmx.toml and before the environment.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting, such as `server.listen=127.0.0.1:8080`; wins over files and the environment.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API until SIGTERM or SIGINT.
    Serve,
    /// Brings the database's schema forward.
    Migrate {
        /// Wait for another process's migration to end, up to 10 minutes.
        #[arg(long)]
        wait: bool,
        /// Also take away what older versions needed: none of them works afterwards.
        #[arg(long)]
        contract: bool,
    },
    /// Imports a matrix (CSV) into a project.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// The project's id.
        #[arg(long, default_value = "default")]
        project: String,
        /// `merge` keeps rows that the file does not have, `replace` deletes them.
        #[arg(long, default_value = "merge", value_parser = ["merge", "replace"])]
        mode: String,
        /// Only report what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes a project's matrix (CSV) to standard output.
    Export {
        /// The project's id.
        #[arg(long, default_value = "default")]
        project: String,
    },
    /// Asks the running server's `/ready`; exit 0 if it is.
    Healthcheck,
}

/// Runs `rtmx-server` and returns its exit code.
pub fn server_main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whatever this process makes (database, log of the database, socket) is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            let error = Error::new(storage::INTERNAL, "could not start the runtime").with_source(source);
            return fail(&error);
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    let entry = error.code().entry();
    if tracing::enabled!(tracing::Level::ERROR) {
        let causes = error.causes();
        tracing::error!(
            code = entry.id,
            ?causes,
            state = error.state(),
            next = error.next(),
            "{}",
            error.message()
        );
    } else {
        // The configuration, and with it the logger, could not be had.
        let mut lines = format!("error[{}]: {}\n", entry.id, error.message());
        error.causes().iter().for_each(|cause| lines.push_str(&format!("  cause: {cause}\n")));
        lines.push_str(&format!("  next: {}\n", error.next()));
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
    ExitCode::from(entry.exit)
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let drivers = standard_drivers()?;
    let resolved = settings::load(&drivers, arguments.config.as_deref(), &arguments.sets).await?;
    http::init_logging(resolved.settings.log.level, resolved.settings.log.format);
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let settings = Arc::new(resolved.settings);
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(settings).await,
        Command::Migrate { wait, contract } => migrate(&settings, wait, contract).await,
        Command::Import { file, project, mode, dry_run } => {
            let path = format!("/api/v1/projects/{project}/import?mode={mode}&dry_run={dry_run}");
            let request =
                Request::post(path).header("content-type", "text/csv").body(Body::from(read(&file)?));
            print_answer(settings, request).await
        }
        Command::Export { project } => {
            let request = Request::get(format!("/api/v1/projects/{project}/export.csv")).body(Body::empty());
            print_answer(settings, request).await
        }
        Command::Healthcheck => healthcheck(settings.server.listen).await,
    }
}

async fn serve(settings: Arc<Settings>) -> Result<ExitCode> {
    // From here on a signal is a request to shut down, not the end of the process.
    let shutdown = shutdown_signal()?;
    let mut listeners = Listeners::bind(&settings).await?;
    let drivers = standard_drivers()?;
    let opened = http::open_storage(&settings, &drivers).await?;
    listeners.open_admin(&settings.data.dir)?;
    let app = App::new(Arc::clone(&opened.storage), opened.name, Arc::clone(&settings));
    let loopback = listeners.address().is_some_and(|address| address.ip().is_loopback());
    http::prepare(&app, loopback).await?;
    let address = listeners.address().map(|address| address.to_string());
    let metrics = listeners.metrics_address().map(|address| address.to_string());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address, metrics, storage = opened.name, "listening");
    http::serve(app, listeners, shutdown).await?;
    opened.storage.close(&Cx::new()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Completes at the first SIGTERM or SIGINT. The handlers are in place when this returns.
fn shutdown_signal() -> Result<impl Future<Output = ()>> {
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

async fn migrate(settings: &Settings, wait: bool, contract: bool) -> Result<ExitCode> {
    let drivers = standard_drivers()?;
    let plan = if contract { MigrationPlan::ExpandAndContract } else { MigrationPlan::Expand };
    let deadline = Instant::now() + MIGRATE_WAIT_LIMIT;
    loop {
        let attempt = async {
            let opened = http::open_storage(settings, &drivers).await?;
            let cx = Cx::new();
            let report = opened.storage.migrate(&cx, &plan).await;
            opened.storage.close(&cx).await?;
            report
        };
        match attempt.await {
            Ok(report) => {
                tracing::info!(applied = ?report.applied, schema = report.state.version, standing = ?report.state.standing, "migrated");
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) if wait && error.retry() == Retry::Later && Instant::now() < deadline => {
                tracing::info!(code = %error.code(), "waiting: {}", error.message());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn print_answer(
    settings: Arc<Settings>,
    request: std::result::Result<Request<Body>, ::http::Error>,
) -> Result<ExitCode> {
    let request = request.map_err(|error| {
        Error::new(server::BODY_INVALID, "could not make a request of the arguments").with_source(error)
    })?;
    let drivers = standard_drivers()?;
    let api = LocalApi::open(settings, &drivers).await?;
    let answer = api.call(request).await?;
    let succeeded = answer.status().is_success();
    let mut body = answer.into_body().into_data_stream();
    let mut out = std::io::stdout().lock();
    while let Some(chunk) = body.next().await {
        let broken = |source| Error::new(server::NOT_READY, "the answer ended early").with_source(source);
        let chunk = chunk.map_err(|source| broken(std::io::Error::other(source)))?;
        out.write_all(&chunk).map_err(broken)?;
    }
    drop(body);
    api.close().await?;
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let outcome = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut content).map(|_| ())
    } else {
        std::fs::read(file).map(|bytes| content = bytes)
    };
    outcome.map_err(|source| {
        Error::new(server::BODY_INVALID, format!("could not read {}", file.display())).with_source(source)
    })?;
    Ok(content)
}

async fn healthcheck(listen: SocketAddr) -> Result<ExitCode> {
    // A server on every address is asked on this machine's own.
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let (status, body) = http::probe(SocketAddr::new(ip, listen.port()), "/ready").await?;
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::new(server::NOT_READY, format!("the server answers {status}: {body}")))
}
