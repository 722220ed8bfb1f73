//! What holds for every pod and object, whatever the values.

use super::helm::{Helms, chart, object, parsed, pods, template};
use super::random::any_app;
use super::schemas::faults;
use super::variants::{all, words};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rtmx_deploy::app::read_app;
use rtmx_deploy::secrets::SecretObjects;
use rtmx_deploy::{AppFiles, render_chart};
use serde_json::Value;
use std::collections::BTreeMap;

/// What Pod Security `restricted` asks for, and what the chart promises beyond it.
fn ensure_restricted(name: &str, pod: &Value, users: bool) {
    let spec = &pod["spec"];
    let security = &spec["securityContext"];
    assert_eq!(security["runAsNonRoot"], true, "{name}");
    assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{name}");
    assert_eq!(spec["enableServiceLinks"], false, "{name}");
    assert!(spec["automountServiceAccountToken"].is_boolean(), "{name}");
    for list in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(spec[list].is_null(), "{name}: {list}");
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kinds = ["configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"];
        let known = volume
            .as_object()
            .is_some_and(|it| it.keys().all(|key| key == "name" || kinds.contains(&key.as_str())));
        assert!(known, "{name}: {volume}");
    }
    let containers = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| spec[list].as_array().into_iter().flatten());
    for container in containers {
        let own = &container["securityContext"];
        let name = format!("{name} {}", container["name"]);
        assert_eq!(own["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(own["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(own["capabilities"]["drop"][0], "ALL", "{name}");
        assert!(own["capabilities"]["add"].is_null(), "{name}");
        assert!(own["privileged"].is_null(), "{name}");
        assert_eq!(own["runAsUser"].as_u64().is_some_and(|user| user > 0), users, "{name}");
        let resources = &container["resources"];
        assert!(
            resources["limits"]["memory"].is_string()
                || name.contains("hyyve")
                || name.contains("nothing said"),
            "{name}: {resources}"
        );
    }
}

/// Every pod of every variant but those that say that they are not.
pub(crate) fn restricted(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut count = 0;
    for (name, chart, arguments) in all(scratch.path()) {
        let objects = helms.objects(&chart, &words(&arguments));
        for (pod, it) in pods(&objects) {
            // They say so in the comment of `enabled`.
            if pod.contains("sandbox") || pod.contains("ssrf-proxy") {
                continue;
            }
            ensure_restricted(&format!("{name}: {pod}"), &it, !name.contains("openshift"));
            count += 1;
        }
    }
    assert!(count > 150, "{count}");
}

fn labels<'v>(object: &'v Value, path: &str) -> BTreeMap<&'v str, &'v str> {
    let map = object.pointer(path).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

/// A Service, a policy, a budget and a monitor select what they are for; workloads select their own pods; names
/// and labels fit.
pub(crate) fn selected(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    for (name, chart, arguments) in all(scratch.path()) {
        let objects = helms.objects(&chart, &words(&arguments));
        let pods = pods(&objects);
        let mut names: Vec<String> =
            objects.iter().map(|it| format!("{} {}", it["kind"], it["metadata"]["name"])).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{name}: two objects have one name");
        for it in &objects {
            let named = format!("{name}: {} {}", it["kind"], it["metadata"]["name"]);
            let own = labels(it, "/metadata/labels");
            for label in [
                "app.kubernetes.io/name",
                "app.kubernetes.io/instance",
                "app.kubernetes.io/managed-by",
                "helm.sh/chart",
            ] {
                assert!(own.contains_key(label), "{named}: {label}");
            }
            assert!(own.values().all(|value| value.len() <= 63), "{named}: {own:?}");
            let word = it["metadata"]["name"].as_str().expect("it has a name");
            let most = if it["kind"] == "StatefulSet" || it["kind"] == "CronJob" { 52 } else { 63 };
            assert!(word.len() <= most, "{named}");
            let path = match it["kind"].as_str() {
                Some("Service") => "/spec/selector",
                Some("Deployment" | "StatefulSet" | "PodDisruptionBudget") => "/spec/selector/matchLabels",
                Some("NetworkPolicy") => "/spec/podSelector/matchLabels",
                _ => continue,
            };
            let wanted = labels(it, path);
            let matches = pods.iter().filter(|(_, pod)| {
                let there = labels(pod, "/metadata/labels");
                wanted.iter().all(|(key, value)| there.get(key) == Some(value))
            });
            let found: Vec<&str> = matches.map(|(pod, _)| pod.as_str()).collect();
            let all = word.ends_with("default-deny");
            assert!(
                !wanted.is_empty()
                    && (found.len() == 1
                        || word.ends_with("-backup") && !found.is_empty()
                        || all && found.len() > 1),
                "{named}: {found:?}"
            );
        }
    }
}

pub(crate) fn secrets(helms: &Helms) {
    for (app, arguments, wanted) in [
        ("rtmx", &[][..], vec!["demo-rtmx-admin-token"]),
        (
            "rtmx",
            &["--set", "postgresql.enabled=true"],
            vec!["demo-rtmx-admin-token", "demo-rtmx-database", "demo-rtmx-postgresql"],
        ),
        (
            "rtmx",
            &["--set", "postgresql.enabled=true,postgresql.auth.existingSecret=mine"],
            vec!["demo-rtmx-admin-token", "demo-rtmx-database"],
        ),
        (
            "hyyve",
            &[],
            vec![
                "demo-hyyve-database",
                "demo-hyyve-db-credentials",
                "demo-hyyve-keys",
                "demo-hyyve-redis",
                "demo-hyyve-redis-url",
                "demo-hyyve-weaviate",
            ],
        ),
    ] {
        let objects = helms.objects(&chart(app), arguments);
        let name = format!("demo-{app}-secrets");
        let text =
            object(&objects, "ConfigMap", &name)["data"]["objects.yaml"].as_str().expect("it is a text");
        SecretObjects::read(text, "objects.yaml").unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let told: Value = serde_saphyr::from_str(text).expect("it is YAML");
        let made: Vec<&str> =
            told["objects"].as_array().expect("a list").iter().filter_map(|it| it["name"].as_str()).collect();
        assert_eq!(made, wanted, "{app} {arguments:?}");
        let rules = object(&objects, "Role", &name)["rules"].as_array().expect("a list");
        assert_eq!(rules.len(), 2);
        assert_eq!(
            (&rules[0]["verbs"], &rules[0]["resources"]),
            (&serde_json::json!(["create"]), &serde_json::json!(["secrets"]))
        );
        assert_eq!(rules[1]["verbs"], serde_json::json!(["get"]));
        let mut read = made.clone();
        // What a secret is composed of is read, too.
        if arguments.iter().any(|it| it.contains("=mine")) {
            read.push("mine");
        }
        assert_eq!(rules[1]["resourceNames"], serde_json::json!(read), "{app} {arguments:?}");
        let job = object(&objects, "Job", &name);
        for kind in ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy", "Job"] {
            let hook = &object(&objects, kind, &name)["metadata"]["annotations"];
            assert_eq!(hook["helm.sh/hook"], "pre-install,pre-upgrade", "{kind}");
            assert_eq!(hook["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded", "{kind}");
            let weight =
                |it: &Value| it["helm.sh/hook-weight"].as_str().and_then(|it| it.parse::<i32>().ok());
            assert!(kind == "Job" || weight(hook) < weight(&job["metadata"]["annotations"]), "{kind}");
        }
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["command"], serde_json::json!(["rtmx-server"]));
        let words =
            serde_json::json!(["secrets", "create", "--kubernetes", "/etc/rtmx-secrets/objects.yaml"]);
        assert_eq!(container["args"], words);
    }
}

/// Applications of random names and texts: their charts lint, render, and fit the schemas, with everything on.
pub(crate) fn random_names(helms: &Helms) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut objects = Vec::new();
    for round in 0..24 {
        let text = any_app().new_tree(&mut runner).expect("it can be made").current();
        let app = read_app(&text, "random").unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let composition =
            render_chart(&app, None, &AppFiles::new()).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let dir = tempfile::tempdir().expect("there is a folder for temporary files");
        for file in &composition.rendered.files {
            let path = dir.path().join(&file.path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is ours");
            std::fs::write(path, &file.content).expect("the folder is ours");
        }
        let values: Value = serde_saphyr::from_str(
            &composition
                .rendered
                .files
                .iter()
                .find(|file| file.path == "values.yaml")
                .expect("it is there")
                .content,
        )
        .expect("what is rendered is YAML");
        let keys: Vec<String> = values
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, it)| it["replicaCount"].is_number())
            .map(|(key, _)| format!("{key}.enabled=true"))
            .collect();
        assert_eq!(keys.len(), app.components.len(), "{text}");
        let on = keys.join(",");
        let text = template(helms.newest(), dir.path(), "1.30.0", &["--set", &on]);
        let text = text.unwrap_or_else(|said| {
            panic!(
                "round {round}: {said}\n{}",
                composition
                    .rendered
                    .files
                    .iter()
                    .find(|it| it.path == "templates/_facts.tpl")
                    .map_or("", |it| &it.content)
            )
        });
        let rendered = parsed(&text);
        for (name, component) in &app.components {
            let label = name.as_str().replace('_', "-");
            let found = pods(&rendered)
                .into_iter()
                .find(|(_, pod)| pod["metadata"]["labels"]["app.kubernetes.io/component"] == label.as_str());
            let (_, pod) = found.unwrap_or_else(|| panic!("`{name}` is not there"));
            let words: Vec<String> = component.command.iter().map(|word| word.replace("$(", "$$(")).collect();
            if !words.is_empty() {
                assert_eq!(pod["spec"]["containers"][0]["args"], serde_json::json!(words), "{name}");
            }
        }
        objects.extend(rendered.into_iter().map(|object| (format!("round {round}"), 30, object)));
    }
    let (faults, count) =
        faults(helms.validator.as_deref().expect("a trial without it does not begin"), &objects);
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(count > 300, "{count}");
}
