//! The customer's own PostgreSQL, outside the cluster.

use crate::asking::Asked;
use crate::engine::{Engine, must};
use crate::ground::Ground;
use crate::namespace::Namespace;
use crate::{Helm, Ignored};
use rtmx_containers::{DEFAULT_VERSION, Postgres};
use serde_json::json;
use std::process::Command;

/// The values of the deployment requirements, as they stand there.
const AS_GIVEN: &str = r#"rtmx:
  replicaCount: 3
  image: {repository: ghcr.io/iotactical/rtmx, tag: "v1.0.0"}
  database: {external: true, host: "postgres.internal", name: "rtmx"}
  license: {key: "${RTMX_LICENSE_KEY}", offlineMode: true}
  persistence: {enabled: true, size: 10Gi}
"#;

/// A database server that pods reach under a name.
pub(crate) struct Customers {
    pub(crate) server: Postgres,
    network: (String, String),
    pub(crate) address: String,
}

impl Customers {
    /// Starts one beside the nodes.
    pub(crate) fn start(ground: &Ground, version: u16) -> Result<Customers, Ignored> {
        let server = Postgres::start(version).map_err(|error| error.to_string())?;
        let engine = Engine::find()?;
        let published = format!("publish={}", server.port());
        let container = engine.run(&["ps", "--filter", &published, "--format", "{{.Names}}"]);
        if container.is_empty() {
            return Err("the database is no container, which a cluster could reach".into());
        }
        // The network of the nodes, which are containers, too.
        let node = ground.node_address(0);
        let format = "{{range $name, $it := .NetworkSettings.Networks}}{{$name}} {{$it.IPAddress}}{{end}}";
        let ids = engine.run(&["ps", "--quiet"]);
        let places = ids.lines().map(|id| engine.run(&["inspect", "--format", format, id]));
        let network =
            places.filter_map(|it| it.split_once(' ').map(|(name, ip)| (name.to_owned(), ip.to_owned())));
        let network = network.into_iter().find(|(_, ip)| *ip == node).map(|(name, _)| name);
        let network = network.ok_or("the nodes are no containers of this machine")?;
        engine.run(&["network", "connect", &network, &container]);
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let address = engine.run(&["inspect", "--format", &format, &container]);
        Ok(Customers { server, network: (network, container), address })
    }

    /// The answer to a statement.
    pub(crate) fn ask(&self, statement: &str) -> String {
        let (user, database) = (self.server.user(), self.server.database());
        let psql = ["psql", "-XAt", "--username", &user, "--dbname", &database, "--command", statement];
        let ran = self.server.exec(&psql).expect("it has psql");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.trim().to_owned()
    }

    /// Gives it a name in a namespace: `NAME.NAMESPACE` then leads there.
    pub(crate) fn name(&self, namespace: &Namespace<'_>, name: &str) {
        let ports = json!([{"name": "postgresql", "port": 5432, "protocol": "TCP"}]);
        namespace.apply(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": ports},
        }));
        namespace.apply(&json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": ports,
            "endpoints": [{"addresses": [self.address], "conditions": {"ready": true}}],
        }));
    }

    /// The Secret that the chart expects.
    pub(crate) fn credentials(&self, namespace: &Namespace<'_>, name: &str) {
        namespace.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {
                "username": self.server.user(), "password": self.server.password().unwrap_or_default(),
            },
        }));
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        let (network, container) = &self.network;
        // A container that is gone has left it.
        let _ =
            Command::new("docker").args(["network", "disconnect", "--force", network, container]).output();
    }
}

pub(crate) fn with_the_values_as_given(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, helm)?;
    // `postgres.internal`, by the cluster's DNS: the service `postgres` in the namespace `internal`.
    let internal = Internal::new(ground);
    customers.name(&internal.0, "postgres");

    // As it stands, it is refused with the advice.
    let refused = namespace.try_install(AS_GIVEN, &[]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && complaint.contains("envsubst"), "{complaint}");
    // The name of the test database is not that of the document.
    let values = AS_GIVEN
        .replace("${RTMX_LICENSE_KEY}", "")
        .replace("name: \"rtmx\"", &format!("name: \"{}\"", customers.server.database()));
    // Without the credentials the servers wait, and say what for.
    let begun = namespace.try_install(&values, &[]);
    let notes = String::from_utf8_lossy(&begun.stdout).into_owned();
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    assert!(notes.contains("demo-rtmx-database"), "{notes}");
    customers.credentials(&namespace, "demo-rtmx-database");
    namespace.install(&values);
    assert_eq!(namespace.field("deployment/demo-rtmx", "{.status.readyReplicas}"), "3");
    let token = namespace.token();
    let forward = namespace.forward();
    forward.make(&token, "REQ-A-1");
    assert_eq!(forward.ids(&token), ["REQ-A-1"]);
    Ok(())
}

pub(crate) fn with_credentials(ground: &Ground, helm: Helm) -> Result<(), Ignored> {
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, helm)?;
    customers.name(&namespace, "db");
    customers.credentials(&namespace, "their-own");
    let values = format!(
        "rtmx:\n  database: {{external: true, host: db, name: \"{}\", existingSecret: their-own}}\n",
        customers.server.database()
    );
    namespace.install(&values);
    let token = namespace.token();
    let forward = namespace.forward();
    forward.make(&token, "REQ-A-1");
    drop(forward);
    namespace.kubectl(&["delete", "pod", "--selector", "app.kubernetes.io/component=server"]);
    namespace.install(&values);
    assert_eq!(namespace.forward().ids(&token), ["REQ-A-1"], "another pod reads it");
    assert_eq!(customers.ask("SELECT id FROM rtmx.requirement"), "REQ-A-1", "it is in the customer's own");
    let elsewhere =
        "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('rtmx', 'pg_catalog', 'information_schema')";
    assert_eq!(customers.ask(elsewhere), "0", "nothing is made beside the schema of the product");
    Ok(())
}

/// The namespace `internal`, which one trial at a time has.
struct Internal<'g>(
    Namespace<'g>,
    #[allow(dead_code, reason = "held, not read")] std::sync::MutexGuard<'static, ()>,
);

impl<'g> Internal<'g> {
    fn new(ground: &'g Ground) -> Internal<'g> {
        static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let guard = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Left over from a run that was ended.
        must(ground.kubectl_command().args(["delete", "namespace", "internal", "--ignore-not-found"]));
        Internal(Namespace::named(ground, "internal"), guard)
    }
}
