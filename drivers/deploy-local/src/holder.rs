//! Who listens on a port, as far as this user may see.

use crate::process::Process;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

/// The process that listens on the port of this address; `None` if it cannot be seen.
pub(crate) fn holder_of(address: SocketAddr) -> Option<Process> {
    let sockets: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, address.port()))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?;
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid| holds(*pid, &sockets)).and_then(Process::with_pid)
}

/// The inodes of sockets that listen on a port, from a table as in proc_net_tcp(5): state `0A`.
fn listening(table: &str, port: u16) -> Vec<String> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let local_port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (local_port == port && *state == "0A").then(|| format!("socket:[{inode}]"))
    };
    table.lines().skip(1).filter_map(line).collect()
}

fn holds(pid: i32, sockets: &BTreeSet<String>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path())
            .is_ok_and(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_holder_of_a_port_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let holder = holder_of(address).expect("a process sees its own sockets");
        assert_eq!(holder.pid, std::process::id() as i32);
        drop(listener);
        assert_eq!(holder_of(address), None);
    }
}
