//! What the network lets through, by connections that are tried: what the product needs, and nothing else.

use crate::ground::{BUNDLED, Ground};
use crate::life::bundling;
use crate::namespace::Namespace;
use crate::own_database::Customers;
use crate::probe::{DATABASE, METRICS, Places, Probe, Reached, await_reach};
use crate::{Helm, Ignored};
use rtmx_containers::DEFAULT_VERSION;
use serde_json::{Value, json};

/// What anybody reaches whom no policy selects.
const AROUND: [&str; 6] = ["neighbour", "stranger", "API", "API on its node", "first node", "second node"];

pub(crate) fn of_a_bundled_database(ground: &Ground) -> Result<(), Ignored> {
    let image = ground.postgres(BUNDLED)?;
    let (ours, theirs) = (Namespace::new(ground, Helm::Four)?, Namespace::new(ground, Helm::Four)?);
    let bundling = bundling(ground, BUNDLED)?;
    let values = |closed: bool| format!("{bundling}networkPolicy: {{enabled: {closed}}}\n");
    ours.install(&values(false));
    let probes = [
        Probe::start(&ours, &image, "server", &labels_of("server")),
        Probe::start(&ours, &image, "database", &labels_of("postgresql")),
        Probe::start(&ours, &image, "backup", &labels_of("backup")),
        Probe::start(&ours, &image, "neighbour", &json!({})),
        Probe::start(&theirs, &image, "stranger", &json!({})),
    ];
    let mut places = around(ground, &probes)?;
    places.extend(of_the_server(&ours, &probes));
    places.insert("database", (format!("demo-rtmx-postgresql.{}.svc", ours.name), DATABASE));
    places.insert("another port of the database", (address(&probes, "database"), METRICS));

    // Everything answers, so what is not reached afterwards is kept away by the policy.
    let all: Vec<_> = places.keys().copied().collect();
    let open: Vec<_> = probes.iter().map(|probe| (probe.name, all.clone())).collect();
    await_reach(&probes, &places, reached(&open));

    ours.install(&values(true));
    let outside = [&AROUND[..], &["server"]].concat();
    await_reach(
        &probes,
        &places,
        reached(&[
            ("server", vec!["database"]),
            ("database", vec![]),
            ("backup", vec!["database"]),
            ("neighbour", outside.clone()),
            ("stranger", outside),
        ]),
    );
    Ok(())
}

pub(crate) fn of_the_customers_database(ground: &Ground) -> Result<(), Ignored> {
    let image = ground.postgres(BUNDLED)?;
    let customers = Customers::start(ground, DEFAULT_VERSION)?;
    let (ours, theirs) = (Namespace::new(ground, Helm::Four)?, Namespace::new(ground, Helm::Four)?);
    customers.name(&ours, "db");
    customers.credentials(&ours, "demo-rtmx-database");
    let from = |role: &str| {
        json!([{
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": theirs.name}},
            "podSelector": {"matchLabels": {"role": role}},
        }])
    };
    let values = |database: Value| {
        let values = json!({
            "rtmx": {"database": {"external": true, "host": "db", "name": customers.server.database()}},
            "networkPolicy": {
                "ingress": {"from": from("edge")}, "metrics": {"from": from("scraper")},
                "database": {"to": database},
            },
            // What reads metrics is not in every cluster.
            "monitoring": {
                "enabled": true, "serviceMonitor": {"enabled": false}, "rules": {"enabled": false},
            },
        });
        values.to_string()
    };
    ours.install(&values(json!([])));
    let probes = [
        Probe::start(&ours, &image, "server", &labels_of("server")),
        Probe::start(&ours, &image, "backup", &labels_of("backup")),
        Probe::start(&ours, &image, "neighbour", &json!({})),
        Probe::start(&theirs, &image, "edge", &json!({"role": "edge"})),
        Probe::start(&theirs, &image, "scraper", &json!({"role": "scraper"})),
        Probe::start(&theirs, &image, "stranger", &json!({})),
    ];
    let mut places = around(ground, &probes)?;
    places.extend(of_the_server(&ours, &probes));
    places.insert("database", (format!("db.{}.svc", ours.name), DATABASE));

    let outside = [&AROUND[..], &["database"]].concat();
    let expected = |of_the_server: &[&'static str]| {
        reached(&[
            ("server", of_the_server.to_vec()),
            ("backup", of_the_server.to_vec()),
            ("neighbour", outside.clone()),
            ("edge", [&outside[..], &["server"]].concat()),
            ("scraper", [&outside[..], &["metrics"]].concat()),
            ("stranger", outside.clone()),
        ])
    };
    // Nobody said where the database is: its port is open, wherever it is.
    await_reach(&probes, &places, expected(&["database", "neighbour", "stranger"]));
    ours.install(&values(json!([{"ipBlock": {"cidr": format!("{}/32", customers.address)}}])));
    await_reach(&probes, &places, expected(&["database"]));
    let token = ours.token();
    let forward = ours.forward();
    crate::asking::Asked::make(&forward, &token, "REQ-A-1");
    Ok(())
}

/// The labels of a component's pods.
fn labels_of(component: &str) -> Value {
    json!({
        "app.kubernetes.io/name": "rtmx", "app.kubernetes.io/instance": "demo",
        "app.kubernetes.io/component": component,
    })
}

fn address(probes: &[Probe<'_>], name: &str) -> String {
    probes.iter().find(|probe| probe.name == name).expect("it was started").address.clone()
}

/// The places of [`AROUND`].
fn around(ground: &Ground, probes: &[Probe<'_>]) -> Result<Places, Ignored> {
    let endpoint = ground.kubectl(&[
        "get",
        "endpointslices",
        "kubernetes",
        "--output",
        "jsonpath={.endpoints[0].addresses[0]} {.ports[0].port}",
    ]);
    let (host, port) = endpoint.split_once(' ').ok_or("the API has no address")?;
    let port = port.parse().map_err(|_| "the API has no port")?;
    Ok(Places::from([
        ("neighbour", (address(probes, "neighbour"), DATABASE)),
        ("stranger", (address(probes, "stranger"), DATABASE)),
        ("API", ("kubernetes.default.svc".into(), 443)),
        ("API on its node", (host.into(), port)),
        // The kubelet's port.
        ("first node", (ground.node_address(0), 10250)),
        ("second node", (ground.node_address(1), 10250)),
    ]))
}

/// What a server has: its port behind the Service, and those that are nobody's or few people's.
fn of_the_server(ours: &Namespace<'_>, probes: &[Probe<'_>]) -> Places {
    let pods = "{.items[0].status.podIP}";
    let selector =
        "pods --selector=app.kubernetes.io/component=server --field-selector=metadata.name!=server";
    let arguments: Vec<_> = ["get"].into_iter().chain(selector.split(' ')).collect();
    let pod = ours.kubectl(&[&arguments[..], &["--output", &format!("jsonpath={pods}")]].concat());
    Places::from([
        ("server", (format!("demo-rtmx.{}.svc", ours.name), 8080)),
        ("metrics", (pod, METRICS)),
        ("another port of the server", (address(probes, "server"), DATABASE)),
    ])
}

fn reached(rows: &[(&'static str, Vec<&'static str>)]) -> Reached {
    rows.iter().map(|(name, places)| (*name, places.iter().copied().collect())).collect()
}
