//! Names and numbers of the requirements, by value.

use super::helm::{Helms, chart, has, object, pods};
use super::variants::AS_GIVEN;
use serde_json::{Value, json};

fn at<'v>(objects: &'v [Value], kind: &str, name: &str, path: &str) -> &'v Value {
    object(objects, kind, name).pointer(path).unwrap_or(&Value::Null)
}

/// Kind, name, path, what has to be there.
fn hold(objects: &[Value], wanted: &[(&str, &str, &str, Value)]) {
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
            ("ConfigMap", "demo-rtmx", "/data/POSTGRES_HOST", json!("postgres.internal")),
            ("ConfigMap", "demo-rtmx", "/data/POSTGRES_DB", json!("rtmx")),
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
        ("demo-rtmx-database", "url", "DATABASE_URL"),
        ("demo-rtmx-database", "username", "POSTGRES_USER"),
        ("demo-rtmx-database", "password", "POSTGRES_PASSWORD"),
        ("demo-rtmx-license", "license", "RTMX_LICENSE_KEY"),
        ("demo-rtmx-admin-token", "token", "RTMX_ADMIN_TOKEN"),
    ] {
        let wanted =
            json!({"secret": {"name": object, "optional": true, "items": [{"key": key, "path": path}]}});
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
fn postgresql(objects: &[Value], full: &str, uid: u32, size: &str) {
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

pub(crate) fn hyyve(helms: &Helms) {
    let chart = chart("hyyve");
    let scaled = "web.autoscaling.enabled=true,api.autoscaling.enabled=true,worker.autoscaling.enabled=true,ingress.enabled=true,istio.enabled=true,storageClasses.ebs.enabled=true,storageClasses.pd.enabled=true,storageClasses.azure.enabled=true";
    let objects = helms.objects(&chart, &["--set", scaled]);
    let hpa = "HorizontalPodAutoscaler";
    for (name, least, most) in [("api", 2, 10), ("web", 2, 5), ("worker", 2, 20)] {
        let name = format!("demo-hyyve-{name}");
        hold(
            &objects,
            &[
                (hpa, &name, "/apiVersion", json!("autoscaling/v2")),
                (hpa, &name, "/spec/minReplicas", json!(least)),
                (hpa, &name, "/spec/maxReplicas", json!(most)),
                (
                    hpa,
                    &name,
                    "/spec/behavior/scaleDown",
                    json!({"stabilizationWindowSeconds": 300, "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]}),
                ),
                (
                    hpa,
                    &name,
                    "/spec/behavior/scaleUp/policies",
                    json!([{"type": "Percent", "value": 100, "periodSeconds": 15}, {"type": "Pods", "value": 4, "periodSeconds": 15}]),
                ),
                (hpa, &name, "/spec/behavior/scaleUp/selectPolicy", json!("Max")),
                (hpa, &name, "/spec/behavior/scaleUp/stabilizationWindowSeconds", json!(0)),
                ("PodDisruptionBudget", &name, "/spec/minAvailable", json!(1)),
            ],
        );
        assert!(at(&objects, "Deployment", &name, "/spec/replicas").is_null(), "{name}");
    }
    let class = |parameters: Value| parameters;
    let annotation = |name: &str| format!("/metadata/annotations/nginx.ingress.kubernetes.io~1{name}");
    hold(
        &objects,
        &[
            (
                hpa,
                "demo-hyyve-api",
                "/spec/metrics/0/resource",
                json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}),
            ),
            (
                hpa,
                "demo-hyyve-api",
                "/spec/metrics/1/resource",
                json!({"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}),
            ),
            ("Ingress", "demo-hyyve", &annotation("proxy-body-size"), json!("100m")),
            ("Ingress", "demo-hyyve", &annotation("proxy-read-timeout"), json!("300")),
            ("Ingress", "demo-hyyve", &annotation("limit-rps"), json!("100")),
            ("Ingress", "demo-hyyve", &annotation("limit-connections"), json!("50")),
            ("Ingress", "demo-hyyve", "/spec/ingressClassName", json!("nginx")),
            (
                "Ingress",
                "demo-hyyve",
                "/spec/rules/0/http/paths/0",
                json!({"path": "/api", "pathType": "Prefix", "backend": {"service": {"name": "demo-hyyve-api", "port": {"name": "http"}}}}),
            ),
            (
                "Ingress",
                "demo-hyyve",
                "/spec/rules/0/http/paths/1/backend/service/name",
                json!("demo-hyyve-web"),
            ),
            ("Service", "demo-hyyve-api", "/spec/ports/0/port", json!(5001)),
            ("Service", "demo-hyyve-web", "/spec/ports/0/port", json!(3000)),
            (
                "VirtualService",
                "demo-hyyve",
                "/spec/http/0/retries",
                json!({"attempts": 3, "perTryTimeout": "30s", "retryOn": "connect-failure,refused-stream,unavailable,cancelled,resource-exhausted"}),
            ),
            ("VirtualService", "demo-hyyve", "/spec/http/0/timeout", json!("60s")),
            (
                "DestinationRule",
                "demo-hyyve-api",
                "/spec/trafficPolicy/loadBalancer/simple",
                json!("LEAST_REQUEST"),
            ),
            (
                "DestinationRule",
                "demo-hyyve-api",
                "/spec/trafficPolicy/connectionPool",
                json!({"tcp": {"maxConnections": 100}, "http": {"http1MaxPendingRequests": 100, "http2MaxRequests": 1000}}),
            ),
            (
                "DestinationRule",
                "demo-hyyve-api",
                "/spec/trafficPolicy/outlierDetection",
                json!({"consecutive5xxErrors": 5, "interval": "30s", "baseEjectionTime": "60s", "maxEjectionPercent": 50}),
            ),
            ("StorageClass", "hyyve-ebs", "/provisioner", json!("ebs.csi.aws.com")),
            (
                "StorageClass",
                "hyyve-ebs",
                "/parameters",
                class(json!({"type": "gp3", "encrypted": "true", "iops": "3000", "throughput": "125"})),
            ),
            (
                "StorageClass",
                "hyyve-pd",
                "/parameters",
                class(json!({"type": "pd-ssd", "replication-type": "regional-pd"})),
            ),
            (
                "StorageClass",
                "hyyve-azure",
                "/parameters",
                class(json!({"skuName": "Premium_LRS", "cachingMode": "ReadOnly"})),
            ),
            ("StorageClass", "hyyve-azure", "/reclaimPolicy", json!("Retain")),
            ("StorageClass", "hyyve-azure", "/volumeBindingMode", json!("WaitForFirstConsumer")),
            ("StorageClass", "hyyve-azure", "/allowVolumeExpansion", json!(true)),
            (
                "StatefulSet",
                "demo-hyyve-redis",
                "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
                json!("10Gi"),
            ),
            (
                "StatefulSet",
                "demo-hyyve-weaviate",
                "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
                json!("100Gi"),
            ),
            ("Deployment", "demo-hyyve-worker-beat", "/spec/replicas", json!(1)),
            ("Deployment", "demo-hyyve-worker-beat", "/spec/strategy", json!({"type": "Recreate"})),
            (
                "Deployment",
                "demo-hyyve-worker-beat",
                "/spec/template/spec/containers/0/resources/requests",
                json!({"cpu": "100m", "memory": "128Mi"}),
            ),
            (
                "Deployment",
                "demo-hyyve-worker",
                "/spec/template/spec/containers/0/args/5",
                json!("--concurrency=4"),
            ),
        ],
    );
    postgresql(&objects, "demo-hyyve", 70, "50Gi");
    assert_eq!(
        at(&objects, "StatefulSet", "demo-hyyve-postgresql", "/spec/template/spec/containers/0/env/0"),
        &json!({"name": "POSTGRES_USER", "valueFrom": {"secretKeyRef": {"name": "demo-hyyve-db-credentials", "key": "username"}}})
    );
    let queue = helms.objects(
        &chart,
        &["--set", "worker.autoscaling.enabled=true,worker.keda.enabled=true,worker.concurrency=8"],
    );
    assert!(!has(&queue, hpa, "demo-hyyve-worker"), "never beside one");
    hold(
        &queue,
        &[
            ("ScaledObject", "demo-hyyve-worker", "/apiVersion", json!("keda.sh/v1alpha1")),
            ("ScaledObject", "demo-hyyve-worker", "/spec/pollingInterval", json!(15)),
            ("ScaledObject", "demo-hyyve-worker", "/spec/cooldownPeriod", json!(300)),
            (
                "ScaledObject",
                "demo-hyyve-worker",
                "/spec/triggers/0/metadata",
                json!({"address": "demo-hyyve-redis.apps.svc:6379", "listName": "celery", "listLength": "10"}),
            ),
            (
                "Deployment",
                "demo-hyyve-worker",
                "/spec/template/spec/containers/0/args/5",
                json!("--concurrency=8"),
            ),
        ],
    );
    let brought = helms.objects(&chart, &["--set", "externalSecrets.enabled=true,externalSecrets.data[0].secretKey=database_url,externalSecrets.data[0].remoteRef.key=hyyve"]);
    hold(
        &brought,
        &[
            ("ExternalSecret", "demo-hyyve-database", "/apiVersion", json!("external-secrets.io/v1")),
            (
                "ExternalSecret",
                "demo-hyyve-database",
                "/spec/secretStoreRef",
                json!({"name": "vault-backend", "kind": "ClusterSecretStore"}),
            ),
            ("ExternalSecret", "demo-hyyve-database", "/spec/refreshInterval", json!("1h")),
            ("ExternalSecret", "demo-hyyve-database", "/spec/data/0/secretKey", json!("url")),
        ],
    );
}
