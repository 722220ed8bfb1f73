//! The whole product in one combination of what it supports, as `cargo xtask matrix` asks for it: a real
//! server whose every setting comes from the one source, on the one database, with the one license.
//!
//! `RTMX_TEST_STORAGE` is `sqlite` or such as `postgres-18`, `RTMX_TEST_CONFIG` is `file`, `environment` or
//! `mounted-secrets`, `RTMX_TEST_LICENSE` is `none`, `offline`, `online` or `online-gone`, `RTMX_TEST_SERVERS` is `one` or `two`;
//! without them, what an embedded installation has. `RTMX_TEST_REFUSED` is the code that refuses what is no
//! combination. The database's own word for its version is written into the file `RTMX_TEST_VERSION_OUT`.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;
#[path = "support/vendor.rs"]
mod vendor;

use bytes::Bytes;
use http::Method;
use postgres::Customer;
use rtmx_containers::Postgres;
use rtmx_license::{Binding, BindingPolicy, Environment, License, Reach};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Client, Reply, TestServer};
use vendor::{LicenseServer, TRUSTED, Vendor, acme};

const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// Where the settings are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    File,
    Environment,
    MountedSecrets,
}

/// A setting, as its section, its name and its value.
type Setting = (&'static str, &'static str, Value);

impl Source {
    fn asked_for() -> Source {
        match std::env::var("RTMX_TEST_CONFIG").as_deref() {
            Err(_) | Ok("file") => Source::File,
            Ok("environment") => Source::Environment,
            Ok("mounted-secrets") => Source::MountedSecrets,
            Ok(other) => panic!(
                "RTMX_TEST_CONFIG is `{other}`, and must be `file`, `environment` or `mounted-secrets`"
            ),
        }
    }

    /// A server that reads its settings from here and from nowhere else.
    fn server(self, folder: &Path, settings: &[Setting], vendor: &Vendor) -> TestServer {
        TestServer::listening(self.command(folder, settings, vendor))
    }

    /// The same as a command.
    fn command(self, folder: &Path, settings: &[Setting], vendor: &Vendor) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        command.env_clear().env(TRUSTED, vendor.trusted());
        let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        match self {
            Source::File => {
                let file = folder.join("rtmx.toml");
                let lines =
                    settings.iter().map(|(section, name, value)| format!("{section}.{name} = {value}\n"));
                std::fs::write(&file, lines.collect::<String>()).unwrap();
                command.arg("--config").arg(file);
            }
            Source::Environment => {
                let name = |section: &str, name: &str| format!("RTMX_{section}__{name}").to_uppercase();
                command.envs(settings.iter().map(|(section, key, value)| (name(section, key), text(value))));
            }
            Source::MountedSecrets => {
                // As a kubelet mounts a Secret: links into `..data`, which is itself a link.
                let mount = folder.join("secrets");
                let version = mount.join("..2026_11_23_00_00_00.1");
                std::fs::create_dir_all(&version).unwrap();
                let _ = symlink("..2026_11_23_00_00_00.1", mount.join("..data"));
                for (section, key, value) in settings {
                    let name = format!("{section}.{key}");
                    std::fs::write(version.join(&name), text(value) + "\n").unwrap();
                    let _ = symlink(format!("..data/{name}"), mount.join(&name));
                }
                command.arg("--secrets-dir").arg(mount);
            }
        }
        command
    }
}

/// The license that is asked for: its settings, what the server is to say of it, and its license server.
fn license(vendor: &Vendor) -> (Vec<Setting>, &'static str, Option<LicenseServer>) {
    let asked = std::env::var("RTMX_TEST_LICENSE").unwrap_or_else(|_| "none".to_owned());
    let mut claims = acme(200);
    if asked == "none" {
        return (Vec::new(), "restricted", None);
    }
    let (mut settings, mut server) = (Vec::new(), None);
    if asked != "offline" {
        claims.mode = Reach::Online;
        let url = match asked.as_str() {
            "online" => {
                let server = server.insert(LicenseServer::start(vendor));
                server.takes(&vendor.sign(&claims));
                server.url.clone()
            }
            "online-gone" => LicenseServer::gone(),
            other => panic!("RTMX_TEST_LICENSE is `{other}`"),
        };
        settings.push(("license", "mode", json!("online")));
        settings.push(("license", "server_url", json!(url)));
    }
    settings.push(("license", "key", json!(vendor.sign(&claims))));
    (settings, "valid", server)
}

/// The license as the server shows it, once it is ready and has looked.
fn license_status(server: &TestServer) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let status = get(server, "/api/v1/license").json();
        let is_known = status["state"].as_str().is_some_and(|state| state != "unknown");
        if is_known || Instant::now() > deadline {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The database that is asked for; `None` is the product's own file.
fn database() -> Option<Customer> {
    let asked = std::env::var("RTMX_TEST_STORAGE").unwrap_or_else(|_| "sqlite".to_owned());
    if asked == "sqlite" {
        return None;
    }
    let version = asked.strip_prefix("postgres-").and_then(|version| version.parse().ok());
    let version = version
        .unwrap_or_else(|| panic!("RTMX_TEST_STORAGE is `{asked}`, and must be such as `postgres-18`"));
    let customer = Customer::with(Postgres::options(version));
    let found = customer.server_version();
    assert_eq!(found / 10_000, u32::from(version), "the database is of the version that was asked for");
    if let Some(file) = std::env::var_os("RTMX_TEST_VERSION_OUT") {
        std::fs::write(file, format!("{}.{}", found / 10_000, found % 10_000)).unwrap();
    }
    Some(customer)
}

/// Whether two servers are to share the database.
fn are_two() -> bool {
    match std::env::var("RTMX_TEST_SERVERS").as_deref() {
        Err(_) | Ok("one") => false,
        Ok("two") => true,
        Ok(other) => panic!("RTMX_TEST_SERVERS is `{other}`, and must be `one` or `two`"),
    }
}

/// Runs a server that has to be refused, and checks the code that it says.
fn is_refused(mut command: Command, code: &str) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    // It may have ended.
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let error = lines.rfind(|line| line["level"] == "ERROR").unwrap_or_default();
    assert_eq!(error["code"], code, "{log}");
    assert!(output.status.code().is_some_and(|code| code != 0), "it ended by itself: {:?}", output.status);
}

/// A second server on the same database, with a folder of its own.
fn is_shared(source: Source, settings: &[Setting], vendor: &Vendor) {
    let folder = tempfile::tempdir().unwrap();
    let of_its_own = |(section, name, value): &Setting| match (*section, *name) {
        ("data", "dir") => (*section, *name, json!(folder.path())),
        _ => (*section, *name, value.clone()),
    };
    let settings: Vec<Setting> = settings.iter().map(of_its_own).collect();
    let server = source.server(folder.path(), &settings, vendor);
    let found = get(&server, &format!("{REQUIREMENTS}/REQ-1"));
    assert_eq!(found.json()["requirement_text"], "first", "what the other has written");
    let made = json!({"req_id": "REQ-3"});
    let json = [("content-type", "application/json")];
    assert_eq!(call(&server, Method::POST, REQUIREMENTS, &json, &made).status, 201);
}

fn call(server: &TestServer, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let reply = runtime.block_on(async {
        let mut client = Client::connect(server.address).await?;
        client.send(method, path, headers, body).await
    });
    reply.expect("the server answers")
}

fn get(server: &TestServer, path: &str) -> Reply {
    call(server, Method::GET, path, &[], &Value::Null)
}

#[test]
fn the_product_works_in_this_combination() {
    let (source, database, vendor) = (Source::asked_for(), database(), Vendor::new());
    let (of_license, state, license_server) = license(&vendor);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut settings = everywhere(&data);
    if let Some(database) = &database {
        settings.push(("database", "url", json!(database.url())));
        settings.push(("database", "schema", json!("of_this_cell")));
    }

    settings.extend(of_license);
    let refusal = std::env::var("RTMX_TEST_REFUSED").ok();
    if let Some(code) = refusal.as_deref().filter(|_| !are_two() || database.is_some()) {
        return is_refused(source.command(folder.path(), &settings, &vendor), code);
    }

    let mut server = source.server(folder.path(), &settings, &vendor);
    if let Some(code) = &refusal {
        is_refused(source.command(folder.path(), &settings, &vendor), code);
    }
    let status = license_status(&server);
    assert_eq!(status["state"], state, "{status}");
    if let Some(license_server) = &license_server {
        let deadline = Instant::now() + Duration::from_secs(120);
        while license_server.seats(&acme(200).license_id) == 0 {
            assert!(Instant::now() < deadline, "the license server is asked: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    if std::env::var("RTMX_TEST_LICENSE").is_ok_and(|asked| asked == "online-gone") {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !license_status(&server)["outage"].is_string() {
            assert!(Instant::now() < deadline, "it asks, and says that nobody answers: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(license_status(&server)["state"], state, "which changes nothing");
    }
    let json = [("content-type", "application/json")];
    for id in ["REQ-1", "REQ-2"] {
        let made = call(&server, Method::POST, REQUIREMENTS, &json, &json!({"req_id": id, "notes": "größe"}));
        assert_eq!(made.status, 201, "{:?}", made.json());
    }
    let found = get(&server, &format!("{REQUIREMENTS}/REQ-1"));
    let tag = found.headers["etag"].to_str().unwrap().to_owned();
    let headers = [("content-type", "application/merge-patch+json"), ("if-match", tag.as_str())];
    let edit = |text: &str| {
        let path = format!("{REQUIREMENTS}/REQ-1");
        call(
            &server,
            Method::PATCH,
            &path,
            &headers,
            &json!({"requirement_text": text, "dependencies": ["REQ-2"]}),
        )
    };
    assert_eq!(edit("first").status, 200);
    assert_eq!(edit("late").status, 412, "the tag is stale");
    let hits = get(&server, &format!("{REQUIREMENTS}?search=gr%C3%B6%C3%9Fe")).json();
    assert_eq!(hits["requirements"].as_array().map(Vec::len), Some(2), "{hits}");
    if are_two() && refusal.is_none() {
        is_shared(source, &settings, &vendor);
        let found = get(&server, &format!("{REQUIREMENTS}/REQ-3"));
        assert_eq!(found.status, 200, "what the second server has written");
    }
    let before = get(&server, "/api/v1/projects/default/export.csv").body;
    assert!(String::from_utf8_lossy(&before).contains("first"));
    assert!(server.terminate().success());

    let is_embedded = data.join("rtmx.db").exists();
    assert_eq!(is_embedded, database.is_none(), "the data is where the settings say");
    let server = source.server(folder.path(), &settings, &vendor);
    assert_eq!(license_status(&server)["state"], state, "and after a restart");
    assert_eq!(get(&server, "/api/v1/projects/default/export.csv").body, before, "after a restart");
    let history = get(&server, &format!("{REQUIREMENTS}/REQ-1/history")).json();
    assert_eq!(history["history"].as_array().map(Vec::len), Some(2), "{history}");
}

/// What a license, a mode and an installation cannot be together, with the code that says so. Nothing of it
/// keeps the server from starting, and the community limits hold where the license does not.
#[test]
fn what_cannot_go_together_is_refused_by_its_code() {
    let (source, vendor) = (Source::asked_for(), Vendor::new());
    let license = |change: &dyn Fn(&mut License)| {
        let mut claims = acme(200);
        change(&mut claims);
        ("license", "key", json!(vendor.sign(&claims)))
    };
    let good = || license(&|_| {});
    let online = ("license", "mode", json!("online"));
    let elsewhere = "fp1:installation:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
    // what, settings, code, where it is said, what holds
    let rows: [(&str, Vec<Setting>, &str, Said, &str); 8] = [
        (
            "online without a server",
            vec![online.clone(), good()],
            "license_settings_invalid",
            Said::InTheLog,
            "license",
        ),
        (
            "online without encryption",
            vec![online.clone(), ("license", "server_url", json!("http://license.example")), good()],
            "license_settings_invalid",
            Said::InTheLog,
            "license",
        ),
        (
            "another product's",
            vec![license(&|claims| claims.product = "OTHER".to_owned())],
            "license_wrong_product",
            Said::InTheStatus,
            "community",
        ),
        (
            "a test license on a production build",
            vec![license(&|claims| claims.environment = Environment::NonProduction)],
            "license_wrong_product",
            Said::InTheStatus,
            "community",
        ),
        (
            "another vendor's",
            vec![("license", "key", json!(Vendor::new().sign(&acme(200))))],
            "license_bad_signature",
            Said::InTheStatus,
            "community",
        ),
        (
            "one for older versions",
            vec![license(&|claims| claims.updates_until = Some(claims.not_before))],
            "license_version_not_covered",
            Said::InTheStatus,
            "community",
        ),
        (
            "one that is over",
            vec![("license", "key", json!(vendor.sign(&acme(-200))))],
            "license_expired",
            Said::InTheStatus,
            "community",
        ),
        (
            "another installation's, which has two weeks to be set right",
            vec![license(&|claims| {
                claims.binding = Binding { policy: BindingPolicy::All, components: vec![elsewhere.clone()] };
            })],
            "license_binding_mismatch",
            Said::InTheStatus,
            "license",
        ),
    ];
    for (what, of_license, code, said, entitled_by) in rows {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut settings = everywhere(&data);
        settings.extend(of_license);
        let server = source.server(folder.path(), &settings, &vendor);
        let status = license_status(&server);
        match said {
            Said::InTheLog => assert!(server.started.contains(code), "{what}: {}", server.started),
            Said::InTheStatus => assert_eq!(status["code"], code, "{what}: {status}"),
        }
        assert_eq!(status["entitled_by"], entitled_by, "{what}: {status}");
        assert_eq!(get(&server, "/api/v1/projects").status, 200, "{what}");
    }
}

/// What every server of these tests is told.
fn everywhere(data: &Path) -> Vec<Setting> {
    vec![
        ("data", "dir", json!(data)),
        ("server", "listen", json!("127.0.0.1:0")),
        ("metrics", "enabled", json!(false)),
    ]
}

/// Where a refusal is said.
#[derive(Debug, Clone, Copy)]
enum Said {
    InTheLog,
    InTheStatus,
}
