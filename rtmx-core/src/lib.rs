//! The values that every part of RTMX speaks in: requirements and the other records, change sets,
//! errors with stable codes, drivers and their registries, and the analysis of a matrix.
//!
//! The decision to know: nothing here touches the outside. There is no socket, file, clock or
//! environment in this crate, so every rule can be tested as a value, and every caller passes
//! `now`, bytes and paths in. Deliberately absent: storage queries (`rtmx-storage`), settings
//! (`rtmx-config`), and any notion of a runtime.

mod change;
mod code;
mod codes;
mod cx;
mod driver;
mod error;
mod given;
mod identity;
mod nearest;
mod record;
mod registry;
mod requirement;
mod secret;
mod texts;
pub mod trace;

pub use change::{Applied, Change, ChangeSet, ChangeSetId, Expect};
pub use code::{Code, CodeEntry, assert_code};
pub use codes::{all as all_codes, app, config, deploy, import, license, server, storage, tool, vendor};
pub use cx::Cx;
pub use driver::{Contract, Driver, DriverInfo, Family};
pub use error::{Error, ErrorKind, Result, Retry};
pub use given::Given;
pub use identity::{Baseline, Project, Role, Session, Setting, Token};
pub use jiff::Timestamp;
pub use nearest::nearest;
pub use record::{Body, Epoch, Head, Key, Kind, Record, Revision, Space};
pub use registry::{Listing, Registry};
pub use requirement::{
    CORE_COLUMNS, Column, Effort, Layout, Placement, Priority, Requirement, RequirementText, Status, TestLink,
};
pub use secret::Secret;
