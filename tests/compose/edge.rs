//! Behind the proxy that speaks TLS, and on an engine that is started again.

use crate::asking::Asked;
use crate::project::{Project, free_port};
use crate::{Ground, Ignored};
use rcgen::{CertificateParams, KeyPair};
use rtmx_containers::{DEFAULT_VERSION, Flavour, parts_image};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

const HOST: &str = "rtmx.example.com";
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn behind_the_proxy(ground: &Ground) -> Result<(), Ignored> {
    let parts = parts_image().map_err(|error| error.to_string())?;
    let mut project = Project::of(ground, "rtmx", "prod").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    let port = free_port();
    project.set("COMPOSE_PROFILES", "postgres,tls");
    project.set("NGINX_IMAGE", &parts);
    project.set("RTMX_HTTPS_PORT", &format!("127.0.0.1:{port}"));
    project.set("RTMX_SERVER__PUBLIC_URL", &format!("https://{HOST}:{port}"));
    let key = KeyPair::generate().expect("a key is made");
    let certificate = CertificateParams::new(vec![HOST.to_owned()]).expect("the name is one");
    let certificate = certificate.self_signed(&key).expect("it signs itself");
    project.write("tls/tls.crt", &certificate.pem());
    project.write("tls/tls.key", &key.serialize_pem());
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(project.path().join("tls/tls.key"), readable).expect("the copy is ours");
    project.up();
    assert_eq!(project.containers().keys().collect::<Vec<_>>(), ["postgres", "proxy", "rtmx-server"]);

    let token = project.token();
    let authorities = project.path().join("tls/tls.crt");
    let curl = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--include", "--max-time", "30", "--cacert"]);
        curl.arg(&authorities).args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
        curl.args(["--header", &format!("authorization: Bearer {token}")]);
        curl.arg(format!("https://{HOST}:{port}{path}"));
        crate::engine::must(&mut curl)
    };
    let answer = curl("/api/v1/projects");
    assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/2 200"), "{answer}");
    // Another container of the server is found by its name, though its address is new.
    project.run(&["up", "--detach", "--wait", "--no-deps", "--force-recreate", "rtmx-server"]);
    let began = Instant::now();
    while !curl("/ready").contains(" 200") {
        assert!(began.elapsed() < PATIENCE, "{}", curl("/ready"));
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// The variable with the command that starts the engine again; nobody but the long form gives it.
pub(crate) const RESTART: &str = "RTMX_TEST_ENGINE_RESTART";

pub(crate) fn survives_the_engine(ground: &Ground) -> Result<(), Ignored> {
    let restart = std::env::var(RESTART).map_err(|_| format!("{RESTART} restarts no engine"))?;
    let project = Project::of(ground, "rtmx", "prod").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    project.up();
    let token = project.token();
    project.make(&token, "REQ-A-1");
    crate::engine::must(Command::new("sh").args(["-c", &restart]));
    // `restart: always` brings the containers back; nobody calls Compose.
    assert_eq!(project.ids(&token), ["REQ-A-1"], "the engine was started again");
    project.make(&token, "REQ-A-2");
    project.up();
    assert_eq!(project.ids(&token).len(), 2);
    Ok(())
}
