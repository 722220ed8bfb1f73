//! `deploy`, `plan` and `remove`: from flags to a plan, and from a plan to an installation.

use super::args::{DeployArgs, Global, Wanted};
use super::installation::{not_found, open, own_folder};
use super::license::{note_unused_license, read_license, refuse_for_new};
use super::output::{BOLD, GREEN, Outcome, Output};
use super::places::{Places, actor};
use super::progress::{Shown, stop_on_interrupt};
use super::values::{Secrets, Settings, is_open, ports_of, read_secrets, wanted_settings};
use crate::Drivers;
use rtmx_core::{Cx, Error, Result, Secret, Timestamp, deploy, tool};
use rtmx_deploy::{
    Artifact, DataFate, DeployTarget, Goal, Installed, Owner, Plan, Release, SettingValue, apply,
};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

/// The exit code of a plan with changes.
const CHANGES_PENDING: u8 = 3;

/// Installs or converges.
pub(super) async fn run_deploy(
    drivers: &Drivers,
    global: &Global,
    args: &DeployArgs,
    out: &Output,
) -> Outcome {
    let (target, plan) = match &args.plan {
        Some(file) => read_plan(drivers, global, &args.wanted, file).await?,
        None => make_plan(drivers, global, &args.wanted).await?,
    };
    if args.print_commands {
        print_commands(&plan, out);
        return Ok(0);
    }
    for change in &plan.changes {
        out.note(format!("  {change}"));
    }
    let cx = Cx::new();
    stop_on_interrupt(&cx, out.is_json());
    apply(&cx, &*target, &plan, Timestamp::now(), &actor(), &Shown::new(out.is_json())).await?;
    let installed = target.inspect(&Cx::new()).await?.installed.ok_or_else(|| not_found(global))?;
    let first_token = match &plan.goal {
        Goal::Running(release) if is_open(&release.settings) => take_first_token(&installed)?,
        _ => None,
    };
    say_deployed(&installed, &plan, first_token.as_deref(), out);
    if let Goal::Running(release) = &plan.goal
        && release.settings.keys().any(|key| key == "license.key" || key == "license.file")
    {
        note_unused_license(drivers, global, out).await;
    }
    Ok(0)
}

/// Shows what a deployment would change.
pub(super) async fn run_plan(
    drivers: &Drivers,
    global: &Global,
    wanted: &Wanted,
    to: Option<&Path>,
    out: &Output,
) -> Outcome {
    let (_, plan) = make_plan(drivers, global, wanted).await?;
    if let Some(file) = to {
        let text = serde_json::to_string_pretty(&plan).expect("a plan is a plain value");
        std::fs::write(file, text + "\n").map_err(|error| {
            Error::new(tool::FILE_UNWRITABLE, format!("could not write the plan to {}", file.display()))
                .with_source(error)
        })?;
    }
    out.object(&json!({
        "type": "plan",
        "name": plan.installation,
        "target": plan.target,
        "pending": !plan.is_empty(),
        "changes": plan.changes,
        "outage": plan.outage,
        "steps": plan.steps.iter().map(|step| json!({"id": step.id, "title": step.title, "undo": step.undo})).collect::<Vec<_>>(),
    }));
    if plan.is_empty() {
        out.line(format!("Nothing to do: `{}` is as it should be.", plan.installation));
        return Ok(0);
    }
    out.line(format!("{BOLD}Changes{BOLD:#} to `{}` on the target `{}`:", plan.installation, plan.target));
    plan.changes.iter().for_each(|change| out.line(format!("  {change}")));
    out.line(format!("{BOLD}Steps{BOLD:#}:"));
    plan.steps
        .iter()
        .enumerate()
        .for_each(|(index, step)| out.line(format!("  {}. {}", index + 1, step.title)));
    match &plan.outage {
        Some(outage) => out.line(format!(
            "{BOLD}Stops serving{BOLD:#}: {}, about {} s: {}.",
            outage.parts.join(", "),
            outage.about_s,
            outage.why
        )),
        None => out.line("Nothing that serves stops."),
    }
    match to {
        Some(file) => out.line(format!("Carry it out: `rtmxctl deploy --plan {}`", file.display())),
        None => out.line("Carry it out: `rtmxctl deploy` with the same options"),
    }
    Ok(CHANGES_PENDING)
}

/// Takes an installation away.
pub(super) async fn run_remove(
    drivers: &Drivers,
    global: &Global,
    purge: bool,
    confirm: Option<&str>,
    out: &Output,
) -> Outcome {
    let target = open(drivers, global, None, &Secrets::new()).await?;
    let places = Places::here(global.home.as_deref());
    if places.find(&global.name)?.is_none() {
        return Err(not_found(global).into());
    }
    let fate = if purge { DataFate::Purge } else { DataFate::Keep };
    if purge && confirm != Some(global.name.as_str()) {
        let given = confirm.map_or("nothing".to_owned(), |given| format!("`{given}`"));
        let message = format!(
            "cannot delete the data of `{0}`: its name is `{0}`, and {given} was confirmed",
            global.name
        );
        return Err(Error::new(tool::CONFIRMATION_NEEDED, message).with_state("nothing was changed").into());
    }
    let plan = target.plan(&Cx::new(), &Goal::Removed(fate)).await?;
    for change in &plan.changes {
        out.note(format!("  {change}"));
    }
    if !purge && !plan.is_empty() && !agreed(global, out) {
        let error = Error::new(deploy::INTERRUPTED, "the removal was not agreed to");
        return Err(error
            .with_state("nothing was changed")
            .with_next("Run the command again, or with `--yes`.")
            .into());
    }
    let cx = Cx::new();
    stop_on_interrupt(&cx, out.is_json());
    apply(&cx, &*target, &plan, Timestamp::now(), &actor(), &Shown::new(out.is_json())).await?;
    let changed = !plan.is_empty();
    out.object(&json!({
        "type": "remove", "name": global.name, "changed": changed, "data": fate, "changes": plan.changes,
    }));
    match (changed, purge) {
        (false, _) => {
            out.line(format!("Nothing to do: `{}` is not installed; its data is kept.", global.name));
        }
        (true, true) => out.line(format!("`{}` is gone, and so is its data.", global.name)),
        (true, false) => {
            out.line(format!(
                "`{}` is removed. Its data is kept, and `rtmxctl deploy` finds it again.",
                global.name
            ));
        }
    }
    Ok(0)
}

async fn make_plan(
    drivers: &Drivers,
    global: &Global,
    wanted: &Wanted,
) -> Result<(Arc<dyn DeployTarget>, Plan)> {
    let looking = open(drivers, global, Some(wanted), &Secrets::new()).await?;
    let inspection = looking.inspect(&Cx::new()).await?;
    if let Owner::Other(owner) = inspection.owner {
        let message = format!("cannot change `{}`: it belongs to {owner}", global.name);
        return Err(Error::new(deploy::OWNER_DIFFERS, message).with("owner", owner));
    }
    let settings = wanted_settings(&inspection.remembered_settings, wanted)?;
    let secrets = read_secrets(&settings)?;
    if inspection.installed.is_none() {
        refuse_for_new(&license_of(&settings, &secrets)?)?;
    }
    let release = Release {
        application: "rtmx".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ports: ports_of(&settings),
        settings,
        artifacts: artifacts(&own_folder()?)?,
        topology: None,
    };
    let target = open(drivers, global, Some(wanted), &secrets).await?;
    let plan = target.plan(&Cx::new(), &Goal::Running(release)).await?;
    Ok((target, plan))
}

/// The license that settings name, in the order in which the server looks for it.
fn license_of(settings: &Settings, secrets: &Secrets) -> Result<Secret<Vec<u8>>> {
    if let Some(key) = secrets.get("license.key") {
        return Ok(Secret::new(key.expose().clone().into_bytes()));
    }
    match settings.get("license.file") {
        Some(SettingValue::Plain(Value::String(file))) => read_license(Path::new(file)),
        _ => Ok(Secret::new(Vec::new())),
    }
}

/// Reads a plan and sees whether it is still the one to be made.
async fn read_plan(
    drivers: &Drivers,
    global: &Global,
    wanted: &Wanted,
    file: &Path,
) -> Result<(Arc<dyn DeployTarget>, Plan)> {
    let text = std::fs::read(file).map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read the plan {}", file.display()))
            .with_source(error)
    })?;
    let invalid = |why: String| {
        let message = format!("cannot carry out {}", file.display());
        Error::new(tool::PLAN_INVALID, message).with_source(why).with_state("nothing was changed")
    };
    let plan: Plan = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
    if plan.format != Plan::FORMAT {
        return Err(invalid(format!(
            "it has format {}, and this version reads {}",
            plan.format,
            Plan::FORMAT
        )));
    }
    if plan.installation != global.name || plan.target != wanted.target {
        return Err(invalid(format!("it is for `{}` on the target `{}`", plan.installation, plan.target)));
    }
    let Goal::Running(release) = &plan.goal else {
        return Err(invalid("it removes, and `deploy` does not".into()));
    };
    let secrets = read_secrets(&release.settings)?;
    let target = open(drivers, global, Some(wanted), &secrets).await?;
    // The license may have ended since the plan was made.
    if target.inspect(&Cx::new()).await?.installed.is_none() {
        refuse_for_new(&license_of(&release.settings, &secrets)?)?;
    }
    if target.plan(&Cx::new(), &plan.goal).await? != plan {
        let message = format!("cannot carry out {}: `{}` has changed since", file.display(), global.name);
        return Err(Error::new(deploy::PLAN_STALE, message).with_state("nothing was changed"));
    }
    Ok((target, plan))
}

#[cfg(feature = "deploy-local")]
fn artifacts(folder: &Path) -> Result<Vec<Artifact>> {
    rtmx_deploy_local::read_artifacts(folder)
}

#[cfg(not(feature = "deploy-local"))]
fn artifacts(_: &Path) -> Result<Vec<Artifact>> {
    Ok(Vec::new())
}

/// The first admin token, which the server leaves in a file until somebody has seen it.
fn take_first_token(installed: &Installed) -> Result<Option<String>> {
    let Some(data) = installed.facts.get("data") else { return Ok(None) };
    let file = Path::new(data).join("first-token");
    let unreadable = |error: std::io::Error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not take the first token from {}", file.display()))
            .with_source(error)
    };
    match std::fs::read_to_string(&file) {
        Ok(token) => {
            std::fs::remove_file(&file).map_err(unreadable)?;
            Ok(Some(token.trim().to_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

fn say_deployed(installed: &Installed, plan: &Plan, first_token: Option<&str>, out: &Output) {
    let changed = !plan.is_empty();
    let mut object = json!({
        "type": "deploy",
        "name": installed.name,
        "target": installed.target,
        "version": installed.version,
        "release": installed.release,
        "url": installed.url,
        "healthy": installed.healthy(),
        "changed": changed,
        "changes": plan.changes,
        "notes": installed.notes,
    });
    if let Some(token) = first_token {
        object["first_token"] = Value::from(token);
    }
    out.object(&object);
    if changed {
        out.line(format!("{GREEN}RTMX is running.{GREEN:#}"));
    } else {
        out.line(format!("Nothing to do: `{}` is as it should be.", installed.name));
    }
    let fact = |name: &str| installed.facts.get(name).cloned().unwrap_or_default();
    let mut rows = vec![
        vec!["  url".into(), installed.url.clone()],
        vec!["  version".into(), installed.version.clone()],
        vec!["  service".into(), fact("service")],
        vec!["  data".into(), fact("data")],
    ];
    if let Some(token) = first_token {
        rows.push(vec!["  first admin token".into(), format!("{token}  (shown once)")]);
    }
    out.rows(&rows);
    installed.notes.iter().for_each(|note| out.line(format!("  note: {note}")));
    if changed {
        out.line("Next: `rtmxctl status`, `rtmxctl import FILE.csv`, `rtmxctl logs --follow`");
    }
}

fn print_commands(plan: &Plan, out: &Output) {
    let commands: Vec<&String> = plan.steps.iter().flat_map(|step| &step.commands).collect();
    out.object(&json!({"type": "commands", "name": plan.installation, "commands": commands}));
    if plan.is_empty() {
        out.line("# Nothing to do.");
    }
    for step in plan.steps.iter().filter(|step| !step.commands.is_empty()) {
        out.line(format!("# {}", step.title));
        step.commands.iter().for_each(|command| out.line(command));
    }
}

/// Asks a person at a terminal; scripts have decided already.
fn agreed(global: &Global, out: &Output) -> bool {
    if global.yes || out.is_json() || !std::io::stdin().is_terminal() {
        return true;
    }
    let mut err = anstream::stderr();
    let asked = write!(err, "Remove `{}` and keep its data? [y/N] ", global.name).and_then(|()| err.flush());
    let mut answer = String::new();
    asked.is_ok()
        && std::io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_first_token_is_taken_once() {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(data.path().join("first-token"), "rtmx_secret\n").expect("it is writable");
        let installed = Installed {
            name: "rtmx".into(),
            target: "local".into(),
            application: "rtmx".into(),
            version: "1.0.0".into(),
            release: "1.0.0-000000000000".into(),
            url: "http://127.0.0.1:8080".into(),
            settings: BTreeMap::new(),
            parts: Vec::new(),
            facts: BTreeMap::from([("data".into(), data.path().display().to_string())]),
            notes: Vec::new(),
        };
        let token = take_first_token(&installed).expect("the file is readable");
        assert_eq!(token.as_deref(), Some("rtmx_secret"));
        assert_eq!(take_first_token(&installed).expect("none is no error"), None);
    }
}
