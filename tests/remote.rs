//! What jobs of the image do beside a running server: a backup, and a test.

#![allow(clippy::disallowed_methods, reason = "tests look into folders of their own")]

mod support;

use std::path::Path;
use std::process::{Command, Output};
use support::TestServer;

const TOKEN: &str = "remote-jobs-0123456789abcdef0123456789";

struct Place {
    server: TestServer,
    folder: tempfile::TempDir,
    url: String,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let variables = [("RTMX_AUTH__ADMIN_TOKEN", TOKEN)];
    // A server on loopback asks for no token unless it is told to.
    let server = TestServer::start_in(&folder.path().join("data"), &["auth.required=true"], &variables);
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).expect("the folder is ours");
    let url = format!("http://{}", server.address);
    Place { server, folder, url }
}

impl Place {
    fn selftest(&self, token: &str) -> Output {
        let mut run = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        run.env_clear().args(["selftest", "--url", &self.url, "--token-file"]);
        run.arg(self.folder.path().join(token)).output().expect("the server's program runs")
    }

    /// A job beside the server, which has its settings and its data folder.
    fn backup(&self, more: &[&str]) -> Output {
        let mut run = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        run.env_clear().env("RTMX_DATA__DIR", self.folder.path().join("data"));
        run.args(["backup", "--to"]).arg(self.folder.path().join("backups"));
        run.args(more).output().expect("the server's program runs")
    }

    fn archives(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("backups")).expect("the folder is ours");
        let mut names: Vec<_> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_job_keeps_the_newest_backups_whether_a_server_runs_or_not() {
    let mut place = place();
    let to = place.folder.path().join("backups").display().to_string();
    let strange = Path::new(&to).join("rtmx-notes.archive");
    let first = place.backup(&[]);
    assert!(first.status.success(), "it makes the folder: {}", said(&first));
    std::fs::write(&strange, "not ours").expect("the folder is ours");
    for round in 0..4 {
        if round == 3 {
            place.server.terminate();
        }
        let made = place.backup(&["--keep", "2"]);
        assert!(made.status.success(), "{}", said(&made));
        assert!(said(&made).contains("content hash") && !said(&made).contains(TOKEN), "{}", said(&made));
    }
    let archives = place.archives();
    assert_eq!(archives.len(), 3, "two, and one that is no backup: {archives:?}");
    // Each is one that the operator's tool takes.
    let mut verify = Command::new(env!("CARGO_BIN_EXE_rtmxctl"));
    let newest = archives.iter().rfind(|name| *name != "rtmx-notes.archive").expect("there are two");
    verify.args(["backup", "verify", "--prove"]).arg(Path::new(&to).join(newest));
    let verified = verify.output().expect("the tool runs");
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn a_test_writes_reads_and_leaves_nothing_behind() {
    let place = place();
    for _ in 0..2 {
        let tested = place.selftest("token");
        assert!(tested.status.success(), "{}", said(&tested));
        assert!(said(&tested).contains("in the project selftest"), "{}", said(&tested));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    let list = runtime.block_on(async {
        let mut client = place.server.connect().await.expect("the server listens");
        client.token = Some(TOKEN.to_owned());
        client.get("/api/v1/projects/selftest/requirements").await.json()
    });
    assert_eq!(list["requirements"].as_array().map(Vec::len), Some(0), "{list}");
}

#[test]
fn a_wrong_token_and_a_server_that_is_away_are_told() {
    let mut place = place();
    std::fs::write(place.folder.path().join("wrong"), "nobody-0123456789abcdef0123456789abcd").expect("ours");
    let refused = place.selftest("wrong");
    assert!(!refused.status.success() && said(&refused).contains("error["), "{}", said(&refused));
    let missing = place.selftest("none");
    assert!(said(&missing).contains("error[file_unreadable]"), "{}", said(&missing));
    "http://127.0.0.1:9".clone_into(&mut place.url);
    let away = place.selftest("token");
    assert!(said(&away).contains("error[not_ready]"), "{}", said(&away));
}
