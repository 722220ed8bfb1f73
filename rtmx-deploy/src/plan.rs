//! Plans: what would change, in words, and the steps that change it.
//!
//! A plan is a value. It can be written to a file, read by a person, and carried out later exactly as
//! it stands; if what runs has changed since, planning for the same goal gives another plan, and
//! the old one is refused.

use crate::Release;
use serde::{Deserialize, Serialize};

/// What should be the case afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// This release runs.
    Running(Release),
    /// Nothing runs any more.
    Removed(DataFate),
}

/// What becomes of the data when an installation is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFate {
    /// Data, configuration and history stay, and the next deployment finds them.
    Keep,
    /// Everything goes, and nothing can bring it back.
    Purge,
}

/// The way from what runs to a goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this format.
    pub format: u32,
    /// The target that made it.
    pub target: String,
    /// The installation it is for.
    pub installation: String,
    /// What it leads to.
    pub goal: Goal,
    /// What changes, in words.
    pub changes: Vec<PlannedChange>,
    /// What stops serving, and for how long.
    pub outage: Option<Outage>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One change, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What changes, such as `setting server.listen`.
    pub what: String,
    /// What it is now; `None` if it is not there.
    pub from: Option<String>,
    /// What it will be; `None` if it goes.
    pub to: Option<String>,
}

/// What stops serving while a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The parts that stop.
    pub parts: Vec<String>,
    /// For about how many seconds.
    pub about_s: u32,
    /// Why.
    pub why: String,
}

/// One thing to do: small, idempotent, and with a declared undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in its plan.
    pub id: String,
    /// Which of the target's steps it is.
    pub kind: String,
    /// What it does, for people: `install release 0.1.0`.
    pub title: String,
    /// What the target needs to do, probe and undo it; never a secret.
    pub args: serde_json::Value,
    /// What its undo does.
    pub undo: Undo,
    /// What a person would type instead.
    pub commands: Vec<String>,
}

/// What the undo of a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to take back, for this reason.
    Nothing(String),
    /// It brings this back.
    Restores(String),
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Nothing of it was done.
    NotDone,
    /// It was begun; running it again completes it.
    Partly,
    /// It was done.
    Done,
}

impl Plan {
    /// The version of the format that this build writes and reads.
    pub const FORMAT: u32 = 1;

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl PlannedChange {
    /// Something that appears.
    pub fn added(what: impl Into<String>, to: impl Into<String>) -> Self {
        PlannedChange { what: what.into(), from: None, to: Some(to.into()) }
    }

    /// Something that becomes something else.
    pub fn changed(what: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        PlannedChange { what: what.into(), from: Some(from.into()), to: Some(to.into()) }
    }

    /// Something that goes.
    pub fn removed(what: impl Into<String>, from: impl Into<String>) -> Self {
        PlannedChange { what: what.into(), from: Some(from.into()), to: None }
    }
}

impl std::fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.from, &self.to) {
            (None, Some(to)) => write!(f, "+ {}: {to}", self.what),
            (Some(from), None) => write!(f, "- {}: {from}", self.what),
            (Some(from), Some(to)) => write!(f, "~ {}: {from} -> {to}", self.what),
            (None, None) => write!(f, "~ {}", self.what),
        }
    }
}
