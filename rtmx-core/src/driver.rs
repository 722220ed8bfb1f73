//! Drivers: named factories for storage backends, license modes, config sources and deploy targets.

use crate::{Cx, Result};
use async_trait::async_trait;
use std::fmt::Debug;
use std::sync::Arc;

/// One of the families of drivers; a marker type, never a value.
pub trait Family: 'static {
    /// What a driver of this family opens.
    type Object: ?Sized + Send + Sync;
    /// The family's name, such as `storage`.
    const NAME: &'static str;
    /// The version of the family's contract.
    const CONTRACT: Contract;
}

/// The version of a family's contract, a line of its own beside the product's version.
///
/// Two sides fit when the major numbers are equal; the newer side then uses only what both know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Contract {
    /// Changed when an existing call changes meaning.
    pub major: u16,
    /// Changed when something is added.
    pub minor: u16,
}

/// What a driver says of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DriverInfo {
    /// The name it is registered under, such as `sqlite`.
    pub name: &'static str,
    /// The driver's version.
    pub version: &'static str,
    /// One line for `rtmxctl driver list`.
    pub summary: &'static str,
    /// The contract it was written for.
    pub contract: Contract,
}

/// A named factory.
#[async_trait]
pub trait Driver<F: Family>: Debug + Send + Sync {
    /// Name, version and contract.
    fn info(&self) -> &DriverInfo;

    /// The URL schemes that select this driver, such as `sqlite`; none where URLs play no part.
    fn schemes(&self) -> &[&str] {
        &[]
    }

    /// The JSON Schema of the settings that [`Driver::open`] takes.
    fn settings_schema(&self) -> serde_json::Value;

    /// Checks the settings and opens.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` for settings that do not fit the schema; else what opening meets.
    async fn open(&self, cx: &Cx, settings: serde_json::Value) -> Result<Arc<F::Object>>;
}
