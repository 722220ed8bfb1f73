//! The step `image`: makes the image twice from one server, and looks at it through engines and registries.

use super::binaries::{Filter, build_some};
use super::record::Record;
use super::{Suite, Tally, suites};
use crate::cluster::{self, Cluster};
use crate::matrix::{self, Databases};
use crate::release::{self, Release, Target};
use crate::workspace::Workspace;
use crate::{Result, engine, helm, image as images, needs, process};
use std::path::{Path, PathBuf};

/// Trials of `tests/image/`, all of which run where there is an engine of either kind.
const TRIALS: usize = 14;
/// Of those, what only an engine shows.
const WITH_ENGINE: usize = 7;
/// Of those, what only an engine shows that is older than what is promised; it is installed for the long form.
const WITH_OLDER_ENGINE: usize = 1;

/// Trials of `tests/compose/`, which all need an engine: those on SQLite or on one PostgreSQL, and those on
/// each version.
const COMPOSE_TRIALS: (usize, usize) = (8, 2);
/// Of the first kind, what takes every container of the machine away for a moment.
const ENGINE_RESTARTS: usize = 1;

/// Trials of `tests/helm/`: those of every run, and those that only the long form runs.
const HELM_TRIALS: (usize, usize) = (12, 16);
/// Of those of the long form, what takes a node away from the others.
const NODE_LOSSES: usize = 1;
/// Cells of the chart in a short run.
const CHART_CELLS: usize = 4;
/// The cluster of the trials, and its nodes.
const NAME_OF_CLUSTER: &str = "rtmx-test";
const NODES: u32 = 2;

/// Trials of `tests/compose_files.rs`, which need Compose and shellcheck alone.
const COMPOSE_FILES: usize = 5;

/// The committed Compose files with the image: the long form on every PostgreSQL.
pub(super) fn compose(suite: &Suite) -> Result<Tally> {
    let workspace = &suite.workspace;
    let mut variables = match product(workspace)? {
        Ok(variables) => variables,
        Err(reason) => return Ok(Tally::skipped(reason)),
    };
    let versions = if suite.full { "12,13,14,15,16,17,18" } else { "16" };
    variables.push(("RTMX_TEST_POSTGRES", versions.to_owned()));
    let databases = Databases::ready(workspace)?;
    needs::ensure(&[needs::SHELLCHECK, needs::CURL])?;
    let binaries = build_some(&workspace.root, &[("rtmx", "compose"), ("rtmx", "compose_files")])?;
    let mut record = Record::read(workspace).unwrap_or_default();
    let mut tally = suites::run_all(&binaries, &Filter::default(), &variables, &mut record)?;
    let restart = engine::restart(workspace).filter(|_| suite.full);
    let restarts = if restart.is_some() { ENGINE_RESTARTS } else { 0 };
    if let Some(command) = restart {
        // Alone, because it takes the others' containers away.
        variables.push(("RTMX_TEST_ENGINE_RESTART", command));
        tally = tally.and(suites::run_all(&binaries[..1], &Filter::default(), &variables, &mut record)?);
        tally.skipped -= restarts;
    }
    record.write(workspace)?;
    tally.note = databases.note();
    let count = restarts + COMPOSE_TRIALS.0 + COMPOSE_TRIALS.1 * versions.split(',').count();
    // The plugin comes with the engine.
    let explained = if databases.is_real() { ENGINE_RESTARTS - restarts } else { tally.skipped };
    let floor = if databases.is_real() { count + COMPOSE_FILES } else { 0 };
    Ok(tally.with_skipped(explained).with_floor(floor))
}

/// The committed chart with the image, on a cluster; of its combinations few, the long form all.
pub(super) fn helm(suite: &Suite) -> Result<Tally> {
    let workspace = &suite.workspace;
    let is_given = std::env::var_os(cluster::KUBECONFIG).is_some();
    let tally = with_cluster(workspace, |variables| {
        let long = if suite.full { Some(("RTMX_TEST_LONG", "1".to_owned())) } else { None };
        let mut tally = on_cluster(suite, &variables.iter().cloned().chain(long).collect::<Vec<_>>())?;
        if is_given {
            // It may not reach a database that is started here, nor images of ours.
            let explained = tally.skipped;
            return Ok(tally.with_skipped(explained));
        }
        if suite.full {
            // Alone, because it takes a node away.
            let alone = [variables, &[("RTMX_TEST_CLUSTER_NODE_LOSS", "1".to_owned())]].concat();
            tally = tally.and(on_cluster(suite, &alone)?);
            tally.skipped = tally.skipped.saturating_sub(NODE_LOSSES);
        }
        let cells = matrix::on_cluster(workspace, variables, suite.full)?;
        let cells = Tally { failed: cells.failed, skipped: cells.ignored, ..Tally::passed(cells.passed, "") };
        let mut tally = tally.and(cells);
        // The trial of a combination was ignored while nobody asked for one.
        tally.skipped = tally.skipped.saturating_sub(1);
        let (always, long) = HELM_TRIALS;
        let (skipped, floor) = if suite.full { (0, always + long) } else { (long, always) };
        if !suite.full {
            tally.note = format!("{long} trials are left to `--full`. {}", tally.note);
        }
        Ok(tally.with_skipped(skipped).with_floor(floor + CHART_CELLS))
    })?;
    Ok(tally.unwrap_or_else(Tally::skipped))
}

/// Does something with Helm, the image and a cluster that has it: the one that is named, else one that is brought
/// up and taken down. The variables say where all is; the inner error is why it cannot be had here.
pub(crate) fn with_cluster<T>(
    workspace: &Workspace,
    work: impl FnOnce(&[(&'static str, String)]) -> Result<T>,
) -> Result<std::result::Result<T, String>> {
    let found = helm::ready(workspace)?;
    let has = |name: &str| found.variables.iter().any(|(known, _)| *known == name);
    if !has("RTMX_HELM_3") || !has("RTMX_HELM_4") {
        return Ok(Err(found.lacking.join(". ")));
    }
    let mut variables = match product(workspace)? {
        Ok(variables) => variables,
        Err(reason) => return Ok(Err(reason)),
    };
    variables.extend(found.variables);
    if std::env::var_os(cluster::KUBECONFIG).is_some() {
        return work(&variables).map(Ok);
    }
    let cluster = match Cluster::up(workspace, NAME_OF_CLUSTER, NODES)? {
        Ok(cluster) => cluster,
        Err(reason) => return Ok(Err(reason)),
    };
    variables.push((cluster::KUBECONFIG, cluster.kubeconfig.display().to_string()));
    variables.push(("RTMX_TEST_CLUSTER_LOAD", cluster.load_command()));
    let (stop, start) = cluster.node_commands();
    variables.push(("RTMX_TEST_CLUSTER_NODE_STOP", stop));
    variables.push(("RTMX_TEST_CLUSTER_NODE_START", start));
    let loaded = cluster.load(&[folder(workspace).join("image.tar").display().to_string()]);
    let done = loaded.and_then(|()| work(&variables));
    // Whatever came of it, nothing of it is left running.
    cluster.down()?;
    done.map(Ok)
}

/// Builds the server of other releases, for whose sake nobody waits for an optimized build; answers where it is.
fn other_release(workspace: &Workspace) -> Result<String> {
    const NAME: &str = "rtmx-other-releases";
    let mut build = process::cargo(&workspace.root);
    process::succeed(build.args(["build", "--locked", "--package", NAME]))?;
    Ok(workspace.target.join("debug").join(NAME).display().to_string())
}

fn on_cluster(suite: &Suite, variables: &[(&'static str, String)]) -> Result<Tally> {
    let workspace = &suite.workspace;
    let databases = Databases::ready(workspace)?;
    let variables = [variables, &[("RTMX_OTHER_RELEASE", other_release(workspace)?)]].concat();
    let binaries = build_some(&workspace.root, &[("rtmx", "helm")])?;
    let mut record = Record::read(workspace).unwrap_or_default();
    let limit = if suite.full { suites::LONG_PROGRAM_LIMIT } else { suites::PROGRAM_LIMIT };
    let mut tally = suites::run_within(limit, &binaries, &Filter::default(), &variables, &mut record)?;
    record.write(workspace)?;
    tally.note = databases.note();
    Ok(tally)
}

/// The image of the release, written for the trials, as the variables that say where. The inner error is why
/// it cannot be made here.
fn product(workspace: &Workspace) -> Result<std::result::Result<Vec<(&'static str, String)>, String>> {
    let target = Target::of_this_machine()?;
    let release = release::build(workspace, target)?;
    let pins = match pins(workspace, target)? {
        Ok((pins, _)) => pins,
        Err(reason) => return Ok(Err(reason)),
    };
    let made = images::make(workspace, target, &release, &pins, images::BUILDER)?;
    written(workspace, &made).map(Ok)
}

/// Makes the image, holds it to a second one, and tests it; the long form builds it elsewhere once more.
pub(super) fn image(suite: &Suite) -> Result<Tally> {
    let workspace = &suite.workspace;
    let target = Target::of_this_machine()?;
    let release = release::build(workspace, target)?;
    let (pins, warning) = match pins(workspace, target)? {
        Ok(found) => found,
        Err(reason) => return Ok(Tally::skipped(reason)),
    };
    let make = || images::make(workspace, target, &release, &pins, images::BUILDER);
    let made = make()?;
    if made.layout != make()?.layout {
        return Err("two images of one server and the same packages differ".into());
    }
    let places = release::places_in(workspace, &release.server)?;
    if !places.is_empty() {
        return Err(format!(
            "the server names folders of this machine, and would be another file elsewhere: {places:?}"
        ));
    }
    let mut tally = Tally::passed(2, "");
    let mut notes: Vec<_> = warning.into_iter().collect();
    if suite.full {
        match images::elsewhere(workspace, &target.platform())? {
            Ok(digest) if digest == made.layout.digest() => tally.passed += 1,
            Ok(digest) => {
                return Err(format!("built elsewhere it is {digest}, and here {}", made.layout.digest()));
            }
            Err(reason) => notes.push(reason),
        }
    }
    tally = tally.and(trials(suite, target, &release, &made, &mut notes)?);
    tally.note = notes.join(". ");
    Ok(tally.with_floor(2 + TRIALS - WITH_ENGINE - WITH_OLDER_ENGINE))
}

/// The committed pins; where a mirror has dropped one of their files, what the mirrors have now, in a file of
/// this run alone, with a warning. The inner error is why neither can be had here.
fn pins(
    workspace: &Workspace,
    target: Target,
) -> Result<std::result::Result<(PathBuf, Option<String>), String>> {
    let committed = images::pin_file(workspace, target);
    let Err(reason) = images::fetch(workspace, &committed) else { return Ok(Ok((committed, None))) };
    let scratch = workspace.target.join("rtmx/image/pins.json");
    let moved = match images::Pins::of_the_mirrors(workspace, target) {
        Ok(moved) => moved,
        Err(_) => return Ok(Err(reason)),
    };
    moved.write(&scratch)?;
    println!("warning: {reason}");
    Ok(Ok((scratch, Some("pins are out of date: run `cargo xtask image --repin`".into()))))
}

fn trials(
    suite: &Suite,
    target: Target,
    release: &Release,
    made: &images::Made,
    notes: &mut Vec<String>,
) -> Result<Tally> {
    let workspace = &suite.workspace;
    let folder = folder(workspace);
    let at = |name: &str| folder.join(name).display().to_string();
    let mut variables = written(workspace, made)?;
    // Linking it whole takes the other one's place, which a deployment of the trials runs.
    copied(&release.tool, &folder.join("deployer/rtmxctl"))?;
    copied(&release.server, &folder.join("deployer/rtmx-server"))?;
    images::whole_tool(workspace, target, &folder.join("rtmxctl"))?;
    let figures = folder.join("figures");
    // There is none before the first run.
    let _ = std::fs::remove_file(&figures);
    let engine = engine::ensure(workspace)?;
    needs::ensure(&[needs::SKOPEO, needs::REGISTRY])?;
    if suite.full {
        needs::ensure(&[needs::OLDER_ENGINE])?;
    }
    let binaries = build_some(&workspace.root, &[("rtmx", "image")])?;
    variables.extend([
        ("RTMX_IMAGE_DEPLOYER", at("deployer/rtmxctl")),
        ("RTMX_IMAGE_TOOL", at("rtmxctl")),
        ("RTMX_IMAGE_FIGURES", at("figures")),
    ]);
    let mut record = Record::read(workspace).unwrap_or_default();
    let tally = suites::run_all(&binaries, &Filter::default(), &variables, &mut record)?;
    record.write(workspace)?;
    notes.push(match &engine {
        Ok(version) => format!("engine {version}"),
        Err(reason) => reason.clone(),
    });
    notes.extend(std::fs::read_to_string(&figures).unwrap_or_default().lines().map(ToOwned::to_owned));
    let has_older = Path::new(needs::OLDER_ENGINE.program).is_file() && needs::is_root();
    let explained =
        if engine.is_ok() { 0 } else { WITH_ENGINE } + if has_older { 0 } else { WITH_OLDER_ENGINE };
    // Another user's processes and roots are root's to look at: three trials need that.
    let explained = explained + if needs::is_root() { 0 } else { 1 + if engine.is_ok() { 3 } else { 0 } };
    Ok(tally.with_skipped(explained))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("rtmx/image")
}

/// Writes the image to where trials look for it; the variables that say so.
fn written(workspace: &Workspace, made: &images::Made) -> Result<Vec<(&'static str, String)>> {
    let folder = folder(workspace);
    let at = |name: &str| folder.join(name).display().to_string();
    made.layout.write(&folder.join("layout"))?;
    let archive = made.layout.archive()?;
    std::fs::write(at("image.tar"), archive)
        .map_err(|error| format!("could not write the image: {error}"))?;
    Ok(vec![
        ("RTMX_IMAGE_LAYOUT", at("layout")),
        ("RTMX_IMAGE_TAR", at("image.tar")),
        ("RTMX_IMAGE_REFERENCE", made.layout.reference().to_owned()),
        ("RTMX_IMAGE_DIGEST", made.layout.digest()),
        ("RTMX_IMAGE_CONFIG", made.layout.config_digest().to_owned()),
        ("RTMX_IMAGE_SERVER", made.server.clone()),
    ])
}

fn copied(from: &Path, to: &Path) -> Result<()> {
    let told = |error: std::io::Error| format!("could not copy {}: {error}", from.display());
    to.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(told)?;
    // A program that runs is not written over.
    let _ = std::fs::remove_file(to);
    process::quiet(process::command("cp", Path::new("/")).arg(from).arg(to)).map(drop)
}
