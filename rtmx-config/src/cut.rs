//! A database URL cut into its parts, for those who show a part of it or compare one.
//!
//! People paste passwords as they are, so an `@`, `/`, `?` or `#` may be a part of one. The rule is the
//! PostgreSQL driver's: a URL is cut in every way that an `@` allows, and what is left must have the shape
//! of hosts, database and parameters. Where not exactly one way is left, nothing is known of any part, and
//! nothing may be shown. Deliberately absent: what the parts mean, which is the driver's to say.

/// The parts of a URL as they are written, not decoded. It has no `Debug`, because it holds the password.
#[derive(Clone, Copy)]
pub struct UrlParts<'a> {
    /// What stands before the password; empty where nothing does.
    pub user: &'a str,
    /// The password, if one is there.
    pub password: Option<&'a str>,
    /// One or several hosts, each with or without its port.
    pub hosts: &'a str,
    /// What follows the `/` behind the hosts.
    pub database: &'a str,
    /// What follows the `?`.
    pub query: &'a str,
}

impl<'a> UrlParts<'a> {
    /// The parts of a URL with `://`; `None` where they are not certain.
    pub fn of(url: &'a str) -> Option<UrlParts<'a>> {
        let (_, rest) = url.trim().split_once("://")?;
        let with_user = rest.match_indices('@').map(|(at, _)| (Some(&rest[..at]), &rest[at + 1..]));
        let mut cuts =
            std::iter::once((None, rest)).chain(with_user).filter_map(|(user, rest)| cut(user, rest));
        cuts.next().filter(|_| cuts.next().is_none())
    }

    /// Hosts and database, as messages show them.
    pub fn place(&self) -> String {
        let between = if self.database.is_empty() { "" } else { "/" };
        format!("{}{between}{}", self.hosts, self.database)
    }

    /// Whether a password is among the parts, wherever it stands.
    pub fn has_password(&self) -> bool {
        let among = self.query.to_ascii_lowercase().contains("password");
        among || self.password.is_some_and(|password| !password.is_empty())
    }
}

fn cut<'a>(login: Option<&'a str>, rest: &'a str) -> Option<UrlParts<'a>> {
    let (user, password) = match login.map(|login| login.split_once(':')) {
        Some(Some((user, password))) => (user, Some(password)),
        Some(None) => (login.unwrap_or_default(), None),
        None => ("", None),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = path.split_once('/').unwrap_or((path, ""));
    let named = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[]".contains(&byte));
    let pair = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty() && named(name));
    let fits = !user.contains(['/', '?', '#'])
        && (hosts.is_empty() || hosts.split(',').all(is_host))
        && !database.contains(['/', '@', '#'])
        && (query.is_empty() || query.split('&').all(pair));
    fits.then_some(UrlParts { user, password, hosts, database, query })
}

/// Whether this has the shape of a host with or without its port.
fn is_host(text: &str) -> bool {
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, after)| {
            address.parse::<std::net::Ipv6Addr>().is_ok()
                && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
        });
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return true;
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    // The folder of a socket is written with `%2F`.
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let escaped = |part: &str| {
        part.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())) && plain(part)
    };
    let mut parts = name.split('%');
    let first = parts.next().unwrap_or_default();
    !name.is_empty() && plain(first) && parts.all(escaped) && is_port(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_url_is_cut_where_the_driver_cuts_it() {
        // URL, password, place
        let cases = [
            ("postgres://app:pw@db:5433/rtmx?sslmode=require", Some("pw"), "db:5433/rtmx"),
            ("postgres://db", None, "db"),
            ("postgres://app:what?@db/rtmx", Some("what?"), "db/rtmx"),
            ("postgres://app:p/w@db/rtmx", Some("p/w"), "db/rtmx"),
            ("postgres://app:p#w@db/rtmx", Some("p#w"), "db/rtmx"),
            ("postgres://app:p@s:s/w#d?@db/rtmx", Some("p@s:s/w#d?"), "db/rtmx"),
            ("postgres://app:p@h/x?y@a:1,[::1]:2/rtmx", Some("p@h/x?y"), "a:1,[::1]:2/rtmx"),
            ("postgres://app:pw@%2Frun%2Fpostgresql/rtmx", Some("pw"), "%2Frun%2Fpostgresql/rtmx"),
            ("postgres://app:pw@/rtmx?host=/run/pg", Some("pw"), "/rtmx"),
        ];
        for (url, password, place) in cases {
            let parts = UrlParts::of(url).unwrap_or_else(|| panic!("{url} is certain"));
            assert_eq!((parts.password, parts.place().as_str()), (password, place), "{url}");
        }
    }

    #[test]
    fn of_a_url_that_can_mean_two_things_or_nothing_no_part_is_known() {
        let cases = [
            "sqlite:a.db",
            "postgres://app:hunter2",
            "postgres://app:hunter2?",
            "postgres://app:hunter2@db/rtmx?application_name=a@b",
            "postgres://app:hunter2@db/rtmx?password=a@hunter2",
            "postgres://app:hunter2@db/a/b",
            "postgres://app:hunter2@db:port/rtmx",
            "postgres://app:hunter2@[::1/rtmx",
            "postgres://app:hunter2@a%zz/rtmx",
        ];
        for url in cases {
            assert!(UrlParts::of(url).is_none(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn a_password_is_found_whole_or_nothing_is(password in "[a-z0-9@:/?#&=,\\[\\] %é]{1,24}") {
            let url = format!("postgres://app:{password}@db:5432/rtmx?application_name=x");
            if let Some(parts) = UrlParts::of(&url) {
                prop_assert_eq!(parts.password, Some(password.as_str()));
                prop_assert_eq!(parts.place(), "db:5432/rtmx");
            }
        }
    }
}
