//! What goes into the log: one line when something changes, and none for what stays.
//!
//! What comes and goes all the time gets a dozen lines an hour. What could not be said then is said later,
//! if it still holds.

use crate::licensing::sources::Origin;
use rtmx_core::{Error, Result, server};
use rtmx_license::{Checked, State, Warning};
use std::time::Duration;
use tokio::time::Instant;

/// How often it is said that the license server was not reached, at most.
const OUTAGE_INTERVAL: Duration = Duration::from_secs(3600);
/// How many lines of one kind there are in [`LINES_INTERVAL`].
const LINES: u32 = 12;
const LINES_INTERVAL: Duration = Duration::from_secs(3600);

/// A part of a turn that can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Seat,
    Count,
    Look,
    Keep,
    Ask,
}

impl Step {
    /// What could not be done.
    fn in_words(self) -> &'static str {
        match self {
            Step::Seat => "could not count this server among those that share the database",
            Step::Count => "could not count what the license limits",
            Step::Look => "could not look at the license",
            Step::Keep => "could not keep what was found about the license",
            Step::Ask => "could not ask the license server",
        }
    }
}

/// The lines of one kind that may still be written.
#[derive(Debug, Default)]
struct Budget {
    began: Option<Instant>,
    used: u32,
}

impl Budget {
    /// Whether there is a line left, which is used then.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        if self.began.is_none_or(|began| now.duration_since(began) >= LINES_INTERVAL) {
            (self.began, self.used) = (Some(now), 0);
        }
        self.used += 1;
        self.used <= LINES
    }
}

/// What makes a line in the log when it changes.
#[derive(Debug, Default)]
pub(super) struct Said {
    state: Option<(State, Option<String>)>,
    states: Budget,
    warnings: Vec<String>,
    warned: Budget,
    /// The steps that failed when they were tried last, and with which code.
    failed: Vec<(Step, String)>,
    failures: Budget,
    outage: bool,
    /// When an outage was said last: a network that comes and goes is no reason for a line each time.
    outage_at: Option<Instant>,
}

impl Said {
    /// Why a step failed; not while a start waits for its database, which others say.
    pub(super) fn step<T>(&mut self, step: Step, outcome: &Result<T>) {
        let before = self.failed.iter().position(|(failed, _)| *failed == step);
        let Err(error) = outcome else {
            before.map(|at| self.failed.remove(at));
            return;
        };
        let code = error.code().to_string();
        if before.is_some_and(|at| self.failed[at].1 == code) {
            return;
        }
        if error.code() == server::NOT_READY || !self.failures.take() {
            return;
        }
        self.tell(step, error);
        before.map(|at| self.failed.remove(at));
        self.failed.push((step, code));
    }

    fn tell(&self, step: Step, error: &Error) {
        let (what, code, next) = (step.in_words(), error.code(), error.next());
        tracing::warn!(%code, next, "{what}: {}", error.message());
    }

    /// One line for each change, and none for what stays.
    pub(super) fn verdict(&mut self, checked: &Checked, passed_over: &[(Origin, String)]) {
        let verdict = &checked.verdict;
        let why = verdict.refusal.as_ref().map(ToString::to_string);
        // Days go by without a line each: the warnings have steps.
        let state = match verdict.state {
            State::ExpiringSoon { .. } => State::Valid,
            state => state,
        };
        let state = Some((state, why));
        if self.state != state && self.states.take() {
            let name = crate::licensing::view::state_name(&verdict.state);
            let (reason, next) = (state.as_ref().and_then(|(_, why)| why.as_deref()), verdict.next.as_str());
            match verdict.state {
                State::Valid | State::ExpiringSoon { .. } => {
                    tracing::info!(state = name, "the license is in force");
                }
                State::Restricted { why: rtmx_license::Why::Unlicensed } => {
                    tracing::info!(state = name, "there is no license: the community limits hold");
                }
                State::Grace { .. } => {
                    tracing::warn!(state = name, reason, next, "the license goes on for a while");
                }
                State::Restricted { .. } | State::Terminated => {
                    tracing::warn!(state = name, reason, next, "the community limits hold");
                }
            }
            self.state = state;
        }
        let of_others =
            passed_over.iter().map(|(origin, why)| format!("{} is not used: {why}", origin.name()));
        let warnings: Vec<String> = verdict.warnings.iter().map(in_steps).chain(of_others).collect();
        self.warnings.retain(|said| warnings.contains(said));
        for warning in warnings {
            if !self.warnings.contains(&warning) && self.warned.take() {
                tracing::warn!("license: {warning}");
                self.warnings.push(warning);
            }
        }
    }

    pub(super) fn outage(&mut self, outage: Option<&str>, again_after: Duration) {
        let is_quiet = self.outage_at.is_some_and(|at| at.elapsed() < OUTAGE_INTERVAL);
        match (outage, self.outage) {
            (Some(why), false) if !is_quiet => {
                tracing::warn!(
                    why,
                    again_s = again_after.as_secs(),
                    "the license server was not reached; nothing changes"
                );
                (self.outage, self.outage_at) = (true, Some(Instant::now()));
            }
            (None, true) => {
                tracing::info!("the license server answers again");
                self.outage = false;
            }
            _ => {}
        }
    }
}

/// A warning without the numbers that change all the time.
fn in_steps(warning: &Warning) -> String {
    match warning {
        Warning::Expires { step, .. } => format!("the license ends within {step} days"),
        Warning::NotConfirmed { percent, .. } => {
            format!(
                "the license server has not confirmed the license for {percent} % of the time it may go without"
            )
        }
        Warning::ClockBehind { .. } => {
            "the clock of this machine is behind the time that was believed".to_owned()
        }
        Warning::ClockAhead { .. } => "the clock of this machine jumped ahead".to_owned(),
        Warning::ServerClock { .. } => {
            "the license server's clock and that of this machine differ".to_owned()
        }
        other => other.to_string(),
    }
}
