//! The second application, as far as its images can be had: what it stands on.

use crate::project::{Project, free_port};
use crate::{Ground, Ignored};
use rtmx_containers::{DEFAULT_VERSION, Flavour, parts_image};
use std::io::{Read, Write};
use std::net::TcpStream;

const INFRASTRUCTURE: [&str; 3] = ["db", "nginx", "redis"];

pub(crate) fn infrastructure(ground: &Ground) -> Result<(), Ignored> {
    let parts = parts_image().map_err(|error| error.to_string())?;
    let mut project = Project::of(ground, "hyyve", "prod").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    let port = free_port();
    for (name, value) in [
        ("NGINX_IMAGE", parts.clone()),
        ("REDIS_IMAGE", parts),
        ("HTTP_PORT", format!("127.0.0.1:{port}")),
        ("HTTPS_PORT", format!("127.0.0.1:{}", free_port())),
    ] {
        project.set(name, &value);
    }
    let secrets = project.ask(&["run", "--rm", "secrets"]);
    let said = String::from_utf8_lossy(&secrets.stderr).into_owned();
    assert!(secrets.status.success() || said.contains("secrets_reload"), "{said}");
    let up = ["up", "--detach", "--wait", "--wait-timeout", "180", "--pull", "never", "--no-deps"];
    project.run(&[&up[..], &INFRASTRUCTURE].concat());
    assert_eq!(project.containers().keys().collect::<Vec<_>>(), INFRASTRUCTURE);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nginx listens");
    stream.write_all(b"GET /health HTTP/1.0\r\nhost: rag.example.com\r\n\r\n").expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for (service, container) in project.containers() {
        let health = ground.engine.run(&["inspect", "--format", "{{.State.Health.Status}}", &container]);
        assert_eq!(health, "healthy", "{service}");
    }
    Ok(())
}
