//! What must survive: volumes, the parts that hold data, and what runs once beside them.

use crate::app::units::{Bytes, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What outlives the components that use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// What is kept there, in one line.
    pub summary: String,
    /// How much has to fit.
    pub size: Bytes,
    /// Whether it can be lost without losing data, such as a cache. Default: false.
    #[serde(default)]
    pub disposable: bool,
}

/// A part that holds data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatePart {
    /// What data it is, in one line.
    pub summary: String,
    /// The volumes that it lies in; none where it lies in a service of the customer's own.
    #[serde(default)]
    pub volumes: Vec<Name>,
    /// The components that write to it, and are stopped before it is replaced.
    pub writers: Vec<Name>,
    /// It is there only where one of these profiles is on; always, if there are none.
    #[serde(default)]
    pub profiles: Vec<Name>,
    /// Writes a backup to standard output, or to where the task says.
    pub backup: StateTask,
    /// Puts one back.
    pub restore: StateTask,
    /// Prints a line that is the same if and only if the data is the same.
    pub fingerprint: StateTask,
}

/// What is run to back up, restore or compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTask {
    /// Where it runs. Default: `component`.
    #[serde(default)]
    pub at: TaskPlace,
    /// The component whose image, variables and volumes it has, where it runs in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// What is run.
    pub command: Vec<String>,
}

/// Where a task runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskPlace {
    /// In a component's image.
    #[default]
    Component,
    /// At the operator's, by the operator's tool.
    Operator,
}

/// What runs once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// What it does, in one line.
    pub summary: String,
    /// The component whose image, variables, secrets and volumes it has.
    pub component: Name,
    /// What is run.
    pub command: Vec<String>,
    /// When it is run. Default: `on_demand`.
    #[serde(default)]
    pub when: JobTime,
}

/// When a job is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobTime {
    /// When somebody asks for it.
    #[default]
    OnDemand,
    /// Before its component starts, each time.
    BeforeStart,
}

/// A service of the customer's own that can take the place of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// What it has to be, in one line, such as its kind and oldest version.
    pub summary: String,
    /// The component whose place it takes.
    pub replaces: Name,
    /// The secret in which the operator says where it is.
    pub secret: Name,
}
