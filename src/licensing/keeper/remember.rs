//! What a look begins with, and what it leaves behind.

use super::Keeper;
use crate::licensing::store::{self, Stored};
use rtmx_core::{Cx, Error, Result, Secret, storage};
use rtmx_license::{Checked, Facts, Memory, Readings};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// How often the memory is written to the database when nothing but the clock moved.
const CLOCK_INTERVAL: Duration = Duration::from_secs(3600);

impl Keeper {
    pub(super) fn facts(&self, stored: &Stored) -> Result<Facts> {
        let mut facts = Facts::new(self.app.clock.now(), stored.key.clone());
        facts.elapsed = self.checked_at.map_or(Duration::ZERO, |at| at.elapsed());
        facts.memory.clone_from(&stored.memory);
        // Whatever is installed was in force when it was.
        facts.kept = stored.installed.as_ref().map(Secret::expose).cloned();
        let settings = self.app.settings();
        let set = &settings.license;
        let readings = match &stored.made_up {
            None => Readings::default().with_installation(&stored.key.public()),
            Some(_) => Readings::default().without_installation("its key cannot be read or kept"),
        };
        let readings = readings.with_cluster(set.cluster_id.as_deref());
        facts.readings = readings.with_host(Path::new("/"), set.machine_id.as_deref());
        facts.version = env!("CARGO_PKG_VERSION").to_owned();
        getrandom::fill(&mut facts.random).map_err(|error| {
            Error::new(storage::INTERNAL, format!("the system has no randomness: {error}"))
        })?;
        Ok(facts)
    }

    pub(super) async fn remember(&mut self, cx: &Cx, stored: &Stored, checked: &Checked) -> Result<()> {
        let key = stored.own_key()?;
        if stored.memory.iter().all(|copy| *copy == checked.sealed) && stored.memory.len() == 2 {
            return Ok(());
        }
        let in_database = stored.memory_at.and_then(|_| stored.memory.first());
        let before = in_database.and_then(|copy| Memory::open(copy, key).ok());
        let is_news = !before.is_some_and(|before| before.differs_in_time_alone(&checked.memory));
        let is_due = self.remembered_at.is_some_and(|at| at.elapsed() >= CLOCK_INTERVAL);
        let database = (is_news || is_due).then_some(stored.memory_at);
        if database.is_some() || self.remembered_at.is_none() {
            self.remembered_at = Some(Instant::now());
        }
        store::remember(&self.app, cx, key, &checked.sealed, self.is_server, database).await
    }
}
