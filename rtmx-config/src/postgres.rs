//! A database URL from the `POSTGRES_*` variables, and the comparison of the two.
//!
//! The variables are those of the PostgreSQL image, so a Compose file can hand the same ones to both;
//! the image's rules hold for what is left out. `POSTGRES_HOST` decides: without it the others describe
//! somebody else's database.

use crate::environment::Given;
use crate::value::Value;
use crate::{About, Finding, Layer, Origin};
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

/// Adds the URL that the variables make, if they do.
pub(crate) fn compose(given: &Given, layer: &mut Layer) {
    let part = |name: &str| given.get(name).map(|(text, _)| text.expose().as_str());
    let names: Vec<String> = POSTGRES_PARTS
        .iter()
        .map(|(name, _)| *name)
        .filter(|n| given.contains_key(*n))
        .map(Into::into)
        .collect();
    let origin = Origin::Variables { names: names.clone() };
    let Some(host) = part("POSTGRES_HOST") else {
        if !names.is_empty() {
            let text = "they describe a PostgreSQL database, but have no effect without `POSTGRES_HOST`";
            layer.warnings.push(Finding::new(About::Unused, origin, text).with_key("database.url"));
        }
        return;
    };
    let port = part("POSTGRES_PORT").unwrap_or("5432");
    if !port.parse::<u16>().is_ok_and(|port| port != 0) {
        let origin = given["POSTGRES_PORT"].1.clone();
        let text = format!(
            "`POSTGRES_PORT` is `{}`, and must be a whole number from 1 to 65535",
            crate::value::plain(port)
        );
        layer.faults.push(Finding::new(About::Value, origin, text).with_key("database.url"));
        return;
    }
    let user = part("POSTGRES_USER").unwrap_or("postgres");
    let mut url = String::from("postgresql://");
    encode(&mut url, user);
    if let Some(password) = part("POSTGRES_PASSWORD") {
        url.push(':');
        encode(&mut url, password);
    }
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

/// Whether two URLs name the same database with the same credentials, however they are spelt.
pub(crate) fn same_database(a: &str, b: &str) -> bool {
    match (Parts::of(a), Parts::of(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.trim() == b.trim(),
    }
}

/// The `POSTGRES_*` variables that say something else than the URL that goes before them.
pub(crate) fn disagreeing_parts(url: &str, given: &Given) -> Vec<(String, Origin)> {
    let parts = Parts::of(url);
    // Without a host the variables make no URL, and cannot contradict one for another engine.
    if parts.is_none() && !given.contains_key("POSTGRES_HOST") {
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

/// What a PostgreSQL URL says, decoded. It has no `Debug`, because it holds the password.
#[derive(PartialEq, Eq)]
struct Parts {
    user: String,
    password: Option<String>,
    host: String,
    port: String,
    database: String,
    options: String,
}

impl Parts {
    fn of(url: &str) -> Option<Parts> {
        let (scheme, rest) = url.trim().split_once("://")?;
        if !["postgres", "postgresql"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
            return None;
        }
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decode(password))),
            None => (login, None),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or_default()),
            None => place.rsplit_once(':').unwrap_or((place, "")),
        };
        let user = if user.is_empty() { "postgres".into() } else { decode(user) };
        Some(Parts {
            password,
            host: decode(host).to_ascii_lowercase(),
            port: if port.is_empty() { "5432".into() } else { port.into() },
            database: if database.is_empty() { user.clone() } else { decode(database) },
            user,
            options: options.into(),
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
