//! Limits, where something is made: the only place that refuses for a license's sake.

use super::{Licensing, nodes};
use crate::http::App;
use rtmx_core::{Body, ChangeSet, Cx, Error, Expect, Kind, Result, Space, Timestamp};
use rtmx_license::{Limit, Refusal};
use rtmx_storage::query::{Items, RecordQuery};
use rtmx_storage::{Query, StorageBackend};
use std::collections::BTreeMap;
use std::time::Instant;

const PROJECTS: &str = "max_tenants";
const USERS: &str = "max_users_per_tenant";
const REQUIREMENTS: &str = "max_documents";
const NODES: &str = "max_nodes";
/// Below this part of a limit, what the last check counted is near enough.
const CERTAIN: (u64, u64) = (9, 10);

impl Licensing {
    /// Whether a change set finds room: what it makes is counted, and nothing else of it is looked at.
    ///
    /// Two writers at the same moment may go past a limit together; what is there stays.
    ///
    /// # Errors
    ///
    /// `license_limit_reached`; those of the storage.
    pub(crate) async fn admit(&self, app: &App, cx: &Cx, changes: &ChangeSet) -> Result<()> {
        let makes = |kind: Kind| {
            let new = changes.changes.iter().filter(|change| {
                change.key.kind == kind && change.expect == Expect::Absent && change.put.is_some()
            });
            new.count() as u64
        };
        let (projects, requirements) = (makes(Kind::Project), makes(Kind::Requirement));
        let tokens = changes.changes.iter().filter_map(|change| match (&change.put, change.expect) {
            (Some(Body::Token(token)), Expect::Absent) => Some(token.project.clone()),
            _ => None,
        });
        let tokens: Vec<Option<String>> = tokens.collect();
        if projects == 0 && requirements == 0 && tokens.is_empty() {
            return Ok(());
        }
        let allowed = self.entitlements();
        let nodes = allowed.limit(NODES);
        let seat = **self.seat.load();
        if let (false, Limit::AtMost(most)) = (seat.is_served(nodes, Instant::now()), nodes) {
            let used = seat.number.unwrap_or_default() + 1;
            let (limit, noun) = (NODES.to_owned(), "live servers".to_owned());
            let error = Error::from(Refusal::LimitReached { limit, noun, allowed: most, used });
            return Err(
                error.with_state("this server answers and changes what is there, and makes nothing new")
            );
        }
        if projects > 0 && allowed.limit(PROJECTS) != Limit::Unlimited {
            let used = count(&*app.storage, cx, Kind::Project).await?;
            allowed.require_room(PROJECTS, used, projects)?;
        }
        if requirements > 0
            && let Limit::AtMost(most) = allowed.limit(REQUIREMENTS)
        {
            let known = self.known().used.get(REQUIREMENTS).copied();
            let near = most / CERTAIN.1 * CERTAIN.0;
            if known.is_none_or(|known| known.saturating_add(requirements) > near) {
                allowed.require_room(
                    REQUIREMENTS,
                    count_requirements(&*app.storage, cx).await?,
                    requirements,
                )?;
            }
        }
        for project in tokens {
            if allowed.limit(USERS) != Limit::Unlimited {
                let used = count_tokens(&*app.storage, cx, project.as_deref(), app.clock.now()).await?;
                allowed.require_room(USERS, used, 1)?;
            }
        }
        Ok(())
    }
}

/// What is in use, by the name of its limit; of a limit that each project has, where most is.
pub(super) async fn counts(app: &App, cx: &Cx) -> Result<BTreeMap<String, u64>> {
    let storage = &*app.storage;
    let counts = [
        (PROJECTS, count(storage, cx, Kind::Project).await?),
        (REQUIREMENTS, count_requirements(storage, cx).await?),
        (USERS, count_tokens(storage, cx, None, app.clock.now()).await?),
        (NODES, nodes::live(app, cx, **app.licensing.seat.load()).await?),
    ];
    Ok(counts.map(|(name, count)| (name.to_owned(), count)).into())
}

async fn count(storage: &dyn StorageBackend, cx: &Cx, kind: Kind) -> Result<u64> {
    let query = RecordQuery { limit: 1, count: true, ..RecordQuery::all(Space::System, kind) };
    Ok(storage.fetch(cx, &Query::Records(query)).await?.total.unwrap_or_default())
}

/// Requirements in all projects; the counts are kept by the engine.
async fn count_requirements(storage: &dyn StorageBackend, cx: &Cx) -> Result<u64> {
    let mut sum = 0;
    let mut query = RecordQuery::all(Space::System, Kind::Project);
    loop {
        let mut page = storage.fetch(cx, &Query::Records(query.clone())).await?;
        query.cursor = page.next.take();
        for project in page.into_records() {
            let tally = Query::Tally { space: Space::Project(project.id) };
            if let Items::Tally(rows) = storage.fetch(cx, &tally).await?.items {
                sum += rows.iter().map(|row| row.count).sum::<u64>();
            }
        }
        if query.cursor.is_none() {
            return Ok(sum);
        }
    }
}

/// Tokens that are good now in this project, those for all projects among them; for a token of all
/// projects, as many as there are where most are.
async fn count_tokens(
    storage: &dyn StorageBackend,
    cx: &Cx,
    project: Option<&str>,
    now: Timestamp,
) -> Result<u64> {
    let (mut everywhere, mut by_project) = (0, BTreeMap::<String, u64>::new());
    let mut query = RecordQuery::all(Space::System, Kind::Token);
    loop {
        let mut page = storage.fetch(cx, &Query::Records(query.clone())).await?;
        query.cursor = page.next.take();
        for record in page.into_records() {
            let Body::Token(token) = record.body else { continue };
            if token.revoked_at.is_some() || token.expires_at.is_some_and(|at| at <= now) {
                continue;
            }
            match token.project {
                None => everywhere += 1,
                Some(project) => *by_project.entry(project).or_default() += 1,
            }
        }
        if query.cursor.is_none() {
            break;
        }
    }
    let in_project = match project {
        Some(project) => by_project.get(project).copied(),
        None => by_project.into_values().max(),
    };
    Ok(everywhere + in_project.unwrap_or_default())
}

#[cfg(test)]
#[path = "room_tests.rs"]
mod tests;
