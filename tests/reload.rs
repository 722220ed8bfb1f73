//! The configuration of a running server is read again: what can change does, what cannot is named, and
//! what is wrong changes nothing.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod support;

use http::Method;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::TestServer;

/// A server with a configuration file.
struct Configured {
    server: TestServer,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Configured {
    fn start(text: &str) -> Configured {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rtmx.toml");
        std::fs::write(&file, with_places(folder.path(), text)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        command.arg("--config").arg(&file).env_clear();
        Configured { server: TestServer::listening(command), file, _folder: folder }
    }

    /// Puts another text in the place of the file, as editors and mounts do.
    fn write(&self, text: &str) {
        let folder = self.file.parent().unwrap();
        let new = folder.join("new");
        std::fs::write(&new, with_places(folder, text)).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }

    async fn import(&self, bytes: usize) -> u16 {
        let mut client = self.server.connect().await.unwrap();
        let path = "/api/v1/projects/default/import?dry_run=true";
        let reply = client.send(Method::POST, path, &[("content-type", "text/csv")], vec![b'x'; bytes]).await;
        reply.expect("the server answers").status.as_u16()
    }
}

fn with_places(folder: &Path, text: &str) -> String {
    let data = folder.join("data");
    format!(
        "data.dir = {:?}\nserver.listen = \"127.0.0.1:0\"\nmetrics.port = 0\n{text}",
        data.to_str().unwrap()
    )
}

#[tokio::test]
async fn a_hangup_takes_over_what_can_change_and_names_what_waits() {
    let configured = Configured::start("server.body_limit = \"64MiB\"\n");
    assert_eq!(configured.import(4096).await, 422, "it is no matrix, and not too large");
    configured.write(
        "server.body_limit = \"1KiB\"\nserver.connections = 77\nlog.level = \"debug\"\ndatabase.migrate = false\n",
    );
    configured.server.reload();
    let taken = configured.server.said("changed settings are in force");
    assert_eq!(taken["settings"], r#"["server.body_limit", "log.level"]"#);
    let waiting = configured.server.said("wait for a restart");
    assert_eq!(waiting["settings"], r#"["server.connections", "database.migrate"]"#);
    assert_eq!(configured.import(4096).await, 413, "the new limit holds");
    let mut client = configured.server.connect().await.unwrap();
    client.get("/live").await;
    assert_eq!(configured.server.said("answered")["path"], "/api/v1/projects/default/import");
    // A probe is logged at the level `debug` only.
    assert_eq!(configured.server.said("answered")["path"], "/live");
    configured.server.reload();
    // What waits is said again as long as it does.
    configured.server.said("wait for a restart");
}

#[test]
fn a_shutdown_waits_as_long_as_the_settings_in_force_say() {
    let mut configured = Configured::start("server.drain = \"5m\"\n");
    let mut endless = TcpStream::connect(configured.server.address).unwrap();
    let head = "POST /api/v1/projects/default/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nreq_id,";
    endless.write_all(head.as_bytes()).unwrap();
    configured.write("server.drain = \"1s\"\n");
    configured.server.reload();
    configured.server.said("changed settings are in force");
    let began = Instant::now();
    assert!(configured.server.terminate().success());
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_changed_file_is_noticed_without_being_asked() {
    let configured = Configured::start("server.body_limit = \"64MiB\"\n");
    configured.write("server.body_limit = \"1KiB\"\n");
    configured.server.said("changed settings are in force");
    assert_eq!(configured.import(4096).await, 413);
    // A file that goes away takes nothing with it.
    std::fs::remove_file(&configured.file).unwrap();
    configured.server.reload();
    configured.server.said("nothing changed");
    assert_eq!(configured.import(4096).await, 413);
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing_and_is_told_whole() {
    let configured = Configured::start("server.body_limit = \"1KiB\"\n");
    for (text, faults) in [
        ("server.body_limit = \"2KiB\"\nlog.level = \"loud\"\nserver.drain = 5\n", 2),
        ("server.body_limit = \n", 1),
        // Right by itself, and against what stays until a restart.
        ("server.body_limit = \"2KiB\"\nserver.tls_client_ca = \"/nowhere/ca.pem\"\n", 1),
    ] {
        configured.write(text);
        configured.server.reload();
        let refused = configured.server.said("what was in force stays");
        let said = refused["faults"].as_str().unwrap();
        assert_eq!(said.matches("rtmx.toml:").count(), faults, "{said}");
        assert_eq!(configured.import(1500).await, 413, "the old limit holds");
    }
    let mut metrics = support::Client::connect(configured.server.metrics.unwrap()).await.unwrap();
    let text = String::from_utf8(metrics.get("/metrics").await.body.to_vec()).unwrap();
    let refused =
        text.lines().find(|line| line.starts_with("rtmx_config_reloads_total{outcome=\"refused\"}"));
    let count: u32 = refused.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("it is counted");
    assert!(count >= 3, "{count}");
}
