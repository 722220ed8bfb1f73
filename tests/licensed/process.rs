//! The license server as a process: keys from files, a register on disk, an end and another start.

use crate::customer::Customer;
use crate::support::Client;
use crate::vendor_tool::{PASSPHRASE, Vendor, ring_of};
use bytes::Bytes;
use http::{Method, StatusCode};
use rtmx::core::{Timestamp, assert_code, storage};
use rtmx::license::{LeaseStatus, verify};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const STAFF: &str = "a staff token that shows nowhere, either";
/// How long a server may take to say where it listens: five times what a busy machine needs.
const START_LIMIT: Duration = Duration::from_secs(120);

struct Serving {
    child: Child,
    api: SocketAddr,
    metrics: SocketAddr,
    log: mpsc::Receiver<String>,
    seen: String,
}

impl Serving {
    #[allow(clippy::zombie_processes, reason = "a failed start is killed, and the test ends with it")]
    fn start(vendor: &Vendor) -> Serving {
        vendor.write("staff", format!("{STAFF}\n"));
        let mut command = vendor.command(&[
            "serve",
            "--register",
            "sqlite:server.db",
            "--lease-key",
            "lease-1.key",
            "--passphrase-file",
            "passphrase",
            "--keys",
            "keys.txt",
            "--staff-token-file",
            "staff",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
        ]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut seen = String::new();
        loop {
            let Ok(line) = log.recv_timeout(START_LIMIT) else {
                let _ = child.kill();
                panic!("the server did not start:\n{seen}");
            };
            seen.push_str(&line);
            seen.push('\n');
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                let address = |name: &str| {
                    event[name].as_str().and_then(|text| text.parse().ok()).expect("it names its address")
                };
                return Serving { child, api: address("address"), metrics: address("metrics"), log, seen };
            }
        }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let mut client = Client::connect(self.api).await.expect("the server listens");
        client.token = Some(STAFF.to_owned());
        let reply = client.send(method, path, &[], Bytes::from(body.to_owned())).await.expect("it answers");
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// Ends it, and gives back everything that it logged.
    fn end(mut self, signal: rustix::process::Signal) -> (std::process::ExitStatus, String) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a child has a pid");
        rustix::process::kill_process(pid, signal).expect("the child is ours");
        let status = self.child.wait().expect("the child is ours");
        let mut seen = std::mem::take(&mut self.seen);
        while let Ok(line) = self.log.recv_timeout(Duration::from_secs(5)) {
            seen.push_str(&line);
            seen.push('\n');
        }
        (status, seen)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_issues_serves_revokes_and_starts_again() {
    let vendor = Vendor::new();
    let lines =
        [("license", "license-1"), ("lease", "lease-1"), ("revocation", "revocation-1"), ("root", "root-1")]
            .map(|(usage, kid)| vendor.keygen(usage, kid));
    let ring = ring_of(&lines.each_ref().map(String::as_str), 1);
    let flags = ["--id", "acme-1", "--mode", "online", "--limit", "max_nodes=2", "--form", "document"];
    vendor.issue("license-1", "acme.license", &flags);
    let file = String::from_utf8(vendor.read("acme.license")).expect("it is text");
    let license = verify(&ring, file.as_bytes()).expect("it is signed");
    let serving = Serving::start(&vendor);
    let arguments =
        std::fs::read(format!("/proc/{}/cmdline", serving.child.id())).expect("the process is there");
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    assert!(
        arguments.contains("lease-1.key") && !arguments.contains(PASSPHRASE) && !arguments.contains(STAFF)
    );
    assert_eq!(serving.send(Method::GET, "/ready", "").await.0, StatusCode::OK);
    let (status, answer) = serving.send(Method::POST, "/v1/licenses", &file).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let customer = Customer::new(1);
    let question = customer.question(&license, 2, Timestamp::now(), 1);
    let (status, answer) = serving.send(Method::POST, "/v1/leases", question.token().as_str()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        question.accept(&ring, answer.as_bytes()).expect("it is the answer").status,
        LeaseStatus::Active
    );
    // The register is the server's while it runs.
    let list = ["list", "--register", "sqlite:server.db"];
    assert_code(vendor.refused(&list).0, storage::STORAGE_LOCKED);
    // What was answered is on the disk.
    let (_, mut logged) = serving.end(rustix::process::Signal::KILL);
    let serving = Serving::start(&vendor);
    let other = Customer::new(2).question(&license, 2, Timestamp::now(), 2);
    let (status, answer) = serving.send(Method::POST, "/v1/leases", other.token().as_str()).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "the place is taken: {answer}");
    let (status, seats) = serving.send(Method::GET, "/v1/licenses/acme-1", "").await;
    assert!(status == StatusCode::OK && seats.contains(customer.id()), "{seats}");
    // Revoked where the keys are, and carried over.
    vendor.result(&[
        "revoke",
        "acme-1",
        "--key",
        "revocation-1.key",
        "--passphrase-file",
        "passphrase",
        "--register",
        "sqlite:licenses.db",
        "--out",
        "list",
    ]);
    let (status, answer) =
        serving.send(Method::PUT, "/v1/revocations", &String::from_utf8_lossy(&vendor.read("list"))).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let question = customer.question(&license, 2, Timestamp::now(), 3);
    let (_, answer) = serving.send(Method::POST, "/v1/leases", question.token().as_str()).await;
    assert_eq!(
        question.accept(&ring, answer.as_bytes()).expect("it is the answer").status,
        LeaseStatus::Revoked
    );
    let mut reader = Client::connect(serving.metrics).await.expect("the metrics are there");
    let metrics = String::from_utf8_lossy(&reader.get("/metrics").await.body).into_owned();
    assert!(metrics.contains("licensed_leases_total{status=\"revoked\"} 1"), "{metrics}");
    let (_, audit) = serving.send(Method::GET, "/v1/audit", "").await;
    assert!(audit.contains("license_limit_reached") && audit.contains("activated"), "{audit}");
    drop(reader);
    let (status, log) = serving.end(rustix::process::Signal::TERM);
    assert!(status.success(), "{status}: {log}");
    logged.push_str(&log);
    for secret in [PASSPHRASE, STAFF, "v4.public"] {
        assert!(!logged.contains(secret), "`{secret}` is in the log:\n{logged}");
    }
    assert!(logged.contains("shut down"), "{logged}");
    assert_eq!(vendor.result(&list)["licenses"][0]["license_id"], "acme-1", "the register was left well");
}
