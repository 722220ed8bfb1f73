//! What the driver is asked to do, decided by a seed before anything runs.
//!
//! Change sets are those of a real project: requirements with their texts and test links are made,
//! edited and removed in two projects, by one writer, by several at once, and now and then by an
//! import. The plan knows the order in which the writer's queue takes them, and so every revision.

use crate::seed::Seed;
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Key, Kind, Priority, Requirement, RequirementText, Revision, Space,
    Status, TestLink, Timestamp,
};
use std::collections::BTreeMap;

/// How a workload begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Begin {
    /// With an empty disk: the file is made, switched to a write-ahead log and migrated.
    Fresh,
    /// With a database that holds records.
    Steady,
    /// With a migrated database without records, into which an archive is restored.
    Restore,
}

impl Begin {
    pub(crate) const ALL: [Begin; 3] = [Begin::Fresh, Begin::Steady, Begin::Restore];

    /// The word for it on a command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Begin::Fresh => "fresh",
            Begin::Steady => "steady",
            Begin::Restore => "restore",
        }
    }
}

/// One thing that is acknowledged or not.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Migrate,
    Change(ChangeSet),
    /// The first so many change sets of the plan come back from an archive.
    Restore(Vec<ChangeSet>),
}

/// What happens between two steps, and with whom a step shares its commit.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    /// These steps are in the writer's queue at once.
    Steps(std::ops::Range<usize>),
    /// The next write is followed by a checkpoint.
    Checkpoint,
    /// The database is closed and opened again.
    Reopen,
}

/// A workload.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Steps that are done before the recording begins.
    pub(crate) before: usize,
    pub(crate) moves: Vec<Move>,
}

/// The two projects.
pub(crate) fn spaces() -> [Space; 2] {
    [Space::Project("p".into()), Space::Project("q".into())]
}

/// The kinds of records that a project holds here.
pub(crate) const KINDS: [Kind; 3] = [Kind::Requirement, Kind::RequirementText, Kind::TestLink];

/// The word that every requirement holds, and a search finds.
pub(crate) const WORD: &str = "shall";

const MOVES: usize = 14;

impl Plan {
    /// The workload of a seed.
    pub(crate) fn of(begin: Begin, seed: u64) -> Plan {
        let mut author = Author { seed: Seed::of(&[seed, begin as u64]), ..Author::default() };
        let mut plan = Plan { steps: vec![Step::Migrate], before: 0, moves: Vec::new() };
        match begin {
            Begin::Fresh => plan.moves.push(Move::Steps(0..1)),
            Begin::Steady => {
                plan.steps.extend((0..6).map(|_| Step::Change(author.change_set(4))));
                plan.before = plan.steps.len();
            }
            Begin::Restore => {
                plan.before = 1;
                plan.steps.push(Step::Restore((0..5).map(|_| author.change_set(4)).collect()));
                plan.moves.push(Move::Steps(1..2));
            }
        }
        for _ in 0..MOVES {
            let first = plan.steps.len();
            match author.seed.below(10) {
                0 => plan.moves.push(Move::Reopen),
                1 | 2 => plan.moves.push(Move::Checkpoint),
                3 => plan.steps.push(Step::Change(author.change_set(40))),
                4..7 => {
                    let together = 2 + author.seed.below(4);
                    plan.steps.extend((0..together).map(|_| Step::Change(author.change_set(2))));
                }
                _ => plan.steps.push(Step::Change(author.change_set(3))),
            }
            if plan.steps.len() > first {
                plan.moves.push(Move::Steps(first..plan.steps.len()));
            }
        }
        plan
    }
}

/// Who writes change sets, and what the projects hold by then.
#[derive(Debug, Default)]
struct Author {
    seed: Seed,
    written: u128,
    heads: [u64; 2],
    present: [BTreeMap<Key, Revision>; 2],
}

impl Author {
    /// A change set of at most `most` changes.
    fn change_set(&mut self, most: usize) -> ChangeSet {
        let place = usize::from(self.seed.chance(35));
        self.written += 1;
        self.heads[place] += 1;
        let revision = Revision(self.heads[place]);
        let mut set = ChangeSet::new(id(self.written), spaces()[place].clone(), "ann", at(self.written));
        set.note = format!("change {}", self.written);
        let mut touched = Vec::new();
        for ordinal in 0..=self.seed.below(most) {
            let old: Vec<_> =
                self.present[place].keys().filter(|key| !touched.contains(*key)).cloned().collect();
            let change = match self.seed.below(10) {
                0..5 => self.create(ordinal),
                _ if old.is_empty() => self.create(ordinal),
                choice => {
                    let key = old[self.seed.below(old.len())].clone();
                    let before = self.present[place][&key];
                    if choice == 9 {
                        Change::delete(key, before)
                    } else {
                        let body = self.body(key.kind);
                        Change::replace(key.id, before, body)
                    }
                }
            };
            let key = change.key.clone();
            touched.push(key.clone());
            match &change.put {
                Some(_) => self.present[place].insert(key, revision),
                None => self.present[place].remove(&key),
            };
            set.changes.push(change);
        }
        set
    }

    fn create(&mut self, ordinal: usize) -> Change {
        let kind = KINDS[[0, 0, 0, 1, 2][self.seed.below(5)]];
        let body = self.body(kind);
        Change::create(format!("REQ-{}-{ordinal}", self.written), body)
    }

    fn body(&mut self, kind: Kind) -> Body {
        let number = self.seed.below(1000);
        match kind {
            Kind::RequirementText => {
                let markdown = "what it means, at length. ".repeat(1 + self.seed.below(60));
                Body::RequirementText(RequirementText { markdown, ..Default::default() })
            }
            Kind::TestLink => Body::TestLink(TestLink {
                req_id: format!("REQ-{number}"),
                test_module: "tests/a.rs".into(),
                test_function: format!("test_{number}"),
                ..Default::default()
            }),
            _ => Body::Requirement(Requirement {
                category: ["CORE", "WEB", "DATA"][self.seed.below(3)].into(),
                requirement_text: format!("it {WORD} keep what number {number} says"),
                status: Status::ALL[self.seed.below(4)].into(),
                priority: Priority::ALL[self.seed.below(4)].into(),
                phase: self.seed.chance(60).then_some(1 + u32::from(self.seed.chance(50))).into(),
                notes: "n".repeat(self.seed.below(300)),
                ..Requirement::default()
            }),
        }
    }
}

/// The id of the change set of this number.
pub(crate) fn id(number: u128) -> ChangeSetId {
    ChangeSetId(uuid::Uuid::from_u128(number))
}

/// A time that follows from the number of a change set, because the workload has no clock.
pub(crate) fn at(number: u128) -> Timestamp {
    let text = format!("2026-03-01T12:{:02}:{:02}Z", number / 60 % 60, number % 60);
    text.parse().expect("the text is a time")
}
