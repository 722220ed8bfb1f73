//! Applying a change set inside a transaction.
//!
//! The space's row is locked first, so that whoever comes second, be it a retry of the same change set
//! after a lost answer, sees what the first one did.

use crate::error::Outcome;
use crate::heads::{self, SpaceRow, number};
use crate::rows::{self, Before, Portion};
use crate::session::Session;
use crate::tally::Tally;
use crate::terms;
use rtmx_core::{
    Applied, Body, ChangeSet, ChangeSetId, Epoch, Error, Expect, Key, Kind, Revision, Timestamp, storage,
};
use rtmx_storage::{Fingerprint, fingerprint};
use sqlx::Row;
use std::collections::{BTreeMap, HashMap};

/// How many changes are written by one statement.
pub(crate) const PORTION: usize = 1_000;

/// From so many changes on, the search index takes them all at once at the end.
const LARGE: usize = 5_000;

/// Applies a change set that passed [`ChangeSet::check`].
pub(crate) async fn apply(session: &mut Session, changes: &ChangeSet) -> Outcome<Applied> {
    let space = heads::lock(session, &changes.space).await?;
    let epoch = heads::epoch(session).await?;
    if let Some(revision) = applied_before(session, changes).await? {
        return Ok(Applied { revision, epoch, replayed: true });
    }
    check_expectations(session, changes, space, epoch).await?;

    let is_large = changes.changes.len() >= LARGE;
    if is_large {
        terms::take_all_at_once(session).await?;
    }
    let mut written = Written::begin(space.id, space.revision.next());
    let mut fingerprint = Fingerprint::begin(changes);
    let mut ordinals = 0..;
    for portion in changes.changes.chunks(PORTION) {
        let before = if portion.iter().all(|change| change.expect == Expect::Absent) {
            Before::Absent
        } else {
            Before::Unknown
        };
        let writes = portion.iter().zip(&mut ordinals).map(|(change, ordinal)| {
            let json = fingerprint.add(change).map(str::to_owned);
            Write { ordinal, key: &change.key, put: change.put.as_ref().zip(json) }
        });
        let writes: Vec<Write<'_>> = writes.collect();
        written.records(session, before, writes).await?;
    }
    if is_large {
        terms::gather(session).await?;
    }
    let heading = Heading {
        id: changes.id,
        fingerprint: &fingerprint.end(),
        actor: &changes.actor,
        at: changes.at,
        note: &changes.note,
    };
    let revision = written.revision;
    written.end(session, &heading).await?;
    Ok(Applied { revision, epoch, replayed: false })
}

async fn applied_before(session: &mut Session, changes: &ChangeSet) -> Outcome<Option<Revision>> {
    let statement = session.statement("SELECT fingerprint, revision FROM change_set WHERE id = $1");
    let Some(found) = session.first(statement.bind(changes.id.0)).await? else { return Ok(None) };
    let revision = heads::revision(found.try_get(1)?);
    if found.try_get::<&str, _>(0)? == fingerprint(changes) {
        return Ok(Some(revision));
    }
    let message = format!("the change set id {} stands for another change", changes.id.0);
    Err(Error::new(storage::CHANGE_SET_REUSED, message).with("revision", revision).into())
}

async fn check_expectations(
    session: &mut Session,
    changes: &ChangeSet,
    space: SpaceRow,
    epoch: Epoch,
) -> Outcome<()> {
    // How many ids are asked for at a time.
    const ASKED: usize = 10_000;
    let mut asked: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    // In a space that was never written nothing is present: the first import asks for each of its rows.
    if space.revision != Revision::ZERO {
        let touched = changes.changes.iter().map(|change| &change.key);
        for key in touched.chain(changes.relies_on.iter().map(|(key, _)| key)) {
            asked.entry(key.kind).or_default().push(&key.id);
        }
    }
    let mut found: HashMap<(Kind, String), Revision> = HashMap::new();
    for (kind, ids) in asked {
        for ids in ids.chunks(ASKED) {
            let revisions = rows::revisions(session, space.id, kind, ids).await?;
            found.extend(revisions.into_iter().map(|(id, revision)| ((kind, id), revision)));
        }
    }
    let revision = |key: &Key| Ok(found.get(&(key.kind, key.id.clone())).copied());
    Ok(changes.check_expectations(epoch, space.revision, revision)?)
}

/// What a change set says of itself.
pub(crate) struct Heading<'a> {
    pub(crate) id: ChangeSetId,
    pub(crate) fingerprint: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) note: &'a str,
}

/// One write: the record afterwards with its JSON text, or nothing for a deletion.
pub(crate) struct Write<'a> {
    pub(crate) ordinal: u32,
    pub(crate) key: &'a Key,
    pub(crate) put: Option<(&'a Body, String)>,
}

/// The writes of one change set, on their way into the tables.
pub(crate) struct Written {
    space: i64,
    revision: Revision,
    tally: Tally,
}

impl Written {
    /// Begins the change set that makes `revision`.
    pub(crate) fn begin(space: i64, revision: Revision) -> Self {
        Written { space, revision, tally: Tally::default() }
    }

    /// Writes records: their rows, search terms and history. No record is among them twice.
    pub(crate) async fn records(
        &mut self,
        session: &mut Session,
        before: Before,
        writes: Vec<Write<'_>>,
    ) -> Outcome<()> {
        let mut put: BTreeMap<Kind, Portion<'_>> = BTreeMap::new();
        let mut removed: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
        for write in &writes {
            let Some((body, _)) = &write.put else {
                removed.entry(write.key.kind).or_default().push(&write.key.id);
                continue;
            };
            self.tally.add(body);
            let terms = match body {
                Body::Requirement(requirement) => {
                    Some(terms::document(self.space, &write.key.id, requirement))
                }
                _ => None,
            };
            let portion = match put.entry(write.key.kind) {
                std::collections::btree_map::Entry::Occupied(portion) => portion.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(Portion::new(write.key.kind)?)
                }
            };
            portion.push(&write.key.id, body, terms)?;
        }
        for (kind, ids) in &removed {
            if *kind == Kind::Requirement {
                self.tally.take_away(session, self.space, ids).await?;
            }
            rows::remove(session, self.space, *kind, ids).await?;
        }
        for (kind, portion) in put {
            if kind == Kind::Requirement && before == Before::Unknown {
                self.tally.take_away(session, self.space, portion.ids()).await?;
            }
            portion.write(session, self.space, self.revision, before).await?;
        }
        self.history(session, writes).await
    }

    async fn history(&self, session: &mut Session, writes: Vec<Write<'_>>) -> Outcome<()> {
        const ADD: &str = "INSERT INTO history (space, revision, ordinal, kind, id, body) \
             SELECT $1, $2, t.ordinal, t.kind, t.id, t.body::json \
             FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS t (ordinal, kind, id, body)";
        let ordinals: Vec<i64> = writes.iter().map(|write| i64::from(write.ordinal)).collect();
        let kinds: Vec<&str> = writes.iter().map(|write| write.key.kind.name()).collect();
        let ids: Vec<&str> = writes.iter().map(|write| write.key.id.as_str()).collect();
        let bodies: Vec<Option<&str>> =
            writes.iter().map(|write| write.put.as_ref().map(|(_, json)| json.as_str())).collect();
        let statement = session.statement(ADD).bind(self.space).bind(number(self.revision));
        let statement = statement.bind(ordinals).bind(kinds).bind(ids).bind(bodies);
        session.execute(statement).await?;
        Ok(())
    }

    /// Writes the change set itself and the counts, and moves the head.
    pub(crate) async fn end(self, session: &mut Session, heading: &Heading<'_>) -> Outcome<()> {
        const ADD: &str = "INSERT INTO change_set (id, fingerprint, space, revision, actor, at, note) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let statement = session.statement(ADD).bind(heading.id.0).bind(heading.fingerprint);
        let statement = statement.bind(self.space).bind(number(self.revision)).bind(heading.actor);
        let statement = statement.bind(heading.at.to_string()).bind(heading.note);
        if let Err(fault) = session.execute(statement).await {
            // The same id, at the same time, in another space.
            let elsewhere = fault.breaks("change_set_pkey");
            let message = format!("the change set id {} stands for another change", heading.id.0);
            return Err(if elsewhere {
                Error::new(storage::CHANGE_SET_REUSED, message).into()
            } else {
                fault
            });
        }
        self.tally.write(session, self.space).await?;
        let advance = "UPDATE space SET revision = $2 WHERE id = $1";
        let statement = session.statement(advance).bind(self.space).bind(number(self.revision));
        session.execute(statement).await?;
        Ok(())
    }
}
