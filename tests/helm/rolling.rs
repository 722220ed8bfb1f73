//! Changes under load: none of them costs a request.

use crate::ground::Ground;
use crate::load::{BUSY, Load};
use crate::namespace::{Namespace, WAIT};
use crate::own_database::Customers;
use crate::{Helm, Ignored};
use rtmx_containers::DEFAULT_VERSION;

pub(crate) fn no_request_fails(ground: &Ground) -> Result<(), Ignored> {
    under_load(ground, "")
}

/// As before Kubernetes 1.30, which cannot wait before it asks a container to stop: the server does.
pub(crate) fn no_request_fails_where_the_server_waits(ground: &Ground) -> Result<(), Ignored> {
    let waits = "  preStopSleepSeconds: 0\n  extraEnv: [{name: RTMX_SERVER__DRAIN_DELAY, value: \"5s\"}]\n";
    under_load(ground, waits)
}

fn under_load(ground: &Ground, more: &str) -> Result<(), Ignored> {
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, Helm::Four)?;
    customers.name(&namespace, "db");
    customers.credentials(&namespace, "demo-rtmx-database");
    let values = |replicas: u32, round: &str| {
        format!(
            "rtmx:\n  replicaCount: {replicas}\n  podAnnotations: {{round: {round}}}\n  service: {{type: NodePort}}\n  \
             database: {{external: true, host: db, name: \"{}\"}}\n{more}",
            customers.server.database()
        )
    };
    namespace.install(&values(2, "one"));
    let token = namespace.token();
    let load = Load::start(namespace.node_port(), &token, BUSY);
    let mut done = Vec::new();
    let mut mark = |what: &'static str| done.push((load.elapsed(), what));

    namespace.install(&values(2, "two"));
    mark("upgraded");
    namespace.install(&values(1, "two"));
    mark("scaled to 1");
    namespace.install(&values(3, "two"));
    mark("scaled to 3");
    namespace.install(&values(2, "two"));
    mark("scaled to 2");
    let nodes = ground.kubectl(&["get", "nodes", "--output", "jsonpath={.items[*].metadata.name}"]);
    let node = nodes.split_whitespace().nth(1).ok_or("the cluster has one node")?;
    // The trials beside this one have pods there, too: only this namespace's are moved.
    ground.kubectl(&["cordon", node]);
    let there = format!("--field-selector=spec.nodeName={node}");
    let server = "--selector=app.kubernetes.io/component=server";
    for pod in namespace.kubectl(&["get", "pods", &there, server, "--output", "name"]).lines() {
        namespace.evict(pod.trim_start_matches("pod/"));
        namespace.kubectl(&["rollout", "status", "deployment/demo-rtmx", "--timeout", WAIT]);
    }
    ground.kubectl(&["uncordon", node]);
    mark("drained");
    let pods = namespace.kubectl(&["get", "pods", server, "--output", "name"]);
    namespace.kubectl(&["delete", pods.lines().next().ok_or("there is no pod")?]);
    namespace.kubectl(&["rollout", "status", "deployment/demo-rtmx", "--timeout", WAIT]);
    mark("a pod was deleted");

    let counted = load.stop();
    counted.assert_none_failed(&done);
    assert!(counted.answered > 2_000, "{} requests are no load", counted.answered);
    counted.assert_kept(&namespace.forward(), &token);
    Ok(())
}
