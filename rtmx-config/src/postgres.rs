//! A database URL from the `POSTGRES_*` variables, and the comparison of the two.
//!
//! The variables are those of the PostgreSQL image, so a Compose file can hand the same ones to both;
//! the image's rules hold for what is left out. `POSTGRES_HOST` decides: without it the others describe
//! somebody else's database.

use crate::environment::Given;
use crate::value::Value;
use crate::{About, Finding, Layer, Origin, UrlParts};
use std::fmt::Write;

/// The variables that make a database URL, and what each is.
///
/// Source for the defaults: documentation of the official PostgreSQL image, "Environment Variables".
pub const POSTGRES_PARTS: &[(&str, &str)] = &[
    ("POSTGRES_HOST", "The host of the PostgreSQL database; the other variables count only beside it."),
    ("POSTGRES_PORT", "Its port; 5432 where it is not set."),
    ("POSTGRES_USER", "The user; `postgres` where it is not set."),
    ("POSTGRES_PASSWORD", "The user's password."),
    ("POSTGRES_DB", "The database; the user's name where it is not set."),
];

/// The setting that says the same as a variable, and goes before it.
const SETTINGS: [(&str, &str, &str); 5] = [
    ("POSTGRES_HOST", "database.host", "RTMX_DATABASE__HOST"),
    ("POSTGRES_PORT", "database.port", "RTMX_DATABASE__PORT"),
    ("POSTGRES_USER", "database.user", "RTMX_DATABASE__USER"),
    ("POSTGRES_PASSWORD", "database.password", "RTMX_DATABASE__PASSWORD"),
    ("POSTGRES_DB", "database.name", "RTMX_DATABASE__NAME"),
];

/// The engine that a URL means, as `database.engine` names it; of another engine its scheme.
pub(crate) fn engine_of(url: &str) -> &str {
    match url.trim_start().split(':').next().unwrap_or_default() {
        "postgres" | "postgresql" => "postgresql",
        scheme => scheme,
    }
}

/// Adds the URL that the variables make, if they do. A password in a file stays there: its path is
/// added beside the URL, so that the driver reads it again when it was rotated.
pub(crate) fn compose(given: &Given, layer: &mut Layer) {
    let names: Vec<String> = POSTGRES_PARTS
        .iter()
        .map(|(name, _)| *name)
        .filter(|n| given.contains_key(*n))
        .map(Into::into)
        .collect();
    if names.is_empty() {
        return;
    }
    let origin = Origin::Variables { names };
    let first =
        ["RTMX_DATABASE__HOST", "RTMX_DATABASE__SERVICE"].into_iter().find(|n| given.contains_key(*n));
    if let Some(first) = first {
        let agrees = |(name, _, own): &(&str, &str, &str)| {
            let text = |name: &str| given.get(name).map(|(text, _)| text.expose());
            text(name).is_none_or(|part| text(own) == Some(part))
        };
        if !SETTINGS.iter().all(agrees) {
            let text = format!("`{first}` goes first, and they have no effect beside it");
            layer.warnings.push(Finding::new(About::Disagreement, origin, text).with_key("database.host"));
        }
        return;
    }
    if !given.contains_key("POSTGRES_HOST") {
        let text = "they describe a PostgreSQL database, but have no effect without `POSTGRES_HOST`";
        layer.warnings.push(Finding::new(About::Unused, origin, text).with_key("database.url"));
        return;
    }
    for (name, key, own) in SETTINGS {
        if let (Some((part, place)), Some((chosen, _))) = (given.get(name), given.get(own))
            && part.expose() != chosen.expose()
        {
            layer.warnings.push(crate::environment::disagreement(key, place, name, own));
        }
    }
    let part = |name: &str| {
        let own = SETTINGS.iter().find(|(variable, ..)| *variable == name).map(|(_, _, own)| *own);
        let found = own.and_then(|own| given.get(own)).or_else(|| given.get(name));
        found.map(|(text, _)| text.expose().as_str())
    };
    let port = part("POSTGRES_PORT").unwrap_or("5432");
    if !port.parse::<u16>().is_ok_and(|port| port != 0) {
        let name =
            if given.contains_key("RTMX_DATABASE__PORT") { "RTMX_DATABASE__PORT" } else { "POSTGRES_PORT" };
        let origin = given[name].1.clone();
        let port = crate::value::plain(port);
        let text = format!("`{name}` is `{port}`, and must be a whole number from 1 to 65535");
        layer.faults.push(Finding::new(About::Value, origin, text).with_key("database.url"));
        return;
    }
    let user = part("POSTGRES_USER").unwrap_or("postgres");
    let mut url = String::from("postgresql://");
    encode(&mut url, user);
    let file = match given.get("POSTGRES_PASSWORD") {
        Some((_, origin @ (Origin::VariableFile { path, .. } | Origin::Mounted { path }))) => {
            Some((path, origin))
        }
        _ => None,
    };
    let is_mounted = matches!(given.get("RTMX_DATABASE__PASSWORD"), Some((_, Origin::Mounted { .. })));
    if is_mounted || given.contains_key("RTMX_DATABASE__PASSWORD_FILE") {
        // It goes first, and the driver reads it.
    } else if let (Some((path, origin)), false) = (file, given.contains_key("RTMX_DATABASE__PASSWORD")) {
        layer.push("database.password_file", Value::text(path.to_string_lossy()), origin.clone());
    } else if let Some(password) = part("POSTGRES_PASSWORD") {
        url.push(':');
        encode(&mut url, password);
    }
    let host = part("POSTGRES_HOST").unwrap_or_default();
    url.push('@');
    if host.contains(':') && !host.starts_with('[') {
        url.push('[');
        url.push_str(host);
        url.push(']');
    } else if host.starts_with('[') {
        url.push_str(host);
    } else {
        encode(&mut url, host);
    }
    url.push(':');
    url.push_str(port);
    url.push('/');
    encode(&mut url, part("POSTGRES_DB").unwrap_or(user));
    layer.push("database.url", Value::text(url), origin);
}

/// The keys that contradict a URL, of those that say one part of it.
pub(crate) fn contradicting(url: &str, value: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let Some(parts) = Parts::of(url) else { return Vec::new() };
    // Lists of hosts, and what stands in the parameters, are the driver's to compare.
    let single = !parts.host.contains(',') && !parts.host.is_empty();
    let differs = |name: &str, given: &str| match name {
        "POSTGRES_HOST" => single && !given.contains([',', ':']) && !parts.host.eq_ignore_ascii_case(given),
        "POSTGRES_PORT" => single && parts.has_port && parts.port != given,
        "POSTGRES_USER" => parts.has_user && parts.user != given,
        "POSTGRES_PASSWORD" => parts.password.as_deref().is_some_and(|password| password != given),
        _ => parts.has_database && parts.database != given,
    };
    let found =
        SETTINGS.iter().filter(|(name, key, _)| value(key).is_some_and(|given| differs(name, &given)));
    found.map(|(_, key, _)| *key).collect()
}

/// Whether a URL brings its password along.
pub(crate) fn has_password(url: &str) -> bool {
    Parts::of(url).is_some_and(|parts| parts.password.is_some())
}

/// Whether two URLs name the same database with the same credentials, however they are spelt.
pub(crate) fn same_database(a: &str, b: &str) -> bool {
    match (Parts::of(a), Parts::of(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.trim() == b.trim(),
    }
}

/// Whether two URLs name the same PostgreSQL database and user, whatever password each has.
pub(crate) fn same_but_for_the_password(a: &str, b: &str) -> bool {
    let without = |url: &str| Parts::of(url).map(|parts| Parts { password: None, ..parts });
    without(a).is_some_and(|a| without(b).is_some_and(|b| a == b))
}

/// The `POSTGRES_*` variables that say something else than the URL that goes before them.
pub(crate) fn disagreeing_parts(url: &str, given: &Given) -> Vec<(String, Origin)> {
    let parts = Parts::of(url);
    // Without a host the variables make no URL, and cannot contradict one for another engine.
    // Nor is one known to be contradicted whose parts are not certain.
    if parts.is_none() && (!given.contains_key("POSTGRES_HOST") || is_postgres(url)) {
        return Vec::new();
    }
    let differs = |name: &str, text: &str| match &parts {
        None => name == "POSTGRES_HOST",
        Some(parts) => match name {
            "POSTGRES_HOST" => !parts.host.eq_ignore_ascii_case(text.trim_matches(['[', ']'])),
            "POSTGRES_PORT" => parts.port != text,
            "POSTGRES_USER" => parts.user != text,
            "POSTGRES_PASSWORD" => parts.password.as_deref().is_some_and(|password| password != text),
            _ => parts.database != text,
        },
    };
    let mut found = Vec::new();
    for (name, _) in POSTGRES_PARTS {
        if let Some((text, origin)) = given.get(*name)
            && differs(name, text.expose())
        {
            found.push(((*name).to_owned(), origin.clone()));
        }
    }
    found
}

fn is_postgres(url: &str) -> bool {
    let scheme = url.trim().split_once("://").map(|(scheme, _)| scheme);
    scheme
        .is_some_and(|scheme| ["postgres", "postgresql"].iter().any(|name| scheme.eq_ignore_ascii_case(name)))
}

/// What a PostgreSQL URL says, decoded. It has no `Debug`, because it holds the password.
struct Parts {
    user: String,
    password: Option<String>,
    host: String,
    port: String,
    database: String,
    options: String,
    has_user: bool,
    has_port: bool,
    has_database: bool,
}

/// What was left out and what is spelt out are the same.
impl PartialEq for Parts {
    fn eq(&self, other: &Parts) -> bool {
        let all = |parts: &Parts| {
            let Parts { user, password, host, port, database, options, .. } = parts;
            [Some(user), password.as_ref(), Some(host), Some(port), Some(database), Some(options)]
                .map(Option::<&String>::cloned)
        };
        all(self) == all(other)
    }
}

impl Parts {
    /// Nothing where it is not certain which part is which: the driver says what is wrong with the URL.
    fn of(url: &str) -> Option<Parts> {
        if !is_postgres(url) {
            return None;
        }
        let parts = UrlParts::of(url)?;
        let (user, place, database, options) = (parts.user, parts.hosts, parts.database, parts.query);
        let password = parts.password.map(decode);
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or_default()),
            None => place.rsplit_once(':').unwrap_or((place, "")),
        };
        let (has_user, has_port, has_database) = (!user.is_empty(), !port.is_empty(), !database.is_empty());
        let user = if user.is_empty() { "postgres".into() } else { decode(user) };
        Some(Parts {
            password,
            host: decode(host).to_ascii_lowercase(),
            port: if port.is_empty() { "5432".into() } else { port.into() },
            database: if database.is_empty() { user.clone() } else { decode(database) },
            user,
            options: options.into(),
            has_user,
            has_port,
            has_database,
        })
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_database_are_the_same() {
        let same = [
            ("postgres://u:p@db/x", "postgresql://u:p@DB:5432/x"),
            ("postgres://u:p%40@db/x", "postgres://u:p%40@db/x"),
            ("postgres://u@[::1]/u", "postgres://u@[::1]:5432"),
            ("sqlite:a.db", " sqlite:a.db "),
        ];
        for (a, b) in same {
            assert!(same_database(a, b), "{a} and {b}");
        }
        let different = [
            ("postgres://u:p@db/x", "postgres://u:q@db/x"),
            ("postgres://u:p@db/x", "postgres://u:p@db:5433/x"),
            ("postgres://u:p@db/x", "postgres://u:p@db/x?sslmode=require"),
            ("sqlite:a.db", "sqlite:b.db"),
        ];
        for (a, b) in different {
            assert!(!same_database(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_no_contradiction() {
        // URL, key, value, whether they contradict each other
        let cases = [
            ("postgres://app:p/w@db/rtmx", "database.host", "db", false),
            ("postgres://app:p/w@db/rtmx", "database.host", "other", true),
            ("postgres://app:p/w@db/rtmx", "database.password", "p/w", false),
            ("postgres://app:what?@db/rtmx", "database.host", "db", false),
            ("postgres://app:what?@db/rtmx", "database.name", "other", true),
            ("postgres://app:p#w@db/rtmx", "database.user", "app", false),
            ("postgres://app:pw@db/rtmx?application_name=a@b", "database.host", "db", false),
            ("postgres://app:pw@db/rtmx?application_name=a@b", "database.host", "other", false),
        ];
        for (url, key, value, contradicts) in cases {
            let found = contradicting(url, |asked| (asked == key).then(|| value.to_owned()));
            assert_eq!(found, if contradicts { vec![key] } else { vec![] }, "{url} and {key}={value}");
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_encoding(text in any::<String>()) {
            let mut url = String::new();
            encode(&mut url, &text);
            prop_assert!(url.is_ascii());
            prop_assert_eq!(decode(&url), text);
        }

        #[test]
        fn no_text_makes_the_comparison_panic(a in "\\PC*", b in "postgres://\\PC*") {
            let _ = same_database(&a, &b);
        }
    }
}
