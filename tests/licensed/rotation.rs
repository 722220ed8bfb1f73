//! A vendor moves to other keys, and an installation with the old ones follows, without a network.

use crate::support::{Client, Reply, TestServer};
use crate::vendor_tool::Vendor;
use bytes::Bytes;
use http::{Method, StatusCode};
use rtmx::core::{assert_code, license as codes};
use serde_json::Value;

const TEXT: &[(&str, &str)] = &[("content-type", "text/plain")];

/// An installation of a build that trusts these keys.
fn start(folder: &std::path::Path, lines: &[&str]) -> TestServer {
    TestServer::start_in(folder, &[], &[("RTMX_TRUSTED_KEYS", &lines.join("\n"))])
}

async fn send(server: &TestServer, method: Method, path: &str, body: &[u8]) -> Reply {
    let mut client = Client::connect(server.address).await.expect("the server listens");
    client.send(method, path, TEXT, Bytes::copy_from_slice(body)).await.expect("it answers")
}

async fn judged(server: &TestServer, license: &[u8]) -> Value {
    send(server, Method::POST, "/api/v1/license/verify", license).await.json()
}

/// Signs the next keyset with both root keys, in two places, one after the other.
fn keyset(vendor: &Vendor, version: &str, lines: &[&str], current: &[&str], since: &[&str]) -> String {
    vendor.write("next.txt", lines.join("\n"));
    vendor.write("current.txt", current.join("\n"));
    let half = format!("half-{version}");
    let whole = format!("keyset-{version}");
    let passphrase = ["--passphrase-file", "passphrase"];
    let first = ["keyset", "--keys", "next.txt", "--version", version, "--threshold", "2", "--expires"];
    let first = [&first[..], &["2199-03-31", "--sign", "root-1.key", "--out", &half], &passphrase].concat();
    vendor.result(&first);
    let second = ["keyset", "--document", &half, "--sign", "root-2.key", "--current", "current.txt"];
    let mut second = [&second[..], &["--out", &whole], &passphrase].concat();
    for file in since {
        second.extend(["--since", file]);
    }
    vendor.result(&second);
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_installation_follows_a_rotation_and_accepts_both_licenses() {
    let vendor = Vendor::new();
    let names = [("root", "root-1"), ("root", "root-2"), ("license", "license-1"), ("license", "license-2")];
    let lines = names.map(|(usage, kid)| vendor.keygen(usage, kid));
    let lines = lines.each_ref().map(String::as_str);
    let old = &lines[..3];
    vendor.issue("license-1", "one.license", &["--id", "acme-1"]);
    vendor.issue("license-2", "two.license", &["--id", "acme-2"]);
    let (one, two) = (vendor.read("one.license"), vendor.read("two.license"));

    let data = tempfile::tempdir().expect("a temporary folder can be made");
    let mut server = start(data.path(), old);
    let installed = send(&server, Method::PUT, "/api/v1/license", &one).await;
    assert_eq!(installed.status, StatusCode::OK, "{}", installed.json());
    assert_eq!(judged(&server, &two).await["code"], "license_unknown_key");

    // One signature leads nowhere, and neither does a keyset brought as a license.
    let whole = keyset(&vendor, "2", &lines, old, &[]);
    let updates = "/api/v1/license/updates";
    let refused = send(&server, Method::POST, updates, &vendor.read("half-2")).await;
    assert_code(refused.code(), codes::KEYSET_SIGNATURES);
    let refused = send(&server, Method::PUT, "/api/v1/license", &vendor.read(&whole)).await;
    assert_code(refused.code(), codes::LICENSE_WRONG_DOCUMENT);
    let refused = send(&server, Method::POST, updates, &one).await;
    assert_code(refused.code(), codes::LICENSE_WRONG_DOCUMENT);
    assert_eq!(judged(&server, &two).await["code"], "license_unknown_key");

    // Twice is once, and a restart forgets nothing.
    for _ in 0..2 {
        let taken = send(&server, Method::POST, updates, &vendor.read(&whole)).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.json());
    }
    for _ in 0..2 {
        for license in [&one, &two] {
            let verdict = judged(&server, license).await;
            assert_eq!(verdict["accepted"], true, "{verdict}");
        }
        assert!(server.terminate().success());
        server = start(data.path(), old);
    }

    // The first key was stolen: the next keyset has it no longer, and what it signed counts no more.
    let without = [lines[0], lines[1], lines[3]];
    let third = keyset(&vendor, "3", &without, old, &[&whole]);
    let taken = send(&server, Method::POST, updates, &vendor.read(&third)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.json());
    assert_eq!(judged(&server, &one).await["code"], "license_unknown_key");
    assert_eq!(judged(&server, &two).await["accepted"], true);
    let replaced = send(&server, Method::PUT, "/api/v1/license", &two).await;
    assert_eq!(replaced.json()["state"], "valid", "{}", replaced.json());
}
