//! The chart in one combination of what it supports, as `cargo xtask matrix` asks for it: installed, used, its
//! pods deleted, and used again.
//!
//! `RTMX_TEST_STORAGE` is `sqlite` or such as `postgres-18`, `RTMX_TEST_LICENSE` is `none`, `offline`, `online`
//! or `online-gone`, `RTMX_TEST_CONFIG` is `values`, `secrets`, `environment` or `file`. Without the first of
//! them the trial is ignored. The database's own word for its version is written into the file
//! `RTMX_TEST_VERSION_OUT`.

use crate::asking::Asked;
use crate::forward::Forward;
use crate::ground::Ground;
use crate::licensed::{Licensed, trusting};
use crate::namespace::{Namespace, WAIT};
use crate::own_database::Customers;
use crate::written::{Place, TOKEN};
use crate::{Helm, Ignored};
use http::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

pub(crate) const NAME: &str = "the_chart_works_in_this_combination";
const STORAGE: &str = "RTMX_TEST_STORAGE";
/// What the server does by itself, it does within seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const SERVER: &str = "app.kubernetes.io/component=server";

/// Whether a combination is asked for, and nothing else.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(STORAGE).is_some()
}

pub(crate) fn works(ground: &Ground) -> Result<(), Ignored> {
    if !is_asked_for() {
        return Err(format!("{STORAGE} names no combination: `cargo xtask test helm` asks for some"));
    }
    let asked = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let (storage, kind) = (asked(STORAGE, "sqlite"), asked("RTMX_TEST_LICENSE", "none"));
    let place = Place::named(&asked("RTMX_TEST_CONFIG", "values")).expect("RTMX_TEST_CONFIG names a place");
    let version: Option<u16> = match &*storage {
        "sqlite" => None,
        other => {
            Some(other.strip_prefix("postgres-").and_then(|it| it.parse().ok()).expect("it has a version"))
        }
    };
    let database = version.map(|version| Customers::start(ground, version)).transpose()?;
    let license = (kind != "none").then(|| Licensed::new(ground, &kind));
    let of_the_vendor = license.is_some().then(|| trusting(ground)).transpose()?;
    let namespace = Namespace::new(of_the_vendor.as_ref().unwrap_or(ground), Helm::Four)?;
    let values = place.written(&namespace, database.as_ref(), license.as_ref()).to_string();
    let said = namespace.install(&values);
    assert_eq!(said.contains("SQLite, one pod"), version.is_none(), "{said}");

    let token =
        namespace.token_of(if place == Place::Secrets { "their-token" } else { "demo-rtmx-admin-token" });
    assert_eq!(token == TOKEN, place == Place::Secrets);
    let forward = namespace.forward();
    is_on(&forward, &namespace, version);
    has_state(&forward, &token, &kind);
    forward.make(&token, "REQ-A-1");
    if let Some(license) = license.as_ref().filter(|license| license.has_a_seat().is_some()) {
        until("the license server gives a place", || license.has_a_seat() == Some(true));
    }
    if kind == "online-gone" {
        until("it says that nobody answers", || status(&forward, &token)["outage"].is_string());
        has_state(&forward, &token, &kind);
    }
    drop(forward);

    // A job of the same settings, and other rights.
    namespace.kubectl(&["create", "job", "--from=cronjob/demo-rtmx-backup", "now"]);
    namespace.kubectl(&["wait", "--for=condition=Complete", "job/now", "--timeout", WAIT]);

    namespace.kubectl(&["delete", "pod", "--selector", SERVER]);
    let workload = if version.is_some() { "deployment/demo-rtmx" } else { "statefulset/demo-rtmx" };
    namespace.kubectl(&["rollout", "status", workload, "--timeout", WAIT]);
    let forward = namespace.forward();
    assert_eq!(forward.ids(&token), ["REQ-A-1"], "the pods were deleted");
    has_state(&forward, &token, &kind);
    forward.make(&token, "REQ-A-2");
    Ok(())
}

/// Whether the server says that it is on this database, whose schema fits, and which version that has.
fn is_on(forward: &Forward, namespace: &Namespace<'_>, version: Option<u16>) {
    let name = if version.is_some() { "postgresql" } else { "sqlite" };
    let mut checks = Value::Null;
    // On a busy machine a database may be late once in a while.
    until("the database answers, and its schema fits", || {
        checks = forward.call("", &Method::GET, "/ready", "text/plain", "").json()["checks"].clone();
        checks[name] == "ok" && checks["schema"] == "ok"
    });
    let limited = version.is_some_and(|version| version < 14);
    assert_eq!(checks[format!("{name}_support")] == "limited", limited, "{checks}");
    // SQLite is a part of the program, and has that one's version.
    let Some(version) = version else { return };
    let metrics = Forward::to(namespace, "service/demo-rtmx", 9090);
    let mut found = String::new();
    until("the metrics name the database's version", || {
        let text = metrics.call("", &Method::GET, "/metrics", "text/plain", "").body;
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text.lines().find(|line| line.starts_with("rtmx_storage_info{") && line.ends_with(" 1"));
        found = line.unwrap_or_default().to_owned();
        !found.is_empty()
    });
    let said = found.split("version=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    assert_eq!(said.split('.').next(), Some(&*version.to_string()), "{found}");
    if let Some(file) = std::env::var_os("RTMX_TEST_VERSION_OUT") {
        std::fs::write(file, said).expect("the file can be written");
    }
}

/// Whether the server says of its license what this kind of license is worth.
fn has_state(forward: &Forward, token: &str, kind: &str) {
    let wanted = if kind == "none" { "restricted" } else { "valid" };
    let mut last = Value::Null;
    until("the server has looked at its license", || {
        last = status(forward, token);
        last["state"].as_str().is_some_and(|state| state != "unknown")
    });
    assert_eq!(last["state"], wanted, "{last}");
}

fn status(forward: &Forward, token: &str) -> Value {
    forward.call(token, &Method::GET, "/api/v1/license", "text/plain", "").json()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
