//! The section `vault`: which server keeps further settings, and how this one logs in there.
//!
//! These are settings like any other, so that every local source can give them and each value is
//! explained; only the server itself cannot, because it is asked after they are known.

use super::{HOUR_S, KeySpec, key, seconds};
use crate::Kind;

const NAME: Kind = Kind::Text { max: 512 };

pub(super) const ADDRESS: KeySpec = key(
    "vault.address",
    Kind::Url { schemes: &["https", "http"], login: false },
    None,
    "The HashiCorp Vault or OpenBao server that keeps further settings; `http` for this machine only. Without it none is asked.",
);
pub(super) const MOUNT: KeySpec =
    key("vault.mount", NAME, Some("secret"), "Where the key-value engine, version 2, is mounted.");
pub(super) const PATHS: KeySpec = key(
    "vault.paths",
    Kind::Text { max: 4 << 10 },
    None,
    "The secret, or several with commas between them, of which later ones win.",
);
pub(super) const NAMESPACE: KeySpec =
    key("vault.namespace", NAME, None, "The namespace of mount, secrets and login.");
pub(super) const CA_FILE: KeySpec = key(
    "vault.ca_file",
    Kind::Path,
    None,
    "Authorities that may sign the server's certificate, besides those of this machine.",
);
pub(super) const AUTH: KeySpec = key(
    "vault.auth",
    Kind::Choice { names: &["token", "kubernetes", "approle"], also: &[] },
    Some("token"),
    "How this server logs in: with a token that it is given, as its Kubernetes service account, or as an AppRole.",
);
pub(super) const AUTH_MOUNT: KeySpec = key(
    "vault.auth_mount",
    NAME,
    None,
    "Where the login is mounted; `kubernetes` or `approle` where nothing says another.",
);
pub(super) const ROLE: KeySpec =
    key("vault.role", NAME, None, "The role of a login: its name with Kubernetes, its id with AppRole.");
pub(super) const TOKEN: KeySpec = KeySpec {
    secret: true,
    ..key("vault.token", Kind::Token { min: 1, max: 4 << 10 }, None, "The token of `vault.auth` `token`.")
};
pub(super) const TOKEN_FILE: KeySpec = key(
    "vault.token_file",
    Kind::Path,
    None,
    "A file with the token, read again for each look, so that an agent can replace it.",
);
pub(super) const SECRET_ID: KeySpec = KeySpec {
    secret: true,
    ..key("vault.secret_id", Kind::Token { min: 1, max: 4 << 10 }, None, "The secret id of an AppRole.")
};
pub(super) const SECRET_ID_FILE: KeySpec =
    key("vault.secret_id_file", Kind::Path, None, "A file with the secret id, read again for each login.");
pub(super) const JWT_FILE: KeySpec = key(
    "vault.jwt_file",
    Kind::Path,
    Some("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "The token of the Kubernetes service account, read again for each login.",
);
pub(super) const TIMEOUT: KeySpec = key(
    "vault.timeout",
    seconds(100, 600),
    Some("30s"),
    "How long one reading may take with everything that it tries again; a start fails after it.",
);
pub(super) const POLL: KeySpec = key(
    "vault.poll",
    seconds(100, HOUR_S),
    Some("30s"),
    "How often the versions of the secrets are looked at.",
);
