//! A registry of the distribution on this machine, for one trial.

use crate::Ignored;
use crate::engine::{Engine, has, must};
use crate::given::Given;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

struct Registry {
    process: Child,
    place: String,
    _data: TempDir,
}

impl Registry {
    fn start() -> Registry {
        let data = tempfile::tempdir().expect("a folder");
        // Free now; whoever takes it in between makes the registry end, which is seen below.
        let place =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").to_string();
        let file = data.path().join("config.yml");
        let settings = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {place}\n",
            data.path().join("blobs").display()
        );
        std::fs::write(&file, settings).expect("a folder of ours");
        let mut serve = Command::new("docker-registry");
        serve.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = serve.spawn().expect("it is there");
        let started = Instant::now();
        while TcpStream::connect(&place).is_err() {
            assert!(started.elapsed() < PATIENCE, "no registry at {place}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Registry { process, place, _data: data }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The layout is pushed as it is, and pulled by its digest.
pub(crate) fn takes_it(given: &Given) -> Result<(), Ignored> {
    has("skopeo")?;
    has("docker-registry")?;
    let registry = Registry::start();
    let layout = format!("oci:{}:{}", given.layout.display(), given.version());
    let there = format!("docker://{}/rtmx:{}", registry.place, given.version());
    must(Command::new("skopeo").args(["copy", "--quiet", "--dest-tls-verify=false", &layout, &there]));
    let inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &there];
    assert_eq!(must(Command::new("skopeo").args(inspect)), given.digest);
    if let Ok(engine) = Engine::find() {
        let pinned = format!("{}/rtmx@{}", registry.place, given.digest);
        let said = engine.run(&["pull", "--quiet", &pinned]);
        assert!(said.contains(&given.digest), "{said}");
        engine.run(&["rmi", &pinned]);
    }
    Ok(())
}
