//! Limits, where something is made.

use crate::*;

#[test]
fn a_limit_refuses_what_is_new_and_nothing_else() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let server = start(data.path(), &vendor, &[], &[]);
    assert_eq!(status(&server)["why"], "unlicensed");
    let project = |number: usize| post(&server, "/api/v1/projects", &json!({"id": format!("p{number}")}));
    // `default` is one of the 25.
    for number in 0..24 {
        assert_eq!(project(number).status, 201, "{number}");
    }
    assert_refused(&project(24), "max_tenants", "25 projects");
    assert_eq!(post(&server, "/api/v1/projects/p3/requirements", &json!({"req_id": "REQ-1"})).status, 201);

    // A refused license changes nothing; a good one makes room at once.
    let put = |text: &str| call(&server, Method::PUT, "/api/v1/license", "text/plain", text);
    assert_code(put("garbage").code(), license::LICENSE_MALFORMED);
    assert_code(put(&vendor.sign(&acme(-1))).code(), license::LICENSE_EXPIRED);
    assert_eq!(project(24).status, 402);
    let installed = put(&vendor.sign(&acme(200)));
    assert_eq!(installed.json()["source"], "installed", "{}", installed.json());
    assert_eq!(project(24).status, 201);

    // Without it what is there stays, and can be read, changed and exported.
    let removed = call(&server, Method::DELETE, "/api/v1/license", "text/plain", "");
    assert_eq!(removed.json()["why"], "unlicensed", "{}", removed.json());
    assert_eq!(project(25).status, 402);
    assert_eq!(post(&server, "/api/v1/projects/p24/requirements", &json!({"req_id": "REQ-1"})).status, 201);
    assert_eq!(get(&server, "/api/v1/projects")["projects"].as_array().map(Vec::len), Some(26));
}

/// What is new is refused by the name of the limit, and by what it counts.
#[track_caller]
fn assert_refused(refused: &Reply, limit: &str, said: &str) {
    assert_eq!(refused.status, 402, "{limit}: {:?}", refused.json());
    assert_code(refused.code(), license::LICENSE_LIMIT_REACHED);
    let problem = refused.json();
    assert!(problem["detail"].as_str().unwrap().contains(said), "{limit}: {problem}");
    assert_eq!(problem["facts"]["limit"], limit, "{problem}");
}
