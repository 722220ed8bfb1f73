//! One connection, and how it is spoken to.
//!
//! Behind a pooler in transaction mode a statement that has a name may meet another server
//! connection than the one that knows it, so there every statement is unnamed.

use crate::connect::Connector;
use crate::error::{Fault, Outcome};
use crate::pulse::Pulse;
use futures_util::stream::{self, BoxStream, StreamExt};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor, Postgres, SqlSafeStr};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A statement with its values.
pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Session {
    conn: PgConnection,
    named: bool,
    /// How long an answer may take.
    silence: Duration,
    /// Says instead when there will be none, where an answer may take any time.
    pulse: Option<Pulse>,
}

impl Session {
    /// A connection; `named` if its statements may have names. It is taken for lost when a statement is
    /// not answered within `silence`: the server ends its statements itself, so whoever hears nothing for
    /// longer is cut off from it.
    pub(crate) fn new(conn: PgConnection, named: bool, silence: Duration) -> Self {
        Session { conn, named, silence, pulse: None }
    }

    /// Lets statements take any time from now on, as long as the server works on them. It is asked to
    /// have no limit of its own by the caller.
    pub(crate) async fn take_any_time(&mut self, connector: &Arc<Connector>) -> Outcome<()> {
        self.pulse = Pulse::of(self, Arc::clone(connector)).await?;
        Ok(())
    }

    /// Holds statements to the limit again.
    pub(crate) fn keep_to_the_limit(&mut self) {
        self.pulse = None;
    }

    /// A statement of fixed text, which is planned once.
    pub(crate) fn statement<'q>(&self, text: &'static str) -> Statement<'q> {
        sqlx::query(text).persistent(self.named)
    }

    /// A statement whose text was put together from parts of ours; values are bound, never put in.
    pub(crate) fn composed<'q>(&self, text: String) -> Statement<'q> {
        sqlx::query(AssertSqlSafe(text)).persistent(self.named)
    }

    /// A statement that is planned for its values each time: what is found depends on them so much
    /// that one plan for all of them would be a bad one for many.
    pub(crate) fn planned<'q>(&self, text: String) -> Statement<'q> {
        sqlx::query(AssertSqlSafe(text)).persistent(false)
    }

    /// Runs statements without values.
    pub(crate) async fn script(&mut self, text: String) -> Outcome<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(text).into_sql_str());
        answered(self.silence, self.pulse.as_ref(), self.conn.execute(script)).await??;
        Ok(())
    }

    /// Runs a statement; the number of rows that it touched.
    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Outcome<u64> {
        let done = answered(self.silence, self.pulse.as_ref(), statement.execute(&mut self.conn)).await??;
        Ok(done.rows_affected())
    }

    /// The first row of an answer.
    pub(crate) async fn first(&mut self, statement: Statement<'_>) -> Outcome<Option<PgRow>> {
        Ok(answered(self.silence, self.pulse.as_ref(), statement.fetch_optional(&mut self.conn)).await??)
    }

    /// All rows of an answer.
    pub(crate) async fn rows(&mut self, statement: Statement<'_>) -> Outcome<Vec<PgRow>> {
        Ok(answered(self.silence, self.pulse.as_ref(), statement.fetch_all(&mut self.conn)).await??)
    }

    /// The rows of an answer as they come; each is waited for like an answer.
    pub(crate) fn stream<'s>(&'s mut self, statement: Statement<'s>) -> BoxStream<'s, Outcome<PgRow>> {
        let (silence, pulse) = (self.silence, self.pulse.as_ref());
        let rows = Some(statement.fetch(&mut self.conn));
        let next = move |rows: Option<BoxStream<'s, sqlx::Result<PgRow>>>| async move {
            let mut rows = rows?;
            match answered(silence, pulse, rows.next()).await {
                Ok(Some(row)) => Some((row.map_err(Fault::from), Some(rows))),
                Ok(None) => None,
                // Nothing comes any more.
                Err(fault) => Some((Err(fault), None)),
            }
        };
        stream::unfold(rows, next).boxed()
    }

    /// Ends the connection politely.
    pub(crate) async fn close(self) {
        // It ends either way.
        let _ = sqlx::Connection::close(self.conn).await;
    }
}

async fn answered<T>(limit: Duration, pulse: Option<&Pulse>, answer: impl Future<Output = T>) -> Outcome<T> {
    let Some(pulse) = pulse else {
        return tokio::time::timeout(limit, answer).await.map_err(|_| Fault::silent());
    };
    tokio::select! {
        biased;
        answer = answer => Ok(answer),
        () = pulse.lost() => Err(Fault::silent()),
    }
}
