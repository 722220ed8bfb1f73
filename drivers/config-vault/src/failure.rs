//! What can go wrong with a server that keeps secrets, and the code of each.

use http::StatusCode;
use rtmx_core::{Code, Error, config};
use rtmx_https::{Trouble, in_words};
use std::fmt;
use std::path::PathBuf;

/// Why there are no values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{words}")]
    Way { words: String, passing: bool },
    #[error("it is sealed")]
    Sealed(#[source] Said),
    #[error("it answered {status}, which passes")]
    Busy {
        status: StatusCode,
        #[source]
        said: Said,
    },
    #[error("it answered {status}, which points to another server; that is not followed with a token")]
    Elsewhere { status: StatusCode },
    #[error("it refused the login by `{method}` with {status}")]
    Login {
        method: &'static str,
        status: StatusCode,
        #[source]
        said: Said,
    },
    #[error("it does not let this token read `{path}`")]
    Denied {
        path: String,
        #[source]
        said: Said,
    },
    #[error("there is no secret `{path}`")]
    Missing {
        path: String,
        #[source]
        said: Said,
    },
    #[error("the newest version of the secret `{path}` is deleted")]
    Deleted { path: String },
    #[error("`{mount}` is a key-value engine of version 1")]
    FirstVersion { mount: String },
    #[error("`{mount}` is an engine of the type `{kind}`")]
    OtherEngine { mount: String, kind: String },
    #[error("what it answered is not {wanted}: {why}")]
    Strange { wanted: &'static str, why: String },
    #[error("the question could not be asked: {why}")]
    Unasked { why: String },
    #[error("could not read `{what}` from {}: {why}", path.display())]
    Credential { what: &'static str, path: PathBuf, why: String },
}

/// What the server said about it, on one short line.
#[derive(Debug)]
pub(crate) struct Said(pub(crate) String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("it did not say why") } else { write!(f, "it said: {}", self.0) }
    }
}

impl std::error::Error for Said {}

impl Failure {
    /// A question that brought no answer.
    pub(crate) fn of_the_way(trouble: &Trouble) -> Failure {
        // What is wrong with certificates stays wrong.
        let passing = matches!(
            trouble,
            Trouble::NotFound { .. }
                | Trouble::Connect { .. }
                | Trouble::Cut { .. }
                | Trouble::TimedOut { .. }
        );
        Failure::Way { words: in_words("it gave no answer", trouble), passing }
    }

    /// Whether the same question may be answered later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Failure::Way { passing: true, .. } | Failure::Sealed(_) | Failure::Busy { .. })
    }

    fn code(&self) -> Code {
        match self {
            Failure::Way { .. }
            | Failure::Busy { .. }
            | Failure::Elsewhere { .. }
            | Failure::Strange { .. }
            | Failure::Unasked { .. } => config::VAULT_UNAVAILABLE,
            Failure::Sealed(_) => config::VAULT_SEALED,
            Failure::Login { .. } => config::VAULT_LOGIN_REFUSED,
            Failure::Denied { .. } => config::VAULT_DENIED,
            Failure::Missing { .. } | Failure::Deleted { .. } => config::VAULT_SECRET_MISSING,
            Failure::FirstVersion { .. } | Failure::OtherEngine { .. } => config::VAULT_MOUNT_UNFIT,
            Failure::Credential { .. } => config::CONFIG_UNREADABLE,
        }
    }

    /// The error of a load from this server.
    pub(crate) fn into_error(self, server: &str) -> Error {
        let next = match &self {
            Failure::Elsewhere { .. } => {
                Some("Let `vault.address` name the active server, or what leads to it.")
            }
            Failure::Credential { .. } => Some("Correct the path in the section `vault`, or the file."),
            Failure::Deleted { .. } => Some("Undelete the version, or write a new one."),
            _ => None,
        };
        let message = format!("could not read settings from the Vault `{server}`");
        let error = Error::new(self.code(), message).with("server", server).with_source(self);
        match next {
            Some(next) => error.with_next(next),
            None => error,
        }
    }

    /// The failure and what is behind it, for a warning.
    pub(crate) fn in_words(&self) -> String {
        in_words("the Vault could not be read", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_code_and_says_whether_it_passes() {
        let said = || Said("x".into());
        let status = StatusCode::BAD_GATEWAY;
        let path = || "rtmx".to_owned();
        // failure, code, whether it passes
        let cases = [
            (Failure::Way { words: "w".into(), passing: true }, "vault_unavailable", true),
            (Failure::Way { words: "w".into(), passing: false }, "vault_unavailable", false),
            (Failure::Busy { status, said: said() }, "vault_unavailable", true),
            (Failure::Elsewhere { status }, "vault_unavailable", false),
            (Failure::Strange { wanted: "a", why: "b".into() }, "vault_unavailable", false),
            (Failure::Unasked { why: "b".into() }, "vault_unavailable", false),
            (Failure::Sealed(said()), "vault_sealed", true),
            (Failure::Login { method: "approle", status, said: said() }, "vault_login_refused", false),
            (Failure::Denied { path: path(), said: said() }, "vault_denied", false),
            (Failure::Missing { path: path(), said: said() }, "vault_secret_missing", false),
            (Failure::Deleted { path: path() }, "vault_secret_missing", false),
            (Failure::FirstVersion { mount: path() }, "vault_mount_unfit", false),
            (Failure::OtherEngine { mount: path(), kind: "pki".into() }, "vault_mount_unfit", false),
            (
                Failure::Credential { what: "vault.token_file", path: "/t".into(), why: "w".into() },
                "config_unreadable",
                false,
            ),
        ];
        for (failure, code, passes) in cases {
            assert_eq!(failure.is_passing(), passes, "{failure:?}");
            assert_eq!(failure.into_error("vault.example").code().id(), code);
        }
    }
}
