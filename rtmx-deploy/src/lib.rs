//! Deployment of applications: what a release, a plan and a step are, the trait that a deploy target
//! implements, and the loop that carries a plan out.
//!
//! The decision to know: a target only knows how to do its own steps, one by one. The order, and what
//! happens when a step fails, belong to [`apply`]. So a target never retries, never rolls back by
//! itself, and never decides that a step may be left out. Deliberately absent: any input or output, and
//! the knowledge of what RTMX is; the targets bring the one, the release describes the other.

pub mod app;
mod apply;
mod chart;
mod compose;
mod inspection;
mod plan;
mod progress;
mod release;
pub mod secrets;
mod target;

pub use apply::{Outcome, apply};
pub use chart::{chart_files_of, render_chart};
pub use compose::{AppFiles, CHECKSUMS, Composition, files_of, render_compose, sha256};
pub use inspection::{Act, HistoryEntry, HistoryResult, Inspection, Installed, Owner, Part};
pub use plan::{DataFate, Goal, Outage, Plan, PlannedChange, Step, StepState, Undo};
pub use progress::{Progress, ProgressEvent, Silent};
pub use release::{
    Artifact, Choice, Lock, Placed, PlacedImage, Port, Release, Resolved, SecretRef, SettingValue, Sourced,
    Topology,
};
pub use target::{
    Deploy, DeployCapability, DeployTarget, FileKind, LogRequest, LogSink, RecordAnswer, RecordCall,
    Rendered, RenderedFile, Task, TaskOutput, Writers,
};
