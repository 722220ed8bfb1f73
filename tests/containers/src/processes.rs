//! A server without a container: the same programs, directly, under a user who may do nothing else.
//!
//! It stands in where no engine can run. The entrypoint is the images' own, so that variables and scripts
//! mean the same; files are elsewhere, and values that name them are changed accordingly.

use crate::background::wait;
use crate::command::{must, works};
use crate::options::{Access, Mounted};
use crate::owner::{has_ended, owner};
use crate::release::Release;
use crate::{Error, Options, Ran, Result, image, place};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Root runs it as `nobody`, who is on every machine.
const NOBODY: u32 = 65_534;
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A server's processes and their folder. Dropping it ends and removes them.
pub(crate) struct Processes {
    folder: PathBuf,
    prefix: PathBuf,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    child: Mutex<Option<Child>>,
}

/// Whether this run is told to do without containers.
pub(crate) fn are_wanted() -> bool {
    std::env::var_os("RTMX_TEST_POSTGRES_PROCESSES").is_some_and(|value| value == "1")
}

/// Why they cannot run here, if so.
pub(crate) fn available() -> Result<()> {
    if works(Command::new("setpriv").arg("--version")) {
        return Ok(());
    }
    Err(Error::Unavailable("`setpriv` is missing, without which PostgreSQL would run as root".into()))
}

impl Processes {
    pub(crate) fn start(options: &Options) -> Result<(Processes, u16)> {
        available()?;
        let release = Release::of(options.version)?;
        let root = root()?;
        let prefix = programs(&root, release)?;
        let folder = root.join(format!("run-{}", place::random()));
        make(&folder)?;
        write(&folder.join("owner"), owner().as_bytes())?;
        let port = place::free_port()?;
        let mut processes = Processes {
            folder,
            prefix,
            variables: Vec::new(),
            arguments: [
                "-c".to_owned(),
                format!("port={port}"),
                "-c".into(),
                "listen_addresses=127.0.0.1".into(),
            ]
            .into(),
            child: Mutex::new(None),
        };
        processes.furnish(options)?;
        processes.start_again()?;
        Ok((processes, port))
    }

    /// Writes the files, and says where they are to the variables and settings that name them.
    fn furnish(&mut self, options: &Options) -> Result<()> {
        let folder = &self.folder;
        for name in ["sockets", "scripts", "files"] {
            make(&folder.join(name))?;
        }
        write(&folder.join("entrypoint.sh"), image::entrypoint().as_bytes())?;
        let mut places = Vec::new();
        for (at, Mounted { path, content, access }) in options.files.iter().enumerate() {
            let there = match path.strip_prefix("/docker-entrypoint-initdb.d/") {
                Some(name) => folder.join("scripts").join(name),
                None => folder.join("files").join(at.to_string()),
            };
            write(&there, content)?;
            let mode = if *access == Access::Server { 0o600 } else { 0o644 };
            std::fs::set_permissions(&there, Permissions::from_mode(mode))
                .map_err(Error::io("open", &there))?;
            places.push((path, there.display().to_string()));
        }
        let moved = |value: &String| {
            places.iter().fold(value.clone(), |value, (path, there)| value.replace(path.as_str(), there))
        };
        let settings = options
            .settings
            .iter()
            .flat_map(|(name, value)| ["-c".into(), format!("{name}={}", moved(value))]);
        self.arguments.extend(settings);
        self.variables = options.variables.iter().map(|(name, value)| (name.clone(), moved(value))).collect();
        // The official image trusts who is in the container; on this machine that would be everybody.
        let usual = if options.version < 14 { "md5" } else { "scram-sha-256" };
        let method = options.value("POSTGRES_HOST_AUTH_METHOD").unwrap_or_else(|| usual.to_owned());
        let arguments = options.value("POSTGRES_INITDB_ARGS").unwrap_or_default();
        self.variables.retain(|(name, _)| !name.starts_with("POSTGRES_INITDB_ARGS"));
        self.variables.push(("POSTGRES_INITDB_ARGS".into(), format!("{arguments} --auth-host={method}")));
        let own =
            [("PGDATA", "data"), ("RTMX_SOCKETS", "sockets"), ("RTMX_SCRIPTS", "scripts"), ("HOME", "")];
        let own = own.map(|(name, part)| (name.to_owned(), folder.join(part).display().to_string()));
        self.variables.extend(own);
        if is_root() {
            must(Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(folder))?;
        }
        Ok(())
    }

    /// A command as the server's user, in the server's surroundings.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        if is_root() {
            command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]);
        }
        // Whoever starts it takes it along.
        command.args(["--pdeathsig=QUIT", "--"]).args(arguments);
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.prefix.join("bin").display());
        command.env_clear().env("PATH", path).env("LANG", "C.UTF-8").current_dir(&self.folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    pub(crate) fn start_again(&self) -> Result<()> {
        let log = self.folder.join("log");
        let file = || File::options().create(true).append(true).open(&log).map_err(Error::io("write", &log));
        let mut command = self.command(&["bash", "entrypoint.sh"]);
        command.args(&self.arguments).stdout(file()?).stderr(file()?);
        // On a thread that lives as long as this process, because the server ends with the thread.
        let child = wait(async move { command.spawn() });
        let child = child.map_err(Error::failed("start PostgreSQL without a container"))?;
        *self.child() = Some(child);
        Ok(())
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Sends a signal to the server and waits for its end.
    pub(crate) fn end(&self, signal: Signal) -> Result<()> {
        let mut child = self.child();
        let Some(running) = child.as_mut() else { return Ok(()) };
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(running), signal);
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            match running.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                Ok(None) => return Err(Error::Failed("PostgreSQL does not end".into())),
                Ok(Some(_)) => break,
                Err(error) => return Err(Error::failed("wait for PostgreSQL")(error)),
            }
        }
        *child = None;
        Ok(())
    }

    /// Sends a signal to the server and each of its processes.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<()> {
        let child = self.child();
        let Some(running) = child.as_ref() else {
            return Err(Error::Failed("PostgreSQL does not run".into()));
        };
        let pid = Pid::from_child(running);
        kill_process(pid, signal).map_err(Error::failed("send a signal to PostgreSQL"))?;
        let number = pid.as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
        for pid in children.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()) {
            // One of them may have just ended.
            let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
        }
        Ok(())
    }

    pub(crate) fn exec(&self, arguments: &[&str]) -> Result<Ran> {
        let output = self.command(arguments).output().map_err(Error::failed("run a command"))?;
        Ok(Ran::of(output))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let _ = self.signal_all(Signal::CONT);
        let ended = self.end(Signal::QUIT).or_else(|_| self.end(Signal::KILL));
        let removed = std::fs::remove_dir_all(&self.folder);
        // A second panic would hide the first.
        assert!(
            ended.is_ok() && removed.is_ok() || std::thread::panicking(),
            "a server is left behind: {ended:?}, {removed:?}"
        );
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The folder of all of them, which others may look into and nobody else made.
fn root() -> Result<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let root = std::env::temp_dir().join(format!("rtmx-test-postgres-{uid}"));
    make(&root)?;
    let data = std::fs::symlink_metadata(&root).map_err(Error::io("read", &root))?;
    if !data.is_dir() || data.uid() != uid {
        return Err(Error::Failed(format!("{} belongs to somebody else", root.display())));
    }
    sweep(&root);
    Ok(root)
}

/// Removes what tests that were killed have left; their servers have ended with them.
fn sweep(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let owner = std::fs::read_to_string(entry.path().join("owner")).unwrap_or_default();
        if has_ended(&owner) {
            // Another process may have been faster.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The programs of a release, unpacked where the server's user may read them.
fn programs(root: &Path, release: &Release) -> Result<PathBuf> {
    let prefix = root.join(release.package);
    let _lock = place::lock("programs")?;
    if !prefix.is_dir() {
        let unfinished = root.join(format!("unpack-{}", place::random()));
        let unpacked = release.unpack(&unfinished);
        unpacked.and_then(|()| std::fs::rename(&unfinished, &prefix).map_err(Error::io("keep", &prefix)))?;
    }
    Ok(prefix)
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(Error::io("open", folder))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).map_err(Error::io("write", path))
}
