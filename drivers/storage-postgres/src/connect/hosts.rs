//! Lists of hosts and ports.
//!
//! libpq's shape is kept: a list of hosts beside a list of ports, so that `host1:5433,host2` in a
//! URL and `host` with `port` among the settings can be compared and put together.

use super::invalid;
use rtmx_core::Result;
use std::fmt;
use std::net::Ipv6Addr;

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// One server: a name or address, or the folder of a Unix socket, and the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// The host name, an address without brackets, or the absolute path of a folder.
    pub(crate) name: String,
    /// The port; for a socket it is a part of the file's name.
    pub(crate) port: u16,
}

impl Host {
    /// Whether it is reached through a Unix socket.
    pub(crate) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Host { name, port } = self;
        match name {
            folder if self.is_socket() => write!(f, "{}/.s.PGSQL.{port}", folder.trim_end_matches('/')),
            address if address.contains(':') => write!(f, "[{address}]:{port}"),
            name => write!(f, "{name}:{port}"),
        }
    }
}

/// A list such as `host1:5433,[::1],/run/postgresql` as a list of hosts and, if any has a port, a
/// list of ports.
///
/// # Errors
///
/// What is wrong with the list, as a phrase that holds nothing of it.
pub(crate) fn split(list: &str) -> Result<(String, Option<String>), &'static str> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for item in list.split(',') {
        let (host, port) = split_one(item)?;
        hosts.push(host);
        ports.push(port);
    }
    let ports = ports.iter().any(|port| !port.is_empty()).then(|| ports.join(","));
    Ok((hosts.join(","), ports))
}

fn split_one(item: &str) -> Result<(&str, &str), &'static str> {
    if let Some(rest) = item.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("a host opens a bracket and never closes it")?;
        address.parse::<Ipv6Addr>().map_err(|_| "what stands in brackets is not an IPv6 address")?;
        let port = match rest {
            "" => "",
            rest => rest.strip_prefix(':').ok_or("something other than a port follows a bracket")?,
        };
        return Ok((address, port_digits(port)?));
    }
    if item.parse::<Ipv6Addr>().is_ok() {
        return Ok((item, ""));
    }
    if item.starts_with('/') {
        return Ok(match item.rsplit_once(':') {
            Some((folder, port)) if !port.is_empty() && port_digits(port).is_ok() => (folder, port),
            _ => (item, ""),
        });
    }
    let (name, port) = item.split_once(':').unwrap_or((item, ""));
    if name.is_empty() {
        return Err("a host in the list has no name");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err("a host name has a character that none can have");
    }
    Ok((name, port_digits(port)?))
}

fn port_digits(port: &str) -> Result<&str, &'static str> {
    if port.len() > 5 || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a port is not a number");
    }
    Ok(port)
}

/// The hosts with their ports; one port serves all, an empty one is 5432.
///
/// # Errors
///
/// `storage_settings_invalid` if the lists do not fit together.
pub(crate) fn pair(hosts: &str, ports: Option<&str>) -> Result<Vec<Host>> {
    let hosts: Vec<&str> = hosts.split(',').collect();
    let ports = ports
        .unwrap_or("")
        .split(',')
        .map(|port| match port.parse() {
            _ if port.is_empty() => Ok(DEFAULT_PORT),
            Ok(port) if port > 0 => Ok(port),
            _ => Err(invalid("a port is not a number from 1 to 65535")),
        })
        .collect::<Result<Vec<u16>>>()?;
    if ports.len() != 1 && ports.len() != hosts.len() {
        let message = format!("`port` lists {} ports for {} hosts", ports.len(), hosts.len());
        return Err(invalid(message).with_next("Give one port for all hosts, or one for each."));
    }
    let ports = ports.iter().cycle();
    Ok(hosts.iter().zip(ports).map(|(name, port)| Host { name: (*name).into(), port: *port }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_becomes_hosts_and_ports() {
        // list, ports beside it, what comes out
        let cases = [
            ("db", None, "db:5432"),
            ("db:5433", None, "db:5433"),
            ("a:5433,b", None, "a:5433 b:5432"),
            ("a,b", Some("6000"), "a:6000 b:6000"),
            ("a,b", Some("6000,"), "a:6000 b:5432"),
            ("[::1]:5433,10.0.0.1", None, "[::1]:5433 10.0.0.1:5432"),
            ("::1", Some("7"), "[::1]:7"),
            ("/run/postgresql", None, "/run/postgresql/.s.PGSQL.5432"),
            ("/run/pg:5433,db", None, "/run/pg/.s.PGSQL.5433 db:5432"),
        ];
        for (list, beside, wanted) in cases {
            let (hosts, ports) = split(list).expect(list);
            let hosts = pair(&hosts, ports.as_deref().or(beside)).expect(list);
            let shown: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), wanted, "{list}");
        }
    }

    #[test]
    fn lists_that_cannot_be_meant_are_refused() {
        for list in ["", "a,", ":5432", "a:x", "a:123456", "a b", "[::1", "[::1]5", "[nine]:5", "a@b", "a%b"]
        {
            assert!(split(list).is_err(), "{list}");
        }
        for (hosts, ports) in [("a", "0"), ("a", "65536"), ("a,b", "1,2,3"), ("a", "1,2"), ("a", "x")] {
            assert!(pair(hosts, Some(ports)).is_err(), "{hosts} {ports}");
        }
    }
}
