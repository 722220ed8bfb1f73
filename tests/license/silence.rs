//! T3, seen from outside: the whole server asks nothing of a network.
//!
//! It runs in a network of its own that has no way out. The kernel counts there what is sent and what found
//! no way, and nobody else's. A server that does ask is watched first in the same way, so that a watch that
//! sees nothing is noticed. Where `strace` may watch a process, its calls are counted as well: they would also
//! show a question to a resolver of this machine.

use crate::*;
use std::fs::read_to_string;
use std::path::PathBuf;

/// The counters of attempts: of a way out that was found, and of one that was not.
const COUNTERS: [(&str, &str); 6] = [
    ("Tcp", "ActiveOpens"),
    ("Udp", "OutDatagrams"),
    ("Ip", "OutRequests"),
    ("Ip", "OutNoRoutes"),
    ("Ip6", "OutRequests"),
    ("Ip6", "OutNoRoutes"),
];

/// A server without a way out.
struct Alone {
    child: std::process::Child,
    data: tempfile::TempDir,
    /// What `strace` writes; none where it may not watch.
    calls: Option<PathBuf>,
}

/// The words that put a program into a network of its own, whose loopback is up: with it down, what is
/// asked by IPv6 fails before it is counted.
fn alone() -> Vec<&'static str> {
    let up = "ip link set lo up && exec \"$0\" \"$@\"";
    let ways: [&[&str]; 2] = [&["unshare", "-n"], &["unshare", "-r", "-n"]];
    let works = |way: &&&[&str]| {
        let tried = Command::new(way[0]).args(&way[1..]).args(["sh", "-c", up, "true"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let way = ways.iter().find(works);
    let way = way.expect("a network of its own needs `unshare`, `ip`, and the right to make one");
    way.iter().copied().chain(["sh", "-c", up]).collect()
}

impl Alone {
    fn start(vendor: &Vendor, license: &str, sets: &[&str]) -> Alone {
        let data = tempfile::tempdir().unwrap();
        let log = data.path().join("calls");
        let watch = ["strace", "-D", "-f", "-e", "trace=%network", "-o"];
        let watched = Command::new(watch[0]).args(&watch[1..]).arg(&log).arg("true").output();
        let calls = watched.is_ok_and(|watched| watched.status.success()).then_some(log);
        let words = alone();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        if let Some(log) = &calls {
            std::fs::remove_file(log).unwrap();
            command.args(watch).arg(log);
        }
        command.arg(env!("CARGO_BIN_EXE_rtmx-server"));
        command.arg("--set").arg(format!("data.dir={}", data.path().display()));
        for set in ["server.listen=127.0.0.1:0", "metrics.enabled=false"].iter().chain(sets) {
            command.args(["--set", set]);
        }
        command.env_clear().env("PATH", std::env::var("PATH").unwrap());
        command.env(TRUSTED, vendor.trusted()).env("RTMX_LICENSE_KEY", license);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("`unshare` can be run");
        Alone { child, data, calls }
    }

    /// The license as the server shows it on its socket, once it is shown in a way.
    fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut settings = rtmx::config::Settings::default();
        settings.data.dir = self.data.path().to_owned();
        let settings = std::sync::Arc::new(settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (runtime, drivers) = (runtime.unwrap(), rtmx::standard_drivers().unwrap());
        let deadline = Instant::now() + Duration::from_secs(90);
        let mut last = Value::Null;
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                panic!("the server ended with {ended}");
            }
            assert!(Instant::now() < deadline, "{what}: {last}");
            std::thread::sleep(Duration::from_millis(100));
            if !self.data.path().join("admin.sock").exists() {
                continue;
            }
            let asked = runtime.block_on(async {
                let api = rtmx::http::ApiClient::open(std::sync::Arc::clone(&settings), &drivers).await?;
                let request = http::Request::get("/api/v1/license").body(axum::body::Body::empty()).unwrap();
                let body = api.call(request).await?.into_body();
                let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                Ok::<Value, rtmx::core::Error>(serde_json::from_slice(&bytes).unwrap_or_default())
            });
            match asked {
                Ok(status) if holds(&status) => return status,
                Ok(status) => last = status,
                Err(_) => {}
            }
        }
    }

    /// What was attempted in its network.
    fn attempts(&self) -> [u64; 6] {
        let folder = format!("/proc/{}/net", self.child.id());
        let (four, six) =
            (read_to_string(format!("{folder}/snmp")).unwrap(), read_to_string(format!("{folder}/snmp6")));
        COUNTERS.map(|(group, name)| {
            if group == "Ip6" {
                // A kernel without IPv6 has nothing to count.
                let Ok(six) = &six else { return 0 };
                let line =
                    six.lines().find(|line| line.split_whitespace().next() == Some(&format!("Ip6{name}")));
                return line.unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
            }
            let mut lines = four.lines().filter(|line| line.starts_with(&format!("{group}: ")));
            let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
            let at = names.split(' ').position(|found| found == name).unwrap();
            values.split(' ').nth(at).unwrap().parse().unwrap()
        })
    }

    /// Ends it; the calls that say where something goes, but for one to its own socket.
    fn calls(mut self) -> Option<Vec<String>> {
        let pid = self.child.id().to_string();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let log = self.calls.as_ref()?;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = read_to_string(log).unwrap();
            // The last line is written after all others.
            if text.lines().any(|line| line.starts_with(&pid) && line.contains("+++ ")) {
                let ours = |line: &&str| line.contains("admin.sock") || line.contains("accept");
                let goes = |line: &&str| {
                    line.contains("connect(")
                        || line.contains("SOCK_DGRAM")
                        || (line.contains("send") && line.contains("sa_family="))
                };
                return Some(
                    text.lines().filter(goes).filter(|line| !ours(line)).map(str::to_owned).collect(),
                );
            }
            assert!(Instant::now() < deadline, "the watch does not end: {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn t3_nothing_is_asked_of_a_network() {
    let vendor = Vendor::new();
    let mut claims = acme(200);
    claims.mode = rtmx_license::Reach::Online;
    // what a server that asks is seen by: the counter of its way
    let asked = [("https://192.0.2.1", 3), ("https://[2001:db8::1]", 5)];
    let has_six = Path::new("/proc/self/net/snmp6").exists();
    for (url, counter) in asked.into_iter().filter(|(_, counter)| *counter == 3 || has_six) {
        let set = format!("license.server_url={url}");
        let mut asking = Alone::start(&vendor, &vendor.sign(&claims), &["license.mode=online", &set]);
        asking.until("an outage", |status| status["outage"].is_string());
        let attempts = asking.attempts();
        assert!(attempts[counter] > 0, "who asks {url} goes unseen: {attempts:?}");
        if let Some(calls) = asking.calls() {
            assert!(!calls.is_empty(), "who asks {url} goes unseen");
        }
    }
    let mut server = Alone::start(&vendor, &vendor.sign(&acme(200)), &[]);
    let status = server.until("the license", |status| status["state"] == "valid");
    assert_eq!(status["entitled_by"], "license", "{status}");
    assert_eq!(server.attempts(), [0; 6], "{COUNTERS:?}");
    match server.calls() {
        Some(calls) => assert_eq!(calls, Vec::<String>::new()),
        None => println!("`strace` may not watch here: the calls were not counted"),
    }
}
