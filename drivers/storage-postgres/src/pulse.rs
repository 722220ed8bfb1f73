//! Whether the server still works on a statement that may take any time.
//!
//! A statement without a limit, such as one of a migration or of a restore, cannot be told by its silence
//! from a connection that leads nowhere. So the server is asked on another connection what the first one
//! does: as long as it works, it is waited for; when it has nothing to do, what it said was lost on the way.

use crate::connect::{Connector, Route};
use crate::error::Outcome;
use crate::session::Session;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How often the server is asked, and how long the answer may take.
const ASK_AFTER: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How often in a row it has to say that it does nothing: an answer may be on its way.
const IDLE_LIMIT: u32 = 2;
/// How long nobody may answer at all. A server without a free connection does not either.
const AWAY_LIMIT: Duration = Duration::from_secs(300);

/// When the server was started: tells two servers behind one name apart.
const STARTED: &str = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

/// The work of one connection, seen from another.
#[derive(Debug)]
pub(crate) struct Pulse {
    connector: Arc<Connector>,
    pid: i32,
    started: i64,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Works,
    /// It waits for us, or is not there any more.
    Idle,
    /// Another server answered, or one that does not say.
    Unknown,
    Nobody,
}

impl Pulse {
    /// That of a session; behind a pooler, of its transaction.
    pub(crate) async fn of(session: &mut Session, connector: Arc<Connector>) -> Outcome<Option<Pulse>> {
        let ask = session.composed(format!("SELECT pg_backend_pid(), {STARTED}"));
        let Some(row) = session.first(ask).await? else { return Ok(None) };
        Ok(Some(Pulse { connector, pid: row.try_get(0)?, started: row.try_get(1)? }))
    }

    /// Completes when the connection leads nowhere, and never while the server works on it.
    pub(crate) async fn lost(&self) {
        let (mut other, mut idle, mut away) = (None, 0, None);
        loop {
            sleep(ASK_AFTER).await;
            match timeout(ANSWER_LIMIT, self.ask(&mut other)).await.unwrap_or(Answer::Nobody) {
                Answer::Works | Answer::Unknown => (idle, away) = (0, None),
                Answer::Idle if idle + 1 == IDLE_LIMIT => return,
                Answer::Idle => (idle, away) = (idle + 1, None),
                Answer::Nobody => {
                    other = None;
                    if away.get_or_insert_with(Instant::now).elapsed() > AWAY_LIMIT {
                        return;
                    }
                }
            }
        }
    }

    async fn ask(&self, other: &mut Option<PgConnection>) -> Answer {
        let conn = match other {
            Some(conn) => conn,
            None => match self.connector.connect(Route::Pooled).await {
                Ok(conn) => other.insert(conn),
                Err(_) => return Answer::Nobody,
            },
        };
        // One message, since a pooler may be between.
        let text = format!(
            "SELECT {STARTED}, count(*), max(state) FROM pg_catalog.pg_stat_activity WHERE pid = {}",
            self.pid
        );
        let row = match sqlx::raw_sql(AssertSqlSafe(text)).fetch_one(conn).await {
            Ok(row) => row,
            Err(sqlx::Error::Database(_)) => return Answer::Unknown,
            Err(_) => return Answer::Nobody,
        };
        match (row.try_get::<i64, _>(0), row.try_get::<i64, _>(1), row.try_get::<Option<String>, _>(2)) {
            (Ok(started), ..) if started != self.started => Answer::Unknown,
            (Ok(_), Ok(0), Ok(_)) => Answer::Idle,
            (Ok(_), Ok(_), Ok(Some(state))) if state.starts_with("idle") => Answer::Idle,
            (Ok(_), Ok(_), Ok(Some(_))) => Answer::Works,
            _ => Answer::Unknown,
        }
    }
}
