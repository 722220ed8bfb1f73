//! The table of settings: the one place where a setting is declared.

mod vault;

use crate::Kind;
use std::time::Duration;

/// Whether a changed setting can be taken over by a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reload {
    /// It takes effect when the configuration is read again.
    Live,
    /// It takes effect at the next start.
    Restart,
}

/// The declaration of one setting.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// The key's path, `section.key`.
    pub path: &'static str,
    /// What values it can have.
    pub kind: Kind,
    /// The default, as an operator would write it; `None` where there is none.
    pub default: Option<&'static str>,
    /// Whether the value must not be seen.
    pub secret: bool,
    /// Names of environment variables that are accepted beside [`KeySpec::variable`], which goes before
    /// them; an earlier one goes before a later one.
    pub variables: &'static [&'static str],
    /// Whether a running server can take it over.
    pub reload: Reload,
    /// Paths under which older versions knew it.
    pub formerly: &'static [&'static str],
    /// Whether a value that cannot be used is left out with a warning when a server starts, because
    /// the setting must never keep it from starting.
    pub lenient: bool,
    /// One sentence for the reference.
    pub doc: &'static str,
}

impl KeySpec {
    /// The setting's own environment variable: `RTMX_SECTION__KEY`.
    pub fn variable(&self) -> String {
        crate::Table::RTMX.variable(self)
    }

    /// Every environment variable that sets it, in the order of precedence.
    pub fn names(&self) -> Vec<String> {
        crate::Table::RTMX.names(self)
    }
}

pub(crate) const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> KeySpec {
    KeySpec {
        path,
        kind,
        default,
        secret: false,
        variables: &[],
        reload: Reload::Restart,
        formerly: &[],
        lenient: false,
        doc,
    }
}

/// A key that a running server takes over.
const fn live(spec: KeySpec) -> KeySpec {
    KeySpec { reload: Reload::Live, ..spec }
}

const fn seconds(min_ms: u64, max_s: u64) -> Kind {
    Kind::Duration { min: Duration::from_millis(min_ms), max: Duration::from_secs(max_s) }
}

const HOUR_S: u64 = 3_600;

/// Every setting, by section, in the order of the reference.
pub const KEYS: &[KeySpec] = &[
    key(
        "server.listen",
        Kind::Address,
        Some("127.0.0.1:8080"),
        "Address and port of the API; an address beyond this machine needs tokens.",
    ),
    key(
        "server.tls_cert",
        Kind::Path,
        None,
        "The server's certificate with its chain (PEM); with it the API is served over TLS only. Read again when it changes.",
    ),
    key(
        "server.tls_key",
        Kind::Path,
        None,
        "The private key of `server.tls_cert` (PEM, not encrypted). Read again when it changes.",
    ),
    key(
        "server.tls_client_ca",
        Kind::Path,
        None,
        "Authorities (PEM) that sign the certificates of clients; with it clients are asked for one. Read again when it changes.",
    ),
    key(
        "server.tls_client_auth",
        Kind::Choice { names: &["required", "optional"], also: &[] },
        Some("required"),
        "Whether a client without a certificate is turned away, where `server.tls_client_ca` is set; a token is needed in any case.",
    ),
    key(
        "server.tls_min_version",
        Kind::Choice { names: &["1.2", "1.3"], also: &[] },
        Some("1.2"),
        "The oldest version of TLS that is spoken.",
    ),
    key(
        "server.redirect_listen",
        Kind::Address,
        None,
        "A second address, without TLS, that sends browsers to the one with TLS and answers probes.",
    ),
    live(key(
        "server.public_url",
        Kind::Url { schemes: &["https", "http"], login: false },
        None,
        "Under which URL people reach the server; redirects to TLS lead there.",
    )),
    live(key(
        "server.hsts",
        seconds(0, 2 * 366 * 24 * HOUR_S),
        Some("0s"),
        "How long browsers shall insist on TLS for this host (Strict-Transport-Security); not sent with 0s, nor without TLS.",
    )),
    live(key(
        "server.trusted_proxies",
        Kind::Networks,
        None,
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; nobody's without it.",
    )),
    live(key(
        "server.body_limit",
        Kind::Size { min: 1 << 10, max: 1 << 30 },
        Some("64MiB"),
        "The largest request body; a larger one is refused before it is read.",
    )),
    live(key(
        "server.request_timeout",
        seconds(10, HOUR_S),
        Some("30s"),
        "How long one request may take, its body included.",
    )),
    live(key(
        "server.drain",
        seconds(0, HOUR_S),
        Some("10s"),
        "How long running requests may go on after the server was asked to stop.",
    )),
    live(key(
        "server.drain_delay",
        seconds(0, HOUR_S),
        Some("0s"),
        "How long a server that was asked to stop says that it is not ready and still takes new connections, for balancers that notice late.",
    )),
    key(
        "server.connections",
        Kind::Integer { min: 1, max: 65_536 },
        Some("1024"),
        "How many connections are open at once; further ones wait. 24 of them (a quarter below 96) are kept from event streams.",
    ),
    key(
        "data.dir",
        Kind::Path,
        Some("/var/lib/rtmx/data"),
        "The folder of the database, the admin socket and the lock; on a local disk.",
    ),
    KeySpec {
        secret: true,
        variables: &["DATABASE_URL"],
        ..key(
            "database.url",
            Kind::Url { schemes: &[], login: true },
            Some("sqlite:rtmx.db"),
            "The database; a relative SQLite file is in `data.dir`. Not used where `database.host` or `database.service` stands alone. Also made from `POSTGRES_HOST` and its companions.",
        )
    },
    key(
        "database.engine",
        Kind::Choice { names: &["sqlite", "postgresql"], also: &[] },
        None,
        "Which engine the database has to have; on another the server does not start, so that a missing address makes no empty database of its own.",
    ),
    key(
        "database.host",
        Kind::Text { max: 4 << 10 },
        None,
        "The host of the PostgreSQL database, or several with commas between them, where `database.url` is not used.",
    ),
    key(
        "database.port",
        Kind::Integer { min: 1, max: 65_535 },
        None,
        "The port of the PostgreSQL server; 5432 where nothing says another.",
    ),
    key(
        "database.name",
        Kind::Text { max: 63 },
        None,
        "The PostgreSQL database; the user's name where nothing says another.",
    ),
    key("database.user", Kind::Text { max: 63 }, None, "The PostgreSQL role that logs in."),
    KeySpec {
        secret: true,
        reload: Reload::Live,
        ..key(
            "database.password",
            Kind::Password { max: 64 << 10 },
            None,
            "The role's password, exactly as it stands, spaces included; new connections use a changed one.",
        )
    },
    key(
        "database.password_file",
        Kind::Path,
        None,
        "A file that holds only the password; read again for each connection, so that it can be rotated.",
    ),
    key(
        "database.sslmode",
        Kind::Choice {
            names: &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
            also: &[],
        },
        None,
        "How the connection to PostgreSQL is protected; `prefer` where nothing says otherwise.",
    ),
    key(
        "database.sslrootcert",
        Kind::Text { max: 4 << 10 },
        None,
        "The file of the authorities that may sign the database server's certificate, or `system`.",
    ),
    key("database.sslcert", Kind::Path, None, "The certificate with which the server logs in to PostgreSQL."),
    key("database.sslkey", Kind::Path, None, "The key of `database.sslcert`, closed to others."),
    key(
        "database.target_session_attrs",
        Kind::Choice {
            names: &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
            also: &[],
        },
        None,
        "Which of several PostgreSQL servers is used; `read-write` where several are named.",
    ),
    key("database.passfile", Kind::Path, None, "A file of the form `.pgpass`, closed to others."),
    key(
        "database.service",
        Kind::Text { max: 4 << 10 },
        None,
        "A section of `database.service_file`, for what no other setting of the database says.",
    ),
    key("database.service_file", Kind::Path, None, "A file of the form `pg_service.conf`."),
    key(
        "database.schema",
        Kind::Text { max: 63 },
        None,
        "The PostgreSQL schema that holds the tables; `rtmx` where nothing says another.",
    ),
    key(
        "database.connections",
        Kind::Integer { min: 2, max: 200 },
        None,
        "How many connections to PostgreSQL this server keeps at most; 10 where nothing says otherwise.",
    ),
    key(
        "database.statement_timeout",
        seconds(100, HOUR_S),
        None,
        "How long PostgreSQL works on one statement; 60s where nothing says otherwise.",
    ),
    key(
        "database.lock_timeout",
        seconds(1, HOUR_S),
        None,
        "How long a migration waits for a lock of PostgreSQL; 10s where nothing says otherwise.",
    ),
    key(
        "database.pooler",
        Kind::Switch,
        None,
        "Whether the database is reached through PgBouncer in transaction mode.",
    ),
    KeySpec {
        secret: true,
        ..key(
            "database.direct_url",
            Kind::Url { schemes: &[], login: true },
            None,
            "The PostgreSQL server behind the pooler, for what needs a session of its own.",
        )
    },
    key(
        "database.migrate",
        Kind::Switch,
        Some("true"),
        "Whether the server runs the expanding migrations of its version when it starts.",
    ),
    KeySpec {
        variables: &["LOG_LEVEL"],
        reload: Reload::Live,
        ..key(
            "log.level",
            Kind::Choice {
                names: &["trace", "debug", "info", "warn", "error"],
                also: &[("warning", "warn"), ("critical", "error")],
            },
            Some("info"),
            "The least important messages that are still logged.",
        )
    },
    KeySpec {
        variables: &["LOG_FORMAT"],
        ..key(
            "log.format",
            Kind::Choice { names: &["json", "text"], also: &[] },
            Some("json"),
            "How log lines are written: for machines or for people.",
        )
    },
    KeySpec {
        variables: &["PROMETHEUS_ENABLED"],
        ..key(
            "metrics.enabled",
            Kind::Switch,
            Some("true"),
            "Whether metrics are served on a listener of their own.",
        )
    },
    KeySpec {
        variables: &["PROMETHEUS_PORT"],
        ..key(
            "metrics.port",
            Kind::Integer { min: 0, max: 65_535 },
            Some("9090"),
            "The port of the metrics, on the address of `server.listen`; 0 lets the system choose.",
        )
    },
    KeySpec {
        secret: true,
        variables: &["RTMX_ADMIN_TOKEN"],
        ..key(
            "auth.admin_token",
            Kind::Token { min: 32, max: 512 },
            None,
            "The first admin token of an empty database; without it, the server makes one where it needs one.",
        )
    },
    live(key(
        "auth.session_lifetime",
        seconds(60_000, 90 * 24 * HOUR_S),
        Some("12h"),
        "How long a browser stays signed in; a session is not made longer by being used.",
    )),
    KeySpec {
        variables: &["LICENSE_VALIDATION_MODE"],
        ..key(
            "license.mode",
            Kind::Choice { names: &["offline", "online"], also: &[] },
            Some("offline"),
            "Whether the license is checked on this machine alone or also with the license server.",
        )
    },
    KeySpec {
        secret: true,
        variables: &["RTMX_LICENSE_KEY", "LICENSE_KEY"],
        reload: Reload::Live,
        lenient: true,
        ..key(
            "license.key",
            Kind::Text { max: 64 << 10 },
            None,
            "The license; without one, or with one that cannot be used, the community limits hold.",
        )
    },
    live(key(
        "license.file",
        Kind::Path,
        None,
        "A file with the license, such as a mounted secret; read again while the server runs.",
    )),
    KeySpec {
        variables: &["RTMX_MACHINE_ID"],
        ..key(
            "license.machine_id",
            Kind::Text { max: 256 },
            None,
            "What this machine is recognised by, where its own id cannot be read or changes; only a license that is bound asks for it.",
        )
    },
    KeySpec {
        variables: &["RTMX_CLUSTER_ID"],
        ..key(
            "license.cluster_id",
            Kind::Text { max: 256 },
            None,
            "What this cluster is recognised by: the UID of the namespace `kube-system`; only a license that is bound asks for it.",
        )
    },
    key(
        "license.server_url",
        Kind::Url { schemes: &["https", "http"], login: false },
        None,
        "The license server of the online mode.",
    ),
    key(
        "license.ca_file",
        Kind::Path,
        None,
        "Authorities that may sign the license server's certificate, besides those of this machine.",
    ),
    KeySpec {
        secret: true,
        variables: &["HTTPS_PROXY", "https_proxy"],
        ..key(
            "license.proxy",
            Kind::Url { schemes: &["http"], login: true },
            None,
            "The proxy on the way to the license server; it may name a user and a password.",
        )
    },
    KeySpec {
        variables: &["NO_PROXY", "no_proxy"],
        ..key(
            "license.no_proxy",
            Kind::Text { max: 4 << 10 },
            None,
            "Hosts to which no proxy leads, with commas between.",
        )
    },
    live(key(
        "license.revalidate_interval",
        seconds(60_000, 7 * 24 * HOUR_S),
        Some("24h"),
        "How often the online mode asks the license server again.",
    )),
    key(
        "telemetry.enabled",
        Kind::Switch,
        Some("false"),
        "Whether the server may send usage figures to the vendor; nothing is sent without it.",
    ),
    vault::ADDRESS,
    vault::MOUNT,
    vault::PATHS,
    vault::NAMESPACE,
    vault::CA_FILE,
    vault::AUTH,
    vault::AUTH_MOUNT,
    vault::ROLE,
    vault::TOKEN,
    vault::TOKEN_FILE,
    vault::SECRET_ID,
    vault::SECRET_ID_FILE,
    vault::JWT_FILE,
    vault::TIMEOUT,
    vault::POLL,
];

/// The declaration of a key, by its path or by a former one; `true` for a former one.
pub(crate) fn find<'a>(keys: &'a [KeySpec], path: &str) -> Option<(&'a KeySpec, bool)> {
    let present = keys.iter().find(|spec| spec.path == path).map(|spec| (spec, false));
    present.or_else(|| keys.iter().find(|spec| spec.formerly.contains(&path)).map(|spec| (spec, true)))
}

/// The known path that an unknown one was probably meant to be: the most alike, or the only one whose
/// last part is the same.
pub(crate) fn nearest(keys: &[KeySpec], path: &str) -> Option<String> {
    let alike = rtmx_core::nearest(path, keys.iter().map(|spec| spec.path));
    let last =
        |path: &str| path.rsplit('.').next().unwrap_or_default().replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = last(path);
    let mut same =
        keys.iter().filter(|spec| last(spec.path) == wanted || last(&spec.path.replace('.', "")) == wanted);
    let only = same.next().filter(|_| same.next().is_none());
    alike.or(only.map(|spec| spec.path)).map(ToOwned::to_owned)
}
