//! Names and numbers of the requirements, by value.

use super::helm::{Helms, chart, object, pods};
use super::variants::AS_GIVEN;
use serde_json::{Value, json};

pub(crate) fn at<'v>(objects: &'v [Value], kind: &str, name: &str, path: &str) -> &'v Value {
    object(objects, kind, name).pointer(path).unwrap_or(&Value::Null)
}

/// Kind, name, path, what has to be there.
pub(crate) fn hold(objects: &[Value], wanted: &[(&str, &str, &str, Value)]) {
    for (kind, name, path, value) in wanted {
        assert_eq!(at(objects, kind, name, path), value, "{kind} {name} {path}");
    }
}

const POD: &str = "/spec/template/spec";

pub(crate) fn rtmx(helms: &Helms) {
    let chart = chart("rtmx");
    let plain = helms.objects(&chart, &[]);
    let probe = |path: &str, delay: u32, period: u32, timeout: u32| json!({"httpGet": {"path": path, "port": "http"}, "initialDelaySeconds": delay, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": 3});
    let pod = |rest: &str| format!("{POD}{rest}");
    hold(
        &plain,
        &[
            ("StatefulSet", "demo-rtmx", "/spec/replicas", json!(1)),
            (
                "StatefulSet",
                "demo-rtmx",
                "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
                json!("10Gi"),
            ),
            (
                "StatefulSet",
                "demo-rtmx",
                &pod("/containers/0/volumeMounts/0"),
                json!({"name": "data", "mountPath": "/data"}),
            ),
            ("StatefulSet", "demo-rtmx", &pod("/containers/0/livenessProbe"), probe("/live", 30, 15, 5)),
            ("StatefulSet", "demo-rtmx", &pod("/containers/0/readinessProbe"), probe("/ready", 10, 10, 5)),
            (
                "StatefulSet",
                "demo-rtmx",
                &pod("/initContainers/0/command"),
                json!(["rtmx-server", "migrate", "--wait"]),
            ),
            ("StatefulSet", "demo-rtmx", &pod("/securityContext/fsGroup"), json!(1000)),
            (
                "StatefulSet",
                "demo-rtmx",
                &pod("/securityContext/fsGroupChangePolicy"),
                json!("OnRootMismatch"),
            ),
            ("ConfigMap", "demo-rtmx", "/data/RTMX_SECRETS_DIR", json!("/run/secrets/rtmx-server")),
            ("ConfigMap", "demo-rtmx", "/data/RTMX_TELEMETRY__ENABLED", json!("false")),
        ],
    );
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let file = dir.path().join("given.yaml");
    std::fs::write(&file, AS_GIVEN).expect("the folder is ours");
    let given = helms.objects(&chart, &["--values", &file.display().to_string()]);
    hold(
        &given,
        &[
            ("Deployment", "demo-rtmx", "/spec/replicas", json!(3)),
            (
                "Deployment",
                "demo-rtmx",
                "/spec/strategy/rollingUpdate",
                json!({"maxUnavailable": 0, "maxSurge": 1}),
            ),
            ("Deployment", "demo-rtmx", &pod("/containers/0/image"), json!("ghcr.io/iotactical/rtmx:v1.0.0")),
            (
                "Deployment",
                "demo-rtmx",
                &pod("/containers/0/lifecycle"),
                json!({"preStop": {"sleep": {"seconds": 5}}}),
            ),
            ("Deployment", "demo-rtmx", &pod("/terminationGracePeriodSeconds"), json!(35)),
            ("ConfigMap", "demo-rtmx", "/data/RTMX_DATABASE__HOST", json!("postgres.internal")),
            ("ConfigMap", "demo-rtmx", "/data/RTMX_DATABASE__NAME", json!("rtmx")),
            ("ConfigMap", "demo-rtmx", "/data/RTMX_LICENSE__MODE", json!("offline")),
            ("PodDisruptionBudget", "demo-rtmx", "/spec/minAvailable", json!(1)),
            ("Secret", "demo-rtmx-license", "/data/license", json!("YS1saWNlbnNl")),
        ],
    );
    let volumes = at(&given, "Deployment", "demo-rtmx", &pod("/volumes"));
    assert!(
        !volumes.to_string().contains("persistentVolumeClaim"),
        "with PostgreSQL the servers mount no claim: {volumes}"
    );
    assert!(!given.iter().any(|it| it["kind"] == "StatefulSet"));
    let job = "/spec/jobTemplate/spec/template/spec";
    let words = json!(["backup", "--to", "/backups", "--name", "demo-rtmx", "--keep", "7"]);
    hold(
        &given,
        &[
            ("PersistentVolumeClaim", "demo-rtmx-backups", "/spec/resources/requests/storage", json!("10Gi")),
            (
                "PersistentVolumeClaim",
                "demo-rtmx-backups",
                "/metadata/annotations/helm.sh~1resource-policy",
                json!("keep"),
            ),
            ("CronJob", "demo-rtmx-backup", &format!("{job}/containers/0/args"), words),
            ("CronJob", "demo-rtmx-backup", &format!("{job}/containers/0/command"), json!(["rtmx-server"])),
        ],
    );
    let sources = at(&given, "Deployment", "demo-rtmx", &pod("/volumes/0/projected/sources"));
    for (object, key, path) in [
        ("demo-rtmx-database", "url", "database.url"),
        ("demo-rtmx-database", "username", "database.user"),
        ("demo-rtmx-database", "password", "database.password"),
        ("demo-rtmx-license", "license", "RTMX_LICENSE_KEY"),
        ("demo-rtmx-admin-token", "token", "RTMX_ADMIN_TOKEN"),
    ] {
        let wanted = json!({"secret": {"name": object, "optional": key != "token", "items": [{"key": key, "path": path}]}});
        assert!(sources.as_array().is_some_and(|all| all.contains(&wanted)), "{wanted} is not in {sources}");
    }
    let egress = at(&given, "NetworkPolicy", "demo-rtmx", "/spec/egress/1");
    assert_eq!(
        *egress,
        json!({"ports": [{"port": 5432, "protocol": "TCP"}]}),
        "open until somebody says where it is"
    );
    let old = super::helm::template(helms.newest(), &chart, "1.29.0", &["--set", "postgresql.enabled=true"])
        .expect("it is rendered");
    assert!(!old.contains("preStop"), "the sleep action came with 1.30");
    let bundled = helms.objects(&chart, &["--set", "postgresql.enabled=true"]);
    postgresql(&bundled, "demo-rtmx", 70, "10Gi");
    let url =
        at(&bundled, "ConfigMap", "demo-rtmx-secrets", "/data/objects.yaml").as_str().expect("it is a text");
    assert!(
        url.contains("postgresql://rtmx:{demo-rtmx-postgresql/password:url}@demo-rtmx-postgresql:5432/rtmx"),
        "{url}"
    );
    let openshift = helms.objects(&chart, &["--api-versions", "security.openshift.io/v1"]);
    for (name, pod) in pods(&openshift) {
        let text = pod.to_string();
        assert!(!text.contains("fsGroup") && !text.contains("runAsUser"), "{name}: {text}");
    }
}

/// 2.6 of the requirements, and what they leave out.
pub(crate) fn postgresql(objects: &[Value], full: &str, uid: u32, size: &str) {
    let name = format!("{full}-postgresql");
    let path = |rest: &str| format!("{POD}{rest}");
    let timed = |of: &str| {
        let probe = at(objects, "StatefulSet", &name, &path(&format!("/containers/0/{of}")));
        ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"]
            .map(|it| probe[it].as_u64())
    };
    assert_eq!(timed("livenessProbe"), [30, 10, 5, 6].map(Some));
    assert_eq!(timed("readinessProbe"), [5, 10, 5, 6].map(Some));
    assert!(timed("startupProbe")[3] > Some(100), "recovery from a crash takes its time");
    hold(
        objects,
        &[
            ("StatefulSet", &name, "/spec/serviceName", json!(name)),
            ("StatefulSet", &name, "/spec/replicas", json!(1)),
            ("StatefulSet", &name, &path("/containers/0/image"), json!("postgres:16-alpine")),
            ("StatefulSet", &name, &path("/containers/0/imagePullPolicy"), json!("IfNotPresent")),
            ("StatefulSet", &name, &path("/containers/0/ports/0/name"), json!("postgresql")),
            ("StatefulSet", &name, &path("/containers/0/ports/0/containerPort"), json!(5432)),
            ("StatefulSet", &name, &path("/containers/0/securityContext/runAsUser"), json!(uid)),
            ("StatefulSet", &name, &path("/securityContext/fsGroup"), json!(uid)),
            ("StatefulSet", &name, "/spec/volumeClaimTemplates/0/metadata/name", json!("data")),
            ("StatefulSet", &name, "/spec/volumeClaimTemplates/0/spec/accessModes", json!(["ReadWriteOnce"])),
            (
                "StatefulSet",
                &name,
                "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
                json!(size),
            ),
            (
                "StatefulSet",
                &name,
                &path("/containers/0/volumeMounts/0/mountPath"),
                json!("/var/lib/postgresql/data"),
            ),
            ("ConfigMap", &name, "/data/PGDATA", json!("/var/lib/postgresql/data/pgdata")),
            ("Service", &name, "/spec/clusterIP", json!("None")),
        ],
    );
}

pub(crate) fn images(helms: &Helms) {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let with = |more: &str| format!("rtmx.image.digest={digest}{more}");
    // values, the server's image
    let cases = [
        (String::new(), "ghcr.io/iotactical/rtmx:v0.1.0".to_owned()),
        ("rtmx.image.tag=v9".to_owned(), "ghcr.io/iotactical/rtmx:v9".to_owned()),
        ("image.tag=v8".to_owned(), "ghcr.io/iotactical/rtmx:v8".to_owned()),
        (with(""), format!("ghcr.io/iotactical/rtmx@{digest}")),
        (with(",rtmx.image.tag=v9"), format!("ghcr.io/iotactical/rtmx@{digest}")),
        (
            "global.imageRegistry=r.internal:5000".to_owned(),
            "r.internal:5000/iotactical/rtmx:v0.1.0".to_owned(),
        ),
        ("rtmx.image.repository=rtmx".to_owned(), "rtmx:v0.1.0".to_owned()),
    ];
    for (values, wanted) in cases {
        let objects = helms.objects(&chart("rtmx"), &["--set", &values]);
        assert_eq!(
            at(&objects, "StatefulSet", "demo-rtmx", &format!("{POD}/containers/0/image")),
            &json!(wanted),
            "{values}"
        );
    }
    let objects = helms.objects(&chart("hyyve"), &["--set", "global.imageRegistry=r.internal:5000"]);
    for (kind, name, wanted) in [
        ("StatefulSet", "demo-hyyve-weaviate", "r.internal:5000/semitechnologies/weaviate:1.36.1"),
        ("StatefulSet", "demo-hyyve-postgresql", "r.internal:5000/postgres:16-alpine"),
        ("Deployment", "demo-hyyve-api", "r.internal:5000/hyyve/hyyve-api:1.0.0"),
        ("Job", "demo-hyyve-secrets", "r.internal:5000/iotactical/rtmx:v0.1.0"),
    ] {
        assert_eq!(at(&objects, kind, name, &format!("{POD}/containers/0/image")), &json!(wanted), "{name}");
    }
    let objects = helms.objects(
        &chart("hyyve"),
        &["--set", "image.repository=r/own,image.tag=2.0.0,worker.image.tag=2.0.1"],
    );
    assert_eq!(
        at(&objects, "Deployment", "demo-hyyve-api", &format!("{POD}/containers/0/image")),
        "r/own/hyyve-api:2.0.0"
    );
    assert_eq!(
        at(&objects, "Deployment", "demo-hyyve-worker", &format!("{POD}/containers/0/image")),
        "r/own/hyyve-worker:2.0.1"
    );
}
