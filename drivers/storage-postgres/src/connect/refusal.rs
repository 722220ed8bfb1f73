//! Why a connection was not made, in the operator's words.
//!
//! [`refusal`] is a pure function of what sqlx said. Its message names host, port, database and
//! user, and says what is wrong; the advice says what to change; the server's own words follow as
//! the cause. sqlx's configuration errors are the one cause that is left out: some of them hold
//! letters of the password.

use super::Address;
use super::hosts::Host;
use super::session::{Session, Standing};
use rtmx_core::{Code, Error, Retry, storage};
use rustls::{AlertDescription, CertificateError};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// The oldest PostgreSQL that is served, as `server_version_num`.
pub(crate) const OLDEST_VERSION: u32 = 120_000;

/// Where a connection was attempted, and as whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) host: &'a Host,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
    /// Whether there was a password to give.
    pub(crate) has_password: bool,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database `{}` on `{}` as `{}`", self.database, self.host, self.user)
    }
}

/// What kept one host from being used.
#[derive(Debug)]
pub(crate) enum Failure {
    /// sqlx met it.
    Sqlx(sqlx::Error),
    /// The name has no address.
    Resolve(io::Error),
    /// The host took longer than this.
    TimedOut(Duration),
    /// The server is older than [`OLDEST_VERSION`].
    TooOld(u32),
    /// The server is not the one of several that is wanted.
    Other { wanted: Session, found: Standing },
}

/// The failure of one host.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    /// The host with what is wrong, for a list of several.
    line: String,
    /// Whether the other hosts would say the same, as in libpq: the user or the database is wrong.
    pub(crate) is_final: bool,
}

struct Reason {
    code: Code,
    what: Cow<'static, str>,
    next: Cow<'static, str>,
}

fn reason(code: Code, what: impl Into<Cow<'static, str>>, next: impl Into<Cow<'static, str>>) -> Reason {
    Reason { code, what: what.into(), next: next.into() }
}

/// The failure of one host, explained.
pub(crate) fn explain(failure: Failure, at: &At<'_>) -> Refusal {
    let reason = match &failure {
        Failure::Sqlx(error) => of_sqlx(error, at),
        Failure::Resolve(_) => reason(
            storage::STORAGE_UNAVAILABLE,
            "the host name has no address",
            "Correct the host name, or let this machine's resolver know it.",
        ),
        Failure::TimedOut(limit) => reason(
            storage::STORAGE_UNAVAILABLE,
            format!("no answer within {} ms", limit.as_millis()),
            "Check host, port and the firewalls between; raise `connect_timeout_ms` if the network is slow.",
        ),
        Failure::TooOld(found) => reason(
            storage::STORAGE_UNSUPPORTED,
            format!(
                "the server is PostgreSQL {}, and {} or later is needed",
                found / 10_000,
                OLDEST_VERSION / 10_000
            ),
            "Upgrade the PostgreSQL server, or use another one.",
        ),
        Failure::Other { wanted, found } => reason(
            storage::STORAGE_UNAVAILABLE,
            format!("the server is {}, and `{}` is wanted", standing(*found), wanted.name()),
            "Wait for the failover to end, or list the right hosts; `target_session_attrs` says which server is wanted.",
        ),
    };
    let is_final = matches!(reason.code, storage::STORAGE_DENIED | storage::STORAGE_UNSUPPORTED)
        || state_of(&failure).is_some_and(|state| state == "3D000");
    let error = Error::new(reason.code, format!("could not connect to {at}: {}", reason.what))
        .with_next(reason.next)
        .with("host", at.host)
        .with("database", at.database)
        .with("user", at.user);
    Refusal { error: with_cause(error, failure), line: format!("`{}`: {}", at.host, reason.what), is_final }
}

/// One error for the failures of several hosts, in the order in which they were tried.
pub(crate) fn together(address: &Address, mut refusals: Vec<Refusal>) -> Error {
    if refusals.len() == 1 {
        return refusals.remove(0).error;
    }
    let may_pass = refusals.iter().any(|refusal| refusal.error.retry() == Retry::Later);
    let first = refusals.first();
    let code = match first {
        Some(first) if !may_pass => first.error.code(),
        _ => storage::STORAGE_UNAVAILABLE,
    };
    let next = first.map_or("Check the hosts.".to_owned(), |first| first.error.next().to_owned());
    let lines: Vec<&str> = refusals.iter().map(|refusal| refusal.line.as_str()).collect();
    let message = format!(
        "could not connect to database `{}` as `{}` on any of its hosts: {}",
        address.database,
        address.user,
        lines.join("; ")
    );
    Error::new(code, message).with_next(next)
}

fn standing(found: Standing) -> &'static str {
    match (found.is_standby, found.is_read_only) {
        (true, _) => "a standby",
        (false, true) => "a primary that only reads",
        (false, false) => "a primary",
    }
}

fn state_of(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Sqlx(sqlx::Error::Database(error)) => error.code().map(Cow::into_owned),
        _ => None,
    }
}

/// What the server said, as a cause.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL said: {message} (SQLSTATE {state})")]
struct Said {
    message: String,
    state: String,
}

fn with_cause(error: Error, failure: Failure) -> Error {
    match failure {
        Failure::Sqlx(sqlx::Error::Database(said)) => {
            let state = said.code().map_or_else(|| "unknown".into(), Cow::into_owned);
            error.with_source(Said { message: said.message().to_owned(), state })
        }
        Failure::Sqlx(sqlx::Error::Configuration(_)) => error,
        Failure::Sqlx(sqlx::Error::Io(source)) | Failure::Resolve(source) => error.with_source(source),
        Failure::Sqlx(sqlx::Error::Tls(source)) => error.with_source(source),
        Failure::Sqlx(source) => error.with_source(source),
        Failure::TimedOut(_) | Failure::TooOld(_) | Failure::Other { .. } => error,
    }
}

fn of_sqlx(error: &sqlx::Error, at: &At<'_>) -> Reason {
    match error {
        sqlx::Error::Database(said) => of_state(said.code().as_deref().unwrap_or(""), said.message(), at),
        sqlx::Error::Io(source) => match tls_error(error) {
            Some(tls) => of_tls(tls, at),
            None => of_io(source.kind(), at),
        },
        sqlx::Error::Tls(source) => match tls_error(error) {
            Some(tls) => of_tls(tls, at),
            None if source.to_string().contains("does not support TLS") => reason(
                storage::STORAGE_SETTINGS_INVALID,
                "the server does not offer TLS",
                "Switch `ssl` on in the server's `postgresql.conf`, or set `sslmode` to `disable` if the network is trusted.",
            ),
            None => reason(
                storage::STORAGE_SETTINGS_INVALID,
                "TLS could not be set up",
                "Check `sslrootcert`, `sslcert` and `sslkey`.",
            ),
        },
        sqlx::Error::Configuration(_) => reason(
            storage::STORAGE_SETTINGS_INVALID,
            "the user name, the password or the client certificate cannot be used",
            "Use no control characters in user and password, and see that `sslkey` belongs to `sslcert`.",
        ),
        // sqlx reads the end of the stream as a zero.
        sqlx::Error::Protocol(found) if found.contains("SSLRequest: 0x00") => {
            of_io(ErrorKind::UnexpectedEof, at)
        }
        sqlx::Error::Protocol(found) if found.contains("authentication me") => reason(
            storage::STORAGE_SETTINGS_INVALID,
            "the server asks for a way to log in that this driver does not offer",
            "Let `pg_hba.conf` ask for `scram-sha-256`, `md5`, `password` or `cert`.",
        ),
        sqlx::Error::Protocol(_) => reason(
            storage::STORAGE_UNAVAILABLE,
            "what answers there does not speak as PostgreSQL does",
            "Check host and port, and what listens there.",
        ),
        _ => reason(
            storage::INTERNAL,
            "the connection failed in an unexpected way",
            storage::INTERNAL.entry().next,
        ),
    }
}

/// What a state of PostgreSQL means here.
///
/// Source: PostgreSQL manual, "PostgreSQL Error Codes"; PgBouncer answers with class 08.
fn of_state(state: &str, message: &str, at: &At<'_>) -> Reason {
    use storage::{STORAGE_DENIED, STORAGE_SETTINGS_INVALID, STORAGE_UNAVAILABLE};
    match state {
        "28P01" if !at.has_password => reason(
            STORAGE_DENIED,
            "the server asks for a password, and there is none",
            "Set `password` or `password_file`, or add a line for this host, database and user to the `passfile`.",
        ),
        "28P01" => reason(
            STORAGE_DENIED,
            "the server refused the password",
            format!("Correct the password of `{}`, where the settings have it or on the server.", at.user),
        ),
        // The file's name is the same in every language in which a server speaks.
        "28000" if message.contains("pg_hba.conf") => reason(
            STORAGE_DENIED,
            "the server's `pg_hba.conf` has no entry for this connection",
            "Let `pg_hba.conf` allow this machine, user and database, encrypted or not as `sslmode` has it.",
        ),
        "28000" => reason(
            STORAGE_DENIED,
            "the server refused the user",
            format!(
                "Check that the role `{}` exists, may log in, and logs in as `pg_hba.conf` asks.",
                at.user
            ),
        ),
        "42501" => reason(
            STORAGE_DENIED,
            "the user may not connect to this database",
            format!("Run `GRANT CONNECT ON DATABASE \"{}\" TO \"{}\"` as its owner.", at.database, at.user),
        ),
        "3D000" => reason(
            STORAGE_SETTINGS_INVALID,
            "there is no such database",
            format!("Create the database `{}`, or correct its name in the settings.", at.database),
        ),
        "53300" => reason(
            STORAGE_UNAVAILABLE,
            "the server has no connection left",
            "Raise `max_connections` of the server or the role's limit, or lower `connections` here.",
        ),
        "57P03" => reason(STORAGE_UNAVAILABLE, "the server is starting up or shutting down", "Wait."),
        "57P01" | "57P02" => {
            reason(STORAGE_UNAVAILABLE, "the server is shutting down", "Wait, or start the server.")
        }
        "08P01" => reason(
            STORAGE_SETTINGS_INVALID,
            "the server or the pooler before it refused how the connection begins",
            "See the cause; set `pooler` if the URL leads to PgBouncer, and `sslmode` as it asks.",
        ),
        _ if state.starts_with("08") || state.starts_with("53") || state.starts_with("57") => {
            reason(STORAGE_UNAVAILABLE, "the server could not serve the connection", "See the cause.")
        }
        _ => reason(STORAGE_UNAVAILABLE, "the server refused the connection", "See the cause."),
    }
}

fn of_io(kind: ErrorKind, at: &At<'_>) -> Reason {
    let socket = at.host.is_socket();
    let (what, next) = match kind {
        ErrorKind::ConnectionRefused => {
            ("nothing listens there", "Start the server, or correct host and port; check `listen_addresses`.")
        }
        ErrorKind::NotFound if socket => (
            "there is no socket",
            "Start the server, or correct the folder to its `unix_socket_directories`.",
        ),
        ErrorKind::PermissionDenied if socket => {
            ("this user may not use the socket", "Let the server's user into the folder of the socket.")
        }
        ErrorKind::TimedOut => ("no answer", "Check host, port and the firewalls between."),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            ("no route leads there", "Check the host and this machine's network.")
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => {
            ("the other side closed the connection", "Check what listens there, and the server's log.")
        }
        _ => ("the connection failed", "See the cause."),
    };
    reason(storage::STORAGE_UNAVAILABLE, what, next)
}

/// The error of the TLS library, if that is what it was.
pub(crate) fn tls_error(error: &sqlx::Error) -> Option<&rustls::Error> {
    match error {
        sqlx::Error::Io(error) => error.get_ref()?.downcast_ref(),
        sqlx::Error::Tls(error) => error.downcast_ref(),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error, at: &At<'_>) -> Reason {
    let settings = |what, next| reason(storage::STORAGE_SETTINGS_INVALID, what, next);
    match error {
        rustls::Error::InvalidCertificate(flaw) => of_certificate(flaw, at),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied,
        ) => settings(
            "the server did not accept the client certificate, or asks for one",
            "Set `sslcert` and `sslkey` to a certificate of the authority in the server's `ssl_ca_file`.",
        ),
        rustls::Error::InconsistentKeys(_) => {
            settings("`sslkey` does not belong to `sslcert`", "Set both to one pair.")
        }
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => settings(
            "the server and this driver share no TLS version or cipher",
            "Let the server offer TLS 1.2 or 1.3.",
        ),
        _ => settings("the TLS handshake failed", "See the cause."),
    }
}

fn of_certificate(flaw: &CertificateError, at: &At<'_>) -> Reason {
    let settings =
        |what: &'static str, next: Cow<'static, str>| reason(storage::STORAGE_SETTINGS_INVALID, what, next);
    match flaw {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => settings(
            "the server's certificate is for another host name",
            format!(
                "Connect under a name that the certificate lists, or give the server one with `{}` among its subject alternative names; a common name alone does not count.",
                at.host.name
            )
            .into(),
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => settings(
            "the server's certificate is not of an authority that is trusted",
            "Set `sslrootcert` to the certificate of the authority that signed the server's.".into(),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            settings("the server's certificate has expired", "Renew the server's certificate.".into())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => settings(
            "the server's certificate is not valid yet",
            "Check this machine's clock and the certificate's dates.".into(),
        ),
        CertificateError::Revoked => {
            settings("the server's certificate was revoked", "Renew the server's certificate.".into())
        }
        // Both have no variant of their own: a server certificate that is itself an authority, as
        // the manual of PostgreSQL shows how to make one, and one of X.509 version 1.
        other => settings(
            match format!("{other:?}") {
                text if text.contains("CaUsedAsEndEntity") => "the server's certificate is itself an authority",
                text if text.contains("UnsupportedCertVersion") => "the server's certificate is of X.509 version 1",
                _ => "the server's certificate cannot be used",
            },
            "Give the server a certificate of version 3 that an authority signed, with its host names as subject alternative names.".into(),
        ),
    }
}

#[cfg(test)]
mod tests;
