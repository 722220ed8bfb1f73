//! The values that a chart has as a whole.

use super::blocks;
use super::facts::maker_component;
use super::model::{Model, camel};
use super::table::{Table, amount};
use serde_json::{Value, json};

/// All values of a chart.
pub(super) fn table(model: &Model<'_>) -> Table {
    let mut table = Table::default();
    model.chart.groups.iter().for_each(|(path, about)| table.group(path, about.as_str()));
    names(model, &mut table);
    pods(&mut table);
    for part in main_first(model) {
        // The application's own stand first: they are what a reader looks for.
        let own = model.chart.values.iter().filter(|(path, _)| path.starts_with(&format!("{}.", part.key)));
        blocks::component(model, part, &mut table);
        own.for_each(|(path, value)| table.own(path, value));
    }
    for (path, value) in &model.chart.values {
        table.own(path, value);
    }
    secrets(model, &mut table);
    edge(model, &mut table);
    network(model, &mut table);
    operations(model, &mut table);
    table
}

fn main_first<'m, 'a>(model: &'m Model<'a>) -> Vec<&'m super::model::Part<'a>> {
    let mut parts: Vec<_> = model.parts.iter().collect();
    parts.sort_by_key(|part| (!part.chart.main, part.is_stateful()));
    parts
}

fn names(model: &Model<'_>, table: &mut Table) {
    table.group("global", "What charts that are installed together share.");
    table.text("global.imageRegistry", "", "The registry of all images, instead of the one that each names, such as `registry.example.com:5000`.");
    let secret = json!({"oneOf": [{"type": "string"}, {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": {"type": "string"}}}]});
    table.list_of(
        "global.imagePullSecrets",
        json!([]),
        &secret,
        "Secrets for the registry, as names or as `{name: ...}`.",
    );
    table.text("global.storageClass", "", "The storage class of all claims that name none.");
    table.flag("enabled", true, "For a chart that has this one as a dependency, in its `condition`.");
    table.name("nameOverride", "What stands for the chart's name in names and labels.");
    table.name(
        "fullnameOverride",
        "What names of objects begin with; without it, the names of release and chart.",
    );
    table.group("image", "What holds for all images of the application's own.");
    if let Some(registry) = &model.app.registry {
        table.text(
            "image.repository",
            &registry.default,
            "What names of the application's own images begin with.",
        );
    }
    table.word(
        "image.pullPolicy",
        "IfNotPresent",
        &["IfNotPresent", "Always", "Never"],
        "When images are pulled.",
    );
    table.text(
        "image.tag",
        "",
        "The tag of the application's own images; without one, the chart's appVersion.",
    );
    table.flag(
        "image.unpinned",
        true,
        "Whether an image may be named by a tag alone, which its registry can move. Where it may not, each one needs its digest.",
    );
    table.group("serviceAccount", "The account of all pods; none of them is given its token.");
    table.flag("serviceAccount.create", true, "Whether it is made.");
    table.text("serviceAccount.name", "", "Its name.");
    table.texts("serviceAccount.annotations", json!({}), "Its annotations, such as a role in a cloud.");
}

fn pods(table: &mut Table) {
    let pod = json!({"runAsNonRoot": true, "fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}});
    table.table("podSecurityContext", pod, "The security of all pods. New volumes belong to root, so there is an `fsGroup`; set it to `null` where the cluster chooses groups. It is left out on OpenShift.");
    let container = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true, "runAsUser": 1000, "runAsGroup": 1000});
    table.table(
        "securityContext",
        container,
        "The security of all containers. Any user works; it is left out on OpenShift.",
    );
    table.flag("openshift", false, "Whether the cluster chooses users and groups itself; found out by itself where the chart is installed by Helm.");
    table.group("topologySpreadConstraints", "How the pods of a component spread over zones.");
    table.flag("topologySpreadConstraints.enabled", true, "Whether they do.");
    table.number(
        "topologySpreadConstraints.maxSkew",
        1,
        1,
        "How many pods one zone may have more than another.",
    );
    table.text(
        "topologySpreadConstraints.topologyKey",
        "topology.kubernetes.io/zone",
        "The label of nodes that tells zones apart.",
    );
    table.word(
        "topologySpreadConstraints.whenUnsatisfiable",
        "ScheduleAnyway",
        &["ScheduleAnyway", "DoNotSchedule"],
        "What happens where that cannot be had.",
    );
}

fn secrets(model: &Model<'_>, table: &mut Table) {
    table.group("secrets", "Missing secrets are made once, before the release, and are no part of it.");
    table.flag("secrets.create", true, "Whether a job makes what is missing. Without it, every Secret that the README lists has to be there.");
    for name in model.used().into_keys() {
        let path = model.existing(name);
        if path.starts_with("secrets.") {
            let key = model.object(name).1;
            table.text(&path, "", format!("A Secret of yours with `{name}` under `{key}`."));
        }
    }
    if let Some(maker) = model.app.secret_maker.as_ref().filter(|_| maker_component(model).is_none()) {
        table.group("secrets.image", "The image whose program makes them.");
        table.text("secrets.image.repository", &maker.image.name, "Its name.");
        table.text("secrets.image.tag", &maker.image.tag, "Its tag.");
        table.text("secrets.image.digest", "", "Its digest; goes before the tag.");
    }
    let few = json!({"requests": {"cpu": "50m", "memory": "32Mi", "ephemeral-storage": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "64Mi"}});
    table.table("secrets.resources", few, "What the job needs and may use.");
    table.table("secrets.nodeSelector", json!({}), "Which nodes the job may run on.");
    table.list("secrets.tolerations", json!([]), "Which taints of nodes the job tolerates.");
    table.group("externalSecrets", "Secrets that the External Secrets Operator brings.");
    table.flag("externalSecrets.enabled", false, "Whether it does.");
    table.table(
        "externalSecrets.secretStoreRef",
        json!({"name": "vault-backend", "kind": "ClusterSecretStore"}),
        "The store.",
    );
    table.duration("externalSecrets.refreshInterval", "1h", "How often they are looked at.");
    let item = json!({"type": "object", "required": ["secretKey", "remoteRef"], "additionalProperties": false, "properties": {
        "secretKey": {"type": "string"}, "remoteRef": {"type": "object", "required": ["key"]}}});
    table.list_of("externalSecrets.data", json!([]), &item, "Which: `secretKey` is the name of a secret in the README's table, `remoteRef` where the store has it.");
    table.group(
        "externalSecrets.vault",
        "A SecretStore for a Vault, under the name in `secretStoreRef`; its kind is then `SecretStore`.",
    );
    table.flag("externalSecrets.vault.create", false, "Whether it is made.");
    table.text("externalSecrets.vault.server", "", "Where the Vault is.");
    table.text("externalSecrets.vault.path", "secret", "The mount of its key-value engine, version 2.");
    table.text("externalSecrets.vault.mountPath", "kubernetes", "The mount of its login for Kubernetes.");
    table.text("externalSecrets.vault.role", "", "The role that is taken there.");
}

fn edge(model: &Model<'_>, table: &mut Table) {
    let mut hosts: Vec<Value> = Vec::new();
    for exposed in &model.app.exposed {
        let Some(part) = model.named(&exposed.component) else { continue };
        let path = json!({"path": exposed.path, "pathType": "Prefix", "component": part.key});
        match hosts.iter_mut().find(|host| host["host"] == exposed.host.default.as_str()) {
            Some(host) => host["paths"].as_array_mut().expect("it was made with a list").push(path),
            None => hosts.push(json!({"host": exposed.host.default, "paths": [path]})),
        }
    }
    let path = json!({"type": "object", "required": ["path", "component"], "additionalProperties": false, "properties": {
        "path": {"type": "string", "pattern": "^/"}, "pathType": {"enum": ["Prefix", "Exact", "ImplementationSpecific"]}, "component": {"type": "string"}}});
    let item = json!({"type": "object", "required": ["host", "paths"], "additionalProperties": false,
        "properties": {"host": {"type": "string"}, "paths": {"type": "array", "minItems": 1, "items": path}}});
    table.group("ingress", "The way in. Its hosts are also those of `gateway` and `istio`.");
    table.flag("ingress.enabled", false, "Whether there is an Ingress.");
    table.text("ingress.className", "nginx", "The class of its controller.");
    table.texts("ingress.annotations", json!(model.chart.ingress_annotations), "Its annotations.");
    table.list_of(
        "ingress.hosts",
        Value::Array(hosts),
        &item,
        "Hosts, paths and the components behind them.",
    );
    table.list(
        "ingress.tls",
        json!([]),
        "Certificates, as an Ingress has them; made by itself with `certManager.enabled`.",
    );
    table.group("gateway", "Routes of the Gateway API.");
    table.flag("gateway.enabled", false, "Whether there are HTTPRoutes.");
    table.list("gateway.parentRefs", json!([]), "Which Gateway takes them.");
    table.texts("gateway.annotations", json!({}), "Their annotations.");
    table.group("istio", "Resources of Istio.");
    let rules =
        if model.parts.iter().any(|part| part.chart.mesh.is_some()) { ", and DestinationRules" } else { "" };
    table.flag("istio.enabled", false, format!("Whether there are VirtualServices{rules}."));
    table.list("istio.gateways", json!([]), "The gateways of the VirtualServices.");
    table.group("certManager", "A certificate for all hosts.");
    table.flag("certManager.enabled", false, "Whether cert-manager makes one.");
    table.text("certManager.issuerRef.name", "", "Who signs it.");
    table.word(
        "certManager.issuerRef.kind",
        "ClusterIssuer",
        &["ClusterIssuer", "Issuer"],
        "Whether that is for the whole cluster.",
    );
}

fn network(model: &Model<'_>, table: &mut Table) {
    table.group(
        "networkPolicy",
        "Who may talk to whom. Closed in both directions but for what the application needs.",
    );
    table.flag(
        "networkPolicy.enabled",
        true,
        "Whether it is closed; takes effect where the cluster's network enforces it.",
    );
    table.peers(
        "networkPolicy.ingress.from",
        json!([]),
        "From where what is exposed may be reached, as CIDR or peers of a NetworkPolicy; empty is everywhere.",
    );
    if has_metrics(model) {
        table.peers(
            "networkPolicy.metrics.from",
            json!([]),
            "From where metrics may be read, with `monitoring.enabled`; empty is everywhere.",
        );
    }
    let dns = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]);
    table.peers("networkPolicy.dns.to", dns, "Where names are resolved.");
    table.ports("networkPolicy.dns.ports", &[53], "The ports of that; OpenShift has 5353.");
    table.peers(
        "networkPolicy.apiServer.to",
        json!([]),
        "Where the cluster's API is, for the job that makes secrets; empty is everywhere.",
    );
    table.ports(
        "networkPolicy.apiServer.ports",
        &[443, 6443],
        "Its ports: that of its Service, and that of the nodes, which some networks look at (MicroK8s: 16443).",
    );
    for part in &model.parts {
        if let Some(name) = model.service(part) {
            table.peers(
                &format!("networkPolicy.{name}.to"),
                json!([]),
                format!("Where a {name} of yours is, as CIDR or peers of a NetworkPolicy; empty opens its port everywhere."),
            );
        }
    }
    let private = json!([{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]}}]);
    table.peers(
        "networkPolicy.outside.to",
        private,
        "What is outside, for components that talk to it; empty closes it.",
    );
    if model.parts.iter().any(|part| part.chart.queue.is_some()) {
        let keda = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}]);
        table.peers(
            "networkPolicy.keda.from",
            keda,
            "Where KEDA runs, which looks at the queue where it is asked for.",
        );
    }
}

fn operations(model: &Model<'_>, table: &mut Table) {
    if has_metrics(model) {
        monitoring(model, table);
    }
    for (name, class) in &model.chart.storage_classes {
        table.group(
            "storageClasses",
            "Storage classes, which belong to the whole cluster and outlive the release.",
        );
        table.flag(
            &format!("storageClasses.{name}.enabled"),
            false,
            format!("Whether `{}-{name}` is made.", model.app.application),
        );
        table.text(
            &format!("storageClasses.{name}.provisioner"),
            &class.provisioner,
            "What makes its volumes.",
        );
        table.table(
            &format!("storageClasses.{name}.parameters"),
            json!(class.parameters),
            "What that is told.",
        );
    }
    for name in model.shared() {
        let Some(volume) = model.app.volumes.get(name) else { continue };
        let group = format!("volumes.{}", camel(name.as_str()));
        table.group("volumes", "Storage that several components share.");
        table.group(&group, format!("{}.", volume.summary.trim_end_matches('.')));
        blocks::shared_values(&group, &amount(volume.size), table);
    }
    if model.chart.test.is_some() {
        table.group("tests", "`helm test`.");
        table.flag("tests.enabled", true, "Whether there is one.");
        let few = json!({"requests": {"cpu": "50m", "memory": "32Mi", "ephemeral-storage": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "64Mi"}});
        table.table("tests.resources", few, "What it needs and may use.");
    }
}

fn has_metrics(model: &Model<'_>) -> bool {
    model.parts.iter().any(|part| part.ports.contains_key("metrics"))
}

fn monitoring(model: &Model<'_>, table: &mut Table) {
    table.group("monitoring", "What Prometheus and Grafana are told.");
    table.flag("monitoring.enabled", false, "Whether metrics are read.");
    table.texts("monitoring.labels", json!({}), "Labels by which a Prometheus finds its objects.");
    table.flag("monitoring.serviceMonitor.enabled", true, "Whether there are ServiceMonitors.");
    table.duration("monitoring.serviceMonitor.interval", "30s", "How often metrics are read.");
    table.flag("monitoring.rules.enabled", true, "Whether there are alerts.");
    table.text("monitoring.rules.runbookUrl", &model.chart.runbooks, "The page that alerts lead to.");
    table.flag("monitoring.dashboard.enabled", true, "Whether there is a ConfigMap with a dashboard.");
    table.texts(
        "monitoring.dashboard.labels",
        json!({"grafana_dashboard": "1"}),
        "Labels by which a Grafana finds it.",
    );
}
