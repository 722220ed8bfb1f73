//! The trait that a deploy target implements.
//!
//! An open target stands for one installation at one place. Its methods are small on purpose: the
//! engine calls them one by one, keeps its own record of what it did, and may die between any two
//! of them.

use crate::{Goal, HistoryEntry, Inspection, Plan, Progress, Release, Step, StepState};
use async_trait::async_trait;
use rtmx_core::{Contract, Cx, Family, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// The family of deploy targets.
#[derive(Debug)]
pub enum Deploy {}

impl Family for Deploy {
    type Object = dyn DeployTarget;
    const NAME: &'static str = "deploy";
    const CONTRACT: Contract = Contract { major: 1, minor: 0 };
}

/// Facts of a target: a `true` is a promise, a `false` one to answer `not_supported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeployCapability {
    /// A new release can start before the old one has stopped.
    pub rolling: bool,
    /// More than one copy of a part can run.
    pub replicas: bool,
    /// [`DeployTarget::run_task`] works.
    pub tasks: bool,
    /// [`DeployTarget::logs`] can follow.
    pub follow_logs: bool,
}

impl DeployCapability {
    /// Nothing promised; set what holds.
    pub const NONE: DeployCapability =
        DeployCapability { rolling: false, replicas: false, tasks: false, follow_logs: false };
}

/// The files of a release, as an operator would keep them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The files, by path, without a secret in them.
    pub files: Vec<RenderedFile>,
}

/// One rendered file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedFile {
    /// Relative to the folder of the rendering.
    pub path: String,
    /// Its content.
    pub content: String,
    /// Whose it is.
    #[serde(default)]
    pub kind: FileKind,
}

/// Whose a rendered file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Rendered again as a whole.
    #[default]
    Ours,
    /// The same, and it can be run.
    Program,
    /// The operator's: written where there is none, and never touched again.
    Start,
}

/// A command in the product's own image, beside the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What it is, for people: `migrate`.
    pub name: String,
    /// The release it runs from.
    pub release: String,
    /// The arguments of the server binary.
    pub arguments: Vec<String>,
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskOutput {
    /// The exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// The last lines of what it printed, at most 64 KiB.
    pub output: String,
}

/// What to do with everything that writes to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writers {
    /// Stop it, and come back when it has stopped.
    Stop,
    /// Start it.
    Start,
}

/// What is kept in the target about the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordCall {
    /// Adds to the history.
    Append(HistoryEntry),
    /// Reads the history, the newest first.
    History {
        /// At most so many.
        limit: usize,
    },
}

/// The answer to a [`RecordCall`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordAnswer {
    /// It is written, durably.
    Written,
    /// The history.
    History(Vec<HistoryEntry>),
}

/// Which lines of output are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRequest {
    /// The last so many.
    pub lines: usize,
    /// Whether to wait for more, until the context is cancelled.
    pub follow: bool,
}

/// Takes lines of output. Any `FnMut(&str)` does.
pub trait LogSink: Send {
    /// Takes one line, without its end.
    fn line(&mut self, line: &str);
}

impl<F: FnMut(&str) + Send> LogSink for F {
    fn line(&mut self, line: &str) {
        self(line);
    }
}

/// One installation at one place.
#[async_trait]
pub trait DeployTarget: Debug + Send + Sync {
    /// Facts of this target; the same for as long as it is open.
    fn capability(&self) -> DeployCapability;

    /// The files of a release. Pure: the same release gives the same files, and nothing is touched.
    fn render(&self, release: &Release) -> Result<Rendered>;

    /// What runs, and who owns it.
    async fn inspect(&self, cx: &Cx) -> Result<Inspection>;

    /// The way from what runs to a goal. Changes nothing. Without a difference the plan is empty.
    ///
    /// # Errors
    ///
    /// `version_differs` when another version is installed; `data_gone` when the installation
    /// had data and has none; `owner_differs` when somebody else owns it.
    async fn plan(&self, cx: &Cx, goal: &Goal) -> Result<Plan>;

    /// Does a step. Doing it again, or after it was done partly, leads to the same result.
    async fn run(&self, cx: &Cx, step: &Step, progress: &dyn Progress) -> Result<()>;

    /// How far a step has come, from what is there and not from memory.
    async fn probe(&self, cx: &Cx, step: &Step) -> Result<StepState>;

    /// Takes a step back; no error when nothing of it was done.
    async fn undo(&self, cx: &Cx, step: &Step) -> Result<()>;

    /// Runs a command in the product's image beside the data.
    ///
    /// # Errors
    ///
    /// When it could not be started. A task that ran and failed is an answer.
    async fn run_task(&self, cx: &Cx, task: &Task) -> Result<TaskOutput>;

    /// Stops or starts everything that writes to the data.
    async fn writers(&self, cx: &Cx, want: Writers) -> Result<()>;

    /// Reads or writes what is kept in the target about the installation.
    async fn record(&self, cx: &Cx, call: &RecordCall) -> Result<RecordAnswer>;

    /// Hands over lines of output, the oldest first.
    async fn logs(&self, cx: &Cx, request: LogRequest, sink: &mut dyn LogSink) -> Result<()>;
}
