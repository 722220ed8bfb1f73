//! A namespace that enforces `restricted`; it is gone with all that is in it when it is dropped.

use crate::engine::must;
use crate::forward::Forward;
use crate::ground::{Ground, Version};
use crate::{Helm, Ignored};
use serde_json::Value;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A disruption budget lets a pod go when another one is ready.
const EVICTION_LIMIT: Duration = Duration::from_secs(120);
/// What is to be said is said within seconds, or tried again after a minute.
const TEXT_LIMIT: Duration = Duration::from_secs(300);
/// What Helm waits for at most; five times what it takes.
pub(crate) const WAIT: &str = "300s";

/// A namespace, and Helm in it.
pub(crate) struct Namespace<'g> {
    pub(crate) ground: &'g Ground,
    pub(crate) name: String,
    helm: Helm,
}

impl<'g> Namespace<'g> {
    /// Makes one.
    pub(crate) fn new(ground: &'g Ground, helm: Helm) -> Result<Namespace<'g>, Ignored> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        ground.helm(helm)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut namespace = Namespace::named(ground, &format!("rtmx-{}-{number}", std::process::id()));
        namespace.helm = helm;
        for word in ["enforce", "audit", "warn"] {
            let label = format!("pod-security.kubernetes.io/{word}=restricted");
            ground.kubectl(&["label", "namespace", &namespace.name, &label]);
        }
        Ok(namespace)
    }

    /// Makes one of a name that others know.
    pub(crate) fn named(ground: &'g Ground, name: &str) -> Namespace<'g> {
        ground.kubectl(&["create", "namespace", name]);
        Namespace { ground, name: name.to_owned(), helm: Helm::Four }
    }

    /// `kubectl` in it, which must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        must(self.ground.kubectl_command().args(["--namespace", &self.name]).args(arguments))
    }

    /// Applies a document.
    pub(crate) fn apply(&self, document: &Value) {
        let mut kubectl = self.ground.kubectl_command();
        kubectl.args(["--namespace", &self.name, "apply", "--filename", "-"]);
        let mut running = kubectl.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("kubectl runs");
        let mut input = running.stdin.take().expect("it was asked for");
        input.write_all(document.to_string().as_bytes()).expect("kubectl reads");
        drop(input);
        assert!(running.wait().expect("it is ours").success(), "{document}");
    }

    /// A field of an object.
    pub(crate) fn field(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "--output", &format!("jsonpath={path}")])
    }

    /// A value of a Secret.
    pub(crate) fn secret(&self, name: &str, key: &str) -> String {
        let template = format!("go-template={{{{index .data \"{key}\" | base64decode}}}}");
        self.kubectl(&["get", "secret", name, "--output", &template])
    }

    fn helm(&self) -> Command {
        let mut helm = self.ground.helm(self.helm).expect("it was there before");
        helm.args(["--namespace", &self.name]);
        helm
    }

    /// Installs or upgrades the chart as the release `demo`, with values as a document; whatever comes of it.
    pub(crate) fn try_install(&self, values: &str, more: &[&str]) -> Output {
        self.try_version(&self.ground.version(), values, more)
    }

    /// [`Namespace::try_install`] of another version.
    pub(crate) fn try_version(&self, version: &Version, values: &str, more: &[&str]) -> Output {
        let Version { chart, image: (name, tag) } = version;
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), values).expect("it is ours");
        let mut helm = self.helm();
        helm.args(["upgrade", "--install", "demo"]).arg(chart).arg("--values").arg(file.path());
        helm.args([
            "--set",
            &format!("rtmx.image.repository={name}"),
            "--set",
            &format!("rtmx.image.tag={tag}"),
        ]);
        helm.args(more).output().expect("helm runs")
    }

    /// [`Namespace::try_install`] that waits, and must succeed.
    pub(crate) fn install(&self, values: &str) -> String {
        self.install_version(&self.ground.version(), values)
    }

    /// [`Namespace::install`] of another version.
    pub(crate) fn install_version(&self, version: &Version, values: &str) -> String {
        let ended = self.try_version(version, values, &["--wait", "--timeout", WAIT]);
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        if !ended.status.success() {
            let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
            panic!("{complaint}\n{}", self.trouble());
        }
        said
    }

    /// The same where it must fail; what Helm complained about.
    pub(crate) fn refused(&self, values: &str, more: &[&str]) -> String {
        let ended = self.try_install(values, &[&["--wait", "--timeout", "30s"], more].concat());
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success(), "it was taken: {values}");
        complaint
    }

    /// Waits until `kubectl` in it prints or complains about something, and answers all of that.
    pub(crate) fn await_text(&self, arguments: &[&str], wanted: &str) -> String {
        let began = Instant::now();
        loop {
            let mut kubectl = self.ground.kubectl_command();
            let ended =
                kubectl.args(["--namespace", &self.name]).args(arguments).output().expect("kubectl runs");
            let said = [ended.stdout, ended.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            if said.contains(wanted) {
                return said;
            }
            let waits = began.elapsed() < TEXT_LIMIT;
            assert!(waits, "{arguments:?} has no `{wanted}`: {said}\n{}", self.trouble());
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// What makes an object that is in no namespace go with this one.
    pub(crate) fn owns(&self) -> Value {
        let uid = self.field(&format!("namespace/{}", self.name), "{.metadata.uid}");
        serde_json::json!([{"apiVersion": "v1", "kind": "Namespace", "name": self.name, "uid": uid}])
    }

    /// Moves a pod away as `kubectl drain` does: its disruption budget is asked.
    pub(crate) fn evict(&self, pod: &str) {
        let eviction = serde_json::json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.name},
        });
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", self.name);
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), eviction.to_string()).expect("it is ours");
        let began = Instant::now();
        loop {
            let mut kubectl = self.ground.kubectl_command();
            let ended = kubectl.args(["create", "--raw", &path, "--filename"]).arg(file.path()).output();
            let ended = ended.expect("kubectl runs");
            let said = String::from_utf8_lossy(&ended.stderr);
            // One that is gone by itself needs no more.
            if ended.status.success() || said.contains("NotFound") {
                return;
            }
            let waits = said.contains("TooManyRequests") && began.elapsed() < EVICTION_LIMIT;
            assert!(waits, "{pod} is not evicted: {said}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Helm with these arguments in the namespace, which must succeed.
    pub(crate) fn run_helm(&self, arguments: &[&str]) -> String {
        must(self.helm().args(arguments))
    }

    /// What a person would look at.
    pub(crate) fn trouble(&self) -> String {
        let ask = |arguments: &[&str]| {
            let mut kubectl = self.ground.kubectl_command();
            let ended = kubectl.args(["--namespace", &self.name]).args(arguments).output();
            ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default()
        };
        let logs =
            ["logs", "--selector", "app.kubernetes.io/instance=demo", "--all-containers", "--tail", "15"];
        [ask(&["get", "pods,jobs,pvc"]), ask(&["get", "events", "--sort-by", ".lastTimestamp"]), ask(&logs)]
            .join("\n")
    }

    /// The first admin token, as the notes say.
    pub(crate) fn token(&self) -> String {
        self.token_of("demo-rtmx-admin-token")
    }

    /// The first admin token, from another Secret.
    pub(crate) fn token_of(&self, secret: &str) -> String {
        self.secret(secret, "token")
    }

    /// The service's port on the first node.
    pub(crate) fn node_port(&self) -> SocketAddr {
        let port = self.field("service/demo-rtmx", "{.spec.ports[?(@.name==\"http\")].nodePort}");
        format!("{}:{port}", self.ground.node_address(0)).parse().expect("it is an address")
    }

    /// A way to the service.
    pub(crate) fn forward(&self) -> Forward {
        Forward::to(self, "service/demo-rtmx", 8080)
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("RTMX_TEST_KEEP").is_some() {
            return;
        }
        let mut kubectl = self.ground.kubectl_command();
        // Nobody waits for it.
        let _ = kubectl.args(["delete", "namespace", &self.name, "--wait=false"]).output();
    }
}
