//! The database goes away, comes back, and comes late.

use crate::Claim;
use crate::postgres::Customer;
use crate::process::{command, get, metrics, until_ready};
use crate::replicas::{Pair, REQUIREMENTS, listen, until_line};
use crate::support::TestServer;
use http::Method;
use rtmx_containers::{DEFAULT_VERSION, Restart};
use serde_json::json;
use std::time::{Duration, Instant};

pub(crate) const CLAIMS: &[Claim] = &[
    ("a_server_that_starts_before_its_database_becomes_ready_with_it", the_server_is_first),
    ("two_servers_recover_from_a_restart_of_their_database", both_recover),
    ("ready_tells_the_truth_soon_after_the_database_stops", ready_tells_the_truth),
];

/// How long a recovery may take once the database answers.
const RECOVERY: Duration = Duration::from_secs(5);

fn the_server_is_first() {
    let customer = Customer::start(DEFAULT_VERSION);
    let url = customer.url();
    customer.postgres.stop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let sets = ["server.listen=0.0.0.0:0", "metrics.enabled=true", "metrics.port=0"];
    let server = TestServer::start_in(folder.path(), &sets, &[("DATABASE_URL", &url)]);
    let listened = began.elapsed();
    assert!(listened < Duration::from_secs(10), "{listened:?}");
    let waiting = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", url.as_str()), ("RTMX_DATABASE__SCHEMA", "other")];
    let mut migration = command(waiting.path(), &["migrate", "--wait"], &variables)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();

    let until = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        for (path, status) in [("/live", 200), ("/health", 200), ("/ready", 503)] {
            assert_eq!(get(&server, None, path).status, status, "{path}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let ready = get(&server, None, "/ready").json();
    let wanted = json!({"status": "not_ready", "checks": {"postgresql": "unavailable", "schema": "unknown"}});
    assert_eq!(ready, wanted);
    let refused = get(&server, Some("any"), "/api/v1/projects");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "not_ready"));
    assert_eq!(refused.json()["facts"]["reason"], "storage_unavailable");
    assert!(metrics(&server).contains("rtmx_build_info"));

    customer.postgres.start_again().unwrap();
    let took = until_ready(&server, 200, RECOVERY);
    println!("listened after {listened:?}, ready {took:?} after the database");
    let token = std::fs::read_to_string(folder.path().join("first-token")).unwrap();
    assert_eq!(get(&server, Some(token.trim()), "/api/v1/projects").status, 200);
    assert!(migration.wait().unwrap().success());
    let lines: Vec<String> = server.started.lines().map(str::to_owned).chain(server.log.try_iter()).collect();
    let told = lines.iter().filter(|line| line.contains("waiting for the database")).count();
    assert!((1..=3).contains(&told), "{told} lines:\n{}", lines.join("\n"));
}

fn both_recover() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    for (round, how) in [Restart::Fast, Restart::Immediate].into_iter().enumerate() {
        let streams = [listen(&pair, 0), listen(&pair, 1)];
        customer.postgres.restart(how).unwrap();
        let back = Instant::now();
        let id = format!("REQ-R-{round}");
        let took = [0, 1].map(|server| until_ready(&pair.servers[server], 200, RECOVERY));
        let made = pair.send(round, Method::POST, REQUIREMENTS, &[], &json!({"req_id": id}));
        assert_eq!(made.status, 201, "{:?}", made.json());
        let other = pair.read(1 - round, &format!("{REQUIREMENTS}/{id}"));
        assert_eq!(other.status, 200);
        for stream in &streams {
            until_line(stream, &id, RECOVERY + Duration::from_secs(5));
        }
        println!("{how:?}: ready after {took:?}, written and told after {:?}", back.elapsed());
    }
}

fn ready_tells_the_truth() {
    let customer = Customer::start(DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(folder.path(), &[], &[("DATABASE_URL", &customer.url())]);
    until_ready(&server, 200, Duration::from_secs(30));
    customer.postgres.pause().unwrap();
    let hung = until_ready(&server, 503, Duration::from_secs(3));
    customer.postgres.unpause().unwrap();
    let went_on = until_ready(&server, 200, RECOVERY);
    customer.postgres.stop().unwrap();
    let away = until_ready(&server, 503, Duration::from_secs(3));
    assert_eq!(get(&server, None, "/ready").json()["checks"]["postgresql"], "unavailable");
    assert_eq!(get(&server, None, "/live").status, 200);
    customer.postgres.start_again().unwrap();
    let back = until_ready(&server, 200, RECOVERY);
    println!(
        "no answer told after {hung:?}, back after {went_on:?}; stopped after {away:?}, back after {back:?}"
    );
}
