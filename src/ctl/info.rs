//! Commands that only tell: `explain`, `driver list`, `version`, `help`, `completions`, `man`.

use super::args::Cli;
use super::output::{BOLD, Outcome, Output};
use super::topics::{TOPICS, manual_page, topic};
use crate::Drivers;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use rtmx_core::{Code, CodeEntry, Error, Result, all_codes, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Explains one code, or lists all.
pub(super) fn run_explain(code: Option<&str>, out: &Output) -> Outcome {
    let Some(id) = code else {
        let codes: Vec<Value> = all_codes().map(|code| code_object(code.entry())).collect();
        out.object(&json!({"type": "explain", "codes": codes}));
        let row = |code: Code| vec![code.id().to_owned(), code.entry().summary.to_owned()];
        out.rows(&all_codes().map(row).collect::<Vec<_>>());
        return Ok(0);
    };
    let code = Code::find(id).ok_or_else(|| {
        let near: Vec<&str> = all_codes().map(Code::id).filter(|known| is_near(known, id)).collect();
        let error = Error::new(tool::CODE_UNKNOWN, format!("there is no error code `{id}`"));
        if near.is_empty() {
            error
        } else {
            error.with_next(format!("Did you mean `{}`?", near.join("`, `")))
        }
    })?;
    let entry = code.entry();
    let mut object = json!({"type": "explain"});
    object
        .as_object_mut()
        .zip(code_object(entry).as_object().cloned())
        .into_iter()
        .for_each(|(into, more)| into.extend(more));
    out.object(&object);
    out.line(format!("{BOLD}{}{BOLD:#}: {}", entry.id, entry.summary));
    out.line("");
    out.line(entry.detail);
    out.line("");
    out.line(format!("What to do: {}", entry.next));
    out.line(format!("Exit code {}, HTTP status {}.", entry.exit, entry.status));
    Ok(0)
}

/// Lists the drivers of every family.
pub(super) fn run_driver_list(drivers: &Drivers, out: &Output) -> Outcome {
    let families = [
        ("storage", drivers.storage.list()),
        ("config", drivers.config.list()),
        ("deploy", drivers.deploy.list()),
    ];
    let listed: Vec<Value> = families
        .iter()
        .flat_map(|(family, list)| {
            list.iter().map(move |it| json!({"family": family, "name": it.name, "present": it.present, "summary": it.summary}))
        })
        .collect();
    out.object(&json!({"type": "driver", "drivers": listed}));
    let mut rows = vec![["FAMILY", "NAME", "HERE", "WHAT"].map(str::to_owned).to_vec()];
    for (family, list) in &families {
        for it in list {
            let here = if it.present { "yes" } else { "no" };
            rows.push([family, it.name, here, it.summary].map(str::to_owned).to_vec());
        }
    }
    out.rows(&rows);
    Ok(0)
}

/// Shows the version.
pub(super) fn run_version(out: &Output) -> Outcome {
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    out.object(&json!({"type": "version", "format": super::output::JSON_FORMAT, "version": version, "os": os, "arch": arch}));
    out.line(format!("rtmxctl {version} ({os} {arch})"));
    Ok(0)
}

/// Shows help on a command or a topic.
pub(super) fn run_help(what: &[String], out: &Output) -> Outcome {
    let text = match what {
        [name] if topic(name).is_some() => topic(name).unwrap_or_default(),
        path => help_of(path)?,
    };
    out.object(&json!({"type": "help", "text": text}));
    out.line(text.trim_end());
    Ok(0)
}

fn help_of(path: &[String]) -> Result<String> {
    let mut command = built();
    for name in path {
        let found = command.find_subcommand(name).filter(|found| !found.is_hide_set()).cloned();
        command = found.ok_or_else(|| {
            let message = format!("there is no help on `{}`", path.join(" "));
            Error::new(tool::USAGE, message)
                .with_next(format!("See `rtmxctl help`; topics are `{}`.", TOPICS.join("`, `")))
        })?;
    }
    Ok(command.render_long_help().to_string())
}

/// Prints a completion script.
pub(super) fn run_completions(shell: Shell, out: &Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rtmxctl", &mut script);
    if out.is_json() {
        let text = String::from_utf8_lossy(&script).into_owned();
        out.object(&json!({"type": "completions", "shell": shell.to_string(), "script": text}));
    } else {
        out.bytes(&script);
    }
    Ok(0)
}

/// Writes the manual pages: one for each command, and one for each topic.
pub(super) fn run_man(to: &Path, out: &Output) -> Outcome {
    let mut pages = Vec::new();
    render(&built(), "rtmxctl", &mut pages).map_err(|error| unwritable(to, error))?;
    for name in TOPICS {
        let page = manual_page(name).expect("every topic has a text");
        pages.push((format!("rtmxctl-{name}.7"), page.into_bytes()));
    }
    std::fs::create_dir_all(to).map_err(|error| unwritable(to, error))?;
    let mut written: Vec<PathBuf> = Vec::new();
    for (name, page) in pages {
        let path = to.join(name);
        std::fs::write(&path, page).map_err(|error| unwritable(&path, error))?;
        written.push(path);
    }
    out.object(&json!({"type": "man", "files": written}));
    out.line(format!("{} manual pages written to {}", written.len(), to.display()));
    Ok(0)
}

fn render(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        render(sub, &format!("{name}-{}", sub.get_name()), pages)?;
    }
    Ok(())
}

fn built() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", path.display())).with_source(error)
}

fn code_object(entry: &CodeEntry) -> Value {
    json!({
        "code": entry.id, "kind": entry.kind, "status": entry.status, "exit": entry.exit,
        "summary": entry.summary, "detail": entry.detail, "next": entry.next,
    })
}

/// Whether two codes are alike: one holds the other, or they share most of their words.
fn is_near(known: &str, asked: &str) -> bool {
    let shared = asked
        .split(['_', '-', ' '])
        .filter(|word| word.len() > 2 && known.split('_').any(|it| it == *word))
        .count();
    !asked.is_empty() && (known.contains(asked) || shared > 0)
}
