//! `status`, `logs` and `history`: what is, and what was.

use super::args::Global;
use super::installation::{open, open_existing};
use super::output::{GREEN, Outcome, Output, RED};
use super::places::Places;
use super::values::Secrets;
use crate::Drivers;
use rtmx_core::Cx;
use rtmx_deploy::{LogRequest, RecordAnswer, RecordCall};
use serde_json::json;

/// Shows how an installation is doing. An installation that is not well is an answer, not a failure.
pub(super) async fn run_status(drivers: &Drivers, global: &Global, out: &Output) -> Outcome {
    let (_, installed) = open_existing(drivers, global).await?;
    out.object(&json!({
        "type": "status",
        "name": installed.name,
        "target": installed.target,
        "application": installed.application,
        "version": installed.version,
        "release": installed.release,
        "url": installed.url,
        "healthy": installed.healthy(),
        "parts": installed.parts,
        "settings": installed.settings,
        "facts": installed.facts,
        "notes": installed.notes,
    }));
    let health = match installed.healthy() {
        true => format!("{GREEN}healthy{GREEN:#}"),
        false => format!("{RED}not healthy{RED:#}"),
    };
    out.line(format!("{}: {health}", installed.name));
    let mut rows = vec![
        vec!["  url".into(), installed.url.clone()],
        vec!["  target".into(), installed.target.clone()],
        vec!["  version".into(), format!("{} ({})", installed.version, installed.release)],
    ];
    rows.extend(installed.facts.iter().map(|(name, fact)| vec![format!("  {name}"), fact.clone()]));
    for part in &installed.parts {
        rows.push(vec![format!("  part {}", part.name), part.state.clone()]);
    }
    out.rows(&rows);
    installed.notes.iter().for_each(|note| out.line(format!("  note: {note}")));
    Ok(0)
}

/// Shows the server's output.
pub(super) async fn run_logs(
    drivers: &Drivers,
    global: &Global,
    lines: usize,
    follow: bool,
    out: &Output,
) -> Outcome {
    let (target, _) = open_existing(drivers, global).await?;
    let mut shown = 0_u64;
    // `out` belongs to this thread, and the target may hand lines over from another.
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<String>();
    let reading = tokio::spawn(async move {
        let mut sink = |line: &str| {
            // A reader that went away ends the command by itself.
            let _ = sender.send(line.to_owned());
        };
        target.logs(&Cx::new(), LogRequest { lines, follow }, &mut sink).await
    });
    while let Some(line) = receiver.recv().await {
        shown += 1;
        out.object(&json!({"type": "log", "line": line}));
        out.line(line);
    }
    match reading.await {
        Ok(outcome) => outcome?,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
    out.object(&json!({"type": "logs", "name": global.name, "lines": shown}));
    Ok(0)
}

/// Shows what was done; also to something that was removed, whose data was kept.
pub(super) async fn run_history(drivers: &Drivers, global: &Global, limit: usize, out: &Output) -> Outcome {
    if Places::here(global.home.as_deref()).find(&global.name)?.is_none() {
        return Err(super::installation::not_found(global).into());
    }
    let target = open(drivers, global, None, &Secrets::new()).await?;
    let answer = target.record(&Cx::new(), &RecordCall::History { limit }).await?;
    let entries = if let RecordAnswer::History(entries) = answer { entries } else { Vec::new() };
    out.object(&json!({"type": "history", "name": global.name, "entries": entries}));
    let mut rows = vec![["TIME", "BY", "ACT", "RESULT", "RELEASE"].map(str::to_owned).to_vec()];
    for entry in &entries {
        let act = format!("{:?}", entry.act).to_lowercase();
        let mut result = format!("{:?}", entry.result).to_lowercase();
        if let Some(code) = &entry.error {
            result.push_str(&format!(" ({code})"));
        }
        rows.push(vec![
            entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            entry.actor.clone(),
            act,
            result,
            entry.release.clone(),
        ]);
    }
    out.rows(&rows);
    Ok(0)
}
