//! The number of servers follows the load, by the metrics of the cluster.

use crate::ground::Ground;
use crate::load::{CALM, Load};
use crate::namespace::Namespace;
use crate::own_database::Customers;
use crate::{Helm, Ignored};
use rtmx_containers::DEFAULT_VERSION;
use std::time::{Duration, Instant};

/// Metrics are read every quarter of a minute, and decided upon as often.
const LIMIT: Duration = Duration::from_secs(480);
/// Streams of requests.
const USERS: usize = 4;
const LEAST: u32 = 2;
const MOST: u32 = 3;

pub(crate) fn follows_the_load(ground: &Ground) -> Result<(), Ignored> {
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let namespace = Namespace::new(ground, Helm::Four)?;
    customers.name(&namespace, "db");
    customers.credentials(&namespace, "demo-rtmx-database");
    let values = format!(
        "rtmx:
  service: {{type: NodePort}}
  database: {{external: true, host: db, name: \"{}\"}}
  autoscaling:
    enabled: true
    minReplicas: {LEAST}
    maxReplicas: {MOST}
    behavior: {{scaleDown: {{stabilizationWindowSeconds: 15, policies: [{{type: Percent, value: 100, periodSeconds: 15}}]}}}}
",
        customers.server.database()
    );
    namespace.install(&values);
    let hpa = "horizontalpodautoscaler/demo-rtmx";
    // Nobody works: fewer would do, but for the least that was asked for.
    let limited = "{.status.conditions[?(@.type==\"ScalingLimited\")].reason}";
    let idle = || {
        await_field(&namespace, hpa, limited, "TooFewReplicas");
        await_field(&namespace, "deployment/demo-rtmx", "{.status.readyReplicas}", &LEAST.to_string());
    };
    idle();
    let token = namespace.token();
    let loads: Vec<_> = (0..USERS).map(|_| Load::start(namespace.node_port(), &token, CALM)).collect();
    await_field(&namespace, "deployment/demo-rtmx", "{.status.readyReplicas}", &MOST.to_string());
    // Neither does an upgrade take back what the load has asked for.
    namespace.install(&values.replace("rtmx:\n", "rtmx:\n  podAnnotations: {round: two}\n"));
    assert_eq!(namespace.field("deployment/demo-rtmx", "{.spec.replicas}"), MOST.to_string());
    let counted: Vec<_> = loads.into_iter().map(Load::stop).collect();
    idle();
    let forward = namespace.forward();
    counted.iter().for_each(|counted| counted.assert_kept(&forward, &token));
    Ok(())
}

/// Waits until a field has a value; meanwhile there are never fewer servers than the least, once there were so many.
fn await_field(namespace: &Namespace<'_>, object: &str, path: &str, wanted: &str) {
    let (began, mut most) = (Instant::now(), 0);
    loop {
        let servers = namespace.field("deployment/demo-rtmx", "{.spec.replicas}");
        let servers: u32 = servers.parse().expect("it is a number");
        most = most.max(servers);
        assert!(servers >= LEAST.min(most), "{servers} after {most}");
        let found = namespace.field(object, path);
        if found == wanted {
            return;
        }
        let waits = began.elapsed() < LIMIT;
        let told = || namespace.kubectl(&["describe", "horizontalpodautoscalers"]);
        assert!(waits, "{object} has {found} and not {wanted}: {}\n{}", told(), namespace.trouble());
        std::thread::sleep(Duration::from_secs(1));
    }
}
