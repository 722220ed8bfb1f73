//! Helm of both majors, and what rendered charts are held to: fetched once in pinned versions, and kept outside
//! the checkout.
//!
//! The decision to know: a tool that cannot be had here is no failure. Whoever asks is told why, and counts
//! what it could not do.

use crate::workspace::Workspace;
use crate::{Result, needs, process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The program, its module, and its version: both majors are in use.
const HELMS: [(u8, &str, &str); 2] =
    [(3, "helm.sh/helm/v3/cmd/helm", "v3.19.2"), (4, "helm.sh/helm/v4/cmd/helm", "v4.0.1")];
/// A static checker.
const KUBE_SCORE: (&str, &str) = ("github.com/zegl/kube-score/cmd/kube-score", "v1.20.0");
/// Another one, with other rules.
const CHECKOV: &str = "checkov==3.3.30";
/// The schemas of Kubernetes itself, from 1.27 to 1.37.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";
/// The definitions of custom resources, as their makers publish them: module, version, and the folder in it.
const DEFINITIONS: [(&str, &str, &str); 6] = [
    ("github.com/cert-manager/cert-manager", "v1.19.1", "deploy/crds"),
    ("github.com/external-secrets/external-secrets", "v0.20.4", "config/crds/bases"),
    ("github.com/kedacore/keda/v2", "v2.18.0", "config/crd/bases"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0", "example/prometheus-operator-crd"),
    ("istio.io/api", "v1.28.0", "kubernetes"),
    ("sigs.k8s.io/gateway-api", "v1.4.0", "config/crd/standard"),
];
/// On two busy cores, with nothing there.
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);
/// A registry that is slower cannot be had.
const FETCH_LIMIT: Duration = Duration::from_secs(300);

/// What was found: the variables that name it, and why the rest cannot be had.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) lacking: Vec<String>,
}

/// Fetches what is not there.
///
/// # Errors
///
/// If the folder of tools cannot be written to.
pub(crate) fn ready(workspace: &Workspace) -> Result<Found> {
    let tools = workspace.cache().join("tools");
    std::fs::create_dir_all(&tools)
        .map_err(|error| format!("could not make {}: {error}", tools.display()))?;
    let mut found = Found::default();
    let mut add = |name, what: Result<PathBuf>| match what {
        Ok(path) => found.variables.push((name, path.display().to_string())),
        Err(reason) => found.lacking.push(reason),
    };
    for (major, module, version) in HELMS {
        let name = if major == 3 { "RTMX_HELM_3" } else { "RTMX_HELM_4" };
        add(name, built(&tools, "helm", module, version));
    }
    add("RTMX_KUBERNETES_VALIDATE", python(&tools, VALIDATOR, "kubernetes_validate"));
    add("RTMX_CUSTOM_RESOURCES", definitions(&tools));
    add("RTMX_CHECKOV", python(&tools, CHECKOV, "checkov"));
    add("RTMX_KUBE_SCORE", built(&tools, "kube-score", KUBE_SCORE.0, KUBE_SCORE.1));
    Ok(found)
}

/// A program that is compiled of a Go module.
fn built(tools: &Path, name: &str, module: &str, version: &str) -> Result<PathBuf> {
    let dir = tools.join(format!("{name}-{version}"));
    let program = dir.join(name);
    if !program.is_file() {
        let mut go = process::command("go", tools);
        go.env("GOBIN", &dir).args(["install", "-trimpath", &format!("{module}@{version}")]);
        once(&format!("{name} {version}"), &mut go, BUILD_LIMIT)?;
    }
    Ok(program)
}

/// A package of Python with what it needs, in a folder of its own.
fn python(tools: &Path, package: &str, module: &str) -> Result<PathBuf> {
    let dir = tools.join(package.replace("==", "-"));
    if !dir.join(module).is_dir() {
        needs::ensure(&[needs::PIP])?;
        let mut pip = process::command("pip3", tools);
        pip.args(["install", "--quiet", "--no-input", "--target"]).arg(&dir).arg(package);
        once(package, &mut pip, FETCH_LIMIT)?;
    }
    Ok(dir)
}

/// The definitions, in one folder.
fn definitions(tools: &Path) -> Result<PathBuf> {
    let versions = DEFINITIONS.map(|(module, version, _)| format!("{module} {version}\n")).concat();
    let dir = tools.join("custom-resources");
    let (done, files) = (dir.join("versions"), dir.join("files"));
    if std::fs::read_to_string(&done).ok().as_deref() == Some(&versions) {
        return Ok(files);
    }
    // Of other versions, or of a run that was ended.
    let _ = std::fs::remove_dir_all(&dir);
    let failed = |error: std::io::Error| format!("could not write {}: {error}", dir.display());
    std::fs::create_dir_all(&files).map_err(failed)?;
    println!("fetching definitions of custom resources, once");
    for (module, version, folder) in DEFINITIONS {
        let mut go = process::command("go", tools);
        go.args(["mod", "download", "-json", &format!("{module}@{version}")]);
        let ended = process::capture(&mut go, FETCH_LIMIT)?;
        // Before it stands what was downloaded.
        let said = ended.output.find('{').map_or("", |at| &ended.output[at..]);
        let said: serde_json::Value = serde_json::from_str(said).unwrap_or_default();
        let at = said["Dir"].as_str().ok_or_else(|| format!("{module} {version} cannot be had"))?;
        for file in std::fs::read_dir(Path::new(at).join(folder)).map_err(failed)?.flatten() {
            if file.path().extension().is_some_and(|it| it == "yaml") {
                std::fs::copy(file.path(), files.join(file.file_name())).map_err(failed)?;
            }
        }
    }
    std::fs::write(&done, versions).map_err(failed)?;
    Ok(files)
}

fn once(what: &str, command: &mut Command, limit: Duration) -> Result<()> {
    println!("fetching {what}, once");
    let ended = process::capture(command, limit)?;
    if ended.success { Ok(()) } else { Err(format!("{what} cannot be had: {}", ended.status)) }
}
