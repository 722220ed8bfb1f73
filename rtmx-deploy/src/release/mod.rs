//! Releases: an application at a version, with its configuration resolved and every artifact named
//! by its digest.
//!
//! A release holds references to secrets, never secrets, so that it can be kept, shown and compared.

mod lock;
mod resolve;
mod summary;
mod topology;

pub use lock::Lock;
pub(crate) use lock::reference;
pub use resolve::{Choice, Resolved};
pub use topology::{Placed, PlacedImage, Sourced, Topology};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The application, such as `rtmx`.
    pub application: String,
    /// Its version.
    pub version: String,
    /// Configuration by dotted key, such as `server.listen`; keys that are absent have the
    /// application's defaults.
    pub settings: BTreeMap<String, SettingValue>,
    /// The files or images that run, each named once.
    pub artifacts: Vec<Artifact>,
    /// Where it listens.
    pub ports: Vec<Port>,
    /// What it consists of, for targets that place components; a target that runs one program from its
    /// artifacts needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<Box<Topology>>,
}

/// The value of one configuration key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingValue {
    /// A value that everybody may see.
    Plain(serde_json::Value),
    /// Where a secret value comes from.
    Secret(SecretRef),
}

/// Where a secret comes from. The value itself reaches a target when it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// The content of this file.
    File(String),
    /// This environment variable of the tool.
    Env(String),
    /// What the installation holds already.
    Kept,
}

/// A file or image of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name within the release, such as `rtmx-server`.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its size in bytes; 0 if it is not known.
    pub bytes: u64,
}

/// A port that a release listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// What it is for, such as `http`.
    pub name: String,
    /// The address, without the port.
    pub address: String,
    /// The number.
    pub port: u16,
}

impl Release {
    /// Version and the first 12 hexadecimal digits of the digest over all artifacts: what tells two
    /// builds of one version apart.
    pub fn id(&self) -> String {
        let mut lines: Vec<String> =
            self.artifacts.iter().map(|a| format!("{} {}\n", a.name, a.digest)).collect();
        lines.sort();
        let digest = digest_of(lines.concat().as_bytes());
        format!("{}-{}", self.version, &digest["sha256:".len()..][..12])
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.name == name)
    }

    /// The port of this name.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }
}

fn digest_of(bytes: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(artifacts: &[(&str, &str)]) -> Release {
        let artifact = |(name, digest): &(&str, &str)| Artifact {
            name: (*name).into(),
            digest: (*digest).into(),
            bytes: 1,
        };
        Release {
            application: "rtmx".into(),
            version: "1.2.3".into(),
            settings: BTreeMap::new(),
            artifacts: artifacts.iter().map(artifact).collect(),
            ports: Vec::new(),
            topology: None,
        }
    }

    #[test]
    fn the_id_depends_on_every_artifact_and_not_on_their_order() {
        let one = release(&[("server", "sha256:aa"), ("tool", "sha256:bb")]);
        let swapped = release(&[("tool", "sha256:bb"), ("server", "sha256:aa")]);
        let rebuilt = release(&[("server", "sha256:aa"), ("tool", "sha256:cc")]);
        assert_eq!(one.id(), swapped.id());
        assert_ne!(one.id(), rebuilt.id());
        assert!(one.id().starts_with("1.2.3-") && one.id().len() == "1.2.3-".len() + 12, "{}", one.id());
    }
}
