//! Running work on a connection: each call in a task of its own, tried again where that is safe.
//!
//! A call whose future is dropped goes on to its end, because a statement that is left half-way leaves
//! a connection that nobody can trust. Only deadlines end work early, and then the connection is closed,
//! not given back. Work that writes can be tried again even when the answer to its COMMIT was lost:
//! the change set's id tells the second try what became of the first.

use crate::connect::Connector;
use crate::error::{Fault, Outcome};
use crate::pool::Pool;
use crate::schema::rights;
use crate::session::Session;
use rtmx_core::{Cx, Error, Result, storage};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a call waits for a database that is not there, if its own deadline is not sooner.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first pause before another try, and the longest.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_LIMIT: Duration = Duration::from_millis(500);
/// How long a kept connection may take to begin a transaction, which waits for nobody: one that is
/// silent for longer leads nowhere, and a new one may not.
const BEGIN_LIMIT: Duration = Duration::from_secs(2);
/// How long the server keeps the locks of a call with a deadline when it hears no more of it: who was
/// cut off in the middle of a write would block its space.
const IDLE_LIMIT: Duration = Duration::from_secs(5);
/// What is acknowledged is on the server's disk: with `synchronous_commit = off`, which may be the default
/// of a server, a database or a role, a crash would take acknowledged writes with it. What an operator
/// set besides, which says whether standbys are waited for, stays.
pub(crate) const ON_DISK: &str = "; SELECT set_config('synchronous_commit', 'on', true) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// Work on a connection that is under way.
pub(crate) type Doing<'c, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'c>>;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything is read from one snapshot.
    Read,
    /// The newest of everything is read and written. Done again, it tells what the first time did.
    Write,
    /// The same, but done again it would take its own work for somebody else's: when the answer to its
    /// `COMMIT` is lost, it is not tried again.
    WriteOnce,
}

/// How far a try came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has no transaction.
    Connecting,
    /// It may hold locks, and nothing is kept of what it did.
    Working,
    /// What it did may be kept.
    Committing,
}

/// Runs work on the connections of a pool.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    connector: Arc<Connector>,
    pool: Pool,
    closed: Arc<AtomicBool>,
}

impl Runner {
    /// Runs work on connections that `connector` opens.
    pub(crate) fn new(connector: Arc<Connector>, pool: Pool) -> Self {
        Runner { connector, pool, closed: Arc::new(AtomicBool::new(false)) }
    }

    /// Who opens the connections.
    pub(crate) fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// How the connections are used.
    pub(crate) fn connections(&self) -> rtmx_storage::Connections {
        self.pool.connections()
    }

    /// Ends all connections as their work ends, and starts none.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.close();
    }

    /// Runs work in a transaction of its own. The work may be run several times, and what it did in
    /// a try that failed is undone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cx: &Cx,
        attempted: &'static str,
        access: Access,
        work: impl for<'c> Fn(&'c mut Session) -> Doing<'c, T> + Send + Sync + 'static,
    ) -> Result<T> {
        let (runner, cx) = (self.clone(), cx.clone());
        let task = tokio::spawn(async move { runner.tries(&cx, attempted, access, &work).await });
        task.await.map_err(|source| {
            Error::new(storage::INTERNAL, "a task of the storage driver `postgres` ended with a panic")
                .with_source(source)
        })?
    }

    async fn tries<T>(
        &self,
        cx: &Cx,
        attempted: &'static str,
        access: Access,
        work: &(impl for<'c> Fn(&'c mut Session) -> Doing<'c, T> + Send + Sync),
    ) -> Result<T> {
        cx.check(Instant::now())?;
        let begun = Instant::now();
        let mut pause = PAUSE;
        let mut unknown = false;
        let mut looked_elsewhere = false;
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(if unknown { self.unknown(attempted) } else { self.closed_error() });
            }
            let mut stage = Stage::Connecting;
            let fault = match self.one(cx, attempted, access, work, &mut stage).await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            unknown |= access != Access::Read && stage == Stage::Committing && fault.is_lost();
            let may_repeat = !(unknown && access == Access::WriteOnce);
            // The server that was the primary may be none any more; another connection finds the one that is.
            let elsewhere = fault.is_read_only() && !std::mem::replace(&mut looked_elsewhere, true);
            let patience = cx.deadline().map_or(begun + PATIENCE, |deadline| deadline.min(begun + PATIENCE));
            if may_repeat && (fault.is_passing() || elsewhere) && Instant::now() + pause < patience {
                tracing::debug!(attempted, fault = %fault, "trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_LIMIT);
                continue;
            }
            // Only work that came to an end of its own, behind the lock, has seen what became of the first try.
            let has_looked = stage == Stage::Working && matches!(fault, Fault::Decided(_));
            return Err(if unknown && !has_looked {
                self.unknown(attempted).with_source(fault)
            } else {
                fault.into_error(attempted, &self.connector.place())
            });
        }
    }

    /// The error of a write of which the caller must not think that it was not done.
    fn unknown(&self, attempted: &str) -> Error {
        let message = format!(
            "could not {attempted} in {}: the connection was lost while the database confirmed it, \
             and whether it was applied is not known",
            self.connector.place()
        );
        Error::new(storage::STORAGE_UNAVAILABLE, message).with("outcome", "unknown")
    }

    /// One try on one connection.
    async fn one<T>(
        &self,
        cx: &Cx,
        attempted: &str,
        access: Access,
        work: &(impl for<'c> Fn(&'c mut Session) -> Doing<'c, T> + Send + Sync),
        stage: &mut Stage,
    ) -> Outcome<T> {
        let deadline = cx.deadline().map(tokio::time::Instant::from_std);
        let mut held = in_time(deadline, self.pool.get(access)).await??;
        let begin = self.begin(access, cx.remaining(Instant::now()));
        // A pooler may let wait whoever begins, until one of its own connections is free.
        let limit = (!self.connector.behind_pooler()).then_some(BEGIN_LIMIT);
        let outcome = in_time(deadline, transaction(held.session(), begin, limit, work, stage)).await;
        match outcome {
            Ok(Ok(done)) => {
                held.give_back();
                Ok(done)
            }
            Ok(Err(fault)) if fault.is_lost() || fault.is_read_only() => {
                // The others that wait in the pool have likely met the same end.
                self.pool.forget_waiting();
                Err(fault)
            }
            Ok(Err(fault)) => {
                let session = held.session();
                session.keep_to_the_limit();
                let mut ended = in_time(deadline, session.script("ROLLBACK".into())).await;
                let fault = match ended {
                    Ok(Ok(())) if fault.lack().is_some() => {
                        let (schema, place) = (self.connector.schema(), self.connector.place());
                        let told = rights::explain(session, schema, &place, attempted, fault);
                        let told = in_time(deadline, told).await;
                        ended = in_time(deadline, session.script("ROLLBACK".into())).await;
                        told.unwrap_or_else(|late| late)
                    }
                    _ => fault,
                };
                // Its transaction is over; if it cannot be ended, neither can the connection be trusted.
                if let Ok(Ok(())) = ended {
                    held.give_back();
                }
                Err(fault)
            }
            Err(late) => Err(late),
        }
    }

    /// The statement that begins a transaction. Behind a pooler a connection has no settings of its own
    /// that would still be there, so they are set for the transaction.
    fn begin(&self, access: Access, left: Option<Duration>) -> String {
        let mut text = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            // Whether it may write is left to the server: an operator may have frozen it, and a standby
            // would refuse the words `READ WRITE` with a code that says something else.
            Access::Write | Access::WriteOnce => "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned(),
        };
        if self.connector.behind_pooler() {
            text.push_str(&format!("; {}", self.connector.transaction_settings()));
        }
        // The server stops a statement that nobody waits for any more.
        if left.is_some() {
            let idle = IDLE_LIMIT.as_millis();
            text.push_str(&format!("; SET LOCAL idle_in_transaction_session_timeout = {idle}"));
        }
        let left = left.map(|left| left.as_millis() + 1_000);
        if let Some(left) = left.filter(|left| *left < self.connector.statement_timeout().as_millis()) {
            text.push_str(&format!("; SET LOCAL statement_timeout = {left}"));
        }
        if access != Access::Read {
            text.push_str(ON_DISK);
        }
        text
    }

    fn closed_error(&self) -> Error {
        Error::new(storage::STORAGE_UNAVAILABLE, format!("{} was closed", self.connector.place()))
    }
}

async fn transaction<T>(
    session: &mut Session,
    begin: String,
    begin_limit: Option<Duration>,
    work: &(impl for<'c> Fn(&'c mut Session) -> Doing<'c, T> + Send + Sync),
    stage: &mut Stage,
) -> Outcome<T> {
    session.keep_to_the_limit();
    let begun = session.script(begin);
    match begin_limit {
        Some(limit) => tokio::time::timeout(limit, begun).await.map_err(|_| Fault::silent())??,
        None => begun.await?,
    }
    *stage = Stage::Working;
    let done = work(session).await?;
    *stage = Stage::Committing;
    session.script("COMMIT".into()).await?;
    Ok(done)
}

/// Fails with [`Fault::Late`] when the deadline comes first.
pub(crate) async fn in_time<T>(
    deadline: Option<tokio::time::Instant>,
    work: impl Future<Output = T>,
) -> std::result::Result<T, Fault> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.map_err(|_| Fault::Late),
        None => Ok(work.await),
    }
}
