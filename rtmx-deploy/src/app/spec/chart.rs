//! What a Helm chart needs to know beyond what every other form of the application does.
//!
//! All of it has a default that is made of the rest of the spec: an application without a word about its
//! chart has one.

use super::component::Scratch;
use crate::app::units::{Beside, Inside, Name, VariableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The application's Helm chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chart {
    /// The versions of Kubernetes that it is for. Default: `>=1.27.0-0`.
    pub kubernetes: String,
    /// What is different about components.
    pub components: BTreeMap<Name, ChartComponent>,
    /// In which objects secrets are; without a word each is in one of its own, under the key `value`.
    pub secrets: BTreeMap<Name, ChartSecret>,
    /// Values of the application's own, by dotted path. Templates of its own read them.
    pub values: BTreeMap<String, ChartValue>,
    /// What mappings among those are, by their path.
    pub groups: BTreeMap<String, String>,
    /// Values that were renamed or removed: the old path, and the new one, or nothing.
    pub moved: BTreeMap<String, String>,
    /// Sets of values that the chart comes with, as `values-NAME.yaml`.
    pub presets: BTreeMap<Name, Preset>,
    /// Annotations of its Ingress.
    pub ingress_annotations: BTreeMap<String, String>,
    /// Storage classes that it can make, by the end of their name.
    pub storage_classes: BTreeMap<Name, StorageClass>,
    /// How `helm test` tries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<ChartTest>,
    /// Templates of its own, beside the spec.
    pub templates: Vec<Beside>,
    /// Where the pages are that alerts lead to.
    pub runbooks: String,
}

impl Default for Chart {
    fn default() -> Self {
        Chart {
            kubernetes: ">=1.27.0-0".to_owned(),
            components: BTreeMap::new(),
            secrets: BTreeMap::new(),
            values: BTreeMap::new(),
            groups: BTreeMap::new(),
            moved: BTreeMap::new(),
            presets: BTreeMap::new(),
            ingress_annotations: BTreeMap::new(),
            storage_classes: BTreeMap::new(),
            test: None,
            templates: Vec::new(),
            runbooks: String::new(),
        }
    }
}

/// What is different about a component in the chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChartComponent {
    /// The key of its values. Default: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Name>,
    /// Whether the chart has it not at all. Default: false.
    pub omit: bool,
    /// Whether its objects bear the release's name alone. Default: false.
    pub main: bool,
    /// Its label, `app.kubernetes.io/component`. Default: its key, which is also the end of its objects' names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Name>,
    /// Whether it runs unless values say otherwise. Default: whether it is in no
    /// profile and keeps no capability, which Pod Security `restricted` would refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many run unless values say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// The user of its processes, where its image's name of one says nothing to Kubernetes. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The key of the values of its volume, within its own. Default: `primary.persistence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<String>,
    /// When it is asked whether it has to be started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<ProbeTimes>,
    /// When it is asked whether it can serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<ProbeTimes>,
    /// Jobs that run in each pod before it starts.
    pub init: Vec<Name>,
    /// Files that take the place of its own, by where they are.
    pub files: BTreeMap<Inside, Beside>,
    /// Places beside its own that it may write to and that are gone with it.
    pub scratch: Vec<Scratch>,
    /// Ports that it has beside its own, or in their place.
    pub ports: BTreeMap<Name, u16>,
    /// Components that it talks to, beside those that it starts after or whose name is in its settings.
    pub reaches: Vec<Name>,
    /// Ports of the world outside that it talks to.
    pub outside: Vec<u16>,
    /// The name of the service that can take its place, in `networkPolicy`. Default: its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// How a service mesh treats requests to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mesh: Option<Mesh>,
    /// The queue whose length the number of replicas can follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
}

/// When a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeTimes {
    /// Seconds before the first question.
    pub delay_s: u32,
    /// Seconds between two.
    pub period_s: u32,
    /// Seconds for the answer.
    pub timeout_s: u32,
    /// How many failures in a row count.
    pub failures: u32,
}

/// How a service mesh treats requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mesh {
    /// How often a request is tried.
    pub attempts: u32,
    /// Seconds for each try.
    pub per_try_s: u32,
    /// After what it is tried again.
    pub retry_on: Vec<String>,
    /// Seconds for all tries.
    pub timeout_s: u32,
    /// Connections at once.
    pub connections: u32,
    /// Requests that may wait.
    pub pending: u32,
    /// Requests at once.
    pub requests: u32,
    /// Errors in a row after which a pod gets nothing for a while.
    pub errors: u32,
    /// Seconds between two looks at that.
    pub interval_s: u32,
    /// Seconds without requests.
    pub ejection_s: u32,
    /// How many of the pods may be left out, in percent.
    pub ejected_percent: u32,
}

/// A list in Redis whose length is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The component that holds it.
    pub of: Name,
    /// The secret with its password.
    pub password: Name,
    /// The list.
    pub list: String,
    /// How long it may be for each replica.
    pub length: u32,
    /// Seconds between two looks.
    pub polling_s: u32,
    /// Seconds after the last entry until nothing is left running but the least.
    pub cooldown_s: u32,
}

/// Where a secret is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChartSecret {
    /// The end of the object's name. Default: the secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Name>,
    /// The key in it. Default: `value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Texts that are in the object beside it, each under a key of its own.
    pub beside: BTreeMap<String, TextBeside>,
    /// The value that names an existing object. Default: `secrets.existing.` and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<String>,
    /// The value that contains it, where one may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether it is made at random though the spec wants it given. Default: false.
    pub generated: bool,
    /// What it is made of in the chart; `{name/key:url}` stands for what is beside another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composed: Option<String>,
}

/// A text beside a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextBeside {
    /// The text.
    pub text: String,
    /// The variable that components which use the secret read it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<VariableName>,
}

/// A value of the application's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartValue {
    /// What it is for.
    pub summary: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ValueKind,
    /// What it is where nobody says anything.
    pub default: Value,
    /// The words that it can be.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// The variable that it is for components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<VariableName>,
    /// Which components have that variable. Default: those that run an image of the application's version.
    #[serde(default)]
    pub of: Vec<Name>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A port.
    Port,
    /// An amount of storage, such as `10Gi`.
    Amount,
    /// A duration, such as `24h`.
    Duration,
    /// A list.
    List,
    /// A mapping.
    Table,
}

/// A set of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// For what it is.
    pub summary: String,
    /// The values, by dotted path.
    #[serde(default)]
    pub values: BTreeMap<String, Value>,
}

/// A storage class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageClass {
    /// What makes its volumes.
    pub provisioner: String,
    /// What that is told.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// How `helm test` tries the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartTest {
    /// The component that is asked, and whose image asks.
    pub component: Name,
    /// What is run; `{url}` is where the component is, `{secrets}` the folder with the secret.
    pub command: Vec<String>,
    /// The secret that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Name>,
}
