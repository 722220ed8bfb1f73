//! Counts of requirements, kept in the transaction that changes what they count.

use crate::error::Outcome;
use crate::rows::{priority_numbered, status_numbered};
use crate::session::Session;
use rtmx_core::Body;
use rtmx_storage::columns::{priority_number, status_number};
use rtmx_storage::query::{TallyKey, TallyRow};
use sqlx::Row;
use std::collections::HashMap;

/// What a change set adds to the counts and takes from them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    changes: HashMap<TallyKey, i64>,
}

impl Tally {
    /// Counts a record that is written, if its kind is counted.
    pub(crate) fn add(&mut self, body: &Body) {
        if let Some(key) = TallyKey::of(body) {
            *self.changes.entry(key).or_default() += 1;
        }
    }

    /// Takes away the requirements with these ids as they stand now.
    pub(crate) async fn take_away(&mut self, session: &mut Session, space: i64, ids: &[&str]) -> Outcome<()> {
        let text = "SELECT status::bigint, phase, category, priority::bigint, count(*) FROM requirement \
             WHERE space = $1 AND id = ANY ($2) GROUP BY status, phase, category, priority";
        let statement = session.statement(text).bind(space).bind(ids);
        for row in session.rows(statement).await? {
            let key = TallyKey {
                status: status_numbered(row.try_get(0)?)?,
                phase: row.try_get::<Option<i64>, _>(1)?.and_then(|phase| u32::try_from(phase).ok()),
                category: row.try_get(2)?,
                priority: priority_numbered(row.try_get(3)?)?,
            };
            *self.changes.entry(key).or_default() -= row.try_get::<i64, _>(4)?;
        }
        Ok(())
    }

    /// Writes the counts.
    pub(crate) async fn write(self, session: &mut Session, space: i64) -> Outcome<()> {
        const GIVEN: &str = "unnest($2::smallint[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[]) \
             AS t (status, phase, category, priority, change)";
        let (more, fewer): (Vec<_>, Vec<_>) =
            self.changes.into_iter().filter(|(_, change)| *change != 0).partition(|(_, change)| *change > 0);
        let run = async |session: &mut Session, text: String, counts: Vec<(TallyKey, i64)>| -> Outcome<()> {
            let small = |number: i64| i16::try_from(number).unwrap_or(i16::MAX);
            let column =
                |of: &dyn Fn(&TallyKey) -> i64| counts.iter().map(|(key, _)| of(key)).collect::<Vec<_>>();
            let status: Vec<i16> = column(&|key| status_number(key.status)).into_iter().map(small).collect();
            let priority: Vec<i16> =
                column(&|key| priority_number(key.priority)).into_iter().map(small).collect();
            let phase = column(&|key| key.phase.map_or(-1, i64::from));
            let category: Vec<&str> = counts.iter().map(|(key, _)| key.category.as_str()).collect();
            let change: Vec<i64> = counts.iter().map(|(_, change)| *change).collect();
            let statement = session.composed(text).bind(space).bind(status).bind(phase);
            session.execute(statement.bind(category).bind(priority).bind(change)).await?;
            Ok(())
        };
        if !more.is_empty() {
            let text = format!(
                "INSERT INTO tally (space, status, phase, category, priority, count) \
                 SELECT $1, t.status, t.phase, t.category, t.priority, t.change FROM {GIVEN} \
                 ON CONFLICT (space, status, phase, priority, md5(category)) \
                 DO UPDATE SET count = tally.count + excluded.count"
            );
            run(session, text, more).await?;
        }
        if !fewer.is_empty() {
            let text = format!(
                "UPDATE tally SET count = count + t.change FROM {GIVEN} \
                 WHERE tally.space = $1 AND tally.status = t.status AND tally.phase = t.phase \
                 AND md5(tally.category) = md5(t.category) AND tally.priority = t.priority"
            );
            run(session, text, fewer).await?;
            let clear = "DELETE FROM tally WHERE space = $1 AND count = 0";
            session.execute(session.statement(clear).bind(space)).await?;
        }
        Ok(())
    }
}

/// The counts of a space.
pub(crate) async fn read(session: &mut Session, space: i64) -> Outcome<Vec<TallyRow>> {
    let text = "SELECT status::bigint, phase, category, priority::bigint, count FROM tally WHERE space = $1 \
         ORDER BY status, phase, category, priority";
    let rows = session.rows(session.statement(text).bind(space)).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(TallyRow {
            status: status_numbered(row.try_get(0)?)?,
            phase: u32::try_from(row.try_get::<i64, _>(1)?).ok(),
            category: row.try_get(2)?,
            priority: priority_numbered(row.try_get(3)?)?,
            count: row.try_get::<i64, _>(4)?.cast_unsigned(),
        })
    };
    rows.iter().map(read).collect()
}
