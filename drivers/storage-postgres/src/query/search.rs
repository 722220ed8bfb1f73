//! How a search is gone about, which depends on how much it finds.
//!
//! PostgreSQL cannot know how many requirements hold a term that begins with some letters, and guesses.
//! A guess too high makes it look through a whole project for three hits. So the search index is asked
//! first, for a few more hits than are few, and what follows is planned by what it said.

use super::text::{Text, Value};
use crate::error::Outcome;
use crate::session::Session;
use sqlx::Row;

/// Up to so many hits they are found first and then sorted; beyond, the rows come in their order from
/// an index and are looked at one by one, so that a page of them is soon full.
const FEW_HITS: usize = 1_000;

/// What is known of a search.
#[derive(Debug)]
pub(super) enum Search {
    /// These are all ids that it finds.
    Few(Vec<String>),
    /// It finds more than a few.
    Many { expression: String },
}

impl Search {
    /// Asks the search index. Plans are those of [`plan_for_hits`] afterwards.
    pub(super) async fn of(session: &mut Session, space: i64, expression: String) -> Outcome<Search> {
        plan_for_hits(session).await?;
        let mut text = Text::default();
        text.push("SELECT id FROM requirement WHERE space = ");
        text.bind(Value::Integer(space));
        text.push(" AND search @@ ");
        text.bind(Value::Text(expression.clone()));
        text.push(&format!("::text::tsquery LIMIT {}", FEW_HITS + 1));
        let found = session.rows(text.planned(session)).await?;
        if found.len() > FEW_HITS {
            return Ok(Search::Many { expression });
        }
        plan_as_usual(session).await?;
        Ok(Search::Few(found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?))
    }

    /// Adds ` AND ...` with the condition.
    pub(super) fn push(&self, text: &mut Text) {
        match self {
            Search::Few(ids) => {
                text.push(" AND id = ANY (");
                text.bind(Value::Texts(ids.clone()));
                text.push(")");
            }
            Search::Many { expression } => {
                text.push(" AND search @@ ");
                text.bind(Value::Text(expression.clone()));
                text.push("::text::tsquery");
            }
        }
    }
}

/// Plans that begin with the hits, until the transaction ends.
async fn plan_for_hits(session: &mut Session) -> Outcome<()> {
    let off = ["enable_seqscan", "enable_indexscan", "enable_indexonlyscan"];
    session.script(off.map(|name| format!("SET LOCAL {name} = off")).join("; ")).await
}

/// Plans that begin with the order and look at each row, until the transaction ends.
pub(super) async fn plan_for_order(session: &mut Session) -> Outcome<()> {
    let text = "SET LOCAL enable_indexscan = on; SET LOCAL enable_bitmapscan = off";
    session.script(text.to_owned()).await
}

/// Plans as they are without this.
async fn plan_as_usual(session: &mut Session) -> Outcome<()> {
    let on = ["enable_seqscan", "enable_indexscan", "enable_indexonlyscan"];
    session.script(on.map(|name| format!("SET LOCAL {name} = on")).join("; ")).await
}
