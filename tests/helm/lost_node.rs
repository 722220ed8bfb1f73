//! A node that is gone without a word: the servers on the others go on, and no write is lost.
//!
//! The nodes are everybody's, so this runs when no other trial does: in a run of its own, which a variable asks
//! for. Two more say how a node is stopped and started.

use crate::engine::must;
use crate::ground::Ground;
use crate::load::{BUSY, Load, await_connections};
use crate::namespace::{Namespace, WAIT};
use crate::own_database::Customers;
use crate::{Helm, Ignored};
use rtmx_containers::DEFAULT_VERSION;
use serde_json::Value;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// What asks for this trial alone.
const LOSS: &str = "RTMX_TEST_CLUSTER_NODE_LOSS";
/// The shell command that ends the node whose name is in `$NODE`.
const STOP: &str = "RTMX_TEST_CLUSTER_NODE_STOP";
/// The one that starts it again.
const START: &str = "RTMX_TEST_CLUSTER_NODE_START";
/// A cluster gives up a node within a minute.
const LOSS_LIMIT: Duration = Duration::from_secs(300);
/// What is asked before the loss, and after it was noticed.
const REQUESTS: u64 = 1_000;

/// Whether this process is there for it alone.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(LOSS).is_some()
}

pub(crate) fn loses_no_write(ground: &Ground) -> Result<(), Ignored> {
    if !is_asked_for() {
        return Err(format!("{LOSS} asks for it: it takes a node away from the other trials"));
    }
    let of = |name: &str| std::env::var(name).map_err(|_| format!("{name} says nothing of nodes"));
    let (stop, start) = (of(STOP)?, of(START)?);
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, Helm::Four)?;
    customers.name(&namespace, "db");
    customers.credentials(&namespace, "demo-rtmx-database");
    namespace.install(&format!(
        "rtmx: {{replicaCount: 2, service: {{type: NodePort}}, database: {{external: true, host: db, name: \"{}\"}}}}\n",
        customers.server.database()
    ));
    let server = "--selector=app.kubernetes.io/component=server";
    let places = "jsonpath={range .items[*]}{.spec.nodeName}{\"\\n\"}{end}";
    let mut servers: Vec<_> =
        namespace.kubectl(&["get", "pods", server, "--output", places]).lines().map(str::to_owned).collect();
    servers.sort();
    let nodes = ground.kubectl(&["get", "nodes", "--output", "jsonpath={.items[*].metadata.name}"]);
    let nodes: Vec<_> = nodes.split_whitespace().collect();
    assert_eq!(servers, nodes, "one server on each node");
    let (address, token, lost) = (namespace.node_port(), namespace.token(), nodes[1]);

    let before = Load::start(address, &token, BUSY);
    before.await_answers(REQUESTS);
    let node = Node { name: lost, start };
    let stopped = before.elapsed();
    node.run(&stop);
    await_ready_servers(&namespace, 1);
    let noticed = before.elapsed();
    await_connections(address);
    let counted = before.stop();

    // From here on nobody notices any more.
    let after = Load::start(address, &token, BUSY);
    after.await_answers(REQUESTS);
    let then = after.stop();
    then.assert_none_failed(&"a node is lost");
    let told = writeln!(
        std::io::stderr(),
        "{} of {} requests failed in the {:.0?} until the node was given up, and 0 of {} afterwards",
        counted.failed.len(),
        counted.failed.len() as u64 + counted.answered,
        noticed - stopped,
        then.answered
    );
    told.expect("somebody reads it");

    drop(node);
    let all = format!("--timeout={WAIT}");
    ground.kubectl(&["wait", "nodes", "--all", "--for=condition=Ready", &all]);
    await_ready_servers(&namespace, 2);
    namespace.kubectl(&["rollout", "status", "deployment/demo-rtmx", "--timeout", WAIT]);
    let forward = namespace.forward();
    counted.assert_kept(&forward, &token);
    then.assert_kept(&forward, &token);
    Ok(())
}

/// A node, which runs again when this is dropped.
struct Node<'a> {
    name: &'a str,
    start: String,
}

impl Node<'_> {
    fn run(&self, command: &str) {
        must(Command::new("sh").args(["-c", command]).env("NODE", self.name));
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        self.run(&self.start);
    }
}

/// Waits until this many servers are what the Service leads to.
fn await_ready_servers(namespace: &Namespace<'_>, wanted: usize) {
    let began = Instant::now();
    let slices =
        ["get", "endpointslices", "--selector=kubernetes.io/service-name=demo-rtmx", "--output", "json"];
    loop {
        let slices: Value = serde_json::from_str(&namespace.kubectl(&slices)).expect("kubectl prints JSON");
        let slices = slices["items"].as_array().into_iter().flatten();
        let endpoints = slices.flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
        if endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true).count() == wanted {
            return;
        }
        assert!(began.elapsed() < LOSS_LIMIT, "not {wanted} servers are ready: {}", namespace.trouble());
        std::thread::sleep(Duration::from_millis(500));
    }
}
