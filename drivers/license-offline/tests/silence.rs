//! The mode opens no connection: seen from outside, twice.
//!
//! The test starts itself again as a process that opens the mode and judges licenses in every state.
//! One trial runs it where there is no network at all, the other counts its system calls. Both first
//! watch a process that does open a socket, so that a watch that sees nothing is noticed. Where the
//! system allows neither, the trial says so.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_core::{Cx, Registry, Secret, Timestamp};
use rtmx_license::{
    Checked, Checker, Facts, InstallationKey, KeyId, KeyRing, License, LicenseMode, Profile,
    RTMX_ENTITLEMENTS, Reach, SigningKey, State, Usage, sign,
};
use std::pin::pin;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// What the process is to do when it is started again.
const ROLE: &str = "RTMX_TEST_ROLE";

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("judge") => {
            judge();
            ExitCode::SUCCESS
        }
        Ok("talk") => talk(),
        Ok("look") => look(),
        _ => {
            let trials = vec![
                Trial::ignorable_test("judges_without_any_network", without_any_network),
                Trial::ignorable_test("makes_no_system_call_about_a_network", no_network_call),
            ];
            libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
        }
    }
}

/// No runtime: one would open sockets of its own. The mode waits for nothing, so a poll is enough.
fn at_once<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the mode waits for something"),
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_793_491_200 + day * 86_400).expect("a time")
}

/// Licenses of all states, garbage, and memory that is whole, damaged and gone.
fn judge() {
    let key = SigningKey::from_seed(&Secret::new([5; 32]));
    let kid = KeyId::parse("license-1").expect("a name");
    let ring = KeyRing::builder("LAMPS").trust("license-1", Usage::License, key.public().as_bytes());
    let ring = ring.and_then(rtmx_license::KeyRingBuilder::build).expect("a good key");
    let checker = Checker::new(ring, Profile::new("LAMPS", at(-10), RTMX_ENTITLEMENTS));
    let mut modes = Registry::new();
    rtmx_license_offline::register(&mut modes, checker).expect("the first of its name");
    let driver = modes.get("offline").expect("it is there");
    let mode: Arc<dyn LicenseMode> =
        at_once(driver.open(&Cx::new(), serde_json::json!({}))).expect("it takes no setting");
    let license = License::new("LIC-1", "Lamps Inc.", "LAMPS", "enterprise", at(0), at(365));
    let online = License { mode: Reach::Online, license_id: "LIC-2".to_owned(), ..license.clone() };
    let sign = |claims| sign(&key, &kid, claims).expect("valid claims").as_str().as_bytes().to_vec();
    let (license, online) = (sign(&license), sign(&online));
    let installation = InstallationKey::from_seed(&Secret::new([6; 32]));
    let check = |key: &[u8], day, memory: Vec<Vec<u8>>| -> Checked {
        let mut facts = Facts::new(at(day), installation.clone());
        facts.readings = facts.readings.with_host(std::path::Path::new("/"), None);
        facts.memory = memory;
        at_once(mode.check(&Cx::new(), key, &facts)).expect("a license is never an error")
    };
    let first = check(&license, 1, Vec::new());
    assert_eq!(first.verdict.state, State::Valid);
    let mut damaged = first.sealed.clone();
    damaged.truncate(40);
    for memory in [vec![first.sealed], vec![damaged], Vec::new()] {
        for day in [1, 340, 366, 400] {
            check(&license, day, memory.clone());
            check(&online, day, memory.clone());
            check(b"no license", day, memory.clone());
        }
    }
    let facts = Facts::new(at(1), installation.clone());
    at_once(mode.renew(&Cx::new(), &online, &facts)).expect_err("nobody is asked");
}

/// What must be seen: a datagram that goes nowhere.
fn talk() -> ExitCode {
    let sent =
        std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", "127.0.0.1:9"));
    if sent.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Succeeds where there is a way out: an interface beside the loopback, or a loopback that is up.
fn look() -> ExitCode {
    let interfaces = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let other = interfaces.lines().skip(2).any(|line| !line.trim_start().starts_with("lo:"));
    if other || talk() == ExitCode::SUCCESS { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether this program ends well in a role, started by the words before it.
fn ends_well(words: &[&str], role: &str) -> Result<bool, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = match words.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(exe);
            command
        }
        None => Command::new(exe),
    };
    let silent = command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().map(|status| status.success()).map_err(|error| error.to_string())
}

fn without_any_network() -> Result<Completion, Failed> {
    // As root, and as anybody where the system lets people have namespaces.
    let ways: [&[&str]; 2] = [&["unshare", "-n"], &["unshare", "-r", "-n"]];
    let works = |way: &&&[&str]| {
        let alone = Command::new(way[0]).args(&way[1..]).arg("true").stderr(Stdio::null()).status();
        alone.is_ok_and(|status| status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        return Ok(Completion::ignored_with("this system gives no network namespace (`unshare -n`)"));
    };
    if ends_well(way, "look")? {
        return Err("there is a network in the namespace, so nothing would be proven".into());
    }
    if !ends_well(way, "judge")? {
        return Err("the mode cannot judge without a network".into());
    }
    Ok(Completion::Completed)
}

fn no_network_call() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let calls = |role: &str| -> Result<Option<usize>, Failed> {
        let log = folder.path().join(role);
        let path = log.to_string_lossy().into_owned();
        let watch = ["strace", "-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o", &path];
        match ends_well(&watch, role) {
            Ok(true) => Ok(Some(std::fs::read_to_string(&log)?.lines().count())),
            _ if ends_well(&[], role)? => Ok(None),
            _ => Err(format!("the process fails as `{role}`, watched or not").into()),
        }
    };
    match (calls("talk")?, calls("judge")?) {
        (Some(0), _) => Err("a process that opens a socket goes unseen, so nothing would be proven".into()),
        (Some(_), Some(0)) => Ok(Completion::Completed),
        (Some(_), Some(made)) => Err(format!("{made} system calls are about a network").into()),
        _ => Ok(Completion::ignored_with("this system does not let `strace` watch a process")),
    }
}
