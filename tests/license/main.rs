//! Licenses in the real programs: T3 and T4 of the requirements, limits where something is made, and what a
//! license never stops.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod bound;
mod broken;
#[path = "../ctl/home.rs"]
mod home;
mod limits;
mod online;
mod secrecy;
mod silence;
#[path = "../support/mod.rs"]
mod support;
mod time;
#[path = "../support/vendor.rs"]
mod vendor;

use bytes::Bytes;
use home::{Home, Ran};
use http::Method;
use rtmx::core::{assert_code, license};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Client, Reply, TestServer};
use vendor::{LicenseServer, TRUSTED, Vendor, acme};

/// The variable by which debug builds move their clock.
const CLOCK: &str = "RTMX_CLOCK_AHEAD_S";

fn call(server: &TestServer, method: Method, path: &str, kind: &str, body: &str) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = Bytes::from(body.to_owned());
    let reply = runtime.block_on(async {
        let mut client = Client::connect(server.address).await?;
        client.send(method, path, &[("content-type", kind)], body).await
    });
    reply.expect("the server answers")
}

fn get(server: &TestServer, path: &str) -> Value {
    call(server, Method::GET, path, "text/plain", "").json()
}

fn post(server: &TestServer, path: &str, body: &Value) -> Reply {
    call(server, Method::POST, path, "application/json", &body.to_string())
}

/// The license as the server shows it, once it has looked.
fn status(server: &TestServer) -> Value {
    let began = Instant::now();
    loop {
        let status = get(server, "/api/v1/license");
        if status["state"] != "unknown" {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a limit allows; nothing for any number.
fn at_most(status: &Value, name: &str) -> Option<u64> {
    let rows = status["entitlements"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap()["at_most"].as_u64()
}

fn metrics(server: &TestServer) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = server.metrics.expect("the server has metrics");
    let reply = runtime.block_on(async { Client::connect(address).await.unwrap().get("/metrics").await });
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn start(folder: &Path, vendor: &Vendor, sets: &[&str], variables: &[(&str, &str)]) -> TestServer {
    let trusted = vendor.trusted();
    TestServer::start_in(folder, sets, &[variables, &[(TRUSTED, trusted.as_str())]].concat())
}

/// Runs `rtmxctl` as the vendor's customer.
fn tool(home: &Home, vendor: &Vendor, arguments: &[&str]) -> Ran {
    home.run_in(arguments, &[(TRUSTED, &vendor.trusted())])
}

#[test]
fn t3_a_valid_license_is_accepted_offline() {
    let (vendor, home, data) = (Vendor::new(), Home::new(), tempfile::tempdir().unwrap());
    let file = vendor.file(home.folder(), "acme.json", &acme(200));
    let verified = tool(&home, &vendor, &["license", "verify", file.to_str().unwrap()]);
    assert_eq!((verified.code, &verified.object()["accepted"]), (0, &json!(true)), "{}", verified.stderr);

    let set = format!("license.file={}", file.display());
    let port = format!("metrics.port={}", home::free_port());
    let server = start(data.path(), &vendor, &[&set, "metrics.enabled=true", &port], &[]);
    let status = status(&server);
    assert_eq!((&status["state"], &status["entitled_by"]), (&json!("valid"), &json!("license")), "{status}");
    let metrics = metrics(&server);
    assert!(metrics.contains("rtmx_license_state{state=\"valid\"} 1"), "{metrics}");
    let ends = metrics.lines().find_map(|line| line.strip_prefix("rtmx_license_expires_seconds "));
    let days = ends.unwrap().parse::<f64>().unwrap() / 86_400.0;
    assert!((199.0..=200.0).contains(&days), "{days} days");
    assert_eq!(status["license"]["organization"], "Acme Corporation");
    assert_eq!(at_most(&status, "max_nodes"), Some(10));
    assert_eq!(at_most(&status, "max_tenants"), Some(100));
    let page = call(&server, Method::GET, "/license", "text/plain", "");
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("Acme Corporation") && !page.contains("class=\"notice bad"), "{page}");
}

#[test]
fn t4_an_expired_license_is_rejected_offline() {
    let (vendor, home) = (Vendor::new(), Home::new());
    let (in_grace, over) = (acme(-1), acme(-200));
    for (name, claims) in [("grace.json", &in_grace), ("over.json", &over)] {
        let file = vendor.file(home.folder(), name, claims);
        let verified = tool(&home, &vendor, &["license", "verify", file.to_str().unwrap()]);
        assert_eq!(verified.code, 8, "{name}: {}", verified.stderr);
        assert_code(verified.error_code(), license::LICENSE_EXPIRED);
        let set = format!("license.key={}", file.display());
        let port = home.port.to_string();
        let deployed = tool(&home, &vendor, &["deploy", "--port", &port, "--set-file", &set]);
        assert_eq!(deployed.code, 8, "{name}: {}", deployed.stderr);
        assert_code(deployed.error_code(), license::LICENSE_EXPIRED);
        assert!(!home.root().exists(), "nothing was installed");
    }

    // Nobody ran with it before, so there is no grace, now and after a restart.
    let data = tempfile::tempdir().unwrap();
    for row in ["at once", "after a restart"] {
        let server = start(data.path(), &vendor, &[], &[("RTMX_LICENSE_KEY", &vendor.sign(&in_grace))]);
        let new = status(&server);
        assert_eq!((&new["state"], &new["why"]), (&json!("restricted"), &json!("expired")), "{row}: {new}");
        assert_eq!(at_most(&new, "max_tenants"), Some(25), "{row}: as without a license");
    }

    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), &vendor, &[], &[("RTMX_LICENSE_KEY", &vendor.sign(&over))]);
    let after = status(&server);
    assert_eq!((&after["state"], &after["why"]), (&json!("restricted"), &json!("expired")), "{after}");
    assert_eq!(after["code"], "license_expired");
    assert_eq!(at_most(&after, "max_tenants"), Some(25), "as without a license");
    let made = post(&server, "/api/v1/projects/default/requirements", &json!({"req_id": "REQ-1"}));
    assert_eq!(made.status, 201, "never worse than none");
    let export = call(&server, Method::GET, "/api/v1/projects/default/export.csv", "text/plain", "");
    assert_eq!(export.status, 200);
    let page = call(&server, Method::GET, "/projects/default", "text/plain", "");
    assert!(String::from_utf8_lossy(&page.body).contains("The license expired at"), "a banner");
}

/// Waits until the license is shown in a way; a minute is the longest pause between two looks.
#[track_caller]
fn until(server: &TestServer, what: &str, holds: &dyn Fn(&Value) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let status = status(server);
        if holds(&status) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
