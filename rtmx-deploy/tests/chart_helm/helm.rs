//! Helm as a program, and what it renders as data.

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What this machine has.
pub(crate) struct Helms {
    /// The programs, by major.
    pub(crate) all: Vec<(u8, PathBuf)>,
    pub(crate) validator: Option<PathBuf>,
    pub(crate) definitions: Option<PathBuf>,
    pub(crate) checkov: Option<PathBuf>,
    pub(crate) kube_score: Option<PathBuf>,
}

impl Helms {
    pub(crate) fn found() -> Helms {
        let path = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let helm = |major: u8| Some((major, path(&format!("RTMX_HELM_{major}"))?));
        Helms {
            all: [3, 4].into_iter().filter_map(helm).collect(),
            validator: path("RTMX_KUBERNETES_VALIDATE"),
            definitions: path("RTMX_CUSTOM_RESOURCES"),
            checkov: path("RTMX_CHECKOV"),
            kube_score: path("RTMX_KUBE_SCORE"),
        }
    }

    /// The newest one.
    pub(crate) fn newest(&self) -> &Path {
        &self.all.last().expect("a trial without Helm does not begin").1
    }

    /// The objects of a chart with these arguments, on Kubernetes 1.34.
    pub(crate) fn objects(&self, chart: &Path, arguments: &[&str]) -> Vec<Value> {
        let text = template(self.newest(), chart, "1.34.0", arguments)
            .unwrap_or_else(|said| panic!("{}: {arguments:?}: {said}", chart.display()));
        parsed(&text)
    }
}

/// The committed chart of an application.
pub(crate) fn chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name).join("chart")
}

pub(crate) fn run(helm: &Path, arguments: impl IntoIterator<Item = OsString>) -> Output {
    let mut command = Command::new(helm);
    // Whatever cluster there is, nothing here may ask it.
    command.env("KUBECONFIG", "/dev/null").args(arguments);
    command.output().unwrap_or_else(|error| panic!("{}: {error}", helm.display()))
}

/// `helm template`; what Helm said, if it refuses.
pub(crate) fn template(helm: &Path, chart: &Path, kubernetes: &str, more: &[&str]) -> Result<String, String> {
    let mut arguments: Vec<OsString> = ["template", "demo"].map(OsString::from).to_vec();
    arguments.push(chart.into());
    arguments.extend(["--namespace", "apps", "--kube-version", kubernetes].map(OsString::from));
    arguments.extend(more.iter().map(OsString::from));
    let output = run(helm, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The documents of a stream of YAML.
pub(crate) fn parsed(text: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// An object by kind and name.
pub(crate) fn object<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let found = objects.iter().find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
    found.unwrap_or_else(|| {
        let names: Vec<String> = objects
            .iter()
            .map(|it| format!("{} {}", it["kind"].as_str().unwrap_or("?"), it["metadata"]["name"]))
            .collect();
        panic!("there is no {kind} {name}: {names:#?}")
    })
}

/// Whether there is one.
pub(crate) fn has(objects: &[Value], kind: &str, name: &str) -> bool {
    objects.iter().any(|it| it["kind"] == kind && it["metadata"]["name"] == name)
}

/// The pods that objects make, by kind and name of the object.
pub(crate) fn pods(objects: &[Value]) -> BTreeMap<String, Value> {
    let pod = |object: &Value| {
        let kind = object["kind"].as_str()?;
        let pod = match kind {
            "Pod" => object.clone(),
            "Deployment" | "StatefulSet" | "Job" => object["spec"]["template"].clone(),
            "CronJob" => object["spec"]["jobTemplate"]["spec"]["template"].clone(),
            _ => return None,
        };
        Some((format!("{kind} {}", object["metadata"]["name"].as_str()?), pod))
    };
    objects.iter().filter_map(pod).collect()
}
