//! The source: variables as they were when it was made.

use crate::secret_file;
use async_trait::async_trait;
use rtmx_config::{ConfigCapability, ConfigSource, Layer, Provenance, environment_layer};
use rtmx_core::{Cx, Result};
use std::ffi::OsString;
use std::fmt;

/// Environment variables as a config source.
pub struct EnvSource {
    variables: Vec<(OsString, OsString)>,
}

impl EnvSource {
    /// The environment of this process, as it is now.
    pub fn from_process() -> EnvSource {
        EnvSource::new(std::env::vars_os())
    }

    /// These variables instead of the process's own.
    pub fn new<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> EnvSource {
        EnvSource {
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }
}

impl fmt::Debug for EnvSource {
    /// The number of variables only: their values may be secret, and their names are somebody else's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSource").field("variables", &self.variables.len()).finish()
    }
}

#[async_trait]
impl ConfigSource for EnvSource {
    fn capability(&self) -> ConfigCapability {
        let mut capability = ConfigCapability::NONE;
        capability.secrets = true;
        capability
    }

    fn provenance(&self) -> Provenance {
        Provenance::new("env", "")
    }

    /// Reads the files that variables name anew each time.
    async fn load(&self, _: &Cx) -> Result<Layer> {
        Ok(environment_layer(self.variables.iter().cloned(), &mut secret_file::read))
    }

    async fn changed(&self, _: &Cx) -> Result<()> {
        std::future::pending().await
    }
}
