//! `deploy`: builds the server and the operator's tool, and lets the tool do the rest.

use crate::release::Target;
use crate::workspace::Workspace;
use crate::{Result, needs, process, release};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Also import this project's own matrix and documents into the project `default`
    #[arg(long)]
    demo: bool,
    /// What follows is given to `rtmxctl deploy`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Options of `rtmxctl` that say which installation is meant; they follow the import as well.
const WHICH: [&str; 2] = ["--name", "--home"];

/// Builds and deploys.
///
/// # Errors
///
/// If the build or the deployment fails. The exit code of `rtmxctl` is this process's own.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    needs::ensure(&[needs::C_COMPILER])?;
    let workspace = Workspace::read()?;
    let tool = release::build(&workspace, Target::of_this_machine()?)?.tool;
    let (demo, rest) = split(arguments);
    let status = attached(Command::new(&tool).arg("deploy").args(&rest).current_dir(&workspace.root))?;
    if !status.success() {
        std::process::exit(status.code().unwrap_or(1));
    }
    if demo { import(&workspace, &tool, &rest) } else { Ok(()) }
}

/// `--demo` is ours wherever it stands.
fn split(arguments: &Arguments) -> (bool, Vec<String>) {
    let demo = arguments.demo || arguments.rest.iter().any(|word| word == "--demo");
    (demo, arguments.rest.iter().filter(|word| *word != "--demo").cloned().collect())
}

/// Imports this project's own matrix and its documents; a second import of the same files changes nothing.
fn import(workspace: &Workspace, tool: &Path, rest: &[String]) -> Result<()> {
    let mut import = Command::new(tool);
    import.args(which(rest)).args(["import", "rtm/database.csv", "--project", "default"]);
    import.arg("--keep-rows").args(documents(&workspace.root)?);
    process::succeed(import.current_dir(&workspace.root))
}

/// The requirement documents of this project, by name.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = Path::new("rtm/requirements");
    let unreadable = |error: std::io::Error| format!("could not read {}: {error}", folder.display());
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).map_err(unreadable)? {
        let name = PathBuf::from(entry.map_err(unreadable)?.file_name());
        if name.extension().is_some_and(|extension| extension == "md") {
            documents.push(folder.join(name));
        }
    }
    documents.sort();
    Ok(documents)
}

/// The options that choose the installation, with their values.
fn which(rest: &[String]) -> Vec<String> {
    let mut chosen = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if WHICH.contains(&word.as_str()) {
            chosen.push(word.clone());
            chosen.extend(words.next().cloned());
        } else if WHICH
            .iter()
            .any(|option| word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')))
        {
            chosen.push(word.clone());
        }
    }
    chosen
}

/// Runs with this process's terminal, so that the tool can ask.
fn attached(command: &mut Command) -> Result<ExitStatus> {
    let line = process::shown(command);
    command.status().map_err(|error| format!("could not start `{line}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn demo_is_taken_out_wherever_it_stands() {
        let arguments = Arguments { demo: false, rest: words("--port 18080 --demo") };
        assert_eq!(split(&arguments), (true, words("--port 18080")));
        let arguments = Arguments { demo: true, rest: words("--port 18080") };
        assert_eq!(split(&arguments), (true, words("--port 18080")));
    }

    #[test]
    fn the_import_goes_to_the_installation_that_was_deployed() {
        let rest = words("--port 1 --name other --home=/tmp/x --set a=b");
        assert_eq!(which(&rest), words("--name other --home=/tmp/x"));
    }
}
