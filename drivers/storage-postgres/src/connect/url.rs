//! Reading a `postgres://` URL.
//!
//! It is read here and not by a URL library because several hosts are not a URL to any of them, and
//! because people paste passwords as they are. A URL is cut in every way that an `@` allows; what is
//! left must have the shape of hosts, database and parameters. If exactly one way is left, that is
//! what was meant, encoded or not; if there are more, the URL is refused. So a password is either
//! read whole or not at all. No message here holds any part of the URL but the names of parameters.

use super::parameters::Parameters;
use super::{hosts, invalid};
use percent_encoding::percent_decode_str;
use rtmx_core::{Error, Result};

/// A URL, cut.
#[derive(Clone, Copy)]
struct Cut<'a> {
    user: Option<&'a str>,
    password: Option<&'a str>,
    hosts: &'a str,
    database: &'a str,
    query: &'a str,
}

/// Reads the URL that stands in the setting `place`, such as `` `url` ``.
///
/// # Errors
///
/// `storage_settings_invalid`.
pub(crate) fn read(url: &str, place: &str) -> Result<Parameters> {
    let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
        let message = format!("{place} does not begin with `postgres://` or `postgresql://`");
        return Err(invalid(message));
    };
    let cut = the_one_cut(rest, place)?;

    let text = |component: &str| decode(component).map_err(|flaw| flawed(place, flaw));
    let mut parameters = Parameters::default();
    if !cut.hosts.is_empty() {
        parameters.add_hosts(&decode_hosts(cut.hosts).map_err(|flaw| flawed(place, flaw))?, place)?;
    }
    for (name, component) in [("user", cut.user), ("password", cut.password), ("dbname", Some(cut.database))]
    {
        parameters.add_libpq(name, text(component.unwrap_or(""))?, place)?;
    }
    for (name, value) in pairs(cut.query) {
        parameters.add_libpq(name, text(value)?, place)?;
    }
    Ok(parameters)
}

fn flawed(place: &str, flaw: &str) -> Error {
    invalid(format!("could not read {place}: {flaw}"))
        .with_next("Write it as `postgres://user:password@host:5432/database`, and `%`, `@`, `:`, `/`, `?` and `#` inside a part as `%25`, `%40`, `%3A`, `%2F`, `%3F` and `%23`.")
}

/// The only way in which the URL can be cut.
fn the_one_cut<'a>(rest: &'a str, place: &str) -> Result<Cut<'a>> {
    let without_user = cut(None, rest);
    let mut cuts: Vec<Cut<'a>> = without_user.iter().copied().collect();
    let mut flaw = without_user.err();
    let query = rest.find('?').unwrap_or(rest.len());
    for (at, _) in rest.match_indices('@') {
        match cut(Some(&rest[..at]), &rest[at + 1..]) {
            Ok(found) => cuts.push(found),
            // The last `@` before the parameters is where most people mean the hosts to begin.
            Err(found) if at < query => flaw = Some(found),
            Err(_) => {}
        }
    }
    match cuts.as_slice() {
        [one] => Ok(*one),
        [] => Err(flawed(place, flaw.unwrap_or("it has no part that could be a host"))),
        _ => Err(flawed(place, "it can be read in more than one way, because an `@` in it is not encoded")),
    }
}

fn cut<'a>(user_part: Option<&'a str>, rest: &'a str) -> Result<Cut<'a>, &'static str> {
    let (user, password) = match user_part.map(|part| part.split_once(':').unwrap_or((part, ""))) {
        Some((user, password)) => (Some(user), Some(password)),
        None => (None, None),
    };
    if user.is_some_and(|user| user.contains(['/', '?', '#'])) {
        return Err("the user name has a character that must be encoded");
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = path.split_once('/').unwrap_or((path, ""));
    if !hosts.is_empty() {
        hosts::split(&decode_hosts(hosts)?)?;
    }
    if database.contains(['/', '@', '#']) {
        return Err("the database name has a character that must be encoded");
    }
    let named = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[]".contains(&byte));
    let whole = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty() && named(name));
    if !query.is_empty() && !query.split('&').all(whole) {
        return Err("its parameters are not of the form `name=value`");
    }
    Ok(Cut { user, password, hosts, database, query })
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// The hosts, each decoded by itself: only a folder of sockets needs it.
fn decode_hosts(hosts: &str) -> Result<String, &'static str> {
    if hosts.contains(['@', '#']) {
        return Err("its hosts have a character that no host can have");
    }
    let hosts: Vec<String> = hosts.split(',').map(decode).collect::<Result<_, _>>()?;
    if hosts.iter().any(|host| host.contains(',')) {
        return Err("its hosts have a character that no host can have");
    }
    Ok(hosts.join(","))
}

/// A part with its `%` sequences decoded; without a single valid one, the part as it is.
fn decode(part: &str) -> Result<String, &'static str> {
    let is_escape = |after: &str| {
        let mut digits = after.bytes();
        matches!((digits.next(), digits.next()), (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    };
    let (mut escapes, mut plain) = (0, 0);
    for (at, _) in part.match_indices('%') {
        if is_escape(&part[at + 1..]) { escapes += 1 } else { plain += 1 }
    }
    let text = match (escapes, plain) {
        (0, _) => part.to_owned(),
        (_, 0) => match percent_decode_str(part).decode_utf8() {
            Ok(text) => text.into_owned(),
            Err(_) => return Err("a part of it, decoded, is not UTF-8"),
        },
        _ => return Err("a part of it has a `%` that is encoded and one that is not"),
    };
    if text.contains('\0') {
        return Err("a part of it has a zero byte, and PostgreSQL has no name or password with one");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::names::Name;
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    fn shown(url: &str) -> String {
        let found = match read(url, "`url`") {
            Ok(found) => found,
            Err(error) => return format!("refused: {error}"),
        };
        [Name::User, Name::Password, Name::Host, Name::Port, Name::Database, Name::SslMode]
            .map(|name| found.get(name).unwrap_or("-"))
            .join(" ")
    }

    #[test]
    fn a_url_says_what_was_meant() {
        // URL, user password host port database sslmode
        let cases = [
            ("postgres://app:pw@db:5433/rtmx?sslmode=require", "app pw db 5433 rtmx require"),
            ("postgresql://app@db/rtmx", "app - db - rtmx -"),
            ("postgres://db", "- - db - - -"),
            ("postgres://db/rtmx?user=app&password=p@w", "app p@w db - rtmx -"),
            ("postgres://app:p%40s%3As%2Fw%23%25%20d@db/rtmx", "app p@s:s/w#% d db - rtmx -"),
            ("postgres://app:p@s:s/w#d@db/rtmx", "app p@s:s/w#d db - rtmx -"),
            ("postgres://app:100%@db/rtmx", "app 100% db - rtmx -"),
            ("postgres://app:what?@db/rtmx", "app what? db - rtmx -"),
            ("postgres://app:größe@db/rtmx", "app größe db - rtmx -"),
            ("postgres://app:gr%C3%B6%C3%9Fe@db/rtmx", "app größe db - rtmx -"),
            ("postgres://app:a+b@db/rtmx", "app a+b db - rtmx -"),
            ("postgres://app@corp:pw@db/rtmx", "app@corp pw db - rtmx -"),
            ("postgres://app:pw@a:5433,b,[::1]:7/rtmx", "app pw a,b,::1 5433,,7 rtmx -"),
            ("postgres://app:pw@%2Frun%2Fpostgresql/rtmx", "app pw /run/postgresql - rtmx -"),
            ("postgres://app@/rtmx?host=/run/pg&port=5433", "app - /run/pg 5433 rtmx -"),
            ("postgres:///rtmx?host=a,b&port=1,2", "- - a,b 1,2 rtmx -"),
            ("postgres://app@db/rtmx?ssl=true", "app - db - rtmx require"),
            ("postgres://app:@db/?dbname=rtmx", "app - db - rtmx -"),
        ];
        for (url, wanted) in cases {
            assert_eq!(shown(url), wanted, "{url}");
        }
    }

    #[test]
    fn a_url_that_can_mean_two_things_or_nothing_is_refused() {
        // URL, a part of the message
        let cases = [
            ("mysql://app:hunter2@db/rtmx", "does not begin with"),
            ("host=db password=hunter2", "does not begin with"),
            ("postgres://app:hunter2@db/rtmx?application_name=a@b", "in more than one way"),
            ("postgres://app:hunter2%40%@db/rtmx", "one that is not"),
            ("postgres://app:hunter2%ff@db/rtmx", "not UTF-8"),
            ("postgres://app:hunter2%00@db/rtmx", "zero byte"),
            ("postgres://app:hunter2@db:port/rtmx", "a port is not a number"),
            ("postgres://app:hunter2@[::1/rtmx", "bracket"),
            ("postgres://app:hunter2@db/a/b", "the database name has"),
            ("postgres://app:hunter2@db/rtmx?sslmode", "of the form `name=value`"),
            ("postgres://app:hunter2@db/rtmx?sslmod=require", "did you mean `sslmode`?"),
            ("postgres://app:hunter2@db/rtmx?hunter2=x", "is not known"),
            ("postgres://app:hunter2@db/rtmx?user=other", "gives `user` twice"),
            ("postgres://app:hunter2@db/rtmx?connect_timeout=soon", "not a number of seconds"),
            ("postgres://app:hunter2@db/rtmx?options=-c%20x", "does not offer"),
        ];
        for (url, part) in cases {
            let text = shown(url);
            assert!(text.starts_with("refused: ") && text.contains(part), "{url}: {text}");
            assert!(!text.contains("hunter2") || url.contains("?hunter2="), "{url}: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_password_that_was_encoded_comes_back(user in "[^\0]{1,12}", password in "[^\0]{1,24}") {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let url = format!("postgres://{}:{}@a:5433,b/rtmx?sslmode=require", encode(&user), encode(&password));
            let found = read(&url, "`url`").expect("an encoded URL is read");
            prop_assert_eq!(found.get(Name::User), Some(user.as_str()));
            prop_assert_eq!(found.get(Name::Password), Some(password.as_str()));
            prop_assert_eq!(found.get(Name::Host), Some("a,b"));
        }

        #[test]
        fn a_password_that_was_not_encoded_comes_back_whole_or_is_refused(
            password in "[a-z0-9@:/?#&=,\\[\\] %é]{1,24}",
        ) {
            // An encoded sequence is always decoded, so only passwords without one stand for themselves.
            prop_assume!(decode(&password).as_deref() == Ok(password.as_str()));
            let url = format!("postgres://app:{password}@db:5432/rtmx?application_name=x");
            if let Ok(found) = read(&url, "`url`") {
                prop_assert_eq!(found.get(Name::Password), Some(password.as_str()));
                prop_assert_eq!(found.get(Name::Host), Some("db"));
            }
        }

        #[test]
        fn no_text_makes_it_panic_or_shows_itself(text in ".{0,40}") {
            let url = format!("postgres://app:hunter2{text}");
            if let Err(error) = read(&url, "`url`") {
                let shown = format!("{error:?}");
                prop_assert!(!shown.contains("hunter2"), "{}", shown);
            }
        }
    }
}
