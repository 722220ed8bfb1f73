//! The plans that the server has written down, and what is wrong with one.

use crate::questions::Question;
use crate::support::{self, Server};
use serde_json::Value;
use sqlx::PgConnection;
use std::time::{Duration, Instant};

/// The tables that grow.
pub(crate) const LARGE: [&str; 3] = ["requirement", "history", "change_set"];

/// What marks begin with.
const MARK: &str = "here begins question ";

/// What is asked one after the other, with a mark in the server's log ahead of each.
pub(crate) struct Marks {
    admin: PgConnection,
    count: usize,
}

impl Marks {
    /// Nothing is asked yet.
    pub(crate) async fn begin(server: &Server) -> Marks {
        Marks { admin: server.admin().await, count: 0 }
    }

    /// Sets a mark, and says which plans will be those behind it.
    pub(crate) async fn set(&mut self) -> usize {
        let text = sqlx::AssertSqlSafe(format!("SELECT '{MARK}{}'", self.count));
        sqlx::raw_sql(text).execute(&mut self.admin).await.expect("the superuser may");
        self.count += 1;
        self.count - 1
    }

    /// The plans behind each mark.
    pub(crate) async fn plans(mut self, server: &Server) -> Vec<Vec<Value>> {
        // What the server writes later than them tells that they are there.
        let end = format!("{MARK}{}", self.set().await);
        support::close(self.admin).await;
        let begun = Instant::now();
        let mut log = server.postgres.log();
        while !log.contains(&end) && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            log = server.postgres.log();
        }
        let mut plans: Vec<Vec<Value>> = Vec::new();
        for part in log.split(" plan:").skip(1) {
            let mut read = serde_json::Deserializer::from_str(part).into_iter::<Value>();
            let Some(Ok(plan)) = read.next() else { continue };
            if plan["Query Text"].as_str().is_some_and(|text| text.contains(MARK)) {
                plans.push(Vec::new());
            } else if let Some(behind) = plans.last_mut() {
                behind.push(plan);
            }
        }
        assert_eq!(plans.len(), self.count, "every mark is in the log");
        plans
    }
}

/// What is wrong with the plans of a question.
pub(crate) fn faults(question: &Question, name: &str, plans: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    if plans.is_empty() {
        faults.push(format!("{name}: no plan was written down"));
    }
    for plan in plans {
        let text = plan["Query Text"].as_str().unwrap_or_default();
        if !plan["Plan"]["Actual Loops"].is_number() {
            faults.push(format!("{name}: nothing was counted\n  {text}"));
        }
        let mut looked_at = 0.0;
        walk(&plan["Plan"], &mut |node| {
            let kind = node["Node Type"].as_str().unwrap_or_default();
            let table = node["Relation Name"].as_str().unwrap_or_default();
            let is_large = LARGE.contains(&table);
            if (kind == "Seq Scan" && is_large) || (question.ordered && kind.ends_with("Sort")) {
                faults.push(format!("{name}: {kind} {table}\n  {text}"));
            }
            if is_large || kind == "Bitmap Index Scan" {
                looked_at += rows(node);
            }
        });
        if looked_at > question.most as f64 {
            let most = question.most;
            faults.push(format!("{name}: {looked_at} rows were looked at, {most} are enough\n  {text}"));
        }
    }
    faults
}

/// How many rows a node has looked at, those that it left out too.
fn rows(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let each =
        number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    number("Actual Loops") * each
}

/// Every node of a plan.
fn walk(node: &Value, see: &mut impl FnMut(&Value)) {
    see(node);
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, see);
    }
}
