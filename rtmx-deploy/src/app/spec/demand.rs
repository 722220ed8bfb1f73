//! What components need, and how large an installation can be.

use crate::app::units::{Bytes, Cores, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a component needs and may use, for each replica.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// What is kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Amounts>,
    /// What it cannot exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amounts>,
    /// How many processes and threads it may have at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

/// Processor time and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// In cores, such as `0.5`.
    pub cpu: Cores,
    /// Such as `512MiB`.
    pub memory: Bytes,
}

/// How the number of replicas follows the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Autoscaling {
    /// At least so many.
    pub least: u32,
    /// At most so many.
    pub most: u32,
    /// The wanted use of the requested processor time, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// The wanted use of the requested memory, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<u32>,
}

/// How large an installation can be: the machine or machines, and what each part has of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// For whom it is, in one line, such as how many users and documents.
    pub summary: String,
    /// The processor cores of all machines together.
    pub cpu: Cores,
    /// The memory of all machines together.
    pub memory: Bytes,
    /// The storage of all machines together.
    pub storage: Bytes,
    /// What components have in this size.
    #[serde(default)]
    pub components: BTreeMap<Name, SizedComponent>,
    /// How large volumes are in this size.
    #[serde(default)]
    pub volumes: BTreeMap<Name, Bytes>,
}

/// What a component has in a size; what is not said stays as the component has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SizedComponent {
    /// How many run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// What is kept for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Amounts>,
    /// What each cannot exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amounts>,
}
