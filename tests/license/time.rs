//! Licenses as time goes by.

use crate::*;

const DAY_S: i64 = 86_400;
/// How far the test is from the end of a state when it starts a server.
const BEFORE_S: i64 = 4;

#[test]
fn a_clock_that_is_wrong_is_said_on_every_page_while_the_license_is_valid() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let mut claims = acme(200);
    // The first clock of an installation is believed at once where it is near something signed.
    let today = rtmx::core::Timestamp::now().as_second() / DAY_S * DAY_S;
    claims.issued_at = rtmx::core::Timestamp::from_second(today).unwrap();
    let key = vendor.sign(&claims);
    let variables = |ahead: &'static str| [("RTMX_LICENSE_KEY", key.as_str()), (CLOCK, ahead)];
    let page = |server: &TestServer| {
        let page = call(server, Method::GET, "/projects/default", "text/plain", "");
        String::from_utf8_lossy(&page.body).into_owned()
    };
    let mut server = start(data.path(), &vendor, &[], &variables("0"));
    assert_eq!(status(&server)["state"], "valid");
    assert!(!page(&server).contains("clock of this machine"), "nothing is wrong");
    assert!(server.terminate().success());
    let server = start(data.path(), &vendor, &[], &variables("432000"));
    let ahead = status(&server);
    assert_eq!(ahead["state"], "valid", "{ahead}");
    let said = page(&server);
    assert!(said.contains("class=\"notice warn") && said.contains("jumped"), "{ahead} {said}");
}

#[test]
fn a_license_runs_out_as_the_clock_moves() {
    let (vendor, home, data) = (Vendor::new(), Home::new(), tempfile::tempdir().unwrap());
    let began = rtmx::core::Timestamp::now().as_second();
    let at = |second: i64| rtmx::core::Timestamp::from_second(began + second).unwrap();
    let mut claims = acme(0);
    (claims.expires_at, claims.grace_days) = (at(40 * DAY_S), 14);
    claims.terminates_at = Some(at(84 * DAY_S));
    let file = vendor.file(home.folder(), "acme.json", &claims);
    let set = format!("license.file={}", file.display());
    // The server's clock, and the tool's.
    let ahead = |second: i64| {
        let now = rtmx::core::Timestamp::now().as_second();
        (began + second - now).to_string()
    };
    let start_at = |second: i64| {
        let port = format!("metrics.port={}", home::free_port());
        let sets = [set.as_str(), "metrics.enabled=true", &port];
        start(data.path(), &vendor, &sets, &[(CLOCK, &ahead(second))])
    };
    let verify_at = |second: i64| {
        let arguments = ["license", "verify", file.to_str().unwrap()];
        home.run_in(&arguments, &[(TRUSTED, &vendor.trusted()), (CLOCK, &ahead(second))])
    };
    let server = start_at(0);
    assert_eq!(status(&server)["state"], "valid");
    for number in 0..25 {
        let made = post(&server, "/api/v1/projects", &json!({"id": format!("p{number}")}));
        assert_eq!(made.status, 201, "{:?}", made.json());
    }
    drop(server);
    // the end of a state, its name, the next one, how many projects there may be, what is said, what verifies
    let rows = [
        (10 * DAY_S, "valid", "expiring_soon", Some(100), "The license ends on", 0),
        (40 * DAY_S, "expiring_soon", "grace", Some(100), "The license expired at", 8),
        (54 * DAY_S, "grace", "restricted", Some(25), "The license expired at", 8),
        (84 * DAY_S, "restricted", "terminated", Some(25), "ended for good", 8),
    ];
    for (number, (end, before, after, projects, said, exit)) in rows.into_iter().enumerate() {
        let row = format!("{before} to {after}");
        let mut server = start_at(end - BEFORE_S);
        assert_eq!(status(&server)["state"], before, "{row}: {}", status(&server));
        until(&server, &row, &|status| status["state"] == after);
        let shown = status(&server);
        assert_eq!(at_most(&shown, "max_tenants"), projects, "{row}: {shown}");
        let page = call(&server, Method::GET, "/projects/default", "text/plain", "");
        let page = String::from_utf8_lossy(&page.body).into_owned();
        assert!(page.contains(said), "{row}: `{said}` is not in {page}");
        let metrics = metrics(&server);
        assert!(metrics.contains(&format!("rtmx_license_state{{state=\"{after}\"}} 1")), "{row}: {metrics}");
        let left = metrics.lines().find_map(|line| line.strip_prefix("rtmx_license_expires_seconds "));
        let left: f64 = left.unwrap().parse().unwrap();
        assert!((left - (40 * DAY_S - end) as f64).abs() < 120.0, "{row}: {left} s left");

        // What is new is refused by the name of what it lacks, and nothing else is.
        let made = post(&server, "/api/v1/projects", &json!({"id": format!("late{number}")}));
        if projects == Some(100) {
            assert_eq!(made.status, 201, "{row}");
        } else {
            assert_eq!(made.status, 402, "{row}");
            assert_code(made.code(), license::LICENSE_LIMIT_REACHED);
            assert!(made.json()["detail"].as_str().unwrap().contains("25 projects"), "{row}");
        }
        let id = format!("REQ-{number}");
        let made = post(&server, "/api/v1/projects/p3/requirements", &json!({ "req_id": id }));
        assert_eq!(made.status, 201, "{row}");
        for path in ["/api/v1/projects", "/api/v1/projects/p3/export.csv", "/license", "/projects/p3"] {
            let read = call(&server, Method::GET, path, "text/plain", "");
            assert_eq!(read.status, 200, "{row}: {path}");
        }
        let verified = verify_at(end + 1);
        assert_eq!(verified.code, exit, "{row}: {}", verified.stderr);
        if exit != 0 {
            let code =
                if after == "terminated" { license::LICENSE_TERMINATED } else { license::LICENSE_EXPIRED };
            assert_code(verified.error_code(), code);
        }
        assert!(server.terminate().success(), "{row}");
        let database = format!("sqlite:{}", data.path().join("rtmx.db").display());
        let archive = home.folder().join(format!("{after}.archive"));
        let backup = ["backup", "create", "--url", &database, "--to", archive.to_str().unwrap()];
        assert_eq!(tool(&home, &vendor, &backup).code, 0, "{row}: a backup");
        // The file that is kept beside the database may be lost as well; so may the database's copy, because
        // the license that was installed is a witness.
        std::fs::remove_file(data.path().join("license-memory")).unwrap();
        let again = status(&start_at(end + 10));
        let without_time = |status: &Value| {
            let said = ["state", "why", "code", "entitled_by"].map(|name| status[name].clone());
            (said, at_most(status, "max_tenants"), at_most(status, "max_nodes"))
        };
        assert_eq!(without_time(&again), without_time(&shown), "{row}: after a restart");
    }
}
