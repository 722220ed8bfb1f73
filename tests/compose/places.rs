//! Beside others, on a database of one's own, and without a registry.

use crate::asking::Asked;
use crate::project::Project;
use crate::{Ground, Ignored};
use rtmx_containers::{DEFAULT_VERSION, Flavour, Postgres};
use std::process::Command;

pub(crate) fn two_on_one_host(ground: &Ground) -> Result<(), Ignored> {
    let prod = Project::of(ground, "rtmx", "prod").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    let dev = Project::of(ground, "rtmx", "dev");
    prod.up();
    dev.up();
    let (of_prod, of_dev) = (prod.token(), dev.token());
    prod.make(&of_prod, "REQ-PROD-1");
    dev.make(&of_dev, "REQ-DEV-1");
    assert_eq!(prod.ids(&of_prod), ["REQ-PROD-1"]);
    assert_eq!(dev.ids(&of_dev), ["REQ-DEV-1"]);
    dev.run(&["down", "--volumes"]);
    assert_eq!(prod.ids(&of_prod), ["REQ-PROD-1"], "the other one is gone");
    Ok(())
}

pub(crate) fn on_own_postgres(ground: &Ground, version: u16) -> Result<(), Ignored> {
    let customer = Postgres::start(version).map_err(|error| error.to_string())?;
    let published = format!("publish={}", customer.port());
    let host = ground.engine.run(&["ps", "--filter", &published, "--format", "{{.Names}}"]);
    if host.is_empty() {
        return Err("the database is no container, which others could reach".into());
    }
    let network = Network::with(ground, &host);
    let mut project = Project::of(ground, "rtmx", "prod");
    project.set("COMPOSE_PROFILES", "");
    project.write(
        "compose.override.yml",
        &format!(
            "services:\n  rtmx-server:\n    networks: [front, back, customer]\n\
             networks:\n  customer:\n    name: {}\n    external: true\n",
            network.name
        ),
    );
    let password = customer.password().unwrap_or_default();
    let url = format!("postgres://{}:{password}@{host}:5432/{}", customer.user(), customer.database());
    project.write("secrets/database_url", &format!("{url}\n"));
    project.up();
    assert_eq!(project.containers().keys().collect::<Vec<_>>(), ["rtmx-server"]);
    let token = project.token();
    project.make(&token, "REQ-A-1");
    project.run(&["down"]);
    project.up();
    assert_eq!(project.ids(&token), ["REQ-A-1"]);
    Ok(())
}

/// Where no registry answers, and where one is asked nothing: an engine says in its events what it pulls, and
/// an attempt that fails takes the start with it.
pub(crate) fn nothing_is_pulled(ground: &Ground) -> Result<(), Ignored> {
    let project = Project::of(ground, "rtmx", "airgap").with_postgres(DEFAULT_VERSION, Flavour::Alpine)?;
    let rendered = project.run(&["config"]);
    let images = rendered.matches("    image: ").count();
    assert_eq!(rendered.matches("pull_policy: never").count(), images, "{rendered}");
    let began = ground.engine.run(&["info", "--format", "{{.SystemTime}}"]);
    project.run(&["up", "--detach", "--wait", "--wait-timeout", "180"]);
    let ended = ground.engine.run(&["info", "--format", "{{.SystemTime}}"]);
    let filters = ["--filter", "type=image", "--filter", "event=pull"];
    let events = ["events", "--since", &began, "--until", &ended];
    assert_eq!(ground.engine.run(&[&events[..], &filters].concat()), "");
    // One that is not there is named, and not asked for.
    let mut missing = Project::of(ground, "rtmx", "airgap");
    missing.set("RTMX_IMAGE", "registry.invalid/rtmx:none");
    missing.set("POSTGRES_IMAGE", "registry.invalid/postgres:none");
    let refused = missing.ask(&["up", "--detach"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("registry.invalid"), "{said}");
    assert!(!said.contains("dial") && !said.contains("lookup"), "nobody was asked: {said}");
    Ok(())
}

/// The network in which the customer's database is.
struct Network<'a> {
    ground: &'a Ground,
    name: String,
    container: String,
}

impl Network<'_> {
    fn with<'a>(ground: &'a Ground, container: &str) -> Network<'a> {
        let name = format!("customer-of-{container}");
        ground.engine.run(&["network", "create", &name]);
        let network = Network { ground, name, container: container.to_owned() };
        ground.engine.run(&["network", "connect", &network.name, container]);
        network
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        // A container that is gone has left it.
        let _ = Command::new("docker")
            .args(["network", "disconnect", "--force", &self.name, &self.container])
            .output();
        self.ground.engine.run(&["network", "rm", &self.name]);
    }
}
