//! What an application consists of, as its author writes it down.
//!
//! The decision to know: these types are the specification. The published JSON Schema is made from them,
//! their doc comments are its descriptions, and a file is checked against that schema, so that what is
//! published and what is accepted cannot differ. Deliberately absent: anything of one application, one
//! place or one renderer.

mod chart;
mod component;
mod demand;
mod secret;
mod state;

pub use chart::{
    Chart, ChartComponent, ChartSecret, ChartTest, ChartValue, Mesh, Preset, ProbeTimes, Queue, StorageClass,
    TextBeside, ValueKind,
};
pub use component::{
    Component, Condition, FileMount, FolderMount, HttpProbe, Image, Port, Probe, Probes, Publish, Restart,
    Scratch, Setting, Variable, VolumeMount,
};
pub use demand::{Amounts, Autoscaling, Resources, Size, SizedComponent};
pub use secret::{Delivery, Encoding, Generated, Given, Secret, SecretMaker, SecretUse};
pub use state::{External, Job, JobTime, StatePart, StateTask, TaskPlace, Volume};

use super::units::{Name, VariableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An application: what is deployed, whatever it is deployed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name.
    pub application: Name,
    /// What it is, in one line.
    pub summary: String,
    /// The version that this spec describes; `{version}` in tags of images.
    pub version: String,
    /// The variable by which an operator chooses another version, where the application has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_variable: Option<VariableName>,
    /// The registry of the application's own images; `{registry}` in names of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<Variable>,
    /// What makes missing secrets, where nobody else does. Needed as soon as there are secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_maker: Option<SecretMaker>,
    /// What runs all the time.
    pub components: BTreeMap<Name, Component>,
    /// What runs once, such as a migration or a backup.
    #[serde(default)]
    pub jobs: BTreeMap<Name, Job>,
    /// Who can reach whom. A component that names none is in all of them.
    pub networks: BTreeMap<Name, Network>,
    /// What outlives the components.
    #[serde(default)]
    pub volumes: BTreeMap<Name, Volume>,
    /// What nobody may see.
    #[serde(default)]
    pub secrets: BTreeMap<Name, Secret>,
    /// What holds data, and how each part is backed up, restored and compared.
    #[serde(default)]
    pub state: BTreeMap<Name, StatePart>,
    /// What is switched on and off as a whole, such as a bundled database.
    #[serde(default)]
    pub profiles: BTreeMap<Name, Profile>,
    /// Services of the customer's own that can take the place of a component.
    #[serde(default)]
    pub external: BTreeMap<Name, External>,
    /// What people and other systems reach from outside.
    #[serde(default)]
    pub exposed: Vec<Exposed>,
    /// How large an installation can be.
    pub sizes: BTreeMap<Name, Size>,
    /// What an installation is for: `dev`, `staging`, `prod`, `airgap`.
    pub environments: BTreeMap<Name, Environment>,
    /// What its Helm chart needs to know beyond the rest.
    #[serde(default)]
    pub chart: Chart,
}

/// A network of the application's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Whether nothing outside can be reached through it. Default: false.
    pub internal: bool,
    /// Its addresses, such as `172.28.0.0/16`, where the engine is not to choose. The variable lets two
    /// installations share a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Variable>,
}

/// A part that is switched on and off as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it brings.
    pub summary: String,
    /// Profiles that cannot be on together with it.
    #[serde(default)]
    pub excludes: Vec<Name>,
}

/// What people and other systems reach from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposed {
    /// The host name.
    pub host: Variable,
    /// The path under it. Default: `/`.
    #[serde(default = "root")]
    pub path: String,
    /// The component that answers.
    pub component: Name,
    /// Its port.
    pub port: Name,
    /// Whether it is reached over TLS. Default: true.
    #[serde(default = "yes")]
    pub tls: bool,
}

/// What an installation is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// What it is for, in one line.
    pub summary: String,
    /// The size, unless another one is asked for.
    pub size: Name,
    /// The profiles that are on, unless others are asked for.
    #[serde(default)]
    pub profiles: Vec<Name>,
    /// When images are pulled. Default: `missing`.
    #[serde(default)]
    pub pull: Pull,
    /// Whether an image without a digest may be deployed. Default: false.
    #[serde(default)]
    pub unpinned: bool,
    /// What is different about components.
    #[serde(default)]
    pub components: BTreeMap<Name, EnvironmentComponent>,
}

/// When images are pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    /// When they are not there.
    #[default]
    Missing,
    /// Never: they are loaded.
    Never,
}

/// What is different about a component in an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentComponent {
    /// How many run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Variables that are added or changed.
    pub environment: BTreeMap<VariableName, Setting>,
    /// Ports that this machine hands on, by name.
    pub publish: BTreeMap<Name, Publish>,
}

fn root() -> String {
    "/".to_owned()
}

fn yes() -> bool {
    true
}
