//! Kinds of settings: what values a setting can have, and how they are read.
//!
//! A kind is data, so that the reference can say in words what the parser enforces.

use crate::{Value, units};
use ipnet::IpNet;
use rtmx_core::Secret;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What values a setting can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// On or off.
    Switch,
    /// A whole number within these bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A duration within these bounds.
    Duration {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A size in bytes within these bounds.
    Size {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// An IP address with a port, or `localhost` with a port.
    Address,
    /// IP addresses and networks in CIDR notation (RFC 4632): a list, or a text with commas between.
    Networks,
    /// An absolute path.
    Path,
    /// A URL with one of these schemes, or any scheme where none is named.
    Url {
        /// The schemes.
        schemes: &'static [&'static str],
        /// Whether it may name a user and a password.
        login: bool,
    },
    /// One of these names, in any case.
    Choice {
        /// The names.
        names: &'static [&'static str],
        /// Other words for some of them: word, name.
        also: &'static [(&'static str, &'static str)],
    },
    /// Visible ASCII characters without space, as a token has them.
    Token {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
    },
    /// Any text that is not empty, of at most so many bytes.
    Text {
        /// The most bytes.
        max: usize,
    },
    /// A text that is taken exactly as it stands, of at most so many bytes.
    Password {
        /// The most bytes.
        max: usize,
    },
    /// A list of texts; in the environment and in flags a text with commas between.
    List {
        /// The most items.
        most: usize,
    },
}

/// A value of a kind.
#[derive(Debug, Clone)]
pub(crate) enum Typed {
    Switch(bool),
    Integer(u64),
    Duration(Duration),
    Size(u64),
    Address(SocketAddr),
    Networks(Vec<IpNet>),
    Path(PathBuf),
    Choice(&'static str),
    Text(Secret<String>),
    List(Vec<String>),
}

impl Kind {
    /// The kind's name in the reference.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Switch => "switch",
            Kind::Integer { .. } => "integer",
            Kind::Duration { .. } => "duration",
            Kind::Size { .. } => "size",
            Kind::Address => "address",
            Kind::Networks => "networks",
            Kind::Path => "path",
            Kind::Url { .. } => "url",
            Kind::Choice { .. } => "choice",
            Kind::Token { .. } => "token",
            Kind::Text { .. } => "text",
            Kind::Password { .. } => "password",
            Kind::List { .. } => "list",
        }
    }

    /// The units in which a value can be written; empty where there are none.
    pub fn units(&self) -> &'static str {
        match self {
            Kind::Duration { .. } => "ms, s, m, h, d",
            Kind::Size { .. } => "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
            _ => "",
        }
    }

    /// What is wanted, as the end of the sentence "must be ...".
    pub fn wanted(&self) -> String {
        let duration = units::format_duration;
        let size = units::format_size;
        match self {
            Kind::Switch => "`true` or `false`".into(),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Duration { min, max } => {
                format!(
                    "a duration with its unit from {} to {}, such as `30s`",
                    duration(*min),
                    duration(*max)
                )
            }
            Kind::Size { min, max } => {
                format!("a size from {} to {}, such as `64MiB`", size(*min), size(*max))
            }
            Kind::Address => "an IP address with a port, such as `127.0.0.1:8080`".into(),
            Kind::Networks => {
                "IP addresses and networks such as `10.0.0.0/8`, in a list or with commas between".into()
            }
            Kind::Path => "an absolute path".into(),
            Kind::Url { schemes: [], .. } => "a URL, such as `sqlite:rtmx.db`".into(),
            Kind::Url { schemes, .. } => format!("a URL that begins with `{}://`", schemes.join("://` or `")),
            Kind::Choice { names, .. } => match names.split_last() {
                Some((last, others)) if !others.is_empty() => {
                    format!("`{}` or `{last}`", others.join("`, `"))
                }
                _ => names.concat(),
            },
            Kind::Token { min, max } => format!("{min} to {max} visible ASCII characters without a space"),
            Kind::Text { max } => format!("a text of at most {}", size(*max as u64)),
            Kind::Password { max } => {
                format!("a text of at most {} without a zero byte, taken as it stands", size(*max as u64))
            }
            Kind::List { most } => format!("a list of at most {most} texts, none of them empty"),
        }
    }

    /// Reads a value.
    pub(crate) fn read(&self, value: &Value) -> Result<Typed, String> {
        let wanted = || self.wanted();
        let text = match value {
            Value::Text(text) => Some(text.expose().trim()),
            _ => None,
        };
        let number = match value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        match self {
            Kind::Switch => {
                let given = if let Value::Switch(on) = value { Some(*on) } else { None };
                given.or_else(|| text.and_then(units::parse_switch)).map(Typed::Switch).ok_or_else(wanted)
            }
            Kind::Integer { min, max } => {
                let read = |text: &str| {
                    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
                };
                let number = number.or_else(|| text.and_then(read));
                number.filter(|n| (min..=max).contains(&n)).map(Typed::Integer).ok_or_else(wanted)
            }
            Kind::Duration { min, max } => {
                let duration = text.and_then(units::parse_duration);
                duration.filter(|d| (min..=max).contains(&d)).map(Typed::Duration).ok_or_else(wanted)
            }
            Kind::Size { min, max } => {
                let bytes = number.or_else(|| text.and_then(units::parse_size));
                bytes.filter(|n| (min..=max).contains(&n)).map(Typed::Size).ok_or_else(wanted)
            }
            Kind::Address => text.and_then(address).map(Typed::Address).ok_or_else(wanted),
            Kind::Networks => networks(value).map(Typed::Networks).ok_or_else(wanted),
            Kind::Path => {
                let path = text.filter(|text| Path::new(text).has_root() && !text.contains('\0'));
                path.map(|text| Typed::Path(PathBuf::from(text))).ok_or_else(wanted)
            }
            Kind::Url { schemes, login } => url(text.unwrap_or_default(), schemes, *login, wanted),
            Kind::Choice { names, also } => {
                let word = text.unwrap_or_default().to_ascii_lowercase();
                let other = also.iter().find(|(other, _)| *other == word).map(|(_, name)| name);
                let found = names.iter().find(|name| **name == word).or(other);
                found.map(|name| Typed::Choice(name)).ok_or_else(wanted)
            }
            Kind::Token { min, max } => {
                let fits =
                    |t: &&str| (*min..=*max).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic());
                text.filter(fits).map(secret).ok_or_else(wanted)
            }
            Kind::Text { max } => {
                text.filter(|text| !text.is_empty() && text.len() <= *max).map(secret).ok_or_else(wanted)
            }
            Kind::Password { max } => match value {
                Value::Text(text) => {
                    let text = text.expose().as_str();
                    let fits = !text.is_empty() && text.len() <= *max && !text.contains('\0');
                    Some(text).filter(|_| fits).map(secret).ok_or_else(wanted)
                }
                _ => Err(wanted()),
            },
            Kind::List { most } => {
                list(value).filter(|items| items.len() <= *most).map(Typed::List).ok_or_else(wanted)
            }
        }
    }
}

impl Typed {
    /// The value in the form that reads back; not for secrets.
    pub(crate) fn shown(&self) -> String {
        match self {
            Typed::Switch(on) => on.to_string(),
            Typed::Integer(number) => number.to_string(),
            Typed::Duration(duration) => units::format_duration(*duration),
            Typed::Size(bytes) => units::format_size(*bytes),
            Typed::Address(address) => address.to_string(),
            Typed::Networks(networks) => {
                networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Typed::Path(path) => path.display().to_string(),
            Typed::Choice(name) => (*name).into(),
            Typed::Text(text) => text.expose().clone(),
            Typed::List(items) => items.join(","),
        }
    }
}

fn secret(text: &str) -> Typed {
    Typed::Text(Secret::new(text.to_owned()))
}

/// The items of a list; `None` where one is empty, holds a comma or is no text.
fn list(value: &Value) -> Option<Vec<String>> {
    let item = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && !text.contains(',')).then(|| text.to_owned())
    };
    match value {
        Value::Text(text) => text.expose().split(',').map(item).collect(),
        Value::List(values) => {
            let text = |value: &Value| match value {
                Value::Text(text) => item(text.expose()),
                _ => None,
            };
            values.iter().map(text).collect()
        }
        _ => None,
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse().ok(),
        None => text.parse().ok(),
    }
}

fn networks(value: &Value) -> Option<Vec<IpNet>> {
    let one = |text: &str| {
        let address = |text: &str| text.parse::<IpAddr>().ok().map(|ip| IpNet::from(ip.to_canonical()));
        text.parse::<IpNet>().ok().or_else(|| address(text)).map(|network| network.trunc())
    };
    match value {
        Value::Text(text) => {
            text.expose().split(',').map(str::trim).filter(|text| !text.is_empty()).map(one).collect()
        }
        Value::List(items) => {
            let text = |item: &Value| match item {
                Value::Text(text) => one(text.expose().trim()),
                _ => None,
            };
            items.iter().map(text).collect()
        }
        _ => None,
    }
}

fn url(text: &str, schemes: &[&str], login: bool, wanted: impl Fn() -> String) -> Result<Typed, String> {
    if text.contains("${") {
        return Err("a URL without `${`: a variable in it was not replaced".into());
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL without spaces and control characters, which are written as `%20`".into());
    }
    let (scheme, rest) = text.split_once(':').ok_or_else(&wanted)?;
    let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !starts || !plain || rest.is_empty() {
        return Err(wanted());
    }
    if !schemes.is_empty() {
        let host = rest.strip_prefix("//").unwrap_or_default();
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        if !schemes.contains(&scheme.to_ascii_lowercase().as_str()) || host.is_empty() {
            return Err(wanted());
        }
        if !login && host.contains('@') {
            return Err("a URL without user and password".into());
        }
    }
    Ok(secret(text))
}
