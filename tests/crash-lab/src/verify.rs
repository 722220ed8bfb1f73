//! Whether a disk after a loss of power still holds what it must.
//!
//! The driver opens it, as the server would, and is asked for everything; the answers must be those
//! of a state that the workload went through, not before what was acknowledged. A connection beside
//! it checks what the driver does not show: pages, foreign keys, counts and the search index.

use crate::disk::{Event, Image};
use crate::inspect::{Thoroughly, check_pages, inspect};
use crate::machine::{Machine, Mark};
use crate::model::{Heads, Model, View, observe};
use crate::workload::{WORD, at, id, spaces};
use rtmx_core::{Body, Change, ChangeSet, Cx, Error, Kind, Record, Requirement, Revision};
use rtmx_storage::query::TallyRow;
use rtmx_storage::{ChangeEvent, MigrationPlan, Standing, StorageBackend};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// The database holds what no step of the workload made, or is damaged.
    Corrupt,
    /// Something acknowledged is not there.
    Lost,
    /// The driver answered a fault with an error that does not say what happened.
    Unclean,
}

/// What is wrong, and how it shows.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) wrong: Wrong,
    pub(crate) how: String,
}

pub(crate) type Verdict<T> = Result<T, Finding>;

/// A finding of damage.
pub(crate) fn corrupt<T>(how: impl Into<String>) -> Verdict<T> {
    Err(Finding { wrong: Wrong::Corrupt, how: how.into() })
}

fn told(what: &str) -> impl FnOnce(Error) -> Finding + '_ {
    move |error| Finding { wrong: Wrong::Corrupt, how: format!("{what}: {}", chain(&error)) }
}

/// An error with its code and its causes.
pub(crate) fn chain(error: &Error) -> String {
    let causes: Vec<_> = std::iter::once(error.message().to_owned()).chain(error.causes()).collect();
    format!("[{}] {}", error.code(), causes.join(": "))
}

/// What must be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// At least so many steps of the workload.
    pub(crate) least: usize,
    /// At most so many.
    pub(crate) most: usize,
    /// Of the change set that follows a recovery: whether it may be there, and must.
    pub(crate) later: Later,
}

/// Whether the change set that is written after a recovery is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    No,
    Perhaps,
    Yes,
}

/// What a recovery found, and what it did to the disk.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// The steps of the workload that are there.
    pub(crate) steps: usize,
    /// What was done to the disk meanwhile, if it was recorded.
    pub(crate) log: Vec<Event>,
}

/// How far a recovery is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything is looked at.
    Look,
    /// A change set follows, is repeated, and the database is closed; all of it is recorded.
    Write,
}

/// Boots a machine with a disk and checks it.
pub(crate) fn recover(
    machine: &Machine,
    (image, claims, mark): (&Image, i32, Mark),
    model: &Model,
    expected: Expected,
    depth: Depth,
) -> Verdict<Recovery> {
    machine.boot(image, claims, depth == Depth::Write, mark);
    let steps = machine.runtime.block_on(check(machine, model, expected, depth))?;
    Ok(Recovery { steps, log: machine.disk().take_log() })
}

/// Checks the disk of a machine that was booted.
pub(crate) async fn check(
    machine: &Machine,
    model: &Model,
    expected: Expected,
    depth: Depth,
) -> Verdict<usize> {
    let cx = Cx::new();
    let storage = machine.open(1).await.map_err(told("the driver does not open it"))?;
    let schema = storage.schema(&cx).await.map_err(told("the schema cannot be read"))?;
    let migrated = schema.standing == Standing::Current;
    if !migrated {
        if expected.least > 0 {
            let how = format!(
                "the schema is {:?}, and {} steps were acknowledged",
                schema.standing, expected.least
            );
            return Err(Finding { wrong: Wrong::Lost, how });
        }
        if depth == Depth::Look {
            // There is nothing yet; that it can be made is seen where a recovery is followed further.
            check_pages(&machine.file())?;
            storage.close(&cx).await.map_err(told("it does not close"))?;
            return Ok(0);
        }
        storage.migrate(&cx, &MigrationPlan::Expand).await.map_err(told("it cannot be migrated"))?;
    }
    let (steps, later) = compare(&*storage, model, expected, migrated).await?;
    let thoroughly = if depth == Depth::Write { Thoroughly::Yes } else { Thoroughly::No };
    inspect(&machine.file(), thoroughly)?;
    if depth == Depth::Write {
        write(machine, &*storage, model.heads[steps.max(1)], later).await?;
    }
    storage.close(&cx).await.map_err(told("it does not close"))?;
    Ok(if migrated { steps } else { 0 })
}

/// Finds the step after which everything was as it is now.
async fn compare(
    storage: &dyn StorageBackend,
    model: &Model,
    expected: Expected,
    migrated: bool,
) -> Verdict<(usize, bool)> {
    let (mut heads, mut views) = ([0, 0], Vec::new());
    for (head, space) in heads.iter_mut().zip(spaces()) {
        let (found, view) = observe(storage, &space).await.map_err(told("it cannot be read"))?;
        *head = found;
        views.push(view);
    }
    let least = usize::from(migrated);
    let states = model.heads.iter().enumerate().skip(least);
    let equal = |heads: Heads| {
        states.clone().filter(move |(_, known)| **known == heads).map(|(steps, _)| steps).max()
    };
    let before = [heads[0].wrapping_sub(1), heads[1]];
    // The later change set may stand on any state; which one follows from what else is there.
    let later = expected.later != Later::No
        && views[0].events.last().is_some_and(|event| event.change_set == id(LATER));
    let steps = equal(if later { before } else { heads });
    let Some(steps) = steps else {
        return corrupt(format!("no step of the workload made the heads {heads:?}"));
    };
    if steps < expected.least || (!later && expected.later == Later::Yes) {
        let how = format!(
            "{steps} steps are there (heads {heads:?}), the later change set: {later}; acknowledged: {expected:?}"
        );
        return Err(Finding { wrong: Wrong::Lost, how });
    }
    if steps > expected.most {
        return corrupt(format!("{steps} steps are there and only {} were begun", expected.most));
    }
    for (place, view) in views.iter().enumerate() {
        let known = &model.views[&(place, model.heads[steps.max(1)][place])];
        let same = if later && place == 0 { *view == with_later(known, heads[0]) } else { view == known };
        if !same {
            return corrupt(format!(
                "after {steps} steps the project {} differs: {}",
                spaces()[place],
                difference(view, known)
            ));
        }
    }
    Ok((steps, later))
}

/// The number of the change set that follows a recovery.
const LATER: u128 = 1_000_000;
/// The record that it makes; its id sorts behind all others.
const LATER_ID: &str = "ZZZ-LATER";

fn later_requirement() -> Requirement {
    Requirement {
        category: "LATER".into(),
        requirement_text: format!("it {WORD} follow"),
        ..Requirement::default()
    }
}

/// The change set that follows a recovery.
pub(crate) fn later() -> ChangeSet {
    let mut set = ChangeSet::new(id(LATER), spaces()[0].clone(), "ann", at(0));
    set.changes.push(Change::create(LATER_ID, Body::Requirement(later_requirement())));
    set
}

fn with_later(view: &View, revision: u64) -> View {
    let mut view = view.clone();
    let revision = Revision(revision);
    let record = Record { id: LATER_ID.into(), revision, body: Body::Requirement(later_requirement()) };
    let requirements =
        view.records.iter().take_while(|record| record.body.kind() == Kind::Requirement).count();
    let key = record.key();
    view.records.insert(requirements, record);
    let requirement = later_requirement();
    view.tally.push(TallyRow {
        status: requirement.status.value,
        phase: requirement.phase.value,
        category: requirement.category,
        priority: requirement.priority.value,
        count: 1,
    });
    view.tally.sort_by_cached_key(|row| format!("{row:?}"));
    view.found.push(LATER_ID.into());
    view.events.push(ChangeEvent {
        revision,
        ordinal: 0,
        key,
        deleted: false,
        change_set: id(LATER),
        actor: "ann".into(),
        at: at(0),
    });
    view
}

/// Writes the later change set, twice, as a client whose answer was lost does.
async fn write(machine: &Machine, storage: &dyn StorageBackend, heads: Heads, is_there: bool) -> Verdict<()> {
    let cx = Cx::new();
    let wanted = Revision(heads[0] + 1);
    for again in [is_there, true] {
        let applied =
            storage.apply(&cx, &later()).await.map_err(told("it cannot be written after the recovery"))?;
        if (applied.revision, applied.replayed) != (wanted, again) {
            return corrupt(format!(
                "the later change set was answered with {applied:?} instead of {wanted:?}"
            ));
        }
        machine.disk().acknowledge(1);
    }
    Ok(())
}

/// What of two views is not equal.
fn difference(found: &View, wanted: &View) -> String {
    let mut parts = Vec::new();
    let mut part = |what: &str, same: bool, found: usize, wanted: usize| {
        if !same {
            parts.push(format!("{what} ({found} instead of {wanted} entries)"));
        }
    };
    part("records", found.records == wanted.records, found.records.len(), wanted.records.len());
    part("feed", found.events == wanted.events, found.events.len(), wanted.events.len());
    part("counts", found.tally == wanted.tally, found.tally.len(), wanted.tally.len());
    part("search", found.found == wanted.found, found.found.len(), wanted.found.len());
    parts.join(", ")
}
