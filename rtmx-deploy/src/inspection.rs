//! What runs, who owns it, and what happened to it before.

use crate::SettingValue;
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a target found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Who may change it.
    pub owner: Owner,
    /// What is installed; `None` if nothing is.
    pub installed: Option<Installed>,
    /// The settings of the last deployment, which the next one starts from; also of something
    /// removed whose data was kept.
    pub remembered_settings: BTreeMap<String, SettingValue>,
}

/// Who made an installation, and so decides about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Nobody: there is nothing, or what is left of something removed.
    Nobody,
    /// This engine, on behalf of whoever calls.
    Engine,
    /// Somebody else, in words: another user, a Helm release, a GitOps controller.
    Other(String),
}

/// An installation as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// The target it is on.
    pub target: String,
    /// The application.
    pub application: String,
    /// The version that is installed.
    pub version: String,
    /// The release that is installed; see [`crate::Release::id`].
    pub release: String,
    /// Where it answers.
    pub url: String,
    /// The settings it was deployed with.
    pub settings: BTreeMap<String, SettingValue>,
    /// What it consists of.
    pub parts: Vec<Part>,
    /// Facts that a reader of `status` wants beside these, such as the path of the data.
    pub facts: BTreeMap<String, String>,
    /// What the operator should know, such as that a reboot would end it.
    pub notes: Vec<String>,
}

/// One part of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, such as `server`.
    pub name: String,
    /// Whether it serves.
    pub ready: bool,
    /// What it runs, by digest.
    pub image: String,
    /// Its state in words, with the reason if it is not ready.
    pub state: String,
}

impl Installed {
    /// Whether every part serves.
    pub fn healthy(&self) -> bool {
        self.parts.iter().all(|part| part.ready)
    }
}

/// What was done to an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It was installed or converged.
    Deploy,
    /// It was removed.
    Remove,
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryResult {
    /// All steps are done.
    Done,
    /// A step failed, and everything that was done was undone.
    Undone,
    /// A step failed, and not everything could be undone.
    Stuck,
}

/// One line of an installation's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When it began.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub act: Act,
    /// The release that it led to; empty for a removal.
    pub release: String,
    /// How it ended.
    pub result: HistoryResult,
    /// The code of the error, if it failed.
    pub error: Option<String>,
    /// What changed, in words.
    pub changes: Vec<String>,
}
