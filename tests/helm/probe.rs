//! Pods that stand beside those of the chart, or have their labels: they try connections, and take them.

use crate::engine::must;
use crate::namespace::Namespace;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Where every probe listens, besides [`METRICS`]: a database's port, which rules may leave open by mistake.
pub(crate) const DATABASE: u16 = 5432;
/// The port of the metrics.
pub(crate) const METRICS: u16 = 9090;
/// How long what is decided may take until it holds; seconds are usual.
const PATIENCE: Duration = Duration::from_secs(90);
/// A connection that takes longer is taken for closed, and tried again where it is to be open.
const TRY_S: u32 = 3;

/// A place to connect to, by a word for it: host and port.
pub(crate) type Places = BTreeMap<&'static str, (String, u16)>;
/// Which places are reached, by probe.
pub(crate) type Reached = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// A running pod.
pub(crate) struct Probe<'n> {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    namespace: &'n Namespace<'n>,
}

impl<'n> Probe<'n> {
    /// Starts one with these labels; `shell` is an image with a shell.
    pub(crate) fn start(
        namespace: &'n Namespace<'n>,
        shell: &str,
        name: &'static str,
        labels: &Value,
    ) -> Self {
        let (image, tag) = &namespace.ground.image;
        let security = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        namespace.apply(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 70, "fsGroup": 70,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "terminationGracePeriodSeconds": 0,
                // It is never ready, so that no Service leads to it, whatever its labels are.
                "readinessGates": [{"conditionType": "example.com/never"}],
                "containers": [
                    {"name": "shell", "image": shell, "command": ["sleep", "infinity"], "securityContext": security},
                    {
                        "name": "listener", "image": format!("{image}:{tag}"), "securityContext": security,
                        "env": [
                            {"name": "RTMX_SERVER__LISTEN", "value": format!("0.0.0.0:{DATABASE}")},
                            {"name": "RTMX_DATA__DIR", "value": "/data"},
                        ],
                        "readinessProbe": {"httpGet": {"path": "/live", "port": DATABASE}, "periodSeconds": 1},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    },
                ],
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        }));
        let pod = format!("pod/{name}");
        namespace.kubectl(&["wait", &pod, "--for=condition=ContainersReady", "--timeout=180s"]);
        Probe { name, address: namespace.field(&pod, "{.status.podIP}"), namespace }
    }

    /// The words of the places that answer it. No policy keeps a pod from itself, so that is not tried.
    fn reached(&self, places: &Places) -> BTreeSet<&'static str> {
        let others = places.iter().filter(|(_, (host, _))| *host != self.address);
        let tries = others.map(|(word, (host, port))| {
            format!("(timeout {TRY_S} bash -c ': </dev/tcp/{host}/{port}' 2>/dev/null && echo '{word}') &\n")
        });
        let script = tries.collect::<String>() + "wait";
        let mut kubectl = self.namespace.ground.kubectl_command();
        kubectl.args(["--namespace", &self.namespace.name, "exec", self.name, "--container", "shell", "--"]);
        let said = must(kubectl.args(["bash", "-c", &script]));
        places.keys().filter(|word| said.lines().any(|line| line == **word)).copied().collect()
    }
}

/// Waits until these probes reach these places, and no others, whatever each has of itself.
pub(crate) fn await_reach(probes: &[Probe<'_>], places: &Places, mut expected: Reached) {
    let began = Instant::now();
    for probe in probes {
        let others = expected.get_mut(probe.name).expect("each probe has a row");
        others.retain(|word| places[word].0 != probe.address);
    }
    loop {
        let found: Reached = std::thread::scope(|scope| {
            let running: Vec<_> =
                probes.iter().map(|probe| (probe.name, scope.spawn(|| probe.reached(places)))).collect();
            running.into_iter().map(|(name, it)| (name, it.join().expect("it does not panic"))).collect()
        });
        if found == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "reached are {found:#?}, and not {expected:#?}");
    }
}
