//! The table of settings: the one place where a setting is declared.

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
        format!("RTMX_{}", self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// Every environment variable that sets it, in the order of precedence.
    pub fn names(&self) -> Vec<String> {
        let own = std::iter::once(self.variable());
        own.chain(self.variables.iter().map(|name| (*name).to_owned())).collect()
    }
}

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> KeySpec {
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
        "server.body_limit",
        Kind::Size { min: 1 << 10, max: 1 << 30 },
        Some("64MiB"),
        "The largest request body; a larger one is refused before it is read.",
    ),
    key(
        "server.request_timeout",
        seconds(10, HOUR_S),
        Some("30s"),
        "How long one request may take, its body included.",
    ),
    key(
        "server.drain",
        seconds(0, HOUR_S),
        Some("10s"),
        "How long running requests may go on after the server was asked to stop.",
    ),
    key(
        "server.connections",
        Kind::Integer { min: 1, max: 65_536 },
        Some("1024"),
        "How many connections are open at once; further ones wait.",
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
            Kind::Url { schemes: &[] },
            Some("sqlite:rtmx.db"),
            "The database; a relative SQLite file is in `data.dir`. Also made from `POSTGRES_HOST` and its companions.",
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
            Kind::Token { min: 16, max: 512 },
            None,
            "The first admin token of an empty database; without it, the server makes one where it needs one.",
        )
    },
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
    key(
        "license.server_url",
        Kind::Url { schemes: &["https", "http"] },
        None,
        "The license server of the online mode.",
    ),
    key(
        "license.revalidate_interval",
        seconds(60_000, 90 * 24 * HOUR_S),
        Some("24h"),
        "How often the online mode asks the license server again.",
    ),
    key(
        "telemetry.enabled",
        Kind::Switch,
        Some("false"),
        "Whether the server may send usage figures to the vendor; nothing is sent without it.",
    ),
];

/// The declaration of a key, by its path or by a former one; `true` for a former one.
pub(crate) fn find<'a>(keys: &'a [KeySpec], path: &str) -> Option<(&'a KeySpec, bool)> {
    let present = keys.iter().find(|spec| spec.path == path).map(|spec| (spec, false));
    present.or_else(|| keys.iter().find(|spec| spec.formerly.contains(&path)).map(|spec| (spec, true)))
}

/// The known path that an unknown one was probably meant to be: the most alike, or the only one whose
/// last part is the same.
pub(crate) fn nearest(keys: &[KeySpec], path: &str) -> Option<String> {
    let alike = crate::nearest::nearest(path, keys.iter().map(|spec| spec.path));
    let last =
        |path: &str| path.rsplit('.').next().unwrap_or_default().replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = last(path);
    let mut same =
        keys.iter().filter(|spec| last(spec.path) == wanted || last(&spec.path.replace('.', "")) == wanted);
    let only = same.next().filter(|_| same.next().is_none());
    alike.or(only.map(|spec| spec.path)).map(ToOwned::to_owned)
}
