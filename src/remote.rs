//! `rtmx-server backup` and `selftest`: what jobs of the image do beside a running server.
//!
//! The decision to know: both go by way of the API, and so are the same on every database. A backup holds
//! everything, and so is for the owner alone: it is asked for on the admin socket of the data folder, or made
//! from the database where no server is on that folder. A test goes the way that users go, with a token.

use crate::Drivers;
use crate::ctl::archive::{ENDING, ensure_folder, path_now, unwritable};
use crate::ctl::backup::fetch;
use crate::ctl::data::{call, problem, whole};
use crate::ctl::meter::Meter;
use crate::ctl::output::Failure;
use crate::http::ApiClient;
use axum::body::Body;
use clap::Args;
use http::{Method, Request, header};
use rtmx_config::Settings;
use rtmx_core::{Error, Result, Secret, license, storage, tool};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The project that tests write to.
const PROJECT: &str = "selftest";
const JSON: &str = "application/json";

/// Which server is asked, and with what.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// The server, as `http://host:port`.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The file with a token of an admin.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder that backups are kept in.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// What their names begin with.
    #[arg(long, value_name = "NAME", default_value = "rtmx", value_parser = beginning)]
    name: String,
    /// How many of that name are kept: older ones are removed when a new one is whole. 0 keeps all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep: usize,
}

fn beginning(text: &str) -> std::result::Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let fits = !text.is_empty() && text.chars().all(plain);
    if fits { Ok(text.to_owned()) } else { Err("it has letters, digits and `-`".to_owned()) }
}

impl Remote {
    fn open(&self) -> Result<ApiClient> {
        let token = std::fs::read_to_string(&self.token_file).map_err(|error| {
            let file = self.token_file.display();
            Error::new(tool::FILE_UNREADABLE, format!("could not read {file}")).with_source(error)
        })?;
        ApiClient::at(&self.url, &Secret::new(token))
    }
}

/// Makes a backup of the database, keeps it, and removes those that are too old.
///
/// # Errors
///
/// `file_unreadable`, `file_unwritable`; what the server answers, or the database.
pub(crate) async fn backup(
    settings: Arc<Settings>,
    drivers: &Drivers,
    args: &BackupArgs,
) -> Result<ExitCode> {
    ensure_folder(&args.to)?;
    let to = path_now(&args.to, &args.name);
    let api = ApiClient::open(settings, drivers).await?;
    let fetched = fetch(&api, &to, Meter::new(false)).await;
    api.close().await?;
    let report = fetched.map_err(|failure| failure.error)?;
    say(&format!(
        "{}: {} records, {} of history, {} bytes, content hash {}",
        to.display(),
        report.records,
        report.history,
        report.bytes,
        report.content_hash
    ));
    if args.keep > 0 {
        for old in outlived(&args.to, &args.name, args.keep)? {
            std::fs::remove_file(&old).map_err(|error| unwritable(&old, error))?;
            say(&format!("removed {}", old.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The archives of a name but the newest, oldest first. A name holds when it was made.
fn outlived(folder: &Path, name: &str, keep: usize) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", folder.display())).with_source(error)
    })?;
    let is_ours = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix(name));
        let time = stem.and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        let begins_with_a_year = time.len() >= 20 && time.as_bytes()[..4].iter().all(u8::is_ascii_digit);
        begins_with_a_year && path.extension().is_some_and(|extension| extension == ENDING)
    };
    let mut ours: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_ours).collect();
    // The second one of a second has `-2` behind its time, and is the newer one.
    ours.sort_by_cached_key(|path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (time, number) = stem.rsplit_once("Z-").unwrap_or((stem.trim_end_matches('Z'), "1"));
        (time.to_owned(), number.parse::<u64>().unwrap_or(u64::MAX))
    });
    ours.truncate(ours.len().saturating_sub(keep));
    Ok(ours)
}

/// Writes to a server, reads it back, and takes it away again.
///
/// # Errors
///
/// `internal` when something else is read than was written; what the server answers.
pub(crate) async fn selftest(remote: &Remote) -> Result<ExitCode> {
    let api = remote.open()?;
    let project = project(&api).await.map_err(|failure| failure.error)?;
    let outcome = write_and_read(&api, &project).await.map_err(|failure| failure.error)?;
    say(&format!("written, read and removed: {outcome} in the project {project}"));
    Ok(ExitCode::SUCCESS)
}

/// The project of tests, or any where the license lets no more be made.
async fn project(api: &ApiClient) -> std::result::Result<String, Failure> {
    let listed = call(api, Method::GET, "/api/v1/projects".into(), None).await?;
    let ids: Vec<_> =
        listed["projects"].as_array().into_iter().flatten().filter_map(|it| it["id"].as_str()).collect();
    if ids.contains(&PROJECT) {
        return Ok(PROJECT.to_owned());
    }
    let body = json!({"id": PROJECT, "name": "Tests of the installation"}).to_string();
    match call(api, Method::POST, "/api/v1/projects".into(), Some((JSON, Body::from(body)))).await {
        Ok(_) => Ok(PROJECT.to_owned()),
        Err(failure) if failure.error.code() == license::LICENSE_LIMIT_REACHED => match ids.first() {
            Some(id) => Ok((*id).to_owned()),
            None => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

async fn write_and_read(api: &ApiClient, project: &str) -> std::result::Result<String, Failure> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(storage::INTERNAL, "could not get random bytes from the system")
            .with_source(error.to_string())
    })?;
    let id = format!("SELFTEST-{:016x}", u64::from_le_bytes(random));
    let all = format!("/api/v1/projects/{project}/requirements");
    let one = format!("{all}/{id}");
    let text = format!("Written by the test {id}.");
    let body = json!({"req_id": id, "requirement_text": text}).to_string();
    call(api, Method::POST, all, Some((JSON, Body::from(body)))).await?;
    let get = Request::get(&one).body(Body::empty()).map_err(unasked)?;
    let answer = api.call(get).await?;
    let etag = answer.headers().get(header::ETAG).cloned();
    let read: Value = serde_json::from_slice(&whole(answer.into_body()).await?).unwrap_or_default();
    // Whatever was read, it is taken away.
    if let Some(etag) = etag {
        let delete = Request::delete(&one).header(header::IF_MATCH, etag).body(Body::empty());
        let answer = api.call(delete.map_err(unasked)?).await?;
        if !answer.status().is_success() {
            return Err(problem(&whole(answer.into_body()).await?));
        }
    }
    if read["requirement_text"] != text.as_str() {
        let message = format!("another text was read of `{id}` than was written");
        return Err(Error::new(storage::INTERNAL, message).into());
    }
    Ok(id)
}

fn unasked(error: http::Error) -> Error {
    Error::new(storage::INTERNAL, "could not make a request").with_source(error)
}

fn say(text: &str) {
    // Who reads it may be gone; what was done is done.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_archives_of_the_name_have_outlived_their_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = [
            "rtmx-2026-01-01T00-00-00Z.archive",
            "rtmx-2026-01-02T00-00-00Z.archive",
            "rtmx-2026-01-02T00-00-00Z-2.archive",
            "rtmx-other-2025-01-01T00-00-00Z.archive",
            "rtmx-2024-01-01T00-00-00Z.part",
            "rtmx-notes.archive",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), "x").expect("a folder of ours");
        }
        let outlived = |keep| {
            let paths = outlived(folder.path(), "rtmx", keep).expect("it can be read").into_iter();
            paths
                .map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(outlived(3), Vec::<Option<String>>::new());
        assert_eq!(outlived(1), [names[0], names[1]].map(|name| Some(name.to_owned())));
    }
}
