//! The command line of `rtmx-server`.

use crate::healthcheck::healthcheck;
use crate::http::{self, ApiClient, App, Awaited, Listeners};
use crate::licensing::{self, Licensing};
use crate::reload::Reloader;
#[cfg(feature = "ctl")]
use crate::remote::{self, BackupArgs, Remote};
use crate::secrets::{self, SecretsCommand};
use crate::settings::{Places, Sources};
use crate::{Drivers, standard_drivers};
use ::http::Request;
use axum::body::Body;
use clap::{Parser, Subcommand};
use futures_util::StreamExt;
use rtmx_config::{Resolved, Settings, Strictness};
use rtmx_core::{Cx, Error, Result, server, storage};
use rtmx_storage::{MigrationPlan, StorageBackend};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// How long `migrate --wait` waits for the database and for the lock.
const MIGRATE_WAIT_LIMIT: Duration = Duration::from_secs(600);
/// How often it says that it still waits.
const MIGRATE_WAIT_REMIND: Duration = Duration::from_secs(15);
/// When the server listens at the latest, where its database is a server of its own.
const LISTEN_AFTER: Duration = Duration::from_secs(2);
/// How long what ends with the server may take.
const END_LIMIT: Duration = Duration::from_secs(2);

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
    /// A folder of mounted secrets, each file one value; instead of /etc/rtmx/secrets.d.
    #[arg(long, global = true, value_name = "DIR", env = "RTMX_SECRETS_DIR")]
    secrets_dir: Option<PathBuf>,
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
        /// Wait for the database, and for another process's migration to end, up to 10 minutes.
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
    /// Makes a backup of the database, whether a server runs or not, and keeps the newest ones.
    #[cfg(feature = "ctl")]
    #[command(after_help = "Example:\n  rtmx-server backup --to /backups --keep 7")]
    Backup(BackupArgs),
    /// Writes to a running server and reads it back; needs no configuration.
    #[cfg(feature = "ctl")]
    #[command(
        after_help = "Example:\n  rtmx-server selftest --url http://rtmx:8080 --token-file /run/secrets/token"
    )]
    Selftest(Remote),
    /// Makes the secrets that an installation lacks; needs no configuration.
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
}

/// Runs `rtmx-server` with the drivers of this build, and returns its exit code.
pub fn server_main() -> ExitCode {
    server_main_with(standard_drivers)
}

/// Runs `rtmx-server` with drivers of the caller's choice: for a server with a driver of one's own.
pub fn server_main_with(drivers: fn() -> Result<Drivers>) -> ExitCode {
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
    match runtime.block_on(run(arguments, drivers)) {
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

async fn run(arguments: Arguments, drivers: fn() -> Result<Drivers>) -> Result<ExitCode> {
    match &arguments.command {
        Some(Command::Secrets { command }) => return secrets::run(command).await,
        #[cfg(feature = "ctl")]
        Some(Command::Selftest(remote)) => return remote::selftest(remote).await,
        _ => {}
    }
    let drivers = drivers()?;
    let places = Places {
        file: arguments.config.as_deref(),
        secrets: arguments.secrets_dir.as_deref().filter(|dir| !dir.as_os_str().is_empty()),
    };
    let sources = Sources::open(&drivers, places, &arguments.sets).await?;
    let resolved = sources.load(&drivers, Strictness::Start).await?;
    http::init_logging(resolved.settings.log.level, resolved.settings.log.format);
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let command = arguments.command.unwrap_or(Command::Serve);
    if let Command::Serve = command {
        return serve(sources, drivers, resolved).await;
    }
    let settings = Arc::new(resolved.settings);
    match command {
        Command::Serve | Command::Secrets { .. } => unreachable!("it was run above"),
        #[cfg(feature = "ctl")]
        Command::Selftest(_) => unreachable!("it was run above"),
        #[cfg(feature = "ctl")]
        Command::Backup(args) => remote::backup(settings, &drivers, &args).await,
        Command::Migrate { wait, contract } => migrate(&settings, &drivers, wait, contract).await,
        Command::Import { file, project, mode, dry_run } => {
            let path = format!("/api/v1/projects/{project}/import?mode={mode}&dry_run={dry_run}");
            let request =
                Request::post(path).header("content-type", "text/csv").body(Body::from(read(&file)?));
            print_answer(settings, &drivers, request).await
        }
        Command::Export { project } => {
            let request = Request::get(format!("/api/v1/projects/{project}/export.csv")).body(Body::empty());
            print_answer(settings, &drivers, request).await
        }
        Command::Healthcheck => healthcheck(&settings).await,
    }
}

async fn serve(sources: Sources, drivers: Drivers, resolved: Resolved) -> Result<ExitCode> {
    // From here on a signal is a request to shut down, or to read the configuration again, and not the end
    // of the process.
    let shutdown = shutdown_signal()?;
    let settings = Arc::new(resolved.settings.clone());
    let drivers = Arc::new(drivers);
    let reloader = Reloader::new(sources, Arc::clone(&drivers), resolved)?;
    http::raise_open_files(settings.server.connections);
    let mut listeners = Listeners::bind(&settings).await?;
    let loopback = listeners.address().is_some_and(|address| address.ip().is_loopback());
    if let Some(awaited) = Awaited::of(&settings, &drivers)? {
        let licensing = Licensing::open(&settings, &drivers).await;
        return serve_awaited(&settings, listeners, awaited, licensing, reloader, loopback, shutdown).await;
    }
    let opened = http::open_storage(&settings, &drivers).await?;
    listeners.open_admin(&settings.data.dir)?;
    let licensing = Licensing::open(&settings, &drivers).await;
    let app = App::new(Arc::clone(&opened.storage), opened.name, Arc::clone(&settings));
    let app = app.with_licensing(licensing);
    http::prepare(&app, loopback).await?;
    let keepers = keep(&app, reloader, &listeners);
    tell_listening(&listeners, opened.name, Standing::Prepared);
    http::serve(app, listeners, shutdown).await?;
    end(keepers).await;
    opened.storage.close(&Cx::new()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Looks after license and configuration in the background, for as long as the server runs.
fn keep(app: &App, reloader: Reloader, listeners: &Listeners) -> JoinSet<()> {
    let mut keepers = JoinSet::new();
    keepers.spawn(licensing::keep(app.clone()));
    keepers.spawn(reloader.run(app.clone(), listeners.certificate()));
    keepers
}

/// Waits for what ends with the server, for a moment.
async fn end(mut tasks: JoinSet<()>) {
    // Whatever they had to give back ends by itself.
    let _ = tokio::time::timeout(END_LIMIT, async { while tasks.join_next().await.is_some() {} }).await;
    tasks.shutdown().await;
}

/// Whether the database was there when the server began to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Prepared,
    Awaited,
}

fn tell_listening(listeners: &Listeners, storage: &str, standing: Standing) {
    let address = listeners.address().map(|address| address.to_string());
    let metrics = listeners.metrics_address().map(|address| address.to_string());
    let redirect = listeners.redirect_address().map(|address| address.to_string());
    let tls = listeners.certificate().is_some();
    let waiting = standing == Standing::Awaited;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address,
        tls,
        redirect,
        metrics,
        storage,
        waiting,
        "listening"
    );
}

/// Serves whether the database is there or not, and becomes ready when it is.
async fn serve_awaited(
    settings: &Arc<Settings>,
    mut listeners: Listeners,
    awaited: Arc<Awaited>,
    licensing: Licensing,
    reloader: Reloader,
    loopback: bool,
    shutdown: impl Future<Output = ()>,
) -> Result<ExitCode> {
    http::ensure_folder(&settings.data.dir)?;
    http::refuse_second(&settings.data.dir).await?;
    listeners.open_admin(&settings.data.dir)?;
    let storage: Arc<dyn StorageBackend> = Arc::<Awaited>::clone(&awaited);
    let app = App::new(storage, awaited.engine(), Arc::clone(settings)).with_licensing(licensing);
    let keepers = keep(&app, reloader, &listeners);
    let mut preparing = JoinSet::new();
    preparing.spawn({
        let (awaited, app) = (Arc::clone(&awaited), app.clone());
        async move { awaited.prepare(&app, loopback).await }
    });
    tokio::pin!(shutdown);
    let standing = tokio::select! {
        outcome = preparing.join_next() => {
            prepared(outcome)?;
            Standing::Prepared
        }
        () = tokio::time::sleep(LISTEN_AFTER) => Standing::Awaited,
        () = &mut shutdown => return Ok(ExitCode::SUCCESS),
    };
    tell_listening(&listeners, awaited.engine(), standing);
    let mut failed = Ok(());
    let ended = async {
        loop {
            tokio::select! {
                Some(outcome) = preparing.join_next() => {
                    failed = prepared(Some(outcome));
                    if failed.is_err() {
                        return;
                    }
                }
                () = &mut shutdown => return,
            }
        }
    };
    http::serve(app, listeners, ended).await?;
    preparing.shutdown().await;
    end(keepers).await;
    awaited.close(&Cx::new()).await?;
    failed.map(|()| ExitCode::SUCCESS)
}

/// What the task that prepares the storage came to.
fn prepared(outcome: Option<std::result::Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    let failed = |source| Error::new(storage::INTERNAL, "the start ended early").with_source(source);
    outcome.map_or(Ok(Ok(())), |outcome| outcome.map_err(failed)).flatten()
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

async fn migrate(settings: &Settings, drivers: &Drivers, wait: bool, contract: bool) -> Result<ExitCode> {
    let plan = if contract { MigrationPlan::ExpandAndContract } else { MigrationPlan::Expand };
    let deadline = Instant::now() + MIGRATE_WAIT_LIMIT;
    let mut told: Option<Instant> = None;
    loop {
        let attempt = async {
            let opened = http::open_storage(settings, drivers).await?;
            let cx = Cx::new();
            let report = opened.storage.migrate(&cx, &plan).await;
            let warnings = opened.storage.condition().warnings;
            opened.storage.close(&cx).await?;
            report.map(|report| (report, warnings))
        };
        match attempt.await {
            Ok((report, warnings)) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(applied = ?report.applied, schema = report.state.version, standing = ?report.state.standing, "migrated");
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) if wait && http::passes(&error) && Instant::now() < deadline => {
                if told.is_none_or(|told| told.elapsed() >= MIGRATE_WAIT_REMIND) {
                    let causes = error.causes();
                    tracing::warn!(code = %error.code(), ?causes, next = error.next(), "waiting: {}", error.message());
                    told = Some(Instant::now());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn print_answer(
    settings: Arc<Settings>,
    drivers: &Drivers,
    request: std::result::Result<Request<Body>, ::http::Error>,
) -> Result<ExitCode> {
    let request = request.map_err(|error| {
        Error::new(server::BODY_INVALID, "could not make a request of the arguments").with_source(error)
    })?;
    let api = ApiClient::open(settings, drivers).await?;
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
