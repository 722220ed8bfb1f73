//! A server that a measurement starts: on loopback, and ended by its id whatever happens.

use crate::{Result, http};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// From its start to its first good answer.
    pub(super) ready_after: Duration,
    log: PathBuf,
}

impl Server {
    /// Starts a server and waits until `probe` is answered with 200.
    ///
    /// # Errors
    ///
    /// If it ends or is not ready within `limit`; the message holds its log.
    pub(super) fn start(
        command: &mut Command,
        address: SocketAddr,
        probe: &str,
        log: &Path,
        limit: Duration,
    ) -> Result<Server> {
        let told = |error: std::io::Error| format!("could not write {}: {error}", log.display());
        let out = File::create(log).map_err(told)?;
        command.stdin(Stdio::null()).stdout(out.try_clone().map_err(told)?).stderr(out);
        let started = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("could not start {:?}: {error}", command.get_program()))?;
        let mut server = Server { child, address, ready_after: Duration::ZERO, log: log.to_owned() };
        while !http::send(address, "GET", probe, "", b"").is_ok_and(|answer| answer.status == 200) {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || started.elapsed() > limit {
                let log = std::fs::read_to_string(&server.log).unwrap_or_default();
                return Err(format!("{:?} did not become ready; its log:\n{log}", command.get_program()));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory now, in MB.
    pub(super) fn resident_mb(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// The most resident memory that it ever had, in MB.
    pub(super) fn peak_mb(&self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            std::fs::read_to_string(&path).map_err(|error| format!("could not read {path}: {error}"))?;
        let kb = kilobytes(&status, field).ok_or_else(|| format!("{path} has no {field}"))?;
        Ok(kb * 1024.0 / 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine alone that nobody uses.
pub(super) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| format!("could not find a free port: {error}"))
}

/// Whether something listens on this port for others than this machine.
///
/// Source: proc_net_tcp(5): the local address in hexadecimal, and state `0A` for a listener.
pub(super) fn is_open_to_others(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        std::fs::read_to_string(file).is_ok_and(|table| table.lines().any(|line| listens_widely(line, port)))
    })
}

fn listens_widely(line: &str, port: u16) -> bool {
    let mut fields = line.split_whitespace().skip(1);
    let (Some(local), Some(_), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    let Some((address, of)) = local.rsplit_once(':') else { return false };
    let loopback = address.ends_with("7F") && address.len() == 8
        || address == "00000000000000000000000001000000"
        || address.ends_with("FFFF00000100007F");
    state == "0A" && u16::from_str_radix(of, 16).is_ok_and(|of| of == port) && !loopback
}

fn kilobytes(status: &str, field: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_process_table() {
        assert_eq!(kilobytes("Name:\tx\nVmRSS:\t   20480 kB\n", "VmRSS:"), Some(20480.0));
        assert_eq!(kilobytes("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn a_listener_for_everybody_is_told_from_one_for_this_machine() {
        // line of the table, whether others reach port 8080
        let cases = [
            ("0: 00000000:1F90 00000000:0000 0A 0", true),
            ("0: 0100007F:1F90 00000000:0000 0A 0", false),
            ("0: 0100007F:1F90 0100007F:D431 01 0", false),
            ("0: 00000000:1F91 00000000:0000 0A 0", false),
            ("0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0", true),
            ("0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0", false),
        ];
        for (line, wide) in cases {
            assert_eq!(listens_widely(line, 8080), wide, "{line}");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_open_to_others(listener.local_addr().unwrap().port()));
    }

    #[test]
    fn a_server_that_is_dropped_has_ended() {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        let address = free_address().unwrap();
        drop(Server { child, address, ready_after: Duration::ZERO, log: PathBuf::new() });
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
