//! The package `rtmx` of PyPI at its newest, in a virtual environment of its own.

use super::tool::{Kind, Tool};
use crate::workspace::Workspace;
use crate::{Result, needs, process};

/// Installs or renews the package. The inner error is why it cannot be had here.
///
/// # Errors
///
/// If Python is missing and cannot be installed.
pub(in crate::bench) fn tool(workspace: &Workspace) -> Result<std::result::Result<Tool, String>> {
    needs::ensure(&[needs::PYTHON])?;
    let dir = workspace.cache().join("python/rtmx");
    let program = dir.join("bin/rtmx");
    let renewed = install(workspace, &dir);
    match (renewed, program.is_file()) {
        (Err(reason), false) => return Ok(Err(reason)),
        (Err(reason), true) => println!("using the `rtmx` that is here: {reason}"),
        (Ok(()), _) => {}
    }
    // The package says of itself which version it is; its command says it in words of its own.
    let mut ask = process::command(dir.join("bin/python"), &workspace.root);
    ask.args(["-c", "import importlib.metadata as m; print(m.version('rtmx'))"]);
    let version = process::quiet(&mut ask)?.trim().to_owned();
    Ok(Ok(Tool { kind: Kind::Python, version, program }))
}

fn install(workspace: &Workspace, dir: &std::path::Path) -> Result<()> {
    if !dir.join("bin/pip").is_file() {
        println!("making a virtual environment for the package `rtmx`, once");
        process::quiet(process::command("python3", &workspace.root).args(["-m", "venv"]).arg(dir))?;
    }
    let mut pip = process::command(dir.join("bin/pip"), &workspace.root);
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--upgrade", "rtmx[web]"]);
    process::quiet(&mut pip).map(|_| ())
}
