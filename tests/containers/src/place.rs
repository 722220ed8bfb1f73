//! Where things are kept and which ports are used on this machine.

use crate::{Error, Result};
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux gives to outgoing connections, so that a server that is stopped gets its own
/// again.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The folder for what outlives engine and checkout: `RTMX_CACHE`, else `~/.cache/rtmx`.
pub(crate) fn cache() -> Result<PathBuf> {
    let named = std::env::var_os("RTMX_CACHE").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/rtmx"));
    let cache = named.or_else(usual).unwrap_or_else(|| std::env::temp_dir().join("rtmx-cache"));
    let folder = cache.join("containers");
    std::fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
    Ok(folder)
}

/// Keeps other processes from making the same thing; let go when it is dropped.
pub(crate) fn lock(name: &str) -> Result<File> {
    let path = cache()?.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(Error::io("make", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}

/// A port of the loopback interface on which nobody listens now.
pub(crate) fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = PORTS.end - PORTS.start;
    // Each process begins elsewhere.
    let first = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(width)).unwrap_or(0);
    for _ in 0..width {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % width;
        let port = PORTS.start + (first + step) % width;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Failed(format!("no port from {} to {} is free", PORTS.start, PORTS.end - 1)))
}

/// 32 random hexadecimal digits.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
