//! The loop that carries out a plan: each step is probed, run if it is not done, and undone in
//! reverse when a later one fails.
//!
//! It keeps no journal: if the process dies, steps are left as they are, and the next plan starts
//! from what is there.

use crate::{
    Act, DataFate, DeployTarget, Goal, HistoryEntry, HistoryResult, Plan, Progress, ProgressEvent,
    RecordCall, Step, StepState, Undo,
};
use rtmx_core::{Cx, Error, Result, Timestamp, deploy};

/// What carrying out a plan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Steps that were run.
    pub ran: usize,
    /// Steps that had been done before.
    pub skipped: usize,
}

/// Carries out a plan, and keeps a line about it in the target's history.
///
/// `at` is when it begins and `actor` who asked for it, for that line. A cancelled context stops it
/// before the next step, and what was done is undone. A step that had been done before is left
/// alone, also when a later one fails.
///
/// # Errors
///
/// The error of the step that failed, with the state that things are in; `interrupted`;
/// `undo_failed` when a step could be neither completed nor taken back.
pub async fn apply(
    cx: &Cx,
    target: &dyn DeployTarget,
    plan: &Plan,
    at: Timestamp,
    actor: &str,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let entry = |result, error: Option<&Error>| HistoryEntry {
        at,
        actor: actor.to_owned(),
        act: if matches!(plan.goal, Goal::Running(_)) { Act::Deploy } else { Act::Remove },
        release: if let Goal::Running(release) = &plan.goal { release.id() } else { String::new() },
        result,
        error: error.map(|error| error.code().id().to_owned()),
        changes: plan.changes.iter().map(ToString::to_string).collect(),
    };
    let mut ran = Vec::new();
    let Some((step, error)) = run_all(cx, target, plan, &mut ran, progress).await else {
        let outcome = Outcome { ran: ran.len(), skipped: plan.steps.len() - ran.len() };
        if !plan.is_empty() && plan.goal != Goal::Removed(DataFate::Purge) {
            let recorded = target.record(cx, &RecordCall::Append(entry(HistoryResult::Done, None))).await;
            recorded.map_err(|error| {
                error.with_state("everything was done; only the history has no line about it")
            })?;
        }
        return Ok(outcome);
    };
    // What was asked for has failed already; nobody may cancel the way back.
    let back = Cx::new();
    let (result, error) = match undo_all(&back, target, step, &ran, progress).await {
        Ok(0) => (HistoryResult::Undone, error.with_state("nothing was changed")),
        Ok(count) => {
            let steps =
                if count == 1 { "the one step that was done was" } else { "all steps that were done were" };
            (
                HistoryResult::Undone,
                error.with_state(format!("{steps} undone; the installation is as it was before")),
            )
        }
        Err((stuck, undo_error)) => {
            let message =
                format!("could not undo the step `{}` ({}) after another had failed", stuck.id, stuck.title);
            let state = format!("the step `{}` and those before it are still in effect", stuck.id);
            let failed = format!("{undo_error}; the failure that led here: {error}");
            let error = Error::new(deploy::UNDO_FAILED, message).with_source(failed).with_state(state);
            (HistoryResult::Stuck, error.with("step", &stuck.id))
        }
    };
    // The step's error is what the caller must hear of, so one about the history gives way to it.
    let _ = target.record(&back, &RecordCall::Append(entry(result, Some(&error)))).await;
    Err(error)
}

/// Runs the steps in order; answers with the failure, and the step that it happened in.
async fn run_all<'p>(
    cx: &Cx,
    target: &dyn DeployTarget,
    plan: &'p Plan,
    ran: &mut Vec<&'p Step>,
    progress: &dyn Progress,
) -> Option<(Option<&'p Step>, Error)> {
    let of = plan.steps.len();
    for (index, step) in plan.steps.iter().enumerate() {
        if cx.is_cancelled() {
            let message = format!("stopped before step {} of {of}, `{}`", index + 1, step.title);
            return Some((None, Error::new(deploy::INTERRUPTED, message)));
        }
        progress.event(ProgressEvent::Started { step, number: index + 1, of });
        let result = match target.probe(cx, step).await {
            Ok(StepState::Done) => {
                progress.event(ProgressEvent::Skipped(step));
                continue;
            }
            Ok(StepState::NotDone | StepState::Partly) => target.run(cx, step, progress).await,
            Err(error) => {
                progress.event(ProgressEvent::Failed(step, &error));
                return Some((None, error.with("step", &step.id)));
            }
        };
        if let Err(error) = result {
            progress.event(ProgressEvent::Failed(step, &error));
            return Some((Some(step), error.with("step", &step.id)));
        }
        ran.push(step);
        progress.event(ProgressEvent::Finished(step));
    }
    None
}

/// Undoes the step that failed and those that ran before it, the last first. Answers with how many
/// had something to undo, or with the step that could not be undone.
async fn undo_all<'p>(
    cx: &Cx,
    target: &dyn DeployTarget,
    failed: Option<&'p Step>,
    ran: &[&'p Step],
    progress: &dyn Progress,
) -> Result<usize, (&'p Step, Error)> {
    let mut undone = 0;
    let steps = failed.into_iter().chain(ran.iter().rev().copied());
    for step in steps.filter(|step| matches!(step.undo, Undo::Restores(_))) {
        progress.event(ProgressEvent::Undoing(step));
        target.undo(cx, step).await.map_err(|error| (step, error))?;
        progress.event(ProgressEvent::Undone(step));
        undone += 1;
    }
    Ok(undone)
}
