//! `rtmx-server secrets create`: makes the secrets that an installation lacks, before anything of it
//! starts.
//!
//! The decision to know: which secrets there are, and who may read them, stands in a file that was
//! rendered beside the others; what is to be done is decided by `rtmx_deploy::secrets` without touching
//! anything; here are the files. So it works for every application, and needs no configuration of the
//! server. Names are printed, and never a value. In a cluster the secrets are objects, and
//! `rtmx_deploy_helm` makes those.

mod folder;
#[cfg(feature = "deploy-helm")]
mod objects;
#[cfg(not(feature = "deploy-helm"))]
mod objects {
    //! What takes the place of the driver in a build without it.

    use rtmx_core::{Error, Result, deploy};
    use std::path::Path;

    pub(super) async fn create(_: &Path) -> Result<()> {
        Err(Error::new(deploy::CLUSTER_UNKNOWN, "this build cannot ask a cluster"))
    }
}

use clap::{Args, Subcommand};
use folder::{Hands, Store};
use rtmx_core::{Error, Result, app as codes, deploy, tool};
use rtmx_deploy::app::Name;
use rtmx_deploy::secrets::{Duties, FoundSecrets};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Makes what is missing, and hands each component its own; changes nothing that is there.
    #[command(
        after_help = "Examples:\n  rtmx-server secrets create --spec secrets.yaml --to /secrets --given /given --profiles postgres\n  rtmx-server secrets create --kubernetes objects.yaml"
    )]
    Create(CreateArgs),
}

/// Options of `secrets create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The file that says which secrets there are and who gets which.
    #[arg(long, value_name = "FILE", required_unless_present = "kubernetes")]
    spec: Option<PathBuf>,
    /// The folder that they are kept in; each component finds its own below its name.
    #[arg(long, value_name = "DIR", required_unless_present = "kubernetes")]
    to: Option<PathBuf>,
    /// Make the Secrets of this file in the namespace of this pod, and none that is there.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["spec", "to", "given", "variables", "profiles", "own"])]
    kubernetes: Option<PathBuf>,
    /// A folder of given secrets, each in a file of its name.
    #[arg(long, value_name = "DIR")]
    given: Option<PathBuf>,
    /// The folder of files with variables, for components that can read no file.
    #[arg(long, value_name = "DIR")]
    variables: Option<PathBuf>,
    /// What is switched on, with commas between.
    #[arg(long, value_name = "NAMES", default_value = "")]
    profiles: String,
    /// Leave all files to the user who runs this, and give none to the groups of components.
    #[arg(long)]
    own: bool,
}

/// Runs a command of `secrets`.
///
/// # Errors
///
/// The faults of the file; `secret_missing`, `secret_differs`, `secrets_reload`; `file_unreadable` and
/// `deploy_io` for what the system refused; `cluster_*` for what the cluster did.
pub(crate) async fn run(command: &SecretsCommand) -> Result<ExitCode> {
    let SecretsCommand::Create(args) = command;
    match (&args.kubernetes, &args.spec, &args.to) {
        (Some(file), ..) => objects::create(file).await?,
        (None, Some(spec), Some(to)) => create(args, spec, to)?,
        // The parser of the arguments asks for them.
        (None, ..) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// A file that has to be there.
fn text_of(file: &Path) -> Result<rtmx_core::Secret<String>> {
    let text = folder::read_text(file)?;
    text.ok_or_else(|| Error::new(tool::FILE_UNREADABLE, format!("there is no file {}", file.display())))
}

fn create(args: &CreateArgs, spec: &Path, to: &Path) -> Result<()> {
    let duties = Duties::read(text_of(spec)?.expose(), &spec.display().to_string())?;
    let profiles = profiles(&args.profiles, &duties)?;
    let hands = if args.own { Hands::Own } else { Hands::Groups };
    let store = Store::open(to, hands)?;
    let mut found = FoundSecrets::default();
    for name in duties.secrets.keys() {
        if let Some(value) = store.kept(name)? {
            found.kept.insert(name.clone(), value);
        }
        if let Some(value) = args.given.as_deref().map(|dir| given(dir, name)).transpose()?.flatten() {
            found.given.insert(name.clone(), value);
        }
    }
    let made = duties.make(&found, &profiles, &mut random)?;
    let mut told = Vec::new();
    for (name, value) in &made.kept {
        store.keep(name, value)?;
        told.push(format!("made {name}"));
    }
    for (component, delivered) in &made.components {
        let changed = store.deliver(component, delivered)?;
        told.extend(changed.into_iter().map(|file| format!("handed {file} to {component}")));
    }
    for component in duties.components.keys().filter(|name| !made.components.contains_key(*name)) {
        if store.withdraw(component)? {
            told.push(format!("took back the files of {component}"));
        }
    }
    let mut late = Vec::new();
    if let Some(dir) = &args.variables {
        for (component, delivered) in made.components.iter().filter(|(_, it)| !it.variables.is_empty()) {
            if store.write_variables(dir, component, &delivered.variables)? {
                late.push(component.as_str());
            }
        }
    }
    tell(&told);
    if late.is_empty() {
        return Ok(());
    }
    let message = format!("the variables of `{}` were made only now", late.join("`, `"));
    Err(Error::new(codes::SECRETS_RELOAD, message).with_state("all secrets are made"))
}

/// The profiles that are on; `*` is all of them, as in Compose.
fn profiles(text: &str, duties: &Duties) -> Result<BTreeSet<Name>> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    if words.clone().any(|word| word == "*") {
        let secrets = duties.secrets.values().flat_map(|secret| &secret.profiles);
        let components = duties.components.values().flat_map(|duty| &duty.profiles);
        return Ok(secrets.chain(components).cloned().collect());
    }
    let name = |word: &str| {
        Name::new(word).ok_or_else(|| {
            Error::new(tool::ASSIGNMENT_INVALID, format!("`{word}` is no name of a profile"))
                .with_next("Write names with commas between, such as `--profiles postgres,tls`.")
        })
    };
    words.map(name).collect()
}

/// What was given for a secret, without the line end that editors leave; an empty file gives nothing.
fn given(dir: &Path, name: &Name) -> Result<Option<rtmx_core::Secret<String>>> {
    let text = folder::read_text(&dir.join(name.as_str()))?;
    let text = text.map(|text| {
        let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
        rtmx_core::Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
    });
    Ok(text.filter(|text| !text.expose().is_empty()))
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(deploy::DEPLOY_IO, "could not get random bytes from the system")
            .with_source(error.to_string())
    })
}

fn tell(lines: &[String]) {
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if text.is_empty() {
        text.push_str("nothing was missing\n");
    }
    // Who reads it may be gone; what was made is made.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
