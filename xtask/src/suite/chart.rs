//! The step `chart`: the committed charts as Helm 3 and 4 see them, held to schemas.

use super::binaries::{Filter, build_some};
use super::record::Record;
use super::{Suite, Tally, suites};
use crate::{Result, helm};

/// Trials of `rtmx-deploy/tests/chart_helm/`. Raise it with them.
const TRIALS: usize = 23;
/// Of those, how many need what a variable names besides a Helm.
const NEEDED: [(&str, usize); 4] = [
    ("RTMX_KUBERNETES_VALIDATE", 2),
    ("RTMX_CUSTOM_RESOURCES", 1),
    ("RTMX_CHECKOV", 1),
    ("RTMX_KUBE_SCORE", 1),
];

/// What cannot be had on this machine is counted as skipped, with the reason.
pub(super) fn chart(suite: &Suite) -> Result<Tally> {
    let workspace = &suite.workspace;
    let found = helm::ready(workspace)?;
    let binaries = build_some(&workspace.root, &[("rtmx-deploy", "chart_helm")])?;
    let mut record = Record::read(workspace).unwrap_or_default();
    let mut tally = suites::run_all(&binaries, &Filter::default(), &found.variables, &mut record)?;
    record.write(workspace)?;
    let has = |name: &str| found.variables.iter().any(|(known, _)| *known == name);
    let helms = ["RTMX_HELM_3", "RTMX_HELM_4"].into_iter().filter(|name| has(name)).count();
    let lacking: usize = NEEDED.iter().filter(|(name, _)| !has(name)).map(|(_, trials)| trials).sum();
    let mut explained = if helms == 0 { TRIALS } else { lacking };
    if helms == 1 {
        // Half of what is wanted was seen.
        tally.skipped += 1;
        explained += 1;
    }
    tally.note = match found.lacking.is_empty() {
        true => "Helm 3 and 4, Kubernetes 1.27 to 1.37".to_owned(),
        false => found.lacking.join(". "),
    };
    Ok(tally.with_skipped(explained).with_floor(if helms == 0 { 0 } else { TRIALS - lacking }))
}
