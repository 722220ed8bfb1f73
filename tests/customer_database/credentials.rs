//! T5: connection with customer-provided credentials, in every way in which they can be given.

use crate::Claim;
use crate::postgres::{Customer, DATABASE, PASSWORD, PASSWORD_ENCODED, ROLE, fresh_schema};
use crate::process::{get, metrics, run, until_ready};
use crate::support::TestServer;
use rtmx_containers::versions;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

pub(crate) const CLAIMS: &[Claim] = &[
    ("t5_connection_with_customer_provided_credentials", every_way_leads_to_the_database),
    ("a_rotated_password_is_used_without_a_restart", a_rotated_password_is_used),
    ("a_password_of_the_configuration_is_rotated_without_a_failed_request", a_password_is_rotated_under_load),
    ("postgresql_12_is_served_with_a_warning", version_12_warns),
];

/// A way to give the credentials: its name, arguments and variables.
type Way<'a> = (&'a str, &'a [&'a str], Vec<(&'a str, &'a str)>);

fn every_way_leads_to_the_database() {
    for version in versions().expect("RTMX_TEST_POSTGRES names versions") {
        let customer = Customer::start(version);
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            path.display().to_string()
        };
        let (url, port) = (customer.url(), customer.postgres.port().to_string());
        let url_file = file("url", &format!("{url}\n"));
        let password_file = file("password", &format!("{PASSWORD}\n"));
        let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
        let passfile = file("passfile", &format!("127.0.0.1:*:*:{ROLE}:{escaped}\n"));
        let service = format!("[rtmx]\nhost=127.0.0.1\nport={port}\ndbname={DATABASE}\nuser={ROLE}\n");
        let service_file = file("services", &service);
        let place =
            format!("[database]\nhost = \"127.0.0.1\"\nport = {port}\nname = \"rtmx\"\nuser = \"{ROLE}\"\n");
        let toml = file("rtmx.toml", &format!("{place}password = \"{PASSWORD}\"\n"));
        let host = ("RTMX_DATABASE__HOST", "127.0.0.1");
        let single = [
            host,
            ("RTMX_DATABASE__PORT", &port),
            ("RTMX_DATABASE__NAME", DATABASE),
            ("RTMX_DATABASE__USER", ROLE),
        ];
        let image = [
            ("POSTGRES_HOST", "127.0.0.1"),
            ("POSTGRES_PORT", &port),
            ("POSTGRES_USER", ROLE),
            ("POSTGRES_DB", DATABASE),
        ];
        let ways: [Way<'_>; 9] = [
            ("a URL", &[], vec![("DATABASE_URL", &url)]),
            ("its own name", &[], vec![("RTMX_DATABASE__URL", &url)]),
            ("a URL in a file", &[], vec![("DATABASE_URL_FILE", &url_file)]),
            ("single keys", &[], [&single[..], &[("RTMX_DATABASE__PASSWORD", PASSWORD)]].concat()),
            (
                "a password in a file",
                &[],
                [&single[..], &[("RTMX_DATABASE__PASSWORD_FILE", &password_file)]].concat(),
            ),
            ("the image's variables", &[], [&image[..], &[("POSTGRES_PASSWORD", PASSWORD)]].concat()),
            ("the image's file", &[], [&image[..], &[("POSTGRES_PASSWORD_FILE", &password_file)]].concat()),
            ("a configuration file", &["--config", &toml], vec![]),
            (
                "a service",
                &[],
                vec![
                    ("RTMX_DATABASE__SERVICE", "rtmx"),
                    ("RTMX_DATABASE__SERVICE_FILE", &service_file),
                    ("RTMX_DATABASE__PASSFILE", &passfile),
                ],
            ),
        ];
        for (way, arguments, mut variables) in ways {
            let schema = fresh_schema();
            variables.push(("RTMX_DATABASE__SCHEMA", &schema));
            let ended = run(&[arguments, &["migrate"]].concat(), &variables);
            assert_eq!(ended.code, Some(0), "{version}, {way}:\n{}", ended.log);
            let count = format!("DO $$ BEGIN ASSERT to_regclass('{schema}.requirement') IS NOT NULL; END $$");
            customer.admin(DATABASE, &count);
            for secret in [PASSWORD, PASSWORD_ENCODED] {
                assert!(!ended.log.contains(secret), "{way}: {}", ended.log);
            }
        }
    }
}

fn a_rotated_password_is_used() {
    let customer = Customer::start(rtmx_containers::DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    let (password, url) = (folder.path().join("password"), folder.path().join("url"));
    let port = customer.postgres.port().to_string();
    let write = |new: &str| {
        fs::write(&password, format!("{new}\n")).unwrap();
        fs::write(&url, format!("postgres://{ROLE}:{new}@127.0.0.1:{port}/{DATABASE}\n")).unwrap();
    };
    let rotate = |new: &str| customer.admin(DATABASE, &format!("ALTER ROLE {ROLE} PASSWORD '{new}'"));
    write("first");
    rotate("first");
    let (password, url) = (password.display().to_string(), url.display().to_string());
    let image = [
        ("POSTGRES_HOST", "127.0.0.1"),
        ("POSTGRES_PORT", &port),
        ("POSTGRES_USER", ROLE),
        ("POSTGRES_DB", DATABASE),
        ("POSTGRES_PASSWORD_FILE", &password),
        ("RTMX_DATABASE__SCHEMA", "one"),
    ];
    let whole = [("DATABASE_URL_FILE", url.as_str()), ("RTMX_DATABASE__SCHEMA", "two")];
    let servers = [&image[..], &whole[..]].map(|variables| {
        let data = tempfile::tempdir().unwrap();
        (TestServer::start_in(data.path(), &[], variables), data)
    });
    servers.iter().for_each(|(server, _)| _ = until_ready(server, 200, Duration::from_secs(30)));
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rtmx_app'";
    rotate("second");
    customer.admin(DATABASE, others);
    for (server, _) in &servers {
        until_ready(server, 503, Duration::from_secs(5));
        assert_eq!(get(server, None, "/ready").json()["checks"]["postgresql"], "denied");
    }
    write("second");
    for (server, _) in &servers {
        until_ready(server, 200, Duration::from_secs(5));
    }
}

fn a_password_is_rotated_under_load() {
    let customer = Customer::start(rtmx_containers::DEFAULT_VERSION);
    let folder = tempfile::tempdir().unwrap();
    let (toml, port) = (folder.path().join("rtmx.toml"), customer.postgres.port());
    let write = |password: &str| {
        let text = format!(
            "data.dir = {:?}\nserver.listen = \"127.0.0.1:0\"\nmetrics.enabled = false\n[database]\n\
             url = \"postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}\"\nschema = \"three\"\nconnections = 2\n",
            folder.path().join("data").to_str().unwrap()
        );
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &toml).unwrap();
    };
    let rotate = |new: &str| customer.admin(DATABASE, &format!("ALTER ROLE {ROLE} PASSWORD '{new}'"));
    rotate("first-password");
    write("first-password");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
    command.arg("--config").arg(&toml).env_clear();
    let server = TestServer::listening(command);
    until_ready(&server, 200, Duration::from_secs(30));
    let (mut asked, mut failed) = (0, Vec::new());
    let mut ask = |count: usize| {
        for _ in 0..count {
            let reply = get(&server, None, "/api/v1/projects/default/requirements?limit=1");
            asked += 1;
            if reply.status != 200 {
                failed.push(String::from_utf8_lossy(&reply.body).into_owned());
            }
        }
    };
    ask(50);
    // Connections that are open go on; those to come need the new password.
    rotate("second-password");
    ask(50);
    write("second-password");
    server.reload();
    let taken = server.said("changed settings are in force");
    assert_eq!(taken["settings"], r#"["database.url"]"#);
    assert!(!taken.to_string().contains("second-password"));
    customer
        .admin(DATABASE, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rtmx_app'");
    ask(100);
    // Another database is not taken over.
    let text = fs::read_to_string(&toml).unwrap().replace(&format!("/{DATABASE}"), "/postgres");
    fs::write(&toml, text).unwrap();
    server.reload();
    assert_eq!(server.said("wait for a restart")["settings"], r#"["database.url"]"#);
    ask(10);
    assert_eq!((asked, failed), (210, Vec::new()));
}

fn version_12_warns() {
    let customer = Customer::start(12);
    let ended = run(&["migrate"], &[("DATABASE_URL", &customer.url())]);
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("has limited support"), "{}", ended.log);
    let data = tempfile::tempdir().unwrap();
    let sets = ["metrics.enabled=true", "metrics.port=0"];
    let server = TestServer::start_in(data.path(), &sets, &[("DATABASE_URL", &customer.url())]);
    until_ready(&server, 200, Duration::from_secs(30));
    let ready = get(&server, None, "/ready").json();
    let wanted = serde_json::json!({
        "status": "ready",
        "checks": {"postgresql": "ok", "schema": "ok", "postgresql_support": "limited"},
    });
    assert_eq!(ready, wanted);
    assert!(server.started.contains("has limited support"), "{}", server.started);
    let text = metrics(&server);
    for line in [
        "rtmx_storage_info{engine=\"postgresql\",version=\"12.",
        "rtmx_storage_connections{state=\"limit\"} 10",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}
