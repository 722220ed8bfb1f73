//! Progress of a plan: lines for people, one that changes on a terminal, objects for programs.

use super::output::{GREEN, RED, may_repaint};
use rtmx_core::Cx;
use rtmx_deploy::{Progress, ProgressEvent};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shows what happens while a plan is carried out.
#[derive(Debug)]
pub(super) struct Shown {
    json: bool,
    repaint: bool,
    open_line: AtomicBool,
}

impl Shown {
    pub(super) fn new(json: bool) -> Self {
        Shown { json, repaint: may_repaint(), open_line: AtomicBool::new(false) }
    }

    fn say(&self, text: &str) {
        let clear = if self.open_line.swap(false, Ordering::Relaxed) { "\r\x1b[K" } else { "" };
        // Progress that nobody can see does not stop the work.
        let _ = writeln!(anstream::stderr(), "{clear}{text}");
    }

    fn begin(&self, text: &str) {
        if self.repaint {
            let mut out = anstream::stderr();
            let _ = write!(out, "{text} ...").and_then(|()| out.flush());
            self.open_line.store(true, Ordering::Relaxed);
        }
    }
}

impl Progress for Shown {
    fn event(&self, event: ProgressEvent<'_>) {
        if self.json {
            return;
        }
        match event {
            ProgressEvent::Started { step, number, of } => {
                self.begin(&format!("[{number}/{of}] {}", step.title));
            }
            ProgressEvent::Skipped(step) => self.say(&format!("  {} (was done)", step.title)),
            ProgressEvent::Finished(step) => self.say(&format!("  {GREEN}done{GREEN:#}  {}", step.title)),
            ProgressEvent::Failed(step, _) => self.say(&format!("  {RED}failed{RED:#}  {}", step.title)),
            ProgressEvent::Undoing(step) => self.begin(&format!("undoing: {}", step.title)),
            ProgressEvent::Undone(step) => self.say(&format!("  undone  {}", step.title)),
            _ => {}
        }
    }
}

/// Makes the first interrupt stop the work at the end of a step, and the second at once.
pub(super) fn stop_on_interrupt(cx: &Cx, json: bool) {
    let cx = cx.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        cx.cancel();
        let words =
            "stopping at the end of this step, and undoing what was done; interrupt again to stop now";
        if !json {
            let _ = writeln!(anstream::stderr(), "\n{words}");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
