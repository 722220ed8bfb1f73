//! `render`: writes the files of a target into a folder, and replaces none that it did not make.
//!
//! What was made is known by the list of checksums that lies among the files: a file that is not in it, or
//! that differs from it, is somebody's own.

use super::app::{Described, with_faults};
use super::args::{RenderArgs, RenderTarget, word};
use super::output::{BOLD, GREEN, Outcome, Output};
use rtmx_core::{Error, Result, app as codes, tool};
use rtmx_deploy::{
    CHECKSUMS, Choice, FileKind, Release, Rendered, RenderedFile, chart_files_of, files_of, render_chart,
    render_compose, sha256,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes the files of a target.
pub(super) fn run_render(args: &RenderArgs, out: &Output) -> Outcome {
    if args.target == RenderTarget::Helm && (args.size.is_some() || !args.set.is_empty()) {
        let message = "could not render the chart with `--size` or `--set`: they are values of it, such as those in its values-prod.yaml";
        return Err(Error::new(tool::USAGE, message).with_state("nothing was written").into());
    }
    let described = Described::read(args.app.as_deref(), args.lock.as_deref()).map_err(with_faults)?;
    let choice =
        Choice { environment: args.env.clone(), size: args.size.clone(), settings: settings(&args.set)? };
    let resolved = Release::resolve(&described.app, described.lock.as_ref(), &choice).map_err(with_faults)?;
    let mut warnings = resolved.warnings;
    let composition = match args.target {
        RenderTarget::Compose => {
            let wanted = resolved.release.topology.as_deref().map(files_of).unwrap_or_default();
            render_compose(&resolved.release, &described.files(&wanted)?)?
        }
        RenderTarget::Helm => {
            // It has warnings of its own: it knows nothing of an environment.
            warnings.clear();
            let files = described.files(&chart_files_of(&described.app))?;
            render_chart(&described.app, described.lock.as_ref(), &files).map_err(with_faults)?
        }
    };
    warnings.extend(composition.warnings);
    let done = write(&composition.rendered, &args.to)?;
    let files: Vec<Value> =
        done.iter().map(|(path, what)| json!({"path": path, "change": what.word()})).collect();
    out.object(&json!({
        "type": "render",
        "target": word(&args.target),
        "application": resolved.release.application,
        "version": resolved.release.version,
        "release": resolved.release.id(),
        "environment": args.env,
        "to": args.to,
        "files": files,
        "warnings": warnings,
    }));
    let count = |what: Change| done.iter().filter(|(_, it)| *it == what).count();
    out.line(format!(
        "{GREEN}Rendered{GREEN:#} {} {} for {} into {}: {} files written, {} unchanged.",
        resolved.release.application,
        resolved.release.version,
        word(&args.target),
        args.to.display(),
        count(Change::Written),
        count(Change::Unchanged)
    ));
    for (path, _) in done.iter().filter(|(_, what)| *what == Change::Kept) {
        out.line(format!("  {path} is yours, and stays as it is."));
    }
    for (path, _) in done.iter().filter(|(_, what)| *what == Change::Removed) {
        out.line(format!("  {path} is no longer part of it, and was removed."));
    }
    warnings.iter().for_each(|warning| out.line(format!("{BOLD}warning{BOLD:#}: {warning}")));
    let to = args.to.display();
    out.line(match args.target {
        RenderTarget::Compose => {
            format!("Next: `cd {to}`, then `docker compose up -d --wait` or `./install.sh`")
        }
        RenderTarget::Helm => {
            let name = &resolved.release.application;
            format!("Next: `helm upgrade --install {name} {to} --namespace {name} --create-namespace --wait`")
        }
    });
    Ok(0)
}

fn settings(given: &[String]) -> Result<BTreeMap<String, String>> {
    let split = |text: &String| {
        text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned())).ok_or_else(|| {
            Error::new(
                tool::ASSIGNMENT_INVALID,
                format!("could not read `--set {text}`: it is not `key=value`"),
            )
        })
    };
    given.iter().map(split).collect()
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Written,
    Unchanged,
    /// It is the operator's.
    Kept,
    Removed,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Change::Written => "written",
            Change::Unchanged => "unchanged",
            Change::Kept => "kept",
            Change::Removed => "removed",
        }
    }
}

/// Writes the files that differ, after it has seen that none of them is somebody's own.
fn write(rendered: &Rendered, to: &Path) -> Result<Vec<(String, Change)>> {
    let made = made_before(to)?;
    let mut occupied = Vec::new();
    let mut wanted = Vec::new();
    for file in &rendered.files {
        let there = read(&to.join(&file.path))?;
        let change = match &there {
            None => Change::Written,
            Some(there) if *there == file.content.as_bytes() => Change::Unchanged,
            Some(_) if file.kind == FileKind::Start => Change::Kept,
            Some(there) => {
                let ours = file.path == CHECKSUMS && made.is_some()
                    || made.as_ref().and_then(|made| made.get(&file.path)) == Some(&sum(there));
                if !ours {
                    occupied.push(file.path.as_str());
                }
                Change::Written
            }
        };
        wanted.push((file, change));
    }
    if !occupied.is_empty() {
        let message =
            format!("could not render into {}: {} stands in the way", to.display(), occupied.join(", "));
        let message = if occupied.len() == 1 { message } else { message.replace(" stands in", " stand in") };
        return Err(Error::new(codes::RENDER_OCCUPIED, message)
            .with("files", occupied.join(","))
            .with_state("nothing was written"));
    }
    let mut done = Vec::new();
    for (file, change) in wanted {
        if change == Change::Written {
            write_one(to, file).map_err(|error| unwritable(&to.join(&file.path), error))?;
        }
        done.push((file.path.clone(), change));
    }
    for (path, known) in made.into_iter().flatten() {
        let gone = !rendered.files.iter().any(|file| file.path == path);
        let place = to.join(&path);
        if gone && !path.contains("..") && read(&place)?.is_some_and(|there| sum(&there) == known) {
            fs::remove_file(&place).map_err(|error| unwritable(&place, error))?;
            done.push((path, Change::Removed));
        }
    }
    Ok(done)
}

/// What an earlier rendering made, with its checksums; `None` if there was none.
fn made_before(to: &Path) -> Result<Option<BTreeMap<String, String>>> {
    let Some(text) = read(&to.join(CHECKSUMS))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    Ok(Some(lines.map(|(sum, path)| (path.to_owned(), sum.to_owned())).collect()))
}

fn sum(bytes: &[u8]) -> String {
    // What is no text was never rendered.
    std::str::from_utf8(bytes).map(sha256).unwrap_or_default()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("could not read {}", path.display());
            Err(Error::new(tool::FILE_UNREADABLE, message).with_source(error))
        }
    }
}

fn write_one(to: &Path, file: &RenderedFile) -> io::Result<()> {
    // Users of containers other than the caller read these files; there is no secret in them.
    let mode = if file.kind == FileKind::Program { 0o755 } else { 0o644 };
    write_whole(&to.join(&file.path), file.content.as_bytes(), mode)
}

/// Writes a file wholly or not at all, with its folder.
pub(super) fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut beside = NamedTempFile::new_in(dir)?;
    beside.write_all(content)?;
    beside.as_file().set_permissions(Permissions::from_mode(mode))?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", path.display())).with_source(error)
}
