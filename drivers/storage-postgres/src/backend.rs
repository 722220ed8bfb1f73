//! The storage backend: each call is work in a transaction of its own.

use crate::archive::Onto;
use crate::connect::Connector;
use crate::connect::connector::Server;
use crate::error::Outcome;
use crate::notify::{Bell, CHANNEL};
use crate::pool::Pool;
use crate::run::{Access, Runner, in_time};
use crate::schema::{self, Seen, Steps};
use crate::session::Session;
use crate::settings::PostgresSettings;
use crate::{apply, archive, heads, leases, query};
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Cx, Error, Head, Result, Space, storage};
use rtmx_storage::{
    ArchiveReport, Condition, Feed, FeedPosition, Lease, LeaseRequest, Migration, MigrationPlan,
    MigrationReport, Page, Query, SchemaState, StorageBackend, StorageCapability,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Older servers are served, and said to be of limited support.
const FULLY_TESTED_FROM: u32 = 140_000;

/// An open PostgreSQL database.
#[derive(Debug)]
pub(crate) struct PostgresBackend {
    runner: Runner,
    bell: Arc<Bell>,
    listening: Option<JoinHandle<()>>,
    lock_timeout: Duration,
    /// Whether the schema was one that this version can use when it was looked at last.
    ready: AtomicBool,
    /// The migrations that this version knows.
    known: &'static [Migration],
    /// What else there was to see then.
    seen: Mutex<Seen>,
}

impl PostgresBackend {
    /// Connects once, so that settings that cannot work are told at once.
    pub(crate) async fn open(
        settings: &PostgresSettings,
        known: &'static [Migration],
    ) -> Result<PostgresBackend> {
        let connector = Arc::new(Connector::new(settings)?);
        let pool = Pool::new(Arc::clone(&connector), settings.connections)?;
        let runner = Runner::new(Arc::clone(&connector), pool);
        runner.run(&Cx::new(), "connect", Access::Read, |_| Box::pin(async { Ok(()) })).await?;
        let bell = Bell::new();
        let listening = connector.has_session_route().then(|| bell.listen(connector));
        let lock_timeout = settings.lock_timeout();
        let (ready, seen) = (AtomicBool::new(false), Mutex::default());
        Ok(PostgresBackend { runner, bell, listening, lock_timeout, ready, known, seen })
    }

    /// Fails unless the schema is one that this version can use.
    async fn ready(&self, cx: &Cx) -> Result<()> {
        cx.check(Instant::now())?;
        if self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        schema::check_ready(self.known, &self.log(cx).await?, &self.runner.connector().place())?;
        self.ready.store(true, Ordering::Release);
        Ok(())
    }

    async fn restore_onto(&self, cx: &Cx, from: &Path, onto: Onto) -> Result<ArchiveReport> {
        self.ready(cx).await?;
        let from = from.to_owned();
        let connector = Arc::clone(self.runner.connector());
        let report = self
            .runner
            .run(cx, "restore", Access::WriteOnce, move |session| {
                let (from, connector) = (from.clone(), Arc::clone(&connector));
                Box::pin(async move {
                    let report = archive::restore(session, &connector, &from, onto).await?;
                    tell(session, connector.schema()).await?;
                    Ok(report)
                })
            })
            .await?;
        self.bell.ring();
        Ok(report)
    }

    async fn log(&self, cx: &Cx) -> Result<Vec<rtmx_storage::MigrationLog>> {
        let connector = Arc::clone(self.runner.connector());
        let (log, seen) = self
            .runner
            .run(cx, "read the schema", Access::Read, move |session| {
                let connector = Arc::clone(&connector);
                Box::pin(async move { schema::look(session, connector.schema(), &connector.place()).await })
            })
            .await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(log)
    }
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
        self.runner.close();
    }
}

/// What an operator should know of a server that is served with limited support.
fn limit_of(server: &Server) -> Option<String> {
    (server.version < FULLY_TESTED_FROM).then(|| {
        format!("PostgreSQL {} has limited support: version 14 and newer are recommended", server.release())
    })
}

/// Tells the other servers, when the transaction is committed.
async fn tell(session: &mut Session, schema: &str) -> Outcome<()> {
    let statement = session.statement("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(schema);
    session.execute(statement).await?;
    Ok(())
}

#[async_trait]
impl StorageBackend for PostgresBackend {
    fn capability(&self) -> StorageCapability {
        let mut capability = StorageCapability::NONE;
        capability.multi_node = true;
        capability.durable = true;
        capability.archive = true;
        capability.logs_in = true;
        capability
    }

    fn condition(&self) -> Condition {
        let server = self.runner.connector().server();
        let limited = server.as_ref().and_then(limit_of);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read_only = seen
            .is_read_only
            .then(|| format!("{} only reads: every write is refused", self.runner.connector().place()));
        Condition {
            read_only: seen.is_read_only,
            limited_support: limited.is_some(),
            engine: server.as_ref().map(|server| format!("PostgreSQL {}", server.release())),
            warnings: limited.into_iter().chain(read_only).chain(seen.lacking.clone()).collect(),
            connections: Some(self.runner.connections()),
        }
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.ready(cx).await?;
        let space = space.clone();
        self.runner
            .run(cx, "read the head", Access::Read, move |session| {
                let space = space.clone();
                Box::pin(async move { heads::head(session, &space).await.map(|(_, head)| head) })
            })
            .await
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.ready(cx).await?;
        query.check()?;
        let query = Arc::new(query.clone());
        self.runner
            .run(cx, "answer the query", Access::Read, move |session| {
                let query = Arc::clone(&query);
                Box::pin(async move { query::answer(session, &query).await })
            })
            .await
    }

    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        self.apply_owned(cx, changes.clone()).await
    }

    async fn apply_owned(&self, cx: &Cx, changes: ChangeSet) -> Result<Applied> {
        self.ready(cx).await?;
        changes.check()?;
        let changes = Arc::new(changes);
        let schema = self.runner.connector().schema().to_owned();
        let applied = self
            .runner
            .run(cx, "apply the change set", Access::Write, move |session| {
                let (changes, schema) = (Arc::clone(&changes), schema.clone());
                Box::pin(async move {
                    let applied = apply::apply(session, &changes).await?;
                    tell(session, &schema).await?;
                    Ok(applied)
                })
            })
            .await?;
        self.bell.ring();
        Ok(applied)
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        self.ready(cx).await?;
        let now = Instant::now();
        let until = wait.and_then(|wait| now.checked_add(wait.min(cx.remaining(now).unwrap_or(wait))));
        let mut rings = self.bell.rings();
        let asked = Arc::new((space.clone(), after));
        loop {
            rings.borrow_and_update();
            let asked = Arc::clone(&asked);
            let feed = self
                .runner
                .run(cx, "read the changes", Access::Read, move |session| {
                    let asked = Arc::clone(&asked);
                    Box::pin(async move { query::feed(session, &asked.0, &asked.1, limit).await })
                })
                .await?;
            let Some(until) = until.filter(|until| feed.events.is_empty() && *until > Instant::now()) else {
                return Ok(feed);
            };
            let look_again = until.min(Instant::now() + self.bell.look_again());
            // Whether it rang or the time was over, the feed has the answer.
            let _ = tokio::time::timeout_at(look_again.into(), rings.changed()).await;
        }
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        self.ready(cx).await?;
        let request = Arc::new(request.clone());
        self.runner
            .run(cx, "keep the lease", Access::Write, move |session| {
                let request = Arc::clone(&request);
                Box::pin(async move { leases::call(session, &request).await })
            })
            .await
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        let state = rtmx_storage::standing(self.known, &self.log(cx).await?)?;
        // Another version may have migrated beyond this one since it was looked at first.
        self.ready.store(state.standing.is_ready(), Ordering::Release);
        Ok(state)
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        cx.check(Instant::now())?;
        let mut steps = Steps::new(self.runner.connector(), self.lock_timeout);
        let place = self.runner.connector().place();
        let work = rtmx_storage::migrate(&mut steps, self.known, *plan);
        let in_time = in_time(cx.deadline().map(tokio::time::Instant::from_std), work).await;
        in_time.map_err(|late| late.into_error("migrate", &place))?.map_err(|error| {
            if error.code() != storage::SCHEMA_AHEAD {
                return error;
            }
            Error::new(storage::SCHEMA_AHEAD, format!("could not migrate {place}: {}", error.message()))
        })
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        self.ready(cx).await?;
        let (to, connector) = (to.to_owned(), Arc::clone(self.runner.connector()));
        let made: Arc<OnceLock<ArchiveReport>> = Arc::default();
        let makes = Arc::clone(&made);
        let ended = self
            .runner
            .run(cx, "back up", Access::Read, move |session| {
                let (to, made, connector) = (to.clone(), Arc::clone(&makes), Arc::clone(&connector));
                Box::pin(async move {
                    let report = match made.get() {
                        Some(report) => report.clone(),
                        None => archive::back_up(session, &connector, &to).await?,
                    };
                    Ok(made.get_or_init(|| report).clone())
                })
            })
            .await;
        // The archive is whole and on disk, whatever became of the transaction that only read.
        made.get().cloned().map_or(ended, Ok)
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.restore_onto(cx, from, Onto::Nothing).await
    }

    async fn restore_over(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.restore_onto(cx, from, Onto::Data).await
    }

    async fn log_in_with(&self, settings: serde_json::Value) -> Result<()> {
        let settings = PostgresSettings::from_json(settings)?;
        let connector = Arc::clone(self.runner.connector());
        let taken = tokio::task::spawn_blocking(move || connector.log_in_with(settings));
        taken.await.map_err(|source| {
            Error::new(storage::INTERNAL, "could not read the files of the settings").with_source(source)
        })?
    }

    async fn close(&self, _cx: &Cx) -> Result<()> {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
        self.runner.close();
        self.bell.ring();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_14_have_limited_support() {
        let cases = [
            (120_000, Some("12.0")),
            (120_022, Some("12.22")),
            (130_000, Some("13.0")),
            (130_023, Some("13.23")),
            (140_000, None),
            (140_023, None),
            (180_004, None),
        ];
        for (version, release) in cases {
            let told = limit_of(&Server { version, host: "db:5432".into() });
            let wanted = release.map(|release| format!("PostgreSQL {release} has limited support"));
            let begins = told.as_deref().map(|told| told.split(':').next().unwrap_or_default().to_owned());
            assert_eq!(begins, wanted, "{version}");
        }
    }
}
