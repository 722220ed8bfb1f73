//! Steps that judge the sources rather than run them.

use super::{Suite, Tally};
use crate::audit::Audit;
use crate::process::{cargo, quiet, succeed};
use crate::{Result, audit, deny, tidy, trace};

pub(super) fn fmt(suite: &Suite) -> Result<Tally> {
    let root = &suite.workspace.root;
    succeed(cargo(root).args(["fmt", "--all", "--check"]))?;
    for dir in suite.workspace.beside() {
        succeed(cargo(&dir).args(["fmt", "--check"]))?;
    }
    Ok(Tally::passed(1 + suite.workspace.beside().count(), ""))
}

pub(super) fn tidy(suite: &Suite) -> Result<Tally> {
    tidy::check(&suite.workspace).map(|rules| Tally::passed(rules, "rules"))
}

pub(super) fn clippy(suite: &Suite) -> Result<Tally> {
    let mut clippy = cargo(&suite.workspace.root);
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    succeed(&mut clippy).map(|()| Tally::passed(1, ""))
}

/// Licenses and sources of the dependencies; and that each lock file beside the workspace is what its
/// manifests ask for, which else only the step that builds there would find.
pub(super) fn deny(suite: &Suite) -> Result<Tally> {
    deny::check(&suite.workspace)?;
    for dir in suite.workspace.beside() {
        quiet(cargo(&dir).args(["update", "--workspace", "--locked", "--quiet"]))
            .map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    Ok(Tally::passed(1 + suite.workspace.beside().count(), ""))
}

pub(super) fn audit(suite: &Suite) -> Result<Tally> {
    Ok(match audit::check(&suite.workspace)? {
        Audit::Clean(database) => Tally::passed(1, database),
        Audit::NoDatabase(place) => Tally::skipped(format!("no advisory database at {}", place.display())),
    })
}

pub(super) fn doc(suite: &Suite) -> Result<Tally> {
    let mut doc = cargo(&suite.workspace.root);
    doc.args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    succeed(&mut doc).map(|()| Tally::passed(1, ""))
}

/// Features only add, so each must compile with nothing else on, and so must none.
pub(super) fn features(suite: &Suite) -> Result<Tally> {
    let facade = suite.workspace.members.iter().find(|member| member.dir.is_empty());
    let facade = facade.ok_or("the workspace has no root package")?;
    let alone =
        facade.features.iter().filter(|feature| *feature != "default").map(|feature| vec![feature.as_str()]);
    let cases: Vec<Vec<&str>> = std::iter::once(Vec::new()).chain(alone).collect();
    for features in &cases {
        let mut check = cargo(&suite.workspace.root);
        check.args(["check", "--locked", "--package", "rtmx", "--lib", "--bins", "--no-default-features"]);
        quiet(check.args(["--features", &features.join(",")]))?;
        println!("  {}", if features.is_empty() { "no feature".to_owned() } else { features.join(",") });
    }
    Ok(Tally::passed(cases.len(), "feature sets"))
}

pub(super) fn trace(suite: &Suite) -> Result<Tally> {
    let report = trace::check(&suite.workspace)?;
    let note = format!("of {} requirements are COMPLETE and proven", report.requirements);
    Ok(Tally { skipped: report.skipped, ..Tally::passed(report.proven, note) })
}
