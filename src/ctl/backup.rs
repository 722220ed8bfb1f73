//! `backup`: archives of a database made, listed and verified; `restore.rs` brings one back.
//!
//! A running server makes the backup itself, asked through its admin socket.

use super::archive::{
    self, Checked, Counted, ENDING, Part, check, ensure_folder, facts, folder_of, interruptible, make,
    path_now, prove, refuse_existing, unwritable,
};
use super::args::{BackupCommand, Database, Global};
use super::data::{merge, open_api, problem, whole};
use super::database::{Given, here};
use super::meter::{Meter, size};
use super::output::{BOLD, Failure, GREEN, Outcome, Output};
use super::places::Places;
use super::restore::Consent;
use crate::Drivers;
use crate::http::{ApiClient, CONTENT_HASH};
use axum::body::Body;
use futures_util::StreamExt;
use http::Request;
use rtmx_core::{Cx, Error, Result, Timestamp, server, storage, tool};
use rtmx_storage::ArchiveReport;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Makes, lists, verifies and restores backups.
pub(super) async fn run_backup(
    drivers: &Drivers,
    global: &Global,
    command: &BackupCommand,
    out: &Output,
) -> Outcome {
    // What is made here, databases and archives, is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let task = Backup { drivers, global, out, meter: Meter::new(out.is_json()) };
    match command {
        BackupCommand::Create { database, to } => {
            interruptible("no backup was made", task.create(database, to.as_deref())).await
        }
        BackupCommand::List => task.list(),
        BackupCommand::Verify { file, prove, scratch } => {
            let work = task.verify(file, *prove, scratch.as_deref());
            interruptible("nothing was changed, and nothing is known of the backup", work).await
        }
        BackupCommand::Restore { file, database, replace, confirm } => {
            let consent = Consent { replace: *replace, confirm: confirm.as_deref() };
            match given(database).address()? {
                Some(address) => {
                    let state =
                        "the data is as it was, or as the backup has it: a restore is one transaction";
                    interruptible(state, task.restore_at(file, &address, consent)).await
                }
                None => task.restore_installation(file, consent).await,
            }
        }
    }
}

fn given(database: &Database) -> Given<'_> {
    Given {
        flag: "--url",
        url: database.url.as_deref(),
        env: database.url_env.as_deref(),
        file: database.url_file.as_deref(),
        schema: database.schema.as_deref(),
    }
}

/// What all of the commands have at hand.
pub(super) struct Backup<'a> {
    pub(super) drivers: &'a Drivers,
    pub(super) global: &'a Global,
    pub(super) out: &'a Output,
    pub(super) meter: Meter,
}

impl Backup<'_> {
    async fn create(&self, database: &Database, to: Option<&Path>) -> Outcome {
        let began = Instant::now();
        let address = given(database).address()?;
        let name = address.as_ref().map_or(&self.global.name, |address| &address.name);
        let to = self.place(name, to)?;
        refuse_existing(&to)?;
        let report = match &address {
            Some(address) => {
                let storage = address.open_existing(self.drivers, &here()?).await?;
                let made = make(&*storage, &to, self.meter).await;
                storage.close(&Cx::new()).await?;
                made?
            }
            None => self.fetch(&to).await?,
        };
        let seconds = began.elapsed().as_secs_f64();
        let mut object = json!({"type": "backup", "act": "create", "file": to, "seconds": rounded(seconds)});
        merge(&mut object, &facts(&report));
        self.out.object(&object);
        self.out.line(format!("{BOLD}{}{BOLD:#}", to.display()));
        self.tell(&report);
        self.out.note(format!(
            "Made in {seconds:.1} s. It counts once it is proven: rtmxctl backup verify --prove {}",
            to.display()
        ));
        Ok(0)
    }

    /// Where a backup goes: where it was said, else into the home's folder for them.
    fn place(&self, name: &str, to: Option<&Path>) -> Result<PathBuf> {
        match to {
            Some(to) if to.is_dir() => Ok(path_now(to, name)),
            Some(to) => Ok(to.to_owned()),
            None => {
                let folder = self.folder(name)?;
                ensure_folder(&folder)?;
                Ok(path_now(&folder, name))
            }
        }
    }

    /// The folder of the backups of a name. It lies outside of the installation, so that it outlives it.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let places = Places::here(self.global.home.as_deref());
        let home = places.find(&self.global.name)?.unwrap_or_else(|| places.for_new());
        Ok(home.join("backups").join(name))
    }

    /// Has the installation's server, or the same routes in its place, make a backup.
    async fn fetch(&self, to: &Path) -> Result<ArchiveReport, Failure> {
        let api = open_api(self.drivers, self.global).await?;
        let fetched = fetch(&api, to, self.meter).await;
        api.close().await?;
        fetched
    }

    fn list(&self) -> Outcome {
        let folder = self.folder(&self.global.name)?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != ENDING) {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            let at = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
            found.push((at, metadata.len(), path));
        }
        found.sort();
        found.reverse();
        let mut rows = vec![["MADE", "SIZE", "FORMAT", "FILE"].map(str::to_owned).to_vec()];
        let mut listed = Vec::new();
        for (at, bytes, path) in &found {
            let header = archive::header(path).ok();
            let at = at.map(|at| at.to_string().chars().take(19).collect::<String>() + "Z");
            let version = header.as_ref().map(|header| header.version);
            let epoch = header.map(|header| header.epoch.0.to_string());
            listed
                .push(json!({"file": path, "bytes": bytes, "made": at, "version": version, "epoch": epoch}));
            let version = version.map_or("damaged".to_owned(), |version| version.to_string());
            rows.push(vec![at.unwrap_or_default(), size(*bytes), version, path.display().to_string()]);
        }
        self.out.object(&json!({"type": "backup", "act": "list", "folder": folder, "backups": listed}));
        if found.is_empty() {
            self.out.line(format!("There are no backups in {}.", folder.display()));
        } else {
            self.out.rows(&rows);
        }
        Ok(0)
    }

    async fn verify(&self, file: &Path, proving: bool, scratch: Option<&Path>) -> Outcome {
        let began = Instant::now();
        let Checked { header, report, .. } = check(file, self.meter).await?;
        if proving {
            let place = scratch.unwrap_or_else(|| folder_of(file));
            prove(self.drivers, file, &report, place, self.meter).await?;
        }
        let mut object = json!({
            "type": "backup", "act": "verify", "file": file, "version": header.version,
            "epoch": header.epoch.0.to_string(), "proven": proving,
            "seconds": rounded(began.elapsed().as_secs_f64()),
        });
        merge(&mut object, &facts(&report));
        self.out.object(&object);
        let words = if proving { "whole, and proven by a restore" } else { "whole" };
        self.out.line(format!("{}: {GREEN}{words}{GREEN:#}", file.display()));
        self.tell(&report);
        Ok(0)
    }

    pub(super) fn tell(&self, report: &ArchiveReport) {
        self.out.rows(&rows(report));
    }
}

/// Has a server make a backup, and keeps what comes if it is whole.
pub(crate) async fn fetch(api: &ApiClient, to: &Path, meter: Meter) -> Result<ArchiveReport, Failure> {
    let counted = Counted::default();
    let what = format!("backing up into {}", to.display());
    let part = Part::of(to);
    let received = async {
        let request = Request::post("/api/v1/backup").body(Body::empty());
        let request = request
            .map_err(|error| Error::new(storage::INTERNAL, "could not make a request").with_source(error))?;
        let answer = api.call(request).await?;
        if !answer.status().is_success() {
            return Err(problem(&whole(answer.into_body()).await?));
        }
        let hash = answer.headers().get(CONTENT_HASH).and_then(|value| value.to_str().ok());
        let hash = hash.unwrap_or_default().to_owned();
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part.0);
        let mut file = open.map_err(|error| unwritable(to, error))?;
        let mut body = answer.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| {
                Error::new(server::NOT_READY, "the answer ended early").with_source(error)
            })?;
            counted.add(piece.len());
            file.write_all(&piece).map_err(|error| unwritable(to, error))?;
        }
        Ok::<_, Failure>(hash)
    };
    let hash = meter.watch(&what, || counted.done(), received).await?;
    // What came is the archive only if it is whole here.
    let Checked { report, .. } = check(&part.0, meter).await?;
    if report.content_hash != hash {
        let message = format!(
            "the server made an archive with the content hash {hash}, and {} came",
            report.content_hash
        );
        return Err(Error::new(tool::CONTENT_DIFFERS, message).into());
    }
    part.put(to)?;
    Ok(report)
}

/// What is in an archive, for people.
pub(super) fn rows(report: &ArchiveReport) -> Vec<Vec<String>> {
    vec![
        vec!["  records".into(), report.records.to_string()],
        vec!["  history".into(), report.history.to_string()],
        vec!["  change sets".into(), report.change_sets.to_string()],
        vec!["  size".into(), size(report.bytes)],
        vec!["  content hash".into(), report.content_hash.clone()],
    ]
}

/// Seconds to the millisecond.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
