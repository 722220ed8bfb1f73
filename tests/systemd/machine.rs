//! A machine that runs systemd: a container of an image that is made once, from Debian's packages.
//!
//! It is privileged, because systemd mounts and makes control groups. Dropping it removes it.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What the image holds besides Debian's essential packages.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,procps,sudo";
/// Where the machine has the programs under test.
const TOOL: &str = "/opt/rtmx/rtmxctl";
const SERVER: &str = "/opt/rtmx/rtmx-server";
/// How long anything may take that a machine does by itself: booting on a busy host, for one.
const LIMIT: Duration = Duration::from_secs(120);

/// Why there is no machine.
#[derive(Debug, Clone)]
pub(crate) enum Absent {
    /// This host cannot run one.
    Ignored(String),
    /// It should, and something broke.
    Failed(String),
}

/// A running machine.
pub(crate) struct Machine {
    container: String,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Machine {
    /// Boots a machine.
    pub(crate) fn boot() -> Result<Machine, Absent> {
        static IMAGE: LazyLock<Result<String, Absent>> = LazyLock::new(image);
        let image = IMAGE.clone()?;
        let mut docker = Command::new("docker");
        docker.args([
            "run",
            "--detach",
            "--privileged",
            "--cgroupns=private",
            "--tmpfs=/run",
            "--tmpfs=/tmp",
        ]);
        docker.args(["--network=none", "--label=rtmx.test=systemd"]);
        // `sudo` looks its own machine up.
        docker.args(["--hostname=machine", "--add-host=machine:127.0.0.1"]);
        for (program, there) in
            [(env!("CARGO_BIN_EXE_rtmxctl"), TOOL), (env!("CARGO_BIN_EXE_rtmx-server"), SERVER)]
        {
            docker.arg(format!("--volume={program}:{there}:ro"));
        }
        let container = must(docker.arg(image))?.trim().to_owned();
        let machine = Machine { container };
        machine.await_boot();
        Ok(machine)
    }

    /// Switches it off and on again.
    pub(crate) fn restart(&self) {
        must(Command::new("docker").args(["restart", "--time=60", &self.container])).expect("it is ours");
        self.await_boot();
    }

    fn await_boot(&self) {
        until("the machine is up", || {
            let ran = self.run(&["systemctl", "is-system-running"]);
            // A container lacks a little of what a machine has; systemd then calls itself degraded.
            matches!(ran.stdout.trim(), "running" | "degraded")
        });
    }

    /// Runs a command as root.
    pub(crate) fn run(&self, command: &[&str]) -> Ran {
        self.run_as("root", command)
    }

    /// Runs a command as a user, in the user's home, without a session.
    pub(crate) fn run_as(&self, user: &str, command: &[&str]) -> Ran {
        let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
        let mut docker = Command::new("docker");
        docker.args(["exec", "--interactive", "--user", user, "--workdir", &home]);
        docker.args(["--env", &format!("HOME={home}"), "--env", &format!("USER={user}")]);
        docker.arg(&self.container).args(command).stdin(Stdio::null());
        let output = docker.output().expect("`docker` ran before");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().expect("`docker` ends by itself");
        Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What a command prints that must succeed, without white space around it.
    #[track_caller]
    pub(crate) fn text(&self, command: &[&str]) -> String {
        let ran = self.run(command);
        assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
        ran.stdout.trim().to_owned()
    }

    /// Runs the tool as a user.
    pub(crate) fn tool(&self, user: &str, arguments: &[&str]) -> Ran {
        self.run_as(user, &[&[TOOL, "--json"], arguments].concat())
    }

    /// Runs the tool through `sudo`, as a user who may.
    pub(crate) fn sudo_tool(&self, user: &str, arguments: &[&str]) -> Ran {
        self.run_as(user, &[&["sudo", TOOL, "--json"], arguments].concat())
    }

    /// The result of the tool, run as root, that must succeed.
    #[track_caller]
    pub(crate) fn result(&self, arguments: &[&str]) -> Value {
        self.tool("root", arguments).result()
    }

    /// Whether the installation that this user finds is healthy.
    pub(crate) fn is_healthy(&self, user: &str) -> bool {
        let ran = self.tool(user, &["status"]);
        ran.code == 0 && ran.result()["healthy"] == true
    }

    /// Makes a user who may use `sudo` and whose units run without a login.
    pub(crate) fn add_user(&self, user: &str) {
        self.text(&["useradd", "--create-home", "--shell", "/bin/sh", user]);
        let rule = format!("umask 227; echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}");
        self.text(&["sh", "-c", &rule]);
        self.text(&["loginctl", "enable-linger", user]);
        let uid = self.text(&["id", "--user", user]);
        until("the user's service manager is up", || {
            self.run(&["systemctl", "is-active", &format!("user@{uid}.service")]).code == 0
        });
    }

    /// Puts a matrix on the machine, readable for all.
    pub(crate) fn put_matrix(&self, path: &str, text: &str) {
        self.text(&["sh", "-c", &format!("umask 022; printf '%s' '{text}' > {path}")]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let removed = must(Command::new("docker").args(["rm", "--force", "--volumes", &self.container]));
        // A second panic would hide the first.
        assert!(removed.is_ok() || std::thread::panicking(), "a container is left behind: {removed:?}");
    }
}

impl Ran {
    /// The last object that the tool printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        let line = self.stdout.lines().last().expect("the tool prints a result");
        serde_json::from_str(line).expect("every line is JSON")
    }

    /// The error object that the tool printed; it must have failed.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        assert_ne!(self.code, 0, "{self:?}");
        serde_json::from_str(self.stderr.trim()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of that error.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        self.error()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Waits for a condition.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", LIMIT.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The image in the engine; makes it when it is not there.
fn image() -> Result<String, Absent> {
    let answers = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !answers.is_ok_and(|status| status.success()) {
        return Err(Absent::Ignored("no container engine answers".into()));
    }
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    // The programs under test link to the C library of this host, so the machine needs the same.
    let suite = field("VERSION_CODENAME").filter(|_| field("ID").as_deref() == Some("debian"));
    let suite = suite.ok_or_else(|| Absent::Ignored("the image is made of Debian, on Debian".into()))?;
    let digest: String =
        Sha256::digest(format!("{suite} {PACKAGES}"))[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("rtmx-test-systemd:{digest}");
    let inspected = Command::new("docker").args(["image", "inspect", &tag]).output();
    if inspected.is_ok_and(|output| output.status.success()) {
        return Ok(tag);
    }
    let archive = cache().join(format!("systemd-{digest}.tar"));
    if !archive.is_file() {
        make_archive(&suite, &archive)?;
    }
    must(
        Command::new("docker")
            .args(["import", "--change", "CMD [\"/lib/systemd/systemd\"]"])
            .args(["--change", "STOPSIGNAL SIGRTMIN+3", "--change", "ENV container=docker"])
            .args([archive.as_path(), Path::new(&tag)]),
    )?;
    Ok(tag)
}

/// Makes the file system of the image, which outlives engine and checkout.
fn make_archive(suite: &str, archive: &Path) -> Result<(), Absent> {
    let program = Command::new("mmdebstrap").arg("--version").output();
    if !program.is_ok_and(|output| output.status.success()) {
        let reason = "`mmdebstrap` is missing; run `sudo apt-get install mmdebstrap` and start again";
        return Err(Absent::Ignored(reason.into()));
    }
    let failed = |error: std::io::Error| Absent::Failed(format!("{}: {error}", archive.display()));
    std::fs::create_dir_all(cache()).map_err(failed)?;
    let unfinished = archive.with_extension(format!("{}.tar", std::process::id()));
    let made = must(
        Command::new("mmdebstrap")
            .args(["--quiet", "--variant=minbase", &format!("--include={PACKAGES}"), suite])
            .arg(&unfinished),
    );
    let put = made.and_then(|_| std::fs::rename(&unfinished, archive).map_err(failed));
    if put.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    put
}

fn cache() -> PathBuf {
    let named = std::env::var_os("RTMX_CACHE").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/rtmx"));
    named.or_else(usual).unwrap_or_else(|| std::env::temp_dir().join("rtmx-cache"))
}

fn must(command: &mut Command) -> Result<String, Absent> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| Absent::Failed(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Absent::Failed(format!(
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )))
}
