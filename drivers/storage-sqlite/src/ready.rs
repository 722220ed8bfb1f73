//! What of a change can be made before its turn: the texts for history and search, the fingerprint.
//!
//! The writer's thread is the one thing that all writes wait for, and in a large change set these
//! texts cost as much as SQLite does. So they are made on a thread beside it, a few portions ahead
//! and no more, and what was written is let go of at once: memory falls while the tables grow.

use crate::error::Outcome;
use rtmx_core::{Body, Change, ChangeSet, Error, Result, storage};
use rtmx_storage::Fingerprint;
use rtmx_storage::query::document_text;
use std::thread::Builder;

/// From this many changes on, a second thread costs less than it saves.
const BESIDE_FROM: usize = 256;
/// How many changes pass to the writer's thread at a time.
const PORTION: usize = 128;
/// How many portions are ready ahead of it.
const PORTIONS_AHEAD: usize = 8;

/// The texts that a record's body becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The body as JSON, for the history.
    pub(crate) body: String,
    /// What a requirement is found by; `None` for records that are not searched.
    pub(crate) document: Option<String>,
}

impl Texts {
    /// The texts of a body.
    pub(crate) fn of(id: &str, body: &Body) -> Result<Texts> {
        let json = serde_json::to_string(body).map_err(|source| {
            Error::new(storage::INTERNAL, format!("could not write the history of `{id}`"))
                .with_source(source)
        })?;
        Ok(Texts::with_json(id, body, json))
    }

    fn with_json(id: &str, body: &Body, json: String) -> Texts {
        let document = match body {
            Body::Requirement(requirement) => Some(document_text(id, requirement)),
            _ => None,
        };
        Texts { body: json, document }
    }
}

/// A change with its texts; none for a deletion.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) change: Change,
    pub(crate) texts: Option<Texts>,
}

impl Ready {
    fn of(change: Change, fingerprint: &mut Fingerprint) -> Ready {
        let json = fingerprint.add(&change).map(str::to_owned);
        let texts =
            change.put.as_ref().zip(json).map(|(body, json)| Texts::with_json(&change.key.id, body, json));
        Ready { change, texts }
    }
}

/// Passes every change to `write`, in order, until one fails; answers the fingerprint of the whole.
pub(crate) fn pass(mut changes: ChangeSet, mut write: impl FnMut(Ready) -> Outcome<()>) -> Outcome<String> {
    let mut fingerprint = Fingerprint::begin(&changes);
    let changes = std::mem::take(&mut changes.changes);
    if changes.len() < BESIDE_FROM {
        for change in changes {
            write(Ready::of(change, &mut fingerprint))?;
        }
        return Ok(fingerprint.end());
    }
    std::thread::scope(|scope| {
        let (portions, ready) = crossbeam_channel::bounded::<Vec<Ready>>(PORTIONS_AHEAD);
        let make = move || {
            let mut changes = changes.into_iter();
            loop {
                let taken = changes.by_ref().take(PORTION);
                let portion: Vec<Ready> = taken.map(|change| Ready::of(change, &mut fingerprint)).collect();
                // After a failure nobody takes it any more.
                if portion.is_empty() || portions.send(portion).is_err() {
                    return fingerprint.end();
                }
            }
        };
        let maker = Builder::new().name("rtmx-sqlite-texts".into()).spawn_scoped(scope, make);
        let maker = maker.map_err(|source| {
            Error::new(storage::STORAGE_UNAVAILABLE, "could not start a thread for a large change")
                .with_source(source)
        })?;
        for portion in ready {
            portion.into_iter().try_for_each(&mut write)?;
        }
        let ended = maker.join();
        Ok(ended.map_err(|_| Error::new(storage::INTERNAL, "the texts of a large change were not made"))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{
        ChangeSetId, Key, Kind, Requirement, RequirementText, Revision, Space, Timestamp, assert_code,
    };
    use rtmx_storage::fingerprint;

    fn changes(count: usize) -> ChangeSet {
        let id = ChangeSetId(uuid::Uuid::from_u128(1));
        let mut set = ChangeSet::new(id, Space::Project("p".into()), "ann", Timestamp::UNIX_EPOCH);
        let change = |number: usize| {
            let id = format!("REQ-{number}");
            let text = format!("shall count to {number}");
            match number % 3 {
                0 => Change::delete(Key::new(Kind::Requirement, id), Revision(1)),
                1 => Change::create(id, Body::RequirementText(RequirementText { markdown: text })),
                _ => {
                    let requirement = Requirement { requirement_text: text, ..Requirement::default() };
                    Change::create(id, Body::Requirement(requirement))
                }
            }
        };
        set.changes = (0..count).map(change).collect();
        set
    }

    #[test]
    fn changes_come_in_order_with_the_same_texts_on_one_thread_and_on_two() {
        for count in [1, PORTION, BESIDE_FROM - 1, BESIDE_FROM, PORTION * (PORTIONS_AHEAD + 3) + 1] {
            let set = changes(count);
            let mut passed = Vec::new();
            let found = pass(set.clone(), |ready| {
                let texts = ready.change.put.as_ref().map(|body| Texts::of(&ready.change.key.id, body));
                assert_eq!(ready.texts, texts.transpose()?, "{count}: {}", ready.change.key);
                passed.push(ready.change);
                Ok(())
            });
            assert_eq!(found.expect("every change is taken"), fingerprint(&set), "{count}");
            assert_eq!(passed, set.changes, "{count}");
        }
    }

    #[test]
    fn the_first_failure_ends_it_and_leaves_no_thread_waiting() {
        let set = changes(PORTION * (PORTIONS_AHEAD + 20));
        let mut left = 5;
        let failed = pass(set, |_| {
            left -= 1;
            if left > 0 { Ok(()) } else { Err(Error::new(storage::STORAGE_FULL, "no room").into()) }
        });
        let error = failed.expect_err("the fifth fails").into_error("apply", std::path::Path::new("x"));
        assert_code(&error, storage::STORAGE_FULL);
        assert_eq!(left, 0, "nothing is taken after a failure");
    }
}
