//! Every failure in the words that an operator reads.

use super::*;
use rtmx_core::assert_code;

/// The error for what sqlx met while connecting.
fn refusal(error: sqlx::Error, at: &At<'_>) -> Error {
    explain(Failure::Sqlx(error), at).error
}

fn at(host: &Host) -> At<'_> {
    At { host, database: "rtmx", user: "app", has_password: true }
}

fn db() -> Host {
    Host { name: "db.internal".into(), port: 5432 }
}

/// As the TLS library's errors reach us from a handshake.
fn in_handshake(error: rustls::Error) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(ErrorKind::InvalidData, error))
}

#[test]
fn each_failure_of_tls_says_what_to_change() {
    use rustls::Error::{AlertReceived, InvalidCertificate};
    // failure, end of the message, a part of the advice
    let cases = [
        (
            InvalidCertificate(CertificateError::UnknownIssuer),
            "an authority that is trusted",
            "`sslrootcert`",
        ),
        (InvalidCertificate(CertificateError::NotValidForName), "for another host name", "`db.internal`"),
        (InvalidCertificate(CertificateError::Expired), "has expired", "Renew"),
        (InvalidCertificate(CertificateError::NotValidYet), "is not valid yet", "clock"),
        (InvalidCertificate(CertificateError::Revoked), "was revoked", "Renew"),
        (InvalidCertificate(CertificateError::BadEncoding), "cannot be used", "version 3"),
        (AlertReceived(AlertDescription::CertificateRequired), "or asks for one", "`sslcert`"),
        (AlertReceived(AlertDescription::ProtocolVersion), "share no TLS version or cipher", "TLS 1.2"),
        (rustls::Error::DecryptError, "the TLS handshake failed", "See the cause"),
    ];
    for (failure, end, advice) in cases {
        let error = refusal(in_handshake(failure), &at(&db()));
        assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
        assert!(error.message().ends_with(end), "{error}");
        assert!(error.next().contains(advice), "{}", error.next());
        assert!(!error.causes().is_empty(), "{error:?}");
    }
}

#[test]
fn a_socket_and_a_port_fail_in_their_own_words() {
    let socket = Host { name: "/run/postgresql".into(), port: 5432 };
    // kind, host, message
    let cases = [
        (ErrorKind::ConnectionRefused, db(), "nothing listens there"),
        (ErrorKind::HostUnreachable, db(), "no route leads there"),
        (ErrorKind::ConnectionReset, db(), "the other side closed the connection"),
        (ErrorKind::NotFound, socket.clone(), "there is no socket"),
        (ErrorKind::PermissionDenied, socket, "this user may not use the socket"),
    ];
    for (kind, host, end) in cases {
        let error = refusal(sqlx::Error::Io(kind.into()), &at(&host));
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
        assert_eq!(error.retry(), Retry::Later, "{error}");
        assert!(error.message().ends_with(end), "{error}");
    }
}

#[test]
fn what_does_not_speak_our_protocol_is_told_from_what_closes() {
    use storage::{STORAGE_SETTINGS_INVALID, STORAGE_UNAVAILABLE};
    // what sqlx says, code, end of the message
    let cases = [
        ("unknown authentication method: 7", STORAGE_SETTINGS_INVALID, "this driver does not offer"),
        ("unsupported authentication method: KerberosV5", STORAGE_SETTINGS_INVALID, "does not offer"),
        (
            "unsupported SASL authentication mechanisms: OAUTHBEARER",
            STORAGE_SETTINGS_INVALID,
            "does not offer",
        ),
        ("unexpected response from SSLRequest: 0x00", STORAGE_UNAVAILABLE, "closed the connection"),
        (
            "unexpected response from SSLRequest: 0x48",
            STORAGE_UNAVAILABLE,
            "does not speak as PostgreSQL does",
        ),
    ];
    for (said, code, end) in cases {
        let error = refusal(sqlx::Error::Protocol(said.into()), &at(&db()));
        assert_code(&error, code);
        assert!(error.message().ends_with(end), "{said}: {error}");
    }
}

#[test]
fn what_may_hold_a_letter_of_the_password_is_left_out() {
    let error = refusal(sqlx::Error::Configuration("password: ProhibitedCharacter('q')".into()), &at(&db()));
    assert!(!format!("{error:?}").contains("'q'"), "{error:?}");
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
}

#[test]
fn what_nobody_foresaw_is_a_defect() {
    let error = refusal(sqlx::Error::WorkerCrashed, &at(&db()));
    assert_code(&error, storage::INTERNAL);
}
