//! An engine older than what is promised, beside the one that runs: with a socket and a folder of its own,
//! and with a network and mounts of its own, because an engine without a bridge takes away the machine's.

use crate::Ignored;
use crate::engine::{Engine, has};
use crate::given::Given;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The distribution's engine, of version 20.10.
const PROGRAM: &str = "/usr/sbin/dockerd";
const PATIENCE: Duration = Duration::from_secs(60);

struct Older {
    process: Child,
    engine: Engine,
    _folder: TempDir,
}

impl Older {
    fn start() -> Result<Older, Ignored> {
        if !Path::new(PROGRAM).is_file() {
            return Err(format!("there is no {PROGRAM}, the distribution's older engine"));
        }
        has("containerd")?;
        has("unshare")?;
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let socket = format!("unix://{}", at("docker.sock"));
        let mut engine = Command::new("unshare");
        engine.args(["--net", "--mount", PROGRAM]);
        // The distribution's own containerd, and no bridge: it is to load, not to run.
        engine.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        engine.args(["--host", &socket, "--data-root", &at("data"), "--exec-root", &at("exec")]);
        engine.args(["--pidfile", &at("pid"), "--bridge", "none", "--iptables=false", "--ip6tables=false"]);
        let log = std::fs::File::create(at("log")).expect("a folder of ours");
        let process = engine.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut process = process.map_err(|error| format!("{PROGRAM} does not start: {error}"))?;
        let started = Instant::now();
        loop {
            if let Ok(engine) = Engine::at(Some(socket.clone())) {
                return Ok(Older { process, engine, _folder: folder });
            }
            let ended = process.try_wait().expect("it is our child").is_some();
            if ended || started.elapsed() > PATIENCE {
                // It may have ended by itself.
                let _ = process.kill();
                let _ = process.wait();
                let log = std::fs::read_to_string(at("log")).unwrap_or_default();
                let last = log.lines().last().unwrap_or("no word").to_owned();
                return Err(format!("{PROGRAM} does not start here: {last}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.process);
        // Asked to end, it unmounts what it has; a process that has ended needs nothing.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// An engine without a store for manifests calls the image by its configuration's digest.
pub(crate) fn is_loaded(given: &Given) -> Result<(), Ignored> {
    let older = Older::start()?;
    if older.engine.keeps_digests() {
        return Err(format!("{PROGRAM} is not older"));
    }
    let said = older.engine.load(given);
    assert!(said.contains(&given.reference), "{said}");
    assert_eq!(older.engine.inspected(&given.reference, "{{.Id}}"), given.config);
    assert_eq!(older.engine.inspected(&given.reference, "{{.Config.User}}"), "1000:1000");
    Ok(())
}
