#![doc = include_str!("../README.md")]

mod cluster;
mod secrets;

pub use cluster::{Cluster, SERVICE_ACCOUNT};
pub use secrets::Made;
