//! The second application's figures, by value.

use super::figures::{at, hold, postgresql};
use super::helm::{Helms, chart, has};
use serde_json::{Value, json};

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
                json!({"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}),
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
