//! The application spec: read, held to its schema, and checked across all its parts.
//!
//! The decision to know: reading is one function from a text to an [`App`] or to all faults of that
//! text. A file's tree is first held to the schema, so that every unknown key and wrong value is found at
//! once; what only shows across parts is looked for when the shape is right. Deliberately absent: files
//! (the caller reads them) and the knowledge of any application.

mod check;
mod fault;
mod read;
mod shape;
mod spec;
mod tree;
mod units;

pub use fault::{AppFaults, Fault};
pub use read::{app_schema, read_app};
pub use spec::{
    Amounts, App, Autoscaling, Chart, ChartComponent, ChartSecret, ChartTest, ChartValue, Component,
    Condition, Delivery, Encoding, Environment, EnvironmentComponent, Exposed, External, FileMount,
    FolderMount, Generated, Given, HttpProbe, Image, Job, JobTime, Mesh, Network, Port, Preset, Probe,
    ProbeTimes, Probes, Profile, Publish, Pull, Queue, Resources, Restart, Scratch, Secret, SecretMaker,
    SecretUse, Setting, Size, SizedComponent, StatePart, StateTask, StorageClass, TaskPlace, TextBeside,
    ValueKind, Variable, Volume, VolumeMount,
};
pub use units::{Beside, Bytes, Cores, ImageDigest, Inside, Name, VariableName};

pub(crate) use check::{Piece, pieces};
#[cfg(test)]
pub(crate) use read::parse_value;
pub(crate) use read::read_shaped;
pub(crate) use tree::Place;
