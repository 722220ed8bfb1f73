//! `chromedriver`, on a port that the kernel chose, and the browsers that it starts.

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};

const START_LIMIT: Duration = Duration::from_secs(60);
/// Whatever is not this machine is not found: a page that asks for anything else fails its story.
const NOWHERE_ELSE: &str = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

/// A running driver; dropping it ends it, and with it every browser that it started.
pub(crate) struct Driver {
    child: Child,
    /// The profiles of its browsers, which it makes here and which go with it.
    profiles: tempfile::TempDir,
    address: String,
}

impl Driver {
    /// Starts the driver.
    pub(crate) fn start() -> Driver {
        let profiles = tempfile::tempdir().expect("the system has a folder for temporary files");
        let mut command = Command::new("chromedriver");
        // A group of its own, in which the browsers are too: they would outlive the driver.
        command.process_group(0);
        command.arg("--port=0").env("TMPDIR", profiles.path()).env("HOME", profiles.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("could not start `chromedriver` ({error}): on Debian, install `chromium-driver`")
        });
        let mut driver = Driver { child, profiles, address: String::new() };
        driver.address = driver.listening();
        driver
    }

    fn listening(&mut self) -> String {
        let stdout = self.child.stdout.take().expect("stdout is piped");
        let (send, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let deadline = Instant::now() + START_LIMIT;
        while let Ok(line) = said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            }
        }
        panic!("`chromedriver` did not say where it listens");
    }

    /// Starts a browser with a fresh profile.
    ///
    /// # Errors
    ///
    /// If the browser does not start.
    pub(crate) async fn browser(&self) -> WebDriverResult<WebDriver> {
        let mut wanted = DesiredCapabilities::chrome();
        // As root there is no sandbox to be had.
        let fixed = ["--headless=new", "--no-sandbox", "--disable-background-networking", "--disable-gpu"];
        for argument in fixed.into_iter().chain([NOWHERE_ELSE]) {
            wanted.add_arg(argument)?;
        }
        let profile = tempfile::tempdir_in(self.profiles.path()).expect("the folder is there").keep();
        wanted.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" }))?;
        WebDriver::new(&self.address, wanted).await
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Already gone is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
