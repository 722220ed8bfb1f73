//! Which server is believed: `sslmode` and the certificates that go with it.
//!
//! The modes are libpq's. Where libpq would quietly check less than the operator asked for, or more,
//! the settings are refused instead, with one exception: `require` with a customer's authority means
//! `verify-ca`, as it does there.

use super::hosts::Host;
use super::names::Name;
use super::parameters::Parameters;
use super::{absolute, invalid};
use rtmx_core::Result;
use sqlx::postgres::PgSslMode;
use std::path::PathBuf;

/// How the connection is protected and what is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trust {
    pub(crate) mode: Mode,
    pub(crate) root: Root,
    /// The client's certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// What `sslmode` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whose word is taken for the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// The authorities that the operating system trusts.
    System,
    /// The authorities in this file.
    File(PathBuf),
}

impl Mode {
    /// Each mode as it is written.
    pub(crate) const NAMES: [(&'static str, Mode); 6] = [
        ("disable", Mode::Disable),
        ("allow", Mode::Allow),
        ("prefer", Mode::Prefer),
        ("require", Mode::Require),
        ("verify-ca", Mode::VerifyCa),
        ("verify-full", Mode::VerifyFull),
    ];

    fn is_checked(self) -> bool {
        matches!(self, Mode::VerifyCa | Mode::VerifyFull)
    }
}

impl Trust {
    /// What the parameters ask for. The default is `prefer`, with `sslrootcert=system` `verify-full`.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` for a mode that is not known and for files that it would not use.
    pub(crate) fn new(parameters: &Parameters) -> Result<Self> {
        let asked = match parameters.get(Name::SslMode) {
            None => None,
            Some(given) => match Mode::NAMES.iter().find(|(name, _)| *name == given) {
                Some((_, mode)) => Some(*mode),
                None => {
                    let names: Vec<&str> = Mode::NAMES.iter().map(|(name, _)| *name).collect();
                    return Err(invalid(format!("`sslmode` must be one of {}", names.join(", "))));
                }
            },
        };
        let (mode, root) = match (asked, parameters.get(Name::SslRootCert)) {
            (None | Some(Mode::VerifyFull), Some("system")) => (Mode::VerifyFull, Root::System),
            (Some(_), Some("system")) => {
                return Err(invalid("`sslrootcert` is `system`, and `sslmode` checks no host name").with_next(
                    "Set `sslmode` to `verify-full`: anybody can get a certificate of some public authority.",
                ));
            }
            (Some(Mode::VerifyCa), None) => {
                return Err(invalid("`sslmode` is `verify-ca`, and no `sslrootcert` names the authority")
                    .with_next("Name the file of your authority in `sslrootcert`, or set `sslmode` to `verify-full`."));
            }
            (asked, None) => (asked.unwrap_or(Mode::Prefer), Root::System),
            (Some(Mode::Require | Mode::VerifyCa), Some(file)) => {
                (Mode::VerifyCa, Root::File(absolute("sslrootcert", file.into())?))
            }
            (Some(Mode::VerifyFull), Some(file)) => {
                (Mode::VerifyFull, Root::File(absolute("sslrootcert", file.into())?))
            }
            (_, Some(_)) => {
                return Err(invalid("`sslrootcert` is set, and `sslmode` would not check it")
                    .with_next("Set `sslmode` to `verify-full`, or remove `sslrootcert`."));
            }
        };
        let identity = match (parameters.get(Name::SslCert), parameters.get(Name::SslKey)) {
            (None, None) => None,
            (Some(cert), Some(key)) => {
                Some((absolute("sslcert", cert.into())?, absolute("sslkey", key.into())?))
            }
            (Some(_), None) => return Err(invalid("`sslcert` is set, and its `sslkey` is not")),
            (None, Some(_)) => return Err(invalid("`sslkey` is set, and its `sslcert` is not")),
        };
        if identity.is_some() && mode == Mode::Disable {
            return Err(invalid("`sslcert` is set, and `sslmode` is `disable`"));
        }
        Ok(Trust { mode, root, identity })
    }

    /// What to try with a host, one after the other. A Unix socket is never encrypted, as in libpq.
    pub(crate) fn attempts(&self, host: &Host) -> &'static [PgSslMode] {
        match self.mode {
            _ if host.is_socket() => &[PgSslMode::Disable],
            Mode::Disable => &[PgSslMode::Disable],
            Mode::Allow => &[PgSslMode::Disable, PgSslMode::Require],
            Mode::Prefer => &[PgSslMode::Prefer, PgSslMode::Disable],
            Mode::Require => &[PgSslMode::Require],
            Mode::VerifyCa => &[PgSslMode::VerifyCa],
            Mode::VerifyFull => &[PgSslMode::VerifyFull],
        }
    }

    /// The file of the customer's authority, if one is checked.
    pub(crate) fn root_file(&self) -> Option<&PathBuf> {
        match &self.root {
            Root::File(file) if self.mode.is_checked() => Some(file),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(given: &str) -> Result<Trust> {
        super::super::url::read(&format!("postgres://app@db/rtmx?{given}"), "`url`")
            .and_then(|parameters| Trust::new(&parameters))
    }

    #[test]
    fn each_mode_checks_what_it_says() {
        // parameters, mode, file of the authority
        let cases = [
            ("", Mode::Prefer, None),
            ("sslmode=disable", Mode::Disable, None),
            ("sslmode=allow", Mode::Allow, None),
            ("sslmode=require", Mode::Require, None),
            ("sslmode=require&sslrootcert=/ca.pem", Mode::VerifyCa, Some("/ca.pem")),
            ("sslmode=verify-ca&sslrootcert=/ca.pem", Mode::VerifyCa, Some("/ca.pem")),
            ("sslmode=verify-full&sslrootcert=/ca.pem", Mode::VerifyFull, Some("/ca.pem")),
            ("sslmode=verify-full", Mode::VerifyFull, None),
            ("sslrootcert=system", Mode::VerifyFull, None),
        ];
        for (given, mode, file) in cases {
            let trust = trust(given).expect(given);
            assert_eq!((trust.mode, trust.root_file()), (mode, file.map(PathBuf::from).as_ref()), "{given}");
        }
    }

    #[test]
    fn what_would_not_be_checked_is_refused() {
        // parameters, a part of the message
        let cases = [
            ("sslmode=verify", "must be one of disable, allow"),
            ("sslmode=require&sslrootcert=system", "checks no host name"),
            ("sslmode=verify-ca", "no `sslrootcert`"),
            ("sslmode=prefer&sslrootcert=/ca.pem", "would not check it"),
            ("sslrootcert=/ca.pem", "would not check it"),
            ("sslmode=verify-full&sslrootcert=ca.pem", "relative path"),
            ("sslmode=require&sslcert=/c.pem", "`sslkey` is not"),
            ("sslmode=require&sslkey=/k.pem", "`sslcert` is not"),
            ("sslmode=disable&sslcert=/c.pem&sslkey=/k.pem", "`sslmode` is `disable`"),
        ];
        for (given, part) in cases {
            let error = trust(given).expect_err(given);
            assert!(error.message().contains(part), "{given}: {error}");
        }
    }

    #[test]
    fn a_socket_is_never_encrypted() {
        let socket = Host { name: "/run/postgresql".into(), port: 5432 };
        let attempts = trust("sslmode=verify-full").expect("a mode").attempts(&socket);
        assert!(matches!(attempts, [PgSslMode::Disable]));
    }
}
