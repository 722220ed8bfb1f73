//! The way to the server: TLS, proxies, names and redirects, against servers on loopback addresses.
//! What a server can answer is in the kit, which `conformance.rs` runs.
#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

mod support;

use rtmx_license::{LicenseMode, Renewed};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::net::{Net, Reply};
use support::vendor::{Vendor, at};

/// The name that the certificates of these tests are for.
const NAME: &str = "license.test";

async fn renew(mode: &Arc<dyn LicenseMode>, vendor: &Vendor, day: i64) -> Renewed {
    vendor.renew(&**mode, at(day), Vec::new()).await
}

#[track_caller]
fn assert_outage(renewed: &Renewed, with: &str) {
    let outage = renewed.outage.as_deref().expect("there is no news");
    assert!(outage.contains(with), "`{with}` is not in: {outage}");
    assert!(renewed.sealed.is_none(), "{outage}");
    assert!(renewed.again_after <= Duration::from_secs(86_400), "{outage}");
}

#[tokio::test]
async fn a_lease_comes_over_tls_that_the_ca_file_vouches_for() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&["localhost"], vendor.answering()).await;
    let url = format!("https://localhost:{}", server.port);
    let mode = vendor.open(json!({"server_url": url, "ca_file": net.ca_file()})).await;
    let renewed = renew(&mode, &vendor, 1).await;
    assert_eq!(renewed.outage, None);
    assert!(renewed.sealed.is_some());
    let alone = vendor.open(json!({"server_url": url})).await;
    assert_outage(&renew(&alone, &vendor, 1).await, "UnknownIssuer");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_an_outage() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&[NAME], vendor.answering()).await;
    let url = format!("https://localhost:{}", server.port);
    let mode = vendor.open(json!({"server_url": url, "ca_file": net.ca_file()})).await;
    assert_outage(&renew(&mode, &vendor, 1).await, "not valid for name");
    assert_eq!(vendor.asked(), 0, "no question leaves before the server has shown who it is");
}

#[tokio::test]
async fn certificates_are_judged_at_the_time_of_licenses() {
    let (net, vendor) = (Net::new(), Vendor::new());
    // Valid from day 90 to day 400.
    let server =
        net.serve_tls_between(&["localhost"], (2027, 1, 30), (2027, 12, 6), vendor.answering()).await;
    let url = format!("https://localhost:{}", server.port);
    let mode = vendor.open(json!({"server_url": url, "ca_file": net.ca_file()})).await;
    assert_outage(&renew(&mode, &vendor, 60).await, "certificate");
    let known = renew(&mode, &vendor, 100).await.sealed.expect("it is valid on day 100");
    assert_outage(&renew(&mode, &vendor, 401).await, "certificate");
    // The clock was set back by 40 days; what is remembered is later, and so is the certificate's time.
    let behind = vendor.renew(&*mode, at(60), vec![known]).await;
    assert_eq!(behind.outage, None, "the server that tells the time is still reached");
}

#[tokio::test]
async fn a_ca_file_is_read_again_and_never_stops_a_start() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&["localhost"], vendor.answering()).await;
    let url = format!("https://localhost:{}", server.port);
    let path = net.folder().join("later.pem");
    let mode = vendor.open(json!({"server_url": url, "ca_file": path})).await;
    assert_outage(&renew(&mode, &vendor, 1).await, "later.pem");
    for content in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&path, content).unwrap();
        assert_outage(&renew(&mode, &vendor, 1).await, "later.pem");
    }
    std::fs::copy(net.ca_file(), &path).unwrap();
    assert_eq!(renew(&mode, &vendor, 1).await.outage, None, "no restart was needed");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_outage(&renew(&mode, &vendor, 1).await, "later.pem");
}

#[tokio::test]
async fn what_is_no_tls_is_an_outage_in_bounded_time() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let plain = net.blurt(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("https://localhost:{}", plain.port);
    let mode = vendor.open(json!({"server_url": url, "ca_file": net.ca_file()})).await;
    assert_outage(&renew(&mode, &vendor, 1).await, "TLS");
    let mute = net.accept_only().await;
    let url = format!("https://localhost:{}", mute.port);
    let settings = json!({"server_url": url, "ca_file": net.ca_file(), "connect_timeout_ms": 200});
    let mode = vendor.open(settings).await;
    assert_outage(&renew(&mode, &vendor, 1).await, "within 200 ms");
}

#[tokio::test]
async fn names_and_ports_that_lead_nowhere_are_outages() {
    let vendor = Vendor::new();
    let closed = Net::new().closed_port().await;
    let nowhere = format!("http://127.0.0.1:{closed}");
    // Reserved by RFC 6761: no resolver may know it.
    for (url, with) in
        [("https://license.invalid", "could not be found"), (nowhere.as_str(), "could not connect")]
    {
        let mode = vendor.open(json!({"server_url": url, "connect_timeout_ms": 20_000})).await;
        let renewed = renew(&mode, &vendor, 1).await;
        assert_outage(&renewed, with);
        assert!(renewed.again_after <= Duration::from_secs(60), "a name that comes and goes is asked soon");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let elsewhere = net.serve(vendor.answering()).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/v1/leases", elsewhere.port);
        let server = net.serve(Reply::fixed(status, &[("location", &location)], "")).await;
        let mode = vendor.open(json!({"server_url": format!("http://127.0.0.1:{}", server.port)})).await;
        assert_outage(&renew(&mode, &vendor, 1).await, &status.to_string());
    }
    assert_eq!((elsewhere.connections(), vendor.asked()), (0, 0), "nobody came by");
}

#[tokio::test]
async fn a_proxy_opens_a_tunnel_and_learns_the_name_only() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&[NAME], vendor.answering()).await;
    let proxy = net.proxy(server.port, None).await;
    let url = format!("https://{NAME}:4433");
    let settings = json!({
        "server_url": url, "ca_file": net.ca_file(), "proxy": format!("http://127.0.0.1:{}", proxy.port)
    });
    let mode = vendor.open(settings).await;
    assert_eq!(renew(&mode, &vendor, 1).await.outage, None, "the proxy finds the name, not this machine");
    let lines = proxy.lines();
    assert!(lines.iter().all(|line| line == "CONNECT license.test:4433 HTTP/1.1"), "{lines:?}");
    assert!(!lines.is_empty());
}

#[tokio::test]
async fn a_proxy_asks_for_a_password_that_is_never_shown() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&[NAME], vendor.answering()).await;
    // ann:hunter2, as the header has it.
    let proxy = net.proxy(server.port, Some("Basic YW5uOmh1bnRlcjI=")).await;
    let open = |who: &str| {
        let proxy = format!("http://{who}127.0.0.1:{}", proxy.port);
        let settings =
            json!({"server_url": format!("https://{NAME}"), "ca_file": net.ca_file(), "proxy": proxy});
        vendor.open(settings)
    };
    let mode = open("ann:hunter2@").await;
    assert_eq!(renew(&mode, &vendor, 1).await.outage, None);
    assert!(!format!("{mode:?}").contains("hunter2"), "{mode:?}");
    for who in ["", "ann:wrong-hunter2@"] {
        let renewed = renew(&open(who).await, &vendor, 1).await;
        assert_outage(&renewed, "407");
        assert!(!renewed.outage.unwrap().contains("hunter2"));
    }
}

#[tokio::test]
async fn exceptions_go_past_the_proxy() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve_tls(&["localhost"], vendor.answering()).await;
    let proxy = net.proxy(server.port, None).await;
    let url = format!("https://localhost:{}", server.port);
    // no_proxy, whether the proxy is asked
    let rows =
        [("", true), ("other.test", true), ("localhost", false), ("a.test, localhost", false), ("*", false)];
    for (no_proxy, asked) in rows {
        let before = proxy.connections();
        let settings = json!({
            "server_url": url, "ca_file": net.ca_file(), "no_proxy": no_proxy,
            "proxy": format!("http://127.0.0.1:{}", proxy.port)
        });
        let mode = vendor.open(settings).await;
        assert_eq!(renew(&mode, &vendor, 1).await.outage, None, "`{no_proxy}`");
        assert_eq!(proxy.connections() > before, asked, "`{no_proxy}`");
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_off_by_days_stops_nothing() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve(vendor.answering()).await;
    let mode = vendor.open(json!({"server_url": format!("http://127.0.0.1:{}", server.port)})).await;
    for off in [-400, -40, -3, 3, 40] {
        vendor.set_clock(at(500 + off));
        let memory = vendor.check(&*mode, at(500), Vec::new()).await.sealed;
        let renewed = vendor.renew(&*mode, at(500), vec![memory.clone()]).await;
        // The nonce makes the lease as new as its question, whatever the server's clock says.
        assert_eq!(renewed.outage, None, "{off} days: {renewed:?}");
        let memory = renewed.sealed.unwrap_or(memory);
        let checked = vendor.check(&*mode, at(500), vec![memory]).await;
        assert!(checked.verdict.is_in_force(), "{off} days: {:?}", checked.verdict);
    }
}

#[tokio::test]
async fn a_host_without_random_numbers_asks_nothing() {
    let (net, vendor) = (Net::new(), Vendor::new());
    let server = net.serve(vendor.answering()).await;
    let mode = vendor.open(json!({"server_url": format!("http://127.0.0.1:{}", server.port)})).await;
    let renewed = vendor.renew_without_randomness(&*mode, at(1)).await;
    assert_outage(&renewed, "random");
    assert_eq!(vendor.asked(), 0);
}
