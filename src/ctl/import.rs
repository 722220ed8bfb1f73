//! `import`: files go into a project one after the other, each whole or not at all.
//!
//! The decision to know: all files are read before the first is sent, so that a mistyped name
//! changes nothing; a file that is refused ends the import, and the error says how far it came.

use super::args::{Global, ImportArgs, Mode, word};
use super::data::{call, escaped, merge, open_api};
use super::output::{Failure, Outcome, Output};
use crate::Drivers;
use crate::http::ApiClient;
use http::Method;
use rtmx_core::{Error, Result, tool};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

/// One byte more than an import may have: enough for the API to refuse it in its own words.
const READ_LIMIT_BYTES: u64 = 64 * 1024 * 1024 + 1;
/// How many warnings of a file people are shown.
const SHOWN: usize = 20;

/// Imports matrices and requirement documents.
pub(super) async fn run_import(
    drivers: &Drivers,
    global: &Global,
    args: &ImportArgs,
    out: &Output,
) -> Outcome {
    check(args)?;
    let contents = args.files.iter().map(|file| read_file(file)).collect::<Result<Vec<_>>>()?;
    let api = open_api(drivers, global).await?;
    let outcome = import_all(&api, args, contents, out).await;
    api.close().await?;
    outcome
}

async fn import_all(api: &ApiClient, args: &ImportArgs, contents: Vec<Vec<u8>>, out: &Output) -> Outcome {
    let (count, mut applied) = (args.files.len(), 0);
    for (done, (file, content)) in args.files.iter().zip(contents).enumerate() {
        let answer = import(api, args, file, content).await;
        let answer =
            answer.map_err(|failure| if count > 1 { so_far(failure, file, done, count) } else { failure })?;
        applied += u64::from(answer["applied"] == true);
        let kind = if count > 1 { "imported" } else { "import" };
        let mut object =
            json!({"type": kind, "project": args.project, "file": file, "dry_run": args.dry_run});
        merge(&mut object, &answer);
        out.object(&object);
        let name = if count > 1 { format!("{}: ", file.display()) } else { String::new() };
        if is_document(file) { show_document(&name, &answer, out) } else { show_matrix(&name, &answer, out) }
    }
    if count > 1 {
        let (project, dry_run) = (&args.project, args.dry_run);
        out.object(&json!({"type": "import", "project": project, "dry_run": dry_run, "files": count, "applied": applied}));
    }
    Ok(0)
}

async fn import(api: &ApiClient, args: &ImportArgs, file: &Path, content: Vec<u8>) -> Result<Value, Failure> {
    let project = escaped(&args.project);
    let (path, kind) = if is_document(file) {
        let ImportArgs { status, keep_rows, allow_cycles, dry_run, .. } = args;
        let query =
            format!("status={status}&keep_row={keep_rows}&allow_cycles={allow_cycles}&dry_run={dry_run}");
        (format!("/api/v1/projects/{project}/import/document?{query}"), "text/markdown")
    } else {
        let (mode, duplicates) = (word(&args.mode), word(&args.duplicates));
        let query = format!("mode={mode}&duplicates={duplicates}&dry_run={}", args.dry_run);
        (format!("/api/v1/projects/{project}/import?{query}"), "text/csv")
    };
    call(api, Method::POST, path, Some((kind, content.into()))).await
}

/// Refuses options that none of the files would heed.
fn check(args: &ImportArgs) -> Result<()> {
    let documents = args.files.iter().filter(|file| is_document(file)).count();
    if documents == 0 && (args.status || args.keep_rows || args.allow_cycles) {
        let message = "`--status`, `--keep-rows` and `--allow-cycles` are for requirement documents, and no file ends in `.md`";
        return Err(Error::new(tool::USAGE, message));
    }
    if documents == args.files.len() && args.mode == Mode::Replace {
        let message = "`--mode replace` is for a matrix, and all files are requirement documents";
        return Err(Error::new(tool::USAGE, message));
    }
    Ok(())
}

fn is_document(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown")
}

fn so_far(failure: Failure, file: &Path, done: usize, count: usize) -> Failure {
    let state =
        format!("{done} of {count} files were imported; {} and what follows it were not", file.display());
    Failure { error: failure.error.with_state(state).with("file", file.display()), ..failure }
}

fn show_matrix(name: &str, answer: &Value, out: &Output) {
    let count = |name: &str| answer[name].as_u64().unwrap_or(0);
    let would = if answer["dry_run"] == true { "would be " } else { "" };
    out.line(format!(
        "{name}{} rows: {} {would}created, {} {would}updated, {} unchanged, {} {would}deleted.",
        count("rows"),
        count("created"),
        count("updated"),
        count("unchanged"),
        count("deleted")
    ));
    let warnings = answer["warnings"].as_array().into_iter().flatten().map(|warning| {
        let row = warning["row"].as_u64().map(|row| format!("row {row}: ")).unwrap_or_default();
        format!("{row}{}", warning["message"].as_str().unwrap_or_default())
    });
    warn(&warnings.collect::<Vec<_>>(), out);
}

fn show_document(name: &str, answer: &Value, out: &Output) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let effect = |member: &str| match (text(&answer[member]).as_str(), answer["dry_run"] == true) {
        (effect @ ("created" | "updated"), true) => format!("would be {effect}"),
        (effect, _) => effect.to_owned(),
    };
    let changed: Vec<String> = answer["changed"].as_array().into_iter().flatten().map(text).collect();
    let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
    out.line(format!(
        "{name}{}: requirement {}{changed}, document {}, {} test links new.",
        text(&answer["req_id"]),
        effect("requirement"),
        effect("document"),
        answer["test_links"].as_u64().unwrap_or(0)
    ));
    let unread = answer["unread"].as_object().into_iter().flatten();
    let mut warnings: Vec<String> =
        unread.map(|(column, value)| format!("could not read `{column}`: {}", text(value))).collect();
    let unknown = answer["unknown"].as_array().into_iter().flatten().map(text);
    warnings.extend(unknown.map(|entry| format!("`{entry}` is no field")));
    if let Some(status) = answer["status_not_taken"].as_str() {
        warnings.push(format!("the status {status} was not taken over; `--status` takes it"));
    }
    warn(&warnings, out);
}

fn warn(warnings: &[String], out: &Output) {
    warnings.iter().take(SHOWN).for_each(|warning| out.note(format!("  warning: {warning}")));
    if warnings.len() > SHOWN {
        out.note(format!("  and {} more; `--json` shows all", warnings.len() - SHOWN));
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(READ_LIMIT_BYTES).read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(READ_LIMIT_BYTES).read_to_end(&mut content))
    };
    read.map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", file.display())).with_source(error)
    })?;
    Ok(content)
}
