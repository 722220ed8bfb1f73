//! The section `vault`.

use crate::effective::Values;
use rtmx_core::Secret;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The section `vault`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Vault {
    /// `None` where no server is asked.
    pub address: Option<String>,
    pub mount: String,
    /// The single paths, in their order.
    pub paths: Vec<String>,
    pub namespace: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub auth: VaultAuth,
    pub auth_mount: Option<String>,
    pub role: Option<String>,
    #[serde(serialize_with = "super::redacted_if_any")]
    pub token: Option<Secret<String>>,
    pub token_file: Option<PathBuf>,
    #[serde(serialize_with = "super::redacted_if_any")]
    pub secret_id: Option<Secret<String>>,
    pub secret_id_file: Option<PathBuf>,
    pub jwt_file: PathBuf,
    #[serde(serialize_with = "super::duration")]
    pub timeout: Duration,
    #[serde(serialize_with = "super::duration")]
    pub poll: Duration,
}

/// The value of `vault.auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "variants are the values of the key")]
pub enum VaultAuth {
    Token,
    Kubernetes,
    Approle,
}

impl Vault {
    pub(super) fn from_values(values: &Values) -> Vault {
        let plain = |path: &str| values.text(path).map(|text| text.expose().clone());
        let paths = plain("vault.paths").unwrap_or_default();
        let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty());
        Vault {
            address: plain("vault.address"),
            mount: plain("vault.mount").expect("it has a default"),
            paths: paths.map(ToOwned::to_owned).collect(),
            namespace: plain("vault.namespace"),
            ca_file: values.path_if_any("vault.ca_file"),
            auth: match values.choice("vault.auth") {
                "kubernetes" => VaultAuth::Kubernetes,
                "approle" => VaultAuth::Approle,
                _ => VaultAuth::Token,
            },
            auth_mount: plain("vault.auth_mount"),
            role: plain("vault.role"),
            token: values.text("vault.token"),
            token_file: values.path_if_any("vault.token_file"),
            secret_id: values.text("vault.secret_id"),
            secret_id_file: values.path_if_any("vault.secret_id_file"),
            jwt_file: values.path("vault.jwt_file"),
            timeout: values.duration("vault.timeout"),
            poll: values.duration("vault.poll"),
        }
    }
}
