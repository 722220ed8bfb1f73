//! The driver keeps the laws of storage, and leaves its statements for the test against SQLite 3.35.

mod support;

use rtmx_conformance::storage::{self, Instance};
use rtmx_core::{Body, Change, Cx};
use std::path::Path;
use std::process::ExitCode;
use support::statements::StatementLog;
use support::{change_set, create, open, open_ready, requirement, runtime};

fn main() -> ExitCode {
    let log = StatementLog::install();
    let code = storage::run(|| async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rtmx.db");
        let backend = open(&file).await?;
        let reopen = move || {
            let file = file.clone();
            async move { open(&file).await }
        };
        Ok(Instance::new(backend).reopened_by(reopen).guarded_by(folder))
    });
    // Only a whole run has seen every statement.
    if code == ExitCode::SUCCESS && std::env::args().len() == 1 {
        leave_inputs(&log, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("../sqlite-3.35"));
    }
    code
}

/// Writes what `tests/sqlite-3.35` reads: the statements, and a database that was closed well.
fn leave_inputs(log: &StatementLog, folder: &Path) {
    // The folder is made anew, so that nothing of an older run stays.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("the target folder is writable");
    let json = serde_json::to_string_pretty(&log.everything()).expect("text is JSON");
    std::fs::write(folder.join("statements.json"), json).expect("the target folder is writable");
    runtime().block_on(async {
        let storage = open_ready(&folder.join("rtmx.db")).await;
        for number in 1..=100 {
            storage.apply(&Cx::new(), &create(number)).await.expect("a change is applied");
        }
        let body = Body::Requirement(requirement("GRÖSSE", "shall keep größe, too"));
        storage
            .apply(&Cx::new(), &change_set(101, vec![Change::create("REQ-Ä", body)]))
            .await
            .expect("a change is applied");
        storage.close(&Cx::new()).await.expect("it closes");
    });
}
