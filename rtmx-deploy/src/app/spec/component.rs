//! What runs all the time: its image, what it is told, what it may do, and how one sees that it works.

use super::{Resources, SecretUse};
use crate::app::units::{Beside, Bytes, Inside, Name, VariableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A part of the application that runs all the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What it does, in one line.
    pub summary: String,
    /// What it runs.
    pub image: Image,
    /// What is run instead of the image's own entry point.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Arguments, or what is run instead of the image's own command.
    #[serde(default)]
    pub command: Vec<String>,
    /// The user of its processes: a number, or a name of the image. Without it the image decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// It runs only where one of these is on; always, if there are none.
    #[serde(default)]
    pub profiles: Vec<Name>,
    /// The networks that it is in; all, if it names none.
    #[serde(default)]
    pub networks: Vec<Name>,
    /// The ports on which it listens, by name.
    #[serde(default)]
    pub ports: BTreeMap<Name, Port>,
    /// Its environment variables.
    #[serde(default)]
    pub environment: BTreeMap<VariableName, Setting>,
    /// The secrets that it is given.
    #[serde(default)]
    pub secrets: BTreeMap<Name, SecretUse>,
    /// The variable that names the folder of its secrets, where it reads a whole folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_directory: Option<VariableName>,
    /// The volumes that it uses.
    #[serde(default)]
    pub volumes: Vec<VolumeMount>,
    /// Files of the application that it reads; they lie beside the spec.
    #[serde(default)]
    pub files: Vec<FileMount>,
    /// Folders of the operator's that it reads; they lie beside what is rendered.
    #[serde(default)]
    pub folders: Vec<FolderMount>,
    /// Places that it may write to and that are gone with it.
    #[serde(default)]
    pub scratch: Vec<Scratch>,
    /// Whether it may write to its root file system. Default: false.
    #[serde(default)]
    pub writable_root: bool,
    /// The Linux capabilities that it keeps; all others are dropped.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What it needs and may use.
    #[serde(default)]
    pub resources: Resources,
    /// How many run. Default: 1.
    #[serde(default = "one")]
    pub replicas: u32,
    /// How many may run at most, whatever size or environment say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas_at_most: Option<u32>,
    /// How the number of replicas follows the load, where the place can do that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<super::Autoscaling>,
    /// How one sees that it works.
    #[serde(default)]
    pub probes: Probes,
    /// What has to be there before it starts.
    #[serde(default)]
    pub after: BTreeMap<Name, Condition>,
    /// When it is started again. Default: `unless_stopped`.
    #[serde(default)]
    pub restart: Restart,
    /// Seconds that it has to end by itself. Default: 10.
    #[serde(default = "ten")]
    pub stop_within_s: u32,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name without a tag; `{registry}` stands for the application's registry.
    pub name: String,
    /// Its tag; `{version}` stands for the application's version.
    pub tag: String,
    /// The variable by which an operator puts another image in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<VariableName>,
}

/// A port on which a component listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its number.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// How this machine hands it on, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<Publish>,
}

/// How the machine hands on a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The port of the machine.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// The variable by which an operator chooses another.
    pub variable: VariableName,
    /// The machine's address; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Variable>,
}

/// A value that an operator can change by a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The variable.
    pub variable: VariableName,
    /// The value without it. Default: empty.
    #[serde(default)]
    pub default: String,
}

/// The value of an environment variable: a text, or one that an operator can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// A text.
    Fixed(String),
    /// A text that an operator can change.
    Open(Variable),
}

/// A volume in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeMount {
    /// The volume.
    pub volume: Name,
    /// Where it is.
    pub path: Inside,
    /// Whether the component may only read it. Default: false.
    #[serde(default)]
    pub read_only: bool,
}

/// A file of the application in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMount {
    /// The file, beside the spec.
    pub file: Beside,
    /// Where it is.
    pub path: Inside,
}

/// A folder of the operator's in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderMount {
    /// The folder, beside what is rendered.
    pub folder: Beside,
    /// What the operator puts there.
    pub summary: String,
    /// Where it is.
    pub path: Inside,
}

/// A place in memory that a component may write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scratch {
    /// Where it is.
    pub path: Inside,
    /// How much fits; it counts as the component's memory.
    pub size: Bytes,
}

/// How one sees that a component works.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probes {
    /// Whether it works, where a place asks one question only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Probe>,
    /// Whether it can serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Probe>,
    /// Whether it has to be started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Probe>,
}

/// One question to a component. At least one of `http` and `command` is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// A request whose answer is below 400, where the place can ask by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A command in the component's image that ends with 0.
    #[serde(default)]
    pub command: Vec<String>,
    /// Seconds between two questions. Default: 30.
    #[serde(default = "thirty")]
    pub interval_s: u32,
    /// Seconds for the answer. Default: 10.
    #[serde(default = "ten")]
    pub timeout_s: u32,
    /// How many failures in a row count. Default: 3.
    #[serde(default = "three")]
    pub retries: u32,
    /// Seconds after the start in which failures do not count. Default: 0.
    #[serde(default)]
    pub start_s: u32,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    /// The path.
    pub path: Inside,
    /// The port, by name.
    pub port: Name,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// That it was started.
    Started,
    /// That its health probe succeeds.
    Healthy,
}

/// When a component is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Whenever it ends, also after it was stopped and the machine started.
    Always,
    /// Whenever it ends, unless it was stopped.
    #[default]
    UnlessStopped,
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

fn ten() -> u32 {
    10
}

fn thirty() -> u32 {
    30
}
