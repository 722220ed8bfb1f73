//! TLS: whose certificate the server has, and whose the client has.

use crate::Claim;
use crate::postgres::{Customer, DATABASE, ROLE};
use crate::process::{Ended, run};
use crate::refusals::{Wanted, check};
use rtmx_containers::{Access, DEFAULT_VERSION, Options, Postgres};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tempfile::TempDir;

pub(crate) const CLAIMS: &[Claim] = &[
    ("t5_a_certificate_of_an_unknown_authority_is_refused", an_unknown_authority_is_refused),
    ("a_certificate_for_another_host_is_refused", another_host_is_refused),
    ("a_client_certificate_lets_in_and_another_one_does_not", a_client_certificate_lets_in),
];

/// Where certificates are made.
struct Desk {
    folder: TempDir,
}

impl Desk {
    /// With two authorities, `authority` and `other`.
    fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        desk.make("authority", "authority", &[]);
        desk.make("other", "other", &[]);
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn make(&self, name: &str, subject: &str, more: &[&str]) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
            .args([format!("/CN={subject}"), "-keyout".into(), self.path(&format!("{name}.key"))])
            .args(["-out".into(), self.path(&format!("{name}.crt"))])
            .args(more)
            .output()
            .expect("openssl makes the certificate");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = self.path(&format!("{name}.key"));
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
    }

    /// A certificate that an authority signed.
    fn sign(&self, name: &str, subject: &str, authority: &str, more: &[&str]) {
        let (cert, key) = (self.path(&format!("{authority}.crt")), self.path(&format!("{authority}.key")));
        let signed = ["-CA", &cert, "-CAkey", &key, "-addext", "basicConstraints=critical,CA:FALSE"];
        self.make(name, subject, &[more, &signed].concat());
    }

    /// A server with a certificate of `authority` for this name.
    fn server(&self, alternative: &str) -> Options {
        self.sign("server", "server", "authority", &["-addext", &format!("subjectAltName={alternative}")]);
        let read = |name: &str| std::fs::read(self.path(name)).unwrap();
        Postgres::options(DEFAULT_VERSION)
            .file("/etc/rtmx-test/server.crt", read("server.crt"), Access::Everybody)
            .file("/etc/rtmx-test/server.key", read("server.key"), Access::Server)
            .file("/etc/rtmx-test/authority.crt", read("authority.crt"), Access::Everybody)
            .setting("ssl", "on")
            .setting("ssl_cert_file", "/etc/rtmx-test/server.crt")
            .setting("ssl_key_file", "/etc/rtmx-test/server.key")
    }
}

fn migrated(url: &str, settings: &[(&str, &str)]) -> Ended {
    run(&["migrate"], &[&[("DATABASE_URL", url)][..], settings].concat())
}

fn verified(url: &str, root: &str) -> Ended {
    let tls = [("RTMX_DATABASE__SSLMODE", "verify-full"), ("RTMX_DATABASE__SSLROOTCERT", root)];
    migrated(url, &tls)
}

fn an_unknown_authority_is_refused() {
    let desk = Desk::new();
    let customer = Customer::with(desk.server("IP:127.0.0.1"));
    let (url, place) = (customer.url(), format!("`127.0.0.1:{}`", customer.postgres.port()));
    let wanted = Wanted {
        code: "storage_settings_invalid",
        message: &["database `rtmx`", &place, "certificate"],
        next: "sslrootcert",
    };
    check("a wrong authority", &verified(&url, &desk.path("other.crt")), &wanted);
    let ended = verified(&url, &desk.path("authority.crt"));
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

fn another_host_is_refused() {
    let desk = Desk::new();
    let customer = Customer::with(desk.server("DNS:db.example.com,DNS:localhost"));
    let (url, root) = (customer.url(), desk.path("authority.crt"));
    let place = format!("`127.0.0.1:{}`", customer.postgres.port());
    let wanted = Wanted {
        code: "storage_settings_invalid",
        message: &["database `rtmx`", &place, "certificate is for another host name"],
        next: "`127.0.0.1` among its subject alternative names",
    };
    check("another host", &verified(&url, &root), &wanted);
    let ended = verified(&url.replace("127.0.0.1", "localhost"), &root);
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

fn a_client_certificate_lets_in() {
    let desk = Desk::new();
    desk.sign("client", ROLE, "authority", &[]);
    desk.sign("stranger", ROLE, "other", &[]);
    desk.sign("colleague", "somebody_else", "authority", &[]);
    // The role has to show a certificate; its password counts for nothing.
    let hba =
        format!("local all all trust\nhost all postgres all scram-sha-256\nhostssl all {ROLE} all cert\n");
    let options = desk
        .server("IP:127.0.0.1")
        .file("/etc/rtmx-test/pg_hba.conf", hba, Access::Everybody)
        .setting("hba_file", "/etc/rtmx-test/pg_hba.conf")
        .setting("ssl_ca_file", "/etc/rtmx-test/authority.crt");
    let customer = Customer::with(options);
    let url = format!("postgres://{ROLE}@127.0.0.1:{}/{DATABASE}", customer.postgres.port());
    let place = format!("`127.0.0.1:{}`", customer.postgres.port());
    let root = desk.path("authority.crt");
    let with = |name: Option<&str>| {
        let of = |ending: &str| name.map(|name| desk.path(&format!("{name}.{ending}")));
        let (cert, key) = (of("crt"), of("key"));
        let mut settings =
            vec![("RTMX_DATABASE__SSLMODE", "verify-full"), ("RTMX_DATABASE__SSLROOTCERT", root.as_str())];
        settings.extend(cert.as_deref().map(|cert| ("RTMX_DATABASE__SSLCERT", cert)));
        settings.extend(key.as_deref().map(|key| ("RTMX_DATABASE__SSLKEY", key)));
        migrated(&url, &settings)
    };
    // whose certificate, code, a part of the message, a part of the advice
    let cases = [
        (None, "storage_denied", "the server refused the user", ROLE),
        (Some("colleague"), "storage_denied", "the server refused the user", ROLE),
        (
            Some("stranger"),
            "storage_settings_invalid",
            "did not accept the client certificate",
            "ssl_ca_file",
        ),
    ];
    for (name, code, what, next) in cases {
        let message = ["database `rtmx`", place.as_str(), what];
        let wanted = Wanted { code, message: &message, next };
        check(name.unwrap_or("no certificate"), &with(name), &wanted);
    }
    let ended = with(Some("client"));
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}
