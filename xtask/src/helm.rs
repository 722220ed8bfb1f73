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
/// The schemas of custom resources, as models that check themselves.
const MODELS: [&str; 6] = [
    "@kubernetes-models/cert-manager@6.0.0",
    "@kubernetes-models/external-secrets@2.0.0",
    "@kubernetes-models/gateway-api@2.0.0",
    "@kubernetes-models/istio@3.0.1",
    "@kubernetes-models/keda@2.0.0",
    "@kubernetes-models/prometheus-operator@6.0.0",
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
    add("RTMX_CRD_MODELS", models(&tools));
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

fn models(tools: &Path) -> Result<PathBuf> {
    let dir = tools.join("kubernetes-models");
    let done = dir.join("versions");
    let wanted = MODELS.join("\n");
    if std::fs::read_to_string(&done).ok().as_deref() != Some(&wanted) {
        needs::ensure(&[needs::NPM])?;
        std::fs::create_dir_all(&dir)
            .map_err(|error| format!("could not make {}: {error}", dir.display()))?;
        let mut npm = process::command("npm", &dir);
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        once("models of custom resources", npm.arg(&dir).args(MODELS), FETCH_LIMIT)?;
        std::fs::write(&done, wanted)
            .map_err(|error| format!("could not write {}: {error}", done.display()))?;
    }
    Ok(dir)
}

fn once(what: &str, command: &mut Command, limit: Duration) -> Result<()> {
    println!("fetching {what}, once");
    let ended = process::capture(command, limit)?;
    if ended.success { Ok(()) } else { Err(format!("{what} cannot be had: {}", ended.status)) }
}
