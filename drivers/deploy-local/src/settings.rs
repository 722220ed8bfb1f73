//! What opening the target takes.

use crate::service::ServiceKind;
use rtmx_core::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Settings of the target `local`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalSettings {
    /// The folder that holds `installations/`.
    pub home: PathBuf,
    /// The installation's name: lower-case letters, digits and `-`, at most 40 characters.
    pub name: String,
    /// The folder with the `rtmx-server` and `rtmxctl` to install.
    pub binaries: PathBuf,
    /// Where units of the user's own service manager are kept; needed for the kind `user`.
    #[serde(default)]
    pub user_units: Option<PathBuf>,
    /// What keeps the server running; found out when absent.
    #[serde(default)]
    pub service: Option<ServiceKind>,
    /// How long the server may take to become ready, in seconds.
    #[serde(default = "ready_within_s")]
    pub ready_within_s: u32,
    /// The secret values that the release refers to, by configuration key.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub secrets: BTreeMap<String, Secret<String>>,
}

fn ready_within_s() -> u32 {
    60
}

impl LocalSettings {
    /// Whether a name can be a folder, a unit and an argument everywhere.
    pub fn is_valid_name(name: &str) -> bool {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=40).contains(&name.len())
            && name.chars().all(fits)
            && !name.starts_with('-')
            && !name.ends_with('-')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_folders_units_and_arguments() {
        let cases = [
            ("rtmx", true),
            ("team-2", true),
            ("", false),
            ("-x", false),
            ("x-", false),
            ("a/b", false),
            ("..", false),
            ("Team", false),
            ("a b", false),
        ];
        for (name, valid) in cases {
            assert_eq!(LocalSettings::is_valid_name(name), valid, "`{name}`");
        }
    }
}
