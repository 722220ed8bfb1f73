//! Finding a password in a file of the form `.pgpass`.
//!
//! The format is libpq's: `host:port:database:user:password`, one per line, `*` for any, `\` before
//! a `:` or `\` that is meant as it is. The first line that fits decides. The file is given as text;
//! reading it, and refusing one that others can read, is done where the other secrets are read.
//!
//! Source: PostgreSQL manual, "The Password File", and `passwordFromFile` in `fe-connect.c`.

use super::hosts::Host;
use rtmx_core::Secret;

/// Where PostgreSQL and its packages put the socket when nobody says otherwise.
const DEFAULT_SOCKET_FOLDERS: [&str; 3] = ["/tmp", "/run/postgresql", "/var/run/postgresql"];

/// The password for a connection, if a line fits.
pub(crate) fn find(text: &str, host: &Host, database: &str, user: &str) -> Option<Secret<String>> {
    let port = host.port.to_string();
    let fits = |line: &str, name: &str| -> Option<Secret<String>> {
        let mut rest = line;
        for wanted in [name, &port, database, user] {
            let (field, after) = cut(rest);
            if field != "*" && unescaped(field) != wanted {
                return None;
            }
            rest = after?;
        }
        Some(Secret::new(unescaped(cut(rest).0)))
    };
    let local = DEFAULT_SOCKET_FOLDERS.contains(&host.name.as_str());
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find_map(|line| fits(line, &host.name).or_else(|| local.then(|| fits(line, "localhost")).flatten()))
        .filter(|password| !password.expose().is_empty())
}

/// The field before the first `:` that is not escaped, and what follows it.
fn cut(text: &str) -> (&str, Option<&str>) {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // A backslash at the very end stands for itself.
            '\\' => text.push(letters.next().unwrap_or('\\')),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn password(text: &str, host: &str, port: u16) -> Option<String> {
        let host = Host { name: host.into(), port };
        find(text, &host, "rtmx", "app").map(|password| password.expose().clone())
    }

    #[test]
    fn the_first_line_that_fits_decides() {
        // file, host, password
        let cases = [
            ("db:5432:rtmx:app:one", "db", Some("one")),
            ("other:5432:rtmx:app:no\ndb:*:*:app:two\n*:*:*:*:three", "db", Some("two")),
            ("# db:5432:rtmx:app:no\n\n*:*:*:*:three", "db", Some("three")),
            ("db:5433:rtmx:app:no", "db", None),
            ("db:5432:rtmx:someone:no", "db", None),
            ("db:5432:rtmx:app", "db", None),
            ("db:5432:rtmx:app:", "db", None),
            ("db:5432:rtmx:app:a\\:b\\\\c", "db", Some("a:b\\c")),
            ("db:5432:rtmx:app:a b\\", "db", Some("a b\\")),
            ("db:5432:rtmx:app:one:two", "db", Some("one")),
            ("db:5432:rtmx:app:one\r\n", "db", Some("one")),
            ("\\:\\:1:5432:rtmx:app:six", "::1", Some("six")),
            ("d*:5432:rtmx:app:no", "db", None),
            ("\\*:5432:rtmx:app:no", "db", None),
            ("localhost:5432:rtmx:app:here", "/run/postgresql", Some("here")),
            ("/run/postgresql:5432:rtmx:app:here", "/run/postgresql", Some("here")),
            ("localhost:5432:rtmx:app:no", "/srv/pg", None),
        ];
        for (text, host, wanted) in cases {
            assert_eq!(password(text, host, 5432).as_deref(), wanted, "{text:?} for {host}");
        }
    }

    proptest! {
        #[test]
        fn any_password_that_was_escaped_comes_back(wanted in "[^\0\r\n]{1,24}") {
            let escaped = wanted.replace('\\', "\\\\").replace(':', "\\:");
            let found = password(&format!("*:*:*:*:{escaped}"), "db", 5432);
            prop_assert_eq!(found, Some(wanted));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a*:\\\\\n#é]{0,40}") {
            let _ = password(&text, "a", 5432);
        }
    }
}
