//! The values that each component has.

use super::model::{Claim, Model, Part};
use super::table::{Table, amount, resources};
use crate::app::{ProbeTimes, Probes};
use serde_json::{Value, json};

/// Liveness of the requirements: delay, period, timeout, failures.
const LIVE: ProbeTimes = ProbeTimes { delay_s: 30, period_s: 15, timeout_s: 5, failures: 3 };
/// Readiness of the requirements.
const READY: ProbeTimes = ProbeTimes { delay_s: 10, period_s: 10, timeout_s: 5, failures: 3 };
/// How long a start may take: ten minutes, for a database that recovers from a crash.
const START: ProbeTimes = ProbeTimes { delay_s: 0, period_s: 2, timeout_s: 5, failures: 300 };
/// Until a pod that ends is out of every list of addresses.
const NAP_S: u32 = 5;

/// The values of a component.
pub(super) fn component(model: &Model<'_>, part: &Part<'_>, table: &mut Table) {
    let key = &part.key;
    let at = |path: &str| format!("{key}.{path}");
    let spec = part.spec;
    table.group(key, format!("{}.", spec.summary.trim_end_matches('.')));
    let kept = match &spec.capabilities[..] {
        [] => String::new(),
        kept => format!(
            " It begins as root with {}: Pod Security `restricted` refuses that, `baseline` does not.",
            kept.join(", ")
        ),
    };
    table.flag(&at("enabled"), part.is_on(), format!("Whether it runs.{kept}"));
    let most = spec.replicas_at_most.map_or_else(String::new, |most| format!(" At most {most}."));
    let replicas = part.chart.replicas.unwrap_or(spec.replicas);
    table.number(&at("replicaCount"), replicas, 0, format!("How many run, where nothing scales it.{most}"));
    image(model, part, table);
    let of = resources(part, spec.resources.request.as_ref(), spec.resources.limit.as_ref());
    table.table(&at("resources"), of, "What each pod needs and may use.");
    for name in model.used().into_keys() {
        let path = model.existing(name);
        if let Some(path) = path.strip_prefix(&format!("{key}.")) {
            let key = model.object(name).1;
            let about = format!("A Secret of yours with `{name}` under `{key}`, instead of the chart's.");
            table.text(&at(path), "", about);
        }
    }
    part.claims.iter().filter(|claim| !claim.shared).for_each(|claim| storage(model, part, claim, table));
    scaling(part, table);
    if !part.ports.is_empty() {
        table.group(&at("service"), "How it is reached in the cluster.");
        // A headless one is the pods' own addresses.
        if part.chart.main || !part.is_stateful() {
            table.word(
                &at("service.type"),
                "ClusterIP",
                &["ClusterIP", "NodePort", "LoadBalancer"],
                "The Service's type; metrics stay in the cluster.",
            );
            let port = part.port.as_ref().and_then(|name| part.ports.get(name)).copied().unwrap_or(80);
            table.port(&at("service.port"), port, "The Service's port.");
        }
        table.texts(&at("service.annotations"), json!({}), "Annotations of the Service.");
    }
    probes(part, &spec.probes, table);
    if (part.chart.main || !part.is_stateful() && !part.is_single()) && !part.ports.is_empty() {
        table.number(&at("preStopSleepSeconds"), NAP_S, 0, "Seconds that a pod waits before it is told to end, so that nothing is sent to it any more. Before Kubernetes 1.30 that is left to the program.");
    }
    table.number(
        &at("terminationGracePeriodSeconds"),
        spec.stop_within_s,
        1,
        "Seconds that it has to end by itself.",
    );
    let (pod, container) = match part.uid() {
        1000 => (json!({}), json!({})),
        0 => (json!({"runAsNonRoot": false}), json!({"runAsUser": 0, "runAsGroup": 0})),
        uid => (json!({"fsGroup": uid}), json!({"runAsUser": uid, "runAsGroup": uid})),
    };
    table.table(&at("podSecurityContext"), pod, "What goes before `podSecurityContext`.");
    table.table(&at("securityContext"), container, "What goes before `securityContext`.");
    table.texts(&at("podAnnotations"), json!({}), "Annotations of its pods.");
    table.texts(&at("podLabels"), json!({}), "Labels of its pods.");
    table.table(&at("nodeSelector"), json!({}), "Which nodes it may run on.");
    table.list(&at("tolerations"), json!([]), "Which taints of nodes it tolerates.");
    table.table(&at("affinity"), json!({}), "Where it runs; without a word its pods prefer different nodes.");
    table.text(&at("priorityClassName"), "", "The class of its priority.");
    let variable = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "value": {"type": "string"}}});
    table.list_of(&at("extraEnv"), json!([]), &variable, "Further variables, as a container has them.");
    table.list(&at("extraVolumes"), json!([]), "Further volumes, as a pod has them.");
    table.list(&at("extraVolumeMounts"), json!([]), "Where they are, as a container has it.");
    table.group(
        &at("networkPolicy"),
        "What it may do beyond what the chart knows, where `networkPolicy.enabled` is set.",
    );
    table.list(&at("networkPolicy.ingress"), json!([]), "Further rules for what comes in.");
    table.list(
        &at("networkPolicy.egress"),
        json!([]),
        "Further rules for what goes out, such as to a Vault.",
    );
    if let Some(mesh) = &part.chart.mesh {
        table.group(&at("istio"), "How the mesh treats requests to it, where `istio.enabled` is set.");
        table.word(
            &at("istio.loadBalancer"),
            "LEAST_REQUEST",
            &["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"],
            "Which pod gets a request.",
        );
        table.number(&at("istio.attempts"), mesh.attempts, 0, "How often a request is tried again.");
        table.duration(
            &at("istio.perTryTimeout"),
            &format!("{}s", mesh.per_try_s),
            "How long each try may take.",
        );
        table.text(&at("istio.retryOn"), &mesh.retry_on.join(","), "After what it is tried again.");
        table.duration(&at("istio.timeout"), &format!("{}s", mesh.timeout_s), "How long all tries may take.");
        table.number(&at("istio.maxConnections"), mesh.connections, 1, "Connections at once.");
        table.number(&at("istio.maxPendingRequests"), mesh.pending, 1, "Requests that may wait.");
        table.number(&at("istio.maxRequests"), mesh.requests, 1, "Requests at once.");
        table.number(
            &at("istio.outlierErrors"),
            mesh.errors,
            1,
            "Errors in a row after which a pod gets nothing for a while.",
        );
        table.duration(
            &at("istio.outlierInterval"),
            &format!("{}s", mesh.interval_s),
            "How often that is looked at.",
        );
        table.duration(
            &at("istio.ejectionTime"),
            &format!("{}s", mesh.ejection_s),
            "For how long it gets nothing.",
        );
        table.number(
            &at("istio.maxEjectionPercent"),
            mesh.ejected_percent,
            0,
            "How many pods may be left out, in percent.",
        );
    }
}

fn image(model: &Model<'_>, part: &Part<'_>, table: &mut Table) {
    let at = |path: &str| format!("{}.image.{path}", part.key);
    let image = &part.spec.image;
    let own = image.name.contains("{registry}") && model.has_registry();
    let (name, about) = match own {
        true => {
            (String::new(), "The image's name; without one, `image.repository` and the component's own name.")
        }
        false => (image.name.clone(), "The image's name."),
    };
    table.group(&format!("{}.image", part.key), "What it runs.");
    table.text(&at("repository"), &name, about);
    match image.tag.contains("{version}") {
        true => table.text(&at("tag"), "", "Its tag; without one, `image.tag`, then the chart's appVersion."),
        false => table.text(&at("tag"), &image.tag, "Its tag."),
    }
    let digest = json!({"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"});
    table.put(&at("digest"), "".into(), digest, "Its digest, such as `sha256:...`; goes before the tag.");
    let words = ["", "IfNotPresent", "Always", "Never"];
    table.word(&at("pullPolicy"), "", &words, "When it is pulled; without a word, `image.pullPolicy`.");
}

fn storage(model: &Model<'_>, part: &Part<'_>, claim: &Claim<'_>, table: &mut Table) {
    let group = format!("{}.{}", part.key, claim.persistence);
    let volume = model.app.volumes.get(claim.volume);
    let about = volume.map_or_else(String::new, |volume| volume.summary.clone());
    table.group(&group, format!("Its storage: {}.", about.trim_end_matches('.')));
    let size = volume.map_or_else(|| "1Gi".to_owned(), |volume| amount(volume.size));
    claim_values(&group, &size, table);
}

/// The values of a claim.
pub(super) fn claim_values(group: &str, size: &str, table: &mut Table) {
    table.flag(&format!("{group}.enabled"), true, "Whether data outlives the pod.");
    shared_values(group, size, table);
}

/// The values of a claim that cannot be left out.
pub(super) fn shared_values(group: &str, size: &str, table: &mut Table) {
    let at = |path: &str| format!("{group}.{path}");
    table.amount(&at("size"), size, "How much fits.");
    table.text(
        &at("storageClass"),
        "",
        "The storage class; without one, `global.storageClass`, then the cluster's own.",
    );
    let modes = ["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"];
    table.word(&at("accessMode"), "ReadWriteOnce", &modes, "Who may mount it.");
    table.texts(&at("annotations"), json!({}), "Annotations of the claim.");
    table.text(&at("existingClaim"), "", "A claim of yours, instead of one that is made.");
}

fn scaling(part: &Part<'_>, table: &mut Table) {
    let at = |path: &str| format!("{}.{path}", part.key);
    if let Some(scaling) = &part.spec.autoscaling {
        table.group(&at("autoscaling"), "A HorizontalPodAutoscaler; needs the metrics API.");
        table.flag(&at("autoscaling.enabled"), false, "Whether the load decides how many run.");
        table.number(&at("autoscaling.minReplicas"), scaling.least, 1, "At least so many.");
        table.number(&at("autoscaling.maxReplicas"), scaling.most, 1, "At most so many.");
        let about = "The wanted use of the requested processor time, in percent; `null` leaves it out.";
        table.optional_number(&at("autoscaling.targetCPUUtilizationPercentage"), scaling.cpu_percent, about);
        let about = "The wanted use of the requested memory, in percent; `null` leaves it out.";
        table.optional_number(
            &at("autoscaling.targetMemoryUtilizationPercentage"),
            scaling.memory_percent,
            about,
        );
        let down = json!({"stabilizationWindowSeconds": 300, "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]});
        let up = json!({"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 15}, {"type": "Pods", "value": 4, "periodSeconds": 15}]});
        table.table(
            &at("autoscaling.behavior"),
            json!({"scaleDown": down, "scaleUp": up}),
            "How fast: down after five minutes and by 10 % a minute, up at once.",
        );
    }
    if let Some(queue) = &part.chart.queue {
        table.group(
            &at("keda"),
            "A ScaledObject on the length of a list in Redis; there is no HorizontalPodAutoscaler beside it.",
        );
        let (least, most) = part.spec.autoscaling.as_ref().map_or((1, 10), |it| (it.least, it.most));
        table.flag(&at("keda.enabled"), false, "Whether the queue decides how many run.");
        table.number(&at("keda.minReplicas"), least, 0, "At least so many.");
        table.number(&at("keda.maxReplicas"), most, 1, "At most so many.");
        table.number(&at("keda.pollingInterval"), queue.polling_s, 1, "Seconds between two looks.");
        table.number(
            &at("keda.cooldownPeriod"),
            queue.cooldown_s,
            0,
            "Seconds after the last entry until only the least is left.",
        );
        table.text(&at("keda.listName"), &queue.list, "The list.");
        table.number(&at("keda.listLength"), queue.length, 1, "How long it may be for each pod.");
        table.text(&at("keda.address"), "", "Where the Redis is; without a word, the chart's own.");
    }
    if part.can_grow() || part.chart.main {
        table.group(
            &at("podDisruptionBudget"),
            "How many are left while nodes are drained; made where at least two run.",
        );
        table.flag(&at("podDisruptionBudget.enabled"), true, "Whether there is one.");
        table.put(
            &at("podDisruptionBudget.minAvailable"),
            1.into(),
            json!({"type": ["integer", "string"]}),
            "At least so many, or such a share.",
        );
    }
}

fn probes(part: &Part<'_>, probes: &Probes, table: &mut Table) {
    let at = |path: &str| format!("{}.{path}", part.key);
    let times = |it: ProbeTimes| -> Value {
        json!({"initialDelaySeconds": it.delay_s, "periodSeconds": it.period_s, "timeoutSeconds": it.timeout_s, "failureThreshold": it.failures})
    };
    if probes.live.is_some() || probes.health.is_some() {
        let start =
            "When it is asked whether it has started; the other probes wait for that. `null` leaves it out.";
        table.table(&at("startupProbe"), times(START), start);
        let live = "When it is asked whether it has to be started again; `null` leaves it out.";
        table.table(&at("livenessProbe"), times(part.chart.live.unwrap_or(LIVE)), live);
    }
    if probes.ready.is_some() || probes.health.is_some() {
        let ready = "When it is asked whether it can serve; `null` leaves it out.";
        table.table(&at("readinessProbe"), times(part.chart.ready.unwrap_or(READY)), ready);
    }
}
