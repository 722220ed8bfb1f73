//! The parameters that say where the database is, under the names of each place that can give them.
//!
//! A URL and a service file use libpq's names, the settings use ours. What libpq knows and this
//! driver does not offer is listed too, so that a URL copied from elsewhere is refused for the right
//! reason. Nothing here is ever ignored: a parameter that has no effect would be a promise broken in
//! silence.

use super::invalid;
use rtmx_core::Result;

/// A parameter of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Host,
    Port,
    Database,
    User,
    Password,
    Passfile,
    Service,
    ServiceFile,
    SslMode,
    SslRootCert,
    SslCert,
    SslKey,
    TargetSessionAttrs,
    /// In milliseconds, whatever the place that gave it counts in.
    ConnectTimeout,
    LoadBalanceHosts,
    Application,
}

/// Each parameter with libpq's name and ours.
const NAMES: [(Name, &str, &str); 16] = [
    (Name::Host, "host", "host"),
    (Name::Port, "port", "port"),
    (Name::Database, "dbname", "database"),
    (Name::User, "user", "user"),
    (Name::Password, "password", "password"),
    (Name::Passfile, "passfile", "passfile"),
    (Name::Service, "service", "service"),
    (Name::ServiceFile, "servicefile", "service_file"),
    (Name::SslMode, "sslmode", "sslmode"),
    (Name::SslRootCert, "sslrootcert", "sslrootcert"),
    (Name::SslCert, "sslcert", "sslcert"),
    (Name::SslKey, "sslkey", "sslkey"),
    (Name::TargetSessionAttrs, "target_session_attrs", "target_session_attrs"),
    (Name::ConnectTimeout, "connect_timeout", "connect_timeout_ms"),
    (Name::LoadBalanceHosts, "load_balance_hosts", "load_balance_hosts"),
    (Name::Application, "application_name", "application_name"),
];

/// What libpq 18 knows and this driver does not offer.
///
/// Source: PostgreSQL manual, "Parameter Key Words".
const NOT_OFFERED: [&str; 32] = [
    "hostaddr",
    "require_auth",
    "channel_binding",
    "client_encoding",
    "options",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "replication",
    "gssencmode",
    "sslnegotiation",
    "sslcompression",
    "sslpassword",
    "sslcertmode",
    "sslkeylogfile",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
];

impl Name {
    /// The parameter of this libpq name.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`, naming `place` and the nearest name that is known.
    pub(crate) fn in_libpq(name: &str, place: &str) -> Result<Self> {
        if let Some((known, ..)) = NAMES.iter().find(|(_, libpq, _)| *libpq == name) {
            return Ok(*known);
        }
        if NOT_OFFERED.contains(&name) {
            let message = format!("{place} has the parameter `{name}`, which this driver does not offer");
            return Err(invalid(message).with_next(format!("Remove `{name}` from {place}.")));
        }
        let near = nearest(name, NAMES.iter().map(|(_, libpq, _)| *libpq));
        Err(unknown(&format!("{place} has a parameter"), name, near))
    }

    /// The name among the settings.
    pub(crate) fn in_settings(self) -> &'static str {
        self.entry().2
    }

    /// The name in a URL or a service file.
    pub(crate) fn in_url(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> &'static (Name, &'static str, &'static str) {
        NAMES.iter().find(|(name, ..)| *name == self).expect("every name is in the table")
    }
}

/// The error for a name that nobody knows; it never holds what the name was given.
pub(crate) fn unknown(found: &str, name: &str, near: Option<&str>) -> rtmx_core::Error {
    let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-[]".contains(c));
    let named = if plain { format!("`{name}`") } else { "without a readable name".into() };
    let advice = near.map_or(String::new(), |near| format!(": did you mean `{near}`?"));
    invalid(format!("{found} {named} that is not known{advice}"))
}

/// The name with the fewest edits, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(unknown: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let unknown = unknown.to_ascii_lowercase();
    let limit = (unknown.chars().count() / 3).max(2);
    let measured = names.into_iter().map(|name| (strsim::osa_distance(&unknown, name), name));
    measured.min().filter(|(distance, _)| *distance <= limit).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_known_in_both_places() {
        for (name, libpq, setting) in NAMES {
            assert_eq!(Name::in_libpq(libpq, "`url`").expect(libpq), name);
            assert_eq!((name.in_url(), name.in_settings()), (libpq, setting));
            assert!(!NOT_OFFERED.contains(&libpq), "{libpq}");
        }
    }

    #[test]
    fn an_unknown_name_brings_the_nearest_one() {
        // name, a part of the message
        let cases = [
            ("ssl_mode", "did you mean `sslmode`?"),
            ("SSLMODE", "did you mean `sslmode`?"),
            ("connecttimeout", "did you mean `connect_timeout`?"),
            ("databse", "is not known"),
            ("zebra", "`zebra` that is not known"),
            ("channel_binding", "does not offer"),
            ("a b?c", "without a readable name"),
        ];
        for (name, part) in cases {
            let error = Name::in_libpq(name, "`url`").expect_err(name);
            assert!(error.message().contains(part), "{name}: {error}");
        }
    }
}
