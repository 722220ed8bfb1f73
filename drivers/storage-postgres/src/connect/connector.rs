//! Trying the hosts until one will do.
//!
//! The order, the passes and when to give up are libpq's: the hosts one after the other, each within
//! its own time; a server that refuses the user or the database ends the search, since the others
//! would say the same. What is here and not in libpq: every connection reads its secrets anew, the URL
//! too where it is in a file, and a server that is too old is refused before anything is asked of it.

use super::addresses::Addresses;
use super::hosts::Host;
use super::options::{Startup, options};
use super::refusal::{At, Failure, OLDEST_VERSION, Refusal, explain, tls_error, together};
use super::secrets::Secrets;
use super::session::{Session, Standing};
use super::{Address, Order, Password, invalid};
use crate::settings::PostgresSettings;
use rtmx_core::{Error, Result, Retry, storage};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions, PgSslMode};
use sqlx::{Connection, Row};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How much longer than the server works on a statement its answer may take.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// Which way a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// For reading and writing; may lead through a pooler.
    Pooled,
    /// For what lives as long as its session, such as advisory locks and `LISTEN`: never through a
    /// pooler.
    Session,
}

/// A server that a connection was made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// `server_version_num`, such as 180004; a pooler passes on that of its server.
    pub(crate) version: u32,
    /// The host with its port, or the socket.
    pub(crate) host: String,
}

impl Server {
    /// The version as people write it, such as `18.4`.
    pub(crate) fn release(&self) -> String {
        format!("{}.{}", self.version / 10_000, self.version % 10_000)
    }
}

/// What opens connections.
#[derive(Debug)]
pub(crate) struct Connector {
    settings: Mutex<Arc<PostgresSettings>>,
    addresses: Mutex<Arc<Addresses>>,
    startup: Startup,
    is_pooled: bool,
    server: Mutex<Option<Server>>,
}

impl Connector {
    /// Checks the settings, their files and the environment. Blocks while it reads the files.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`.
    pub(crate) fn new(settings: &PostgresSettings) -> Result<Self> {
        Ok(Connector {
            addresses: Mutex::new(Arc::new(Addresses::read(settings)?)),
            startup: Startup {
                schema: settings.schema.clone(),
                statement_timeout_ms: settings.statement_timeout_ms,
            },
            is_pooled: settings.pooler,
            server: Mutex::new(None),
            settings: Mutex::new(Arc::new(settings.clone())),
        })
    }

    /// Uses what these settings say for connections from now on. Blocks while it reads the files.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`; everything is as it was.
    pub(crate) fn log_in_with(&self, settings: PostgresSettings) -> Result<()> {
        let addresses = Arc::new(Addresses::read(&settings)?);
        if addresses.address.place() != self.known().address.place() {
            return Err(invalid("the settings name another database than the one that is open"));
        }
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        Ok(())
    }

    fn settings(&self) -> Arc<PostgresSettings> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the settings led when they were read last.
    fn known(&self) -> Arc<Addresses> {
        Arc::clone(&self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the settings lead now, and what the files of the way hold. Blocks.
    fn read(
        known: Arc<Addresses>,
        settings: &PostgresSettings,
        choose: impl Fn(&Addresses) -> Result<Address>,
    ) -> Result<(Arc<Addresses>, Address, Secrets)> {
        let addresses = if known.are_old() { Arc::new(Addresses::read(settings)?) } else { known };
        let address = choose(&addresses)?;
        let secrets = Secrets::read(&address)?;
        Ok((addresses, address, secrets))
    }

    /// Opens a connection.
    ///
    /// Takes up to `connect_timeout` for each host. Safe to drop at any time.
    ///
    /// # Errors
    ///
    /// `storage_unavailable` (retry) for what may pass by itself, `storage_denied`,
    /// `storage_unsupported` for a server that is too old, `storage_settings_invalid` for the rest.
    pub(crate) async fn connect(&self, route: Route) -> Result<PgConnection> {
        Ok(self.reach(route).await?.0)
    }

    /// Opens a connection; and the options that it was opened with.
    async fn reach(&self, route: Route) -> Result<(PgConnection, PgConnectOptions)> {
        let (known, settings, is_pooled) = (self.known(), self.settings(), self.is_pooled);
        let read = tokio::task::spawn_blocking(move || {
            Self::read(known, &settings, |addresses| way(addresses, is_pooled, route).cloned())
        });
        let (addresses, address, secrets) = read.await.map_err(|source| {
            Error::new(storage::INTERNAL, "could not read the files of the settings").with_source(source)
        })??;
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        let address = &address;
        // A pooler is told nothing when a connection starts.
        let startup = (!self.is_pooled || route == Route::Session).then_some(&self.startup);
        let mut refusals: Vec<Refusal> = Vec::new();
        for wanted in address.session.passes() {
            refusals.clear();
            for host in ordered(address) {
                let has_password = secrets.password(address, host).is_some();
                let at = At { host, database: &address.database, user: &address.user, has_password };
                let attempt = attempt(address, host, &secrets, startup, *wanted);
                let outcome = match timeout(address.connect_timeout, attempt).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(Failure::TimedOut(address.connect_timeout)),
                };
                match outcome {
                    Ok((connection, options, version)) => {
                        let server = Server { version, host: host.to_string() };
                        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
                        return Ok((connection, options));
                    }
                    Err(failure) => refusals.push(explain(failure, &at)),
                }
                if let Some(last) = refusals.pop_if(|refusal| refusal.is_final) {
                    return Err(self.may_be_rotating(address, last.error));
                }
            }
        }
        Err(together(address, refusals))
    }

    /// A connection of its own that hears what others tell, not listening to anything yet.
    ///
    /// # Errors
    ///
    /// Those of [`Connector::connect`].
    pub(crate) async fn listener(&self) -> Result<PgListener> {
        let (connection, options) = self.reach(Route::Session).await?;
        // It ends either way.
        let _ = timeout(SILENCE_LIMIT, connection.close()).await;
        let alone = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let alone = alone.acquire_timeout(SILENCE_LIMIT).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&alone).await.map_err(|error| self.lost(error))?;
        listener.eager_reconnect(false);
        Ok(listener)
    }

    /// The error of a connection that ended while it was used.
    pub(crate) fn lost(&self, error: sqlx::Error) -> Error {
        Error::new(storage::STORAGE_UNAVAILABLE, format!("the connection to {} was lost", self.place()))
            .with_source(error)
    }

    /// What the last connection led to.
    pub(crate) fn server(&self) -> Option<Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The database and its hosts, such as ``database `rtmx` on `db.internal:5432` ``.
    pub(crate) fn place(&self) -> String {
        self.known().address.place()
    }

    /// The schema that holds the tables.
    pub(crate) fn schema(&self) -> &str {
        &self.startup.schema
    }

    /// Whether [`Route::Pooled`] leads through a pooler in transaction mode.
    pub(crate) fn behind_pooler(&self) -> bool {
        self.is_pooled
    }

    /// Whether [`Route::Session`] can be taken.
    pub(crate) fn has_session_route(&self) -> bool {
        !self.is_pooled || self.known().direct.is_some()
    }

    /// How long a statement may take, by default.
    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.startup.statement_timeout_ms)
    }

    /// How long an answer may take: a while longer than the server works on a statement.
    pub(crate) fn silence_limit(&self) -> Duration {
        self.statement_timeout() + SILENCE_LIMIT
    }

    /// Statements that give a transaction what a session of its own is told when it starts.
    pub(crate) fn transaction_settings(&self) -> String {
        self.startup.for_a_transaction()
    }

    /// A refused password may be right in a moment while somebody rotates it.
    fn may_be_rotating(&self, address: &Address, error: Error) -> Error {
        let in_file = matches!(address.password, Password::File(_) | Password::Passfile(_));
        if (in_file || self.known().are_from_files()) && error.code() == storage::STORAGE_DENIED {
            return error.with_retry(Retry::Later);
        }
        error
    }
}

/// The address of a route.
fn way(addresses: &Addresses, is_pooled: bool, route: Route) -> Result<&Address> {
    match (route, &addresses.direct) {
        _ if !is_pooled => Ok(&addresses.address),
        (Route::Pooled, _) => Ok(&addresses.address),
        (Route::Session, Some(direct)) => Ok(direct),
        (Route::Session, None) => Err(invalid("this needs a connection of its own, and `pooler` is set")
            .with_next("Set `direct_url` to the server behind the pooler.")),
    }
}

/// The hosts in the order in which they are tried now.
fn ordered(address: &Address) -> Vec<&Host> {
    let mut hosts: Vec<&Host> = address.hosts.iter().collect();
    if address.order == Order::Random {
        for last in (1..hosts.len()).rev() {
            // Without randomness the order of the list is as good as any.
            let drawn = getrandom::u64().unwrap_or(last as u64) % (last as u64 + 1);
            hosts.swap(last, usize::try_from(drawn).unwrap_or(last));
        }
    }
    hosts
}

async fn attempt(
    address: &Address,
    host: &Host,
    secrets: &Secrets,
    startup: Option<&Startup>,
    wanted: Session,
) -> Result<(PgConnection, PgConnectOptions, u32), Failure> {
    if !host.is_socket() {
        // sqlx resolves again; asking first is what tells a wrong name from a server that is down.
        let mut found =
            tokio::net::lookup_host((host.name.as_str(), host.port)).await.map_err(Failure::Resolve)?;
        found.next().ok_or_else(|| Failure::Resolve(std::io::Error::other("the name has no addresses")))?;
    }
    let (mut connection, options) = open(address, host, secrets, startup).await.map_err(Failure::Sqlx)?;
    let version = match connection.server_version_num() {
        Some(version) => version,
        None => {
            let silent = sqlx::Error::Protocol("the server did not tell its version".into());
            return Err(Failure::Sqlx(silent));
        }
    };
    if version < OLDEST_VERSION {
        let _ = connection.close().await;
        return Err(Failure::TooOld(version));
    }
    if wanted != Session::Any {
        let found = standing(&mut connection).await.map_err(Failure::Sqlx)?;
        if !wanted.accepts(found) {
            let _ = connection.close().await;
            return Err(Failure::Other { wanted, found });
        }
    }
    Ok((connection, options, version))
}

/// Opens with TLS, without, or with one after the other, as `sslmode` has it.
async fn open(
    address: &Address,
    host: &Host,
    secrets: &Secrets,
    startup: Option<&Startup>,
) -> sqlx::Result<(PgConnection, PgConnectOptions)> {
    let attempts = address.trust.attempts(host);
    let mut before: Option<sqlx::Error> = None;
    for (number, mode) in (1..).zip(attempts) {
        let options = options(address, host, *mode, secrets, startup);
        let error = match PgConnection::connect_with(&options).await {
            Ok(connection) => return Ok((connection, options)),
            Err(error) => error,
        };
        if number == attempts.len() || !may_be_about_encryption(&error) {
            // Of two refusals the first is about what most people have; a second one that only says
            // that there is no TLS adds nothing.
            return Err(match before {
                Some(first) if matches!(mode, PgSslMode::Require) && matches!(error, sqlx::Error::Tls(_)) => {
                    first
                }
                _ => error,
            });
        }
        before = Some(error);
    }
    Err(before.unwrap_or(sqlx::Error::WorkerCrashed))
}

/// Whether the same server may agree when encryption is switched on or off.
fn may_be_about_encryption(error: &sqlx::Error) -> bool {
    match error {
        // PostgreSQL refuses so for want of an entry in `pg_hba.conf`, PgBouncer with the second.
        sqlx::Error::Database(said) => matches!(said.code().as_deref(), Some("28000" | "08P01")),
        sqlx::Error::Tls(_) => true,
        error => tls_error(error).is_some(),
    }
}

/// Asks what the server is. With the simple protocol, since a pooler may be between.
async fn standing(connection: &mut PgConnection) -> sqlx::Result<Standing> {
    let question = "SELECT pg_catalog.pg_is_in_recovery(), \
                    pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool";
    let row = sqlx::raw_sql(question).fetch_one(connection).await?;
    Ok(Standing { is_standby: row.try_get(0)?, is_read_only: row.try_get(1)? })
}

#[cfg(test)]
mod tests;
