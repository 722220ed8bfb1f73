//! With a license server.

use crate::*;

#[test]
fn the_license_servers_signed_word_counts_at_once_and_its_silence_does_not() {
    let vendor = Vendor::new();
    let mut claims = acme(200);
    claims.mode = rtmx_license::Reach::Online;
    let (key, id) = (vendor.sign(&claims), claims.license_id.as_str());
    let license_server = LicenseServer::start(&vendor);
    license_server.takes(&key);
    let url = format!("license.server_url={}", license_server.url);
    // As often as it may be asked.
    let sets = ["license.mode=online", url.as_str(), "license.revalidate_interval=60s"];
    let data = tempfile::tempdir().unwrap();
    let mut server = start(data.path(), &vendor, &sets, &[("RTMX_LICENSE_KEY", &key)]);
    assert_eq!(status(&server)["state"], "valid");
    until(&server, "a place", &|_| license_server.seats(id) == 1);

    // The running product turns restricted, and what is there goes on.
    license_server.revokes(&vendor.revocations(1, &[id]));
    until(&server, "the revocation", &|status| status["why"] == "revoked");
    let after = status(&server);
    assert_eq!((&after["code"], at_most(&after, "max_tenants")), (&json!("license_revoked"), Some(25)));
    let made = post(&server, "/api/v1/projects/default/requirements", &json!({"req_id": "REQ-1"}));
    assert_eq!(made.status, 201, "the community limits hold");
    let page = call(&server, Method::GET, "/projects/default", "text/plain", "");
    assert!(String::from_utf8_lossy(&page.body).contains("revoked"), "a banner says why");
    assert!(server.terminate().success());
    // It is remembered, also where nobody answers any more.
    drop(license_server);
    let gone = format!("license.server_url={}", LicenseServer::gone());
    let sets = ["license.mode=online", gone.as_str()];
    let server = start(data.path(), &vendor, &sets, &[("RTMX_LICENSE_KEY", &key)]);
    assert_eq!(status(&server)["why"], "revoked");
}

#[test]
fn what_is_measured_of_a_license_ends_with_it() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let port = format!("metrics.port={}", home::free_port());
    let server = start(data.path(), &vendor, &["metrics.enabled=true", &port], &[]);
    assert_eq!(status(&server)["why"], "unlicensed");
    let seconds = |name: &str| -> f64 {
        let metrics = metrics(&server);
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(&format!("rtmx_license_{name}_seconds ")));
        line.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
    };
    assert!(seconds("expires").is_nan(), "there is none");
    let put = call(&server, Method::PUT, "/api/v1/license", "text/plain", &vendor.sign(&acme(200)));
    assert_eq!(put.status, 200, "{:?}", put.json());
    assert!(seconds("expires") > 190.0 * 86_400.0);
    assert!((0.0..90.0).contains(&seconds("checked")), "it was looked at just now");
    assert!(seconds("confirmed").is_nan(), "no license server was asked");
    call(&server, Method::DELETE, "/api/v1/license", "text/plain", "");
    assert!(seconds("expires").is_nan(), "it is gone");
}
