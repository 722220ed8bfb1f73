//! A vendor for tests: keys of its own, which the programs trust because a variable says so, licenses, and the
//! license server itself.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part, as a module of its own")]

use crate::support::{Client, Reply};
use bytes::Bytes;
use http::Method;
use rtmx_core::{Secret, Timestamp};
use rtmx_license::{KeyId, License, RevocationList, SigningKey, carrier, sign};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The variable that debug builds read.
pub const TRUSTED: &str = "RTMX_TRUSTED_KEYS";
const KID: &str = "license-test";
const LEASE_KID: &str = "lease-test";
const ISSUING_KID: &str = "license-issuing";
const REVOCATION_KID: &str = "revocation-test";
const STAFF: &str = "the token of a vendor's staff in tests";

/// A vendor.
pub struct Vendor {
    key: SigningKey,
    revocation_key: SigningKey,
    root_key: SigningKey,
    folder: tempfile::TempDir,
    /// The line of the lease key, once there is a server that has it.
    lease_line: OnceLock<String>,
    /// That of the key in a file, once a license was issued with it.
    issuing_line: OnceLock<String>,
}

impl Vendor {
    pub fn new() -> Vendor {
        let key = || {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("the system has randomness");
            SigningKey::from_seed(&Secret::new(seed))
        };
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (lease_line, issuing_line) = (OnceLock::new(), OnceLock::new());
        Vendor { key: key(), revocation_key: key(), root_key: key(), folder, lease_line, issuing_line }
    }

    /// The value of [`TRUSTED`]: the lines that `rtmx-licensed keygen` would print.
    pub fn trusted(&self) -> String {
        let (license, revocation, root) =
            (self.key.public(), self.revocation_key.public(), self.root_key.public());
        let line = |line: &OnceLock<String>| line.get().cloned().unwrap_or_default();
        let (lease, issuing) = (line(&self.lease_line), line(&self.issuing_line));
        format!(
            "license {KID} {license}\nrevocation {REVOCATION_KID} {revocation}\nroot root-test {root}\n{lease}\n{issuing}\n"
        )
    }

    /// A key in a file, under the passphrase of the tests; its public line.
    fn keygen(&self, usage: &str, kid: &str, out: &str) -> String {
        self.write("passphrase", "a passphrase of tests\n");
        let words =
            ["keygen", "--usage", usage, "--kid", kid, "--out", out, "--passphrase-file", "passphrase"];
        let made = self.tool(&words).output().expect("the tool starts");
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).expect("it is text").trim().to_owned()
    }

    /// A license that the vendor's program issues for the installation that asks for it.
    pub fn issue(&self, request: &Path, folder: &Path) -> PathBuf {
        self.issuing_line.get_or_init(|| self.keygen("license", ISSUING_KID, "issuing.key"));
        let file = folder.join("issued.license");
        let mut command = self.tool(&["issue", "--key", "issuing.key", "--passphrase-file", "passphrase"]);
        command.args(["--register", "sqlite:issued.db", "--organization", "Acme Corporation"]);
        command.args(["--edition", "enterprise", "--expires", "2199-03-31", "--limit", "max_tenants=100"]);
        command.arg("--request").arg(request).arg("--out").arg(&file);
        let issued = command.output().expect("the tool starts");
        assert!(issued.status.success(), "{issued:?}");
        file
    }

    /// The text of a license, bare.
    pub fn sign(&self, license: &License) -> String {
        sign(&self.key, &kid(KID), license).expect("the claims are right").as_str().to_owned()
    }

    /// A license in a file, as the JSON document of the requirements.
    pub fn file(&self, folder: &Path, name: &str, license: &License) -> PathBuf {
        let token = sign(&self.key, &kid(KID), license).expect("the claims are right");
        let path = folder.join(name);
        std::fs::write(&path, carrier::json_document(&token).expect("it is a license"))
            .expect("the folder is writable");
        path
    }

    /// The revocation list after `seq - 1` others, with these licenses on it.
    pub fn revocations(&self, seq: u64, licenses: &[&str]) -> String {
        let now = Timestamp::now().as_second();
        let at = |second| Timestamp::from_second(second).expect("it is near");
        let list = RevocationList {
            product: "RTMX".to_owned(),
            seq,
            issued_at: at(now),
            next_update: at(now + 30 * 86_400),
            licenses: licenses.iter().map(|id| (*id).to_owned()).collect(),
            tokens: Vec::new(),
            min_seq: Default::default(),
        };
        let token = sign(&self.revocation_key, &kid(REVOCATION_KID), &list);
        token.expect("the claims are right").as_str().to_owned()
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).expect("the folder is writable");
    }

    fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-licensed"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }
}

fn kid(name: &str) -> KeyId {
    KeyId::parse(name).expect("it is a name")
}

/// The vendor's license server, `rtmx-licensed serve`, on a port of this machine for as long as it is there.
pub struct LicenseServer {
    pub url: String,
    child: Child,
    address: SocketAddr,
}

impl LicenseServer {
    /// Starts it; from now on the vendor's programs trust its lease key.
    #[allow(clippy::zombie_processes, reason = "a failed start is killed, and the test ends with it")]
    pub fn start(vendor: &Vendor) -> LicenseServer {
        vendor.lease_line.get_or_init(|| vendor.keygen("lease", LEASE_KID, "lease.key"));
        vendor.write("staff", STAFF);
        vendor.write("keys.txt", &vendor.trusted());
        let mut command = vendor.tool(&["serve", "--register", "sqlite:server.db", "--keys", "keys.txt"]);
        command.args(["--lease-key", "lease.key", "--passphrase-file", "passphrase"]);
        command.args(["--staff-token-file", "staff"]);
        command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let mut seen = String::new();
        let address: Option<SocketAddr> = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            seen.push_str(&line);
            let listens = event["message"] == "listening";
            listens.then(|| event["address"].as_str().and_then(|text| text.parse().ok())).flatten()
        });
        let Some(address) = address else {
            let _ = child.kill();
            panic!("the license server did not start: {seen}");
        };
        // Whoever stops reading would stop it at last.
        std::thread::spawn(move || lines.for_each(drop));
        LicenseServer { url: format!("http://{address}"), child, address }
    }

    /// Records a license.
    pub fn takes(&self, license: &str) {
        self.send(Method::POST, "/v1/licenses", "text/plain", license);
    }

    /// How many installations hold a place of a license.
    pub fn seats(&self, id: &str) -> usize {
        let license = self.send(Method::GET, &format!("/v1/licenses/{id}"), "text/plain", "");
        license.json()["seats"].as_array().map_or(0, Vec::len)
    }

    /// How many servers all installations of a license have together, and what was written down of it.
    pub fn nodes(&self, id: &str) -> u64 {
        let license = self.send(Method::GET, &format!("/v1/licenses/{id}"), "text/plain", "");
        license.json()["nodes"]["used"].as_u64().expect("it counts servers")
    }

    /// The acts in the audit.
    pub fn acts(&self) -> Vec<String> {
        let audit = self.send(Method::GET, "/v1/audit", "text/plain", "").json();
        let act = |entry: &Value| entry["act"].as_str().unwrap_or_default().to_owned();
        audit["entries"].as_array().expect("it is a list").iter().map(act).collect()
    }

    /// Says of a license that it is `active` or `suspended`.
    pub fn stands(&self, id: &str, standing: &str) {
        let amendment = json!({ "standing": standing }).to_string();
        self.send(Method::PATCH, &format!("/v1/licenses/{id}"), "application/json", &amendment);
    }

    /// Takes over a revocation list.
    pub fn revokes(&self, list: &str) {
        self.send(Method::PUT, "/v1/revocations", "text/plain", list);
    }

    fn send(&self, method: Method, path: &str, kind: &str, body: &str) -> Reply {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let reply = runtime.expect("a runtime can be made").block_on(async {
            let mut client = Client::connect(self.address).await?;
            client.token = Some(STAFF.to_owned());
            client.send(method, path, &[("content-type", kind)], Bytes::from(body.to_owned())).await
        });
        let reply = reply.expect("the license server answers");
        assert!(reply.status.is_success(), "{path}: {reply:?}");
        reply
    }

    /// An address at which nobody answers.
    pub fn gone() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        format!("http://{}", listener.local_addr().expect("it is bound"))
    }
}

impl Drop for LicenseServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Acme's enterprise license for ten servers, which began a year ago and ends in so many days.
pub fn acme(days: i64) -> License {
    let now = Timestamp::now().as_second() / 86_400 * 86_400;
    let day = |days: i64| Timestamp::from_second(now + days * 86_400).expect("it is near");
    License::new("lic_abc123xyz", "Acme Corporation", "RTMX", "enterprise", day(-365), day(days))
        .with_limit("max_tenants", 100)
        .with_limit("max_users_per_tenant", 1000)
        .with_limit("max_documents", 10_000_000)
        .with_limit("max_nodes", 10)
        .with_feature("sso_enabled")
        .with_feature("audit_logging")
        .with_feature("custom_models")
        .with_feature("priority_support")
}
