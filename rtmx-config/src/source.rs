//! Config sources: what a configuration driver opens.

use crate::Layer;
use async_trait::async_trait;
use rtmx_core::{Contract, Cx, Family, Result};
use serde::Serialize;
use std::fmt;

/// The family of configuration drivers.
#[derive(Debug)]
pub enum Config {}

impl Family for Config {
    type Object = dyn ConfigSource;
    const NAME: &'static str = "config";
    const CONTRACT: Contract = Contract { major: 1, minor: 0 };
}

/// Facts of an open source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConfigCapability {
    /// [`ConfigSource::changed`] notices changes; without it, that call never ends.
    pub watch: bool,
    /// The source is a fit place for secrets.
    pub secrets: bool,
}

impl ConfigCapability {
    /// Nothing promised; set what holds.
    pub const NONE: ConfigCapability = ConfigCapability { watch: false, secrets: false };
}

/// Which source a layer came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The driver's name, such as `file`.
    pub driver: &'static str,
    /// What it reads, such as a path; empty where there is only one.
    pub place: String,
}

impl Provenance {
    /// The source of this driver that reads this place.
    pub fn new(driver: &'static str, place: impl Into<String>) -> Provenance {
        Provenance { driver, place: place.into() }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(self.driver)
        } else {
            write!(f, "{} {}", self.driver, self.place)
        }
    }
}

/// An open source of settings.
#[async_trait]
pub trait ConfigSource: fmt::Debug + Send + Sync {
    /// Facts of this source; the same for as long as it is open.
    fn capability(&self) -> ConfigCapability;

    /// What is read, for messages.
    fn provenance(&self) -> Provenance;

    /// Reads the source as it is now. What is wrong with single values or files stands in the layer, so
    /// that it is reported together with the faults of other sources.
    ///
    /// # Errors
    ///
    /// What keeps the source from answering at all.
    async fn load(&self, cx: &Cx) -> Result<Layer>;

    /// Waits until the source's content differs from what [`ConfigSource::load`] last gave. Pending for
    /// ever without the capability `watch`; dropping the future ends the wait.
    ///
    /// # Errors
    ///
    /// What keeps the source from being watched.
    async fn changed(&self, cx: &Cx) -> Result<()>;
}
