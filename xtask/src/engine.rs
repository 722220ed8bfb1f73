//! The container engine that some tests need: used where one answers, brought up where that can be
//! done.

use crate::workspace::Workspace;
use crate::{Result, needs, process};
use std::path::Path;
use std::time::Duration;

/// How long an engine that is stuck may keep us from saying so.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Finds an engine or brings one up, and answers its version.
///
/// The outer error is a failure; the inner one is why this machine has no engine.
///
/// # Errors
///
/// If what brings one up fails.
pub(crate) fn ensure(workspace: &Workspace) -> Result<std::result::Result<String, String>> {
    let root = &workspace.root;
    if let Some(version) = answers(root) {
        return Ok(Ok(version));
    }
    let starter = workspace.shared().join("engine/engine");
    if !starter.is_file() {
        return Ok(Err("no container engine answers `docker version`".into()));
    }
    if !needs::is_root() {
        return Ok(Err("no container engine answers, and only root can start one".into()));
    }
    println!("bringing up a container engine; the first time takes minutes");
    process::succeed(process::command(&starter, root).arg("up"))?;
    let version = answers(root);
    version.map(Ok).ok_or_else(|| "the container engine was started and does not answer".into())
}

/// The shell command that starts the engine again, where [`ensure`] is who starts it.
pub(crate) fn restart(workspace: &Workspace) -> Option<String> {
    let starter = workspace.shared().join("engine/engine");
    let ours = starter.is_file() && needs::is_root();
    let starter = starter.display();
    ours.then(|| {
        // It answers until it ends, and refuses to start again until it has.
        format!(
            "'{starter}' down; while docker info >/dev/null 2>&1; do sleep 0.2; done; \
             for _ in $(seq 60); do '{starter}' up >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1"
        )
    })
}

fn answers(root: &Path) -> Option<String> {
    let mut docker = process::command("docker", root);
    docker.args(["version", "--format", "{{.Server.Version}}"]);
    let ended = process::capture(&mut docker, ANSWER_LIMIT).ok()?;
    ended.success.then(|| ended.output.trim().to_owned())
}
