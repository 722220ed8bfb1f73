//! What the role may no longer do is told as that, and never as lost data.

use crate::Claim;
use crate::postgres::{Customer, DATABASE, ROLE};
use crate::process::{call, get, run, until_ready};
use crate::support::TestServer;
use http::Method;
use rtmx_containers::DEFAULT_VERSION;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

pub(crate) const CLAIMS: &[Claim] = &[
    ("a_schema_that_may_not_be_used_any_more_is_not_taken_for_lost_data", usage_is_revoked),
    ("a_server_that_does_not_migrate_says_which_right_is_lacking", no_migration),
    ("a_database_that_only_reads_is_served_and_ready_says_so", it_only_reads),
];

const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// Starts a server, which leaves its marker in the folder, and ends it.
fn installed(folder: &Path, customer: &Customer) {
    let mut server = start(folder, customer, &[]);
    until_ready(&server, 200, Duration::from_secs(30));
    assert!(server.terminate().success());
    assert!(folder.join("installation").exists());
}

fn start(folder: &Path, customer: &Customer, variables: &[(&str, &str)]) -> TestServer {
    let url = customer.url();
    let variables = [&[("DATABASE_URL", url.as_str())][..], variables].concat();
    TestServer::start_in(folder, &["server.listen=0.0.0.0:0"], &variables)
}

fn usage_is_revoked() {
    let customer = Customer::start(DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path(), &customer);
    let server = start(folder.path(), &customer, &[]);
    until_ready(&server, 200, Duration::from_secs(30));
    customer.admin(DATABASE, &format!("REVOKE USAGE ON SCHEMA rtmx FROM {ROLE}"));
    until_ready(&server, 503, Duration::from_secs(5));
    assert_eq!(get(&server, None, "/ready").json()["checks"]["postgresql"], "denied");
    drop(server);

    let grant = format!("GRANT USAGE ON SCHEMA \"rtmx\" TO {ROLE}");
    let data = format!("data.dir={}", folder.path().display());
    let url = customer.url();
    for migrate in ["true", "false"] {
        let variables = [("DATABASE_URL", url.as_str()), ("RTMX_DATABASE__MIGRATE", migrate)];
        let ended = run(&["--set", &data, "serve"], &variables);
        let error = ended.error();
        assert_eq!(error["code"], "storage_denied", "{error}");
        assert!(error["message"].as_str().unwrap().contains("lacks USAGE on the schema `rtmx`"), "{error}");
        assert!(error["next"].as_str().unwrap().contains(&grant), "{error}");
        assert!(!ended.log.contains("data_gone") && !ended.log.contains("backup"), "{}", ended.log);
    }
    customer.admin(DATABASE, &grant);
    let server = start(folder.path(), &customer, &[]);
    until_ready(&server, 200, Duration::from_secs(30));
}

fn no_migration() {
    let customer = Customer::start(DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path(), &customer);
    customer.admin(DATABASE, &format!("REVOKE INSERT ON rtmx.history FROM {ROLE}"));
    let server = start(folder.path(), &customer, &[("RTMX_DATABASE__MIGRATE", "false")]);
    until_ready(&server, 200, Duration::from_secs(30));
    let grant =
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \\\"rtmx\\\" TO {ROLE}");
    assert!(server.started.contains(&grant), "`{grant}` in {}", server.started);
    let token = std::fs::read_to_string(folder.path().join("first-token")).unwrap();
    let write = || {
        let headers = [("content-type", "application/json")];
        let body = json!({"req_id": "REQ-A-1"}).to_string();
        let made = call(&server, Some(token.trim()), Method::POST, REQUIREMENTS, &headers, &body);
        made.expect("the server answers")
    };
    assert_eq!(write().code(), "storage_denied");
    customer.admin(DATABASE, &grant.replace('\\', ""));
    assert_eq!(write().status, 201);
}

fn it_only_reads() {
    let customer = Customer::start(DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path(), &customer);
    customer.admin("postgres", &format!("ALTER DATABASE {DATABASE} SET default_transaction_read_only = on"));
    let server = start(folder.path(), &customer, &[]);
    until_ready(&server, 200, Duration::from_secs(30));
    let ready = get(&server, None, "/ready").json();
    let wanted = json!({
        "status": "ready",
        "checks": {"postgresql": "ok", "schema": "ok", "postgresql_writes": "refused"},
    });
    assert_eq!(ready, wanted);
    assert!(server.started.contains("only reads"), "{}", server.started);
    let token = std::fs::read_to_string(folder.path().join("first-token")).unwrap();
    assert_eq!(get(&server, Some(token.trim()), REQUIREMENTS).status, 200);
    let headers = [("content-type", "application/json")];
    let body = json!({"req_id": "REQ-A-1"}).to_string();
    let refused = call(&server, Some(token.trim()), Method::POST, REQUIREMENTS, &headers, &body);
    let refused = refused.expect("the server answers");
    assert_eq!(refused.code(), "storage_read_only");
    assert!(!refused.json().to_string().contains("data folder"), "{:?}", refused.json());

    let other = [("DATABASE_URL", customer.url()), ("RTMX_DATABASE__SCHEMA", "other".into())];
    let ended = run(&["migrate"], &other.each_ref().map(|(name, value)| (*name, value.as_str())));
    let error = ended.error();
    assert_eq!(error["code"], "storage_read_only", "{error}");
    assert!(error["next"].as_str().unwrap().contains("default_transaction_read_only"), "{error}");
}
