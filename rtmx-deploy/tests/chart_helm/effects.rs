//! What a value changes, and what it leaves as it is.

use super::figures::at;
use super::helm::{Helms, chart, object, parsed, template};
use serde_json::{Value, json};

const SERVER: &str = "/spec/template/spec";
const OF_VALUES: &str = "/spec/template/metadata/annotations/checksum~1secrets";

fn rendered(helms: &Helms, app: &str, values: &str) -> Vec<Value> {
    helms.objects(&chart(app), &["--set", values])
}

/// The files of secrets that a workload mounts, each with whether it has to be there.
fn secrets(objects: &[Value], kind: &str) -> Vec<(String, bool)> {
    let volumes = at(objects, kind, "demo-rtmx", &format!("{SERVER}/volumes"));
    let volume = volumes.as_array().into_iter().flatten().find(|volume| volume["name"] == "secrets");
    let sources = volume.map(|volume| volume["projected"]["sources"].clone()).unwrap_or_default();
    let file = |source: &Value| {
        let path = source["secret"]["items"][0]["path"].as_str().unwrap_or_default().to_owned();
        (path, source["secret"]["optional"] == false)
    };
    sources.as_array().into_iter().flatten().map(file).collect()
}

/// A server that finds no address of its PostgreSQL would make an empty database of its own.
pub(crate) fn database(helms: &Helms) {
    let by_url = "rtmx.database.external=true,rtmx.database.existingSecret=s";
    let by_host = "rtmx.database.external=true,rtmx.database.host=h";
    // values, kind, engine, files that have to be there
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        ("enabled=true", "StatefulSet", "sqlite", &["RTMX_ADMIN_TOKEN"]),
        ("postgresql.enabled=true", "Deployment", "postgresql", &["DATABASE_URL", "RTMX_ADMIN_TOKEN"]),
        // An operator's Secret has other keys, from which `rtmx.extraEnv` takes the address.
        (by_url, "Deployment", "postgresql", &["RTMX_ADMIN_TOKEN"]),
        (by_host, "Deployment", "postgresql", &["RTMX_ADMIN_TOKEN"]),
    ];
    for (values, kind, engine, wanted) in cases {
        let objects = rendered(helms, "rtmx", values);
        assert_eq!(at(&objects, "ConfigMap", "demo-rtmx", "/data/RTMX_DATABASE__ENGINE"), engine, "{values}");
        let files = secrets(&objects, kind);
        let mut required: Vec<_> =
            files.iter().filter(|(_, is)| *is).map(|(path, _)| path.as_str()).collect();
        required.sort_unstable();
        assert_eq!(required, wanted, "{values}");
        let is_sqlite = engine == "sqlite";
        let has_url = files.iter().any(|(path, _)| ["DATABASE_URL", "database.url"].contains(&path.as_str()));
        assert_eq!(has_url, !is_sqlite, "{values}: an old Secret leads nowhere else");
    }
}

pub(crate) fn restarts(helms: &Helms) {
    let licensed =
        |key: &str| rendered(helms, "rtmx", &format!("postgresql.enabled=true,rtmx.license.key={key}"));
    let (one, other) = (licensed("a"), licensed("b"));
    let of = |objects: &[Value], kind: &str, name: &str, path: &str| at(objects, kind, name, path).clone();
    let server = |objects: &[Value]| of(objects, "Deployment", "demo-rtmx", OF_VALUES);
    let database = |objects: &[Value]| of(objects, "StatefulSet", "demo-rtmx-postgresql", OF_VALUES);
    assert_ne!(server(&one), server(&other));
    assert_eq!(database(&one), database(&other), "the database has no license");

    let resolved = |address: &str| {
        let values = format!("nginx.enabled=true,nginx.resolver={address}");
        let config = "/spec/template/metadata/annotations/checksum~1config";
        of(&rendered(helms, "hyyve", &values), "Deployment", "demo-hyyve-nginx", config)
    };
    assert_ne!(resolved("10.0.0.10"), resolved("10.0.0.11"), "the file is another");
    let moved = rendered(helms, "hyyve", "api.service.port=8000");
    let at_port = moved.iter().filter(|it| it["kind"] == "ConfigMap");
    let at_port: Vec<_> = at_port.filter_map(|it| it["data"]["API_URL"].as_str()).collect();
    assert!(
        !at_port.is_empty() && at_port.iter().all(|url| *url == "http://demo-hyyve-api:8000"),
        "{at_port:?}"
    );
}

/// Texts that YAML would take for something else.
pub(crate) fn names(helms: &Helms) {
    let values = "fullnameOverride=pr-12345,serviceAccount.name=1e3,rtmx.license.existingSecret=123,rtmx.persistence.storageClass=-,rtmx.priorityClassName=on,global.imagePullSecrets[0]=007";
    for (major, helm) in &helms.all {
        let more =
            ["--namespace", "12345", "--set-string", values, "--set", "ingress.enabled=true", "--set-json"];
        let hosts = r#"ingress.hosts=[{"host": "h", "paths": [{"path": "/a,b}", "component": "rtmx"}]}]"#;
        let text = template(helm, &chart("rtmx"), "1.34.0", &[&more[..], &[hosts]].concat());
        let objects = parsed(&text.unwrap_or_else(|said| panic!("Helm {major}: {said}")));
        for object in &objects {
            assert_eq!(object["metadata"]["namespace"], "12345", "Helm {major}: {object}");
        }
        let pod = &object(&objects, "StatefulSet", "pr-12345")["spec"];
        let claim = &pod["volumeClaimTemplates"][0]["spec"];
        let pod = &pod["template"]["spec"];
        let found = json!([
            pod["serviceAccountName"],
            pod["priorityClassName"],
            pod["imagePullSecrets"][0]["name"],
            claim["storageClassName"],
            at(&objects, "Ingress", "pr-12345", "/spec/rules/0/http/paths/0/path"),
        ]);
        assert_eq!(found, json!(["1e3", "on", "007", "-", "/a,b}"]), "Helm {major}");
    }
}

pub(crate) fn edges(helms: &Helms) {
    let hosts = "istio.enabled=true,ingress.hosts[0].host=a.example.com,ingress.hosts[0].paths[0].path=/,ingress.hosts[0].paths[0].component=web,ingress.hosts[0].paths[1].path=/api,ingress.hosts[0].paths[1].component=api,ingress.hosts[1].host=*.b.example.com,ingress.hosts[1].paths[0].path=/,ingress.hosts[1].paths[0].component=web";
    let routed = rendered(helms, "hyyve", hosts);
    let first = object(&routed, "VirtualService", "demo-hyyve");
    let route = |at: usize| {
        (&first["spec"]["http"][at]["match"], &first["spec"]["http"][at]["route"][0]["destination"]["host"])
    };
    assert_eq!(
        route(0),
        (&json!([{"uri": {"exact": "/api"}}, {"uri": {"prefix": "/api/"}}]), &json!("demo-hyyve-api"))
    );
    assert_eq!(route(1), (&json!([{"uri": {"prefix": "/"}}]), &json!("demo-hyyve-web")));
    assert_eq!(at(&routed, "VirtualService", "demo-hyyve-1", "/spec/hosts"), &json!(["*.b.example.com"]));

    let open = rendered(helms, "rtmx", "rtmx.service.type=LoadBalancer,monitoring.enabled=true");
    let ports = |name: &str| {
        let ports = at(&open, "Service", name, "/spec/ports").as_array().cloned().unwrap_or_default();
        ports.into_iter().map(|port| port["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ports("demo-rtmx"), ports("demo-rtmx-metrics")),
        (vec![json!("http")], vec![json!("metrics")])
    );
    let rules = object(&open, "PrometheusRule", "demo-rtmx").to_string();
    assert!(rules.contains("demo-rtmx-metrics"), "{rules}");
    assert!(rules.contains("kube_cronjob_created"), "before the first backup there is no last one: {rules}");
    let without = rendered(helms, "rtmx", "monitoring.enabled=true,backup.enabled=false");
    assert!(!object(&without, "PrometheusRule", "demo-rtmx").to_string().contains("cronjob"));
}

pub(crate) fn network(helms: &Helms) {
    let values = "rtmx.database.external=true,rtmx.database.host=h,networkPolicy.database.to[0]=10.1.0.0/16,networkPolicy.apiServer.ports={16443},rtmx.networkPolicy.egress[0].ports[0].port=8200";
    let objects = rendered(helms, "rtmx", values);
    let egress = |name: &str| at(&objects, "NetworkPolicy", name, "/spec/egress").to_string();
    for name in ["demo-rtmx", "demo-rtmx-backup"] {
        assert!(egress(name).contains(r#"{"ipBlock":{"cidr":"10.1.0.0/16"}}"#), "{name}: {}", egress(name));
        assert!(egress(name).contains("8200"), "{name} asks a Vault, too: {}", egress(name));
    }
    let api = egress("demo-rtmx-secrets");
    assert!(api.contains(":16443,") && !api.contains(":6443,"), "{api}");
    let plain =
        rendered(helms, "rtmx", "rtmx.license.offlineMode=false,rtmx.license.serverUrl=http://l.internal");
    assert!(at(&plain, "NetworkPolicy", "demo-rtmx", "/spec/egress").to_string().contains(r#""port":80,"#));
    // Nobody looks at the queue of those who have no KEDA.
    let queue = |values: &str| {
        let objects = rendered(helms, "hyyve", values);
        at(&objects, "NetworkPolicy", "demo-hyyve-redis", "/spec/ingress").to_string()
    };
    assert!(!queue("enabled=true").contains("keda") && queue("worker.keda.enabled=true").contains("keda"));
}

pub(crate) fn brought(helms: &Helms) {
    let values = "externalSecrets.enabled=true,externalSecrets.vault.create=true,externalSecrets.vault.server=https://v,externalSecrets.vault.role=r,externalSecrets.data[0].secretKey=postgres_password,externalSecrets.data[0].remoteRef.key=k,externalSecrets.data[1].secretKey=database_url,externalSecrets.data[1].remoteRef.key=k";
    let objects = rendered(helms, "hyyve", values);
    let secret = object(&objects, "ExternalSecret", "demo-hyyve-db-credentials");
    assert_eq!(secret["spec"]["secretStoreRef"]["kind"], "SecretStore", "it is the one that is made");
    let template = &secret["spec"]["target"]["template"]["data"];
    assert_eq!(template["password"], "{{ .password }}");
    assert!(template["username"].is_string(), "the database's pod wants it: {template}");
}

pub(crate) fn probes(helms: &Helms) {
    let objects = rendered(helms, "rtmx", "rtmx.livenessProbe.exec.command={look}");
    let probe = at(&objects, "StatefulSet", "demo-rtmx", &format!("{SERVER}/containers/0/livenessProbe"));
    assert!(probe["httpGet"].is_null() && probe["exec"]["command"] == json!(["look"]), "{probe}");
    assert_eq!(probe["periodSeconds"], 15);
}
