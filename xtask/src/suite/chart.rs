//! The step `chart`: the committed charts as Helm 3 and 4 see them, held to schemas.

use super::binaries::{Filter, build_some};
use super::record::Record;
use super::{Suite, Tally, suites};
use crate::{Result, helm};

/// Trials of `rtmx-deploy/tests/chart_helm/`. Raise it with them.
const TRIALS: usize = 14;
/// Of those, what the schemas of Kubernetes and of custom resources are needed for.
const WITH_SCHEMAS: usize = 3;

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
    let explained = match helms {
        0 => TRIALS,
        _ if found.lacking.is_empty() => 0,
        // One Helm is enough for a trial, and half of what is wanted.
        _ => tally.skipped.min(WITH_SCHEMAS),
    };
    tally.note = if found.lacking.is_empty() {
        "Helm 3 and 4, Kubernetes 1.27 to 1.37".to_owned()
    } else {
        found.lacking.join(". ")
    };
    if helms == 1 {
        tally.skipped += 1;
    }
    let explained = explained + usize::from(helms == 1);
    Ok(tally.with_skipped(explained).with_floor(if helms == 0 { 0 } else { TRIALS - WITH_SCHEMAS }))
}
