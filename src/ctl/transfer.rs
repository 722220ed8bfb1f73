//! `transfer`: a database from one place to another, through an archive.
//!
//! The decision to know: each step is whole or was not begun. The archive is made under another name
//! and put in place when it is whole; the target is filled in one transaction. So an interrupted
//! transfer is resumed by running it again: an archive of the source as it is now is not made again,
//! and a target that holds its content already is only confirmed.

use super::archive::{Checked, check, compare, ensure_folder, facts, interruptible, make};
use super::args::{Global, TransferArgs};
use super::backup::{rounded, rows};
use super::data::merge;
use super::database::{Address, Given, Target, here};
use super::meter::{Meter, read_so_far};
use super::output::{Failure, GREEN, Outcome, Output};
use super::places::Places;
use crate::Drivers;
use rtmx_core::{Cx, Error, Result, Revision, Space, storage, tool};
use rtmx_storage::{ArchiveReport, StorageBackend};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The archive in the working folder.
const ARCHIVE: &str = "transfer.archive";

/// Moves a database.
pub(super) async fn run_transfer(
    drivers: &Drivers,
    global: &Global,
    args: &TransferArgs,
    out: &Output,
) -> Outcome {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let TransferArgs { from, from_env, from_file, from_schema, to, to_env, to_file, to_schema, work } = args;
    let source = Given {
        flag: "--from",
        url: from.as_deref(),
        env: from_env.as_deref(),
        file: from_file.as_deref(),
        schema: from_schema.as_deref(),
    };
    let target = Given {
        flag: "--to",
        url: to.as_deref(),
        env: to_env.as_deref(),
        file: to_file.as_deref(),
        schema: to_schema.as_deref(),
    };
    let (Some(source), Some(target)) = (source.address()?, target.address()?) else {
        return Err(Error::new(tool::USAGE, "`transfer` needs a source and a target").into());
    };
    if source.is(&target) {
        let message = format!("could not transfer {} into itself", source.place);
        return Err(Error::new(tool::USAGE, message).into());
    }
    let work = work.clone().unwrap_or_else(|| usual_work(global, &source, &target));
    ensure_folder(&work)?;
    let transfer = Transfer { drivers, out, meter: Meter::new(out.is_json()), source, target, work };
    let state = "the target is empty, or holds everything; run the same command again to go on";
    interruptible(state, transfer.run()).await
}

/// A folder that the same transfer finds again. Nothing of a password goes into its name.
fn usual_work(global: &Global, source: &Address, target: &Address) -> PathBuf {
    let both = Sha256::digest(format!("{}\n{}", source.place, target.place));
    let name: String = both.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Places::here(global.home.as_deref()).for_new().join("transfers").join(name)
}

struct Transfer<'a> {
    drivers: &'a Drivers,
    out: &'a Output,
    meter: Meter,
    source: Address,
    target: Address,
    work: PathBuf,
}

/// What was done already by an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Had {
    Nothing,
    Archive,
    Everything,
}

impl Transfer<'_> {
    async fn run(&self) -> Outcome {
        let archive = self.work.join(ARCHIVE);
        // The target is looked at first: an hour of reading is lost on one that is refused.
        let target = self.target.open_target(self.drivers, &here()?).await?;
        let moved = self.move_into(&target, &archive).await;
        let (report, had, seconds) = match moved {
            Ok(moved) => moved,
            Err(failure) => {
                target.give_up().await;
                return Err(failure);
            }
        };
        target.close().await?;
        // Only what this command put there; a folder that has more in it stays.
        let _ = std::fs::remove_file(&archive);
        let _ = std::fs::remove_dir(&self.work);
        self.tell(&report, had, seconds);
        Ok(0)
    }

    async fn move_into(
        &self,
        target: &Target,
        archive: &Path,
    ) -> Result<(ArchiveReport, Had, [f64; 3]), Failure> {
        let began = Instant::now();
        let empty = target.is_empty().await?;
        if !empty && !archive.exists() {
            return Err(self.not_empty().into());
        }
        let source = self.source.open_existing(self.drivers, &here()?).await?;
        let made = self.archive_of(&*source, archive).await;
        source.close(&Cx::new()).await?;
        let (checked, mut had) = made?;
        let read = began.elapsed().as_secs_f64();

        let restored = if empty {
            let what = format!("restoring into {}", self.target.place);
            let cx = Cx::new();
            let work = target.storage.restore(&cx, archive);
            self.meter.watch(&what, || read_so_far(archive), work).await?
        } else {
            had = Had::Everything;
            checked.report.clone()
        };
        let filled = began.elapsed().as_secs_f64();

        let place = &self.target.place;
        let compared =
            compare(&*target.storage, &restored, &checked.report, &self.work, place, self.meter).await;
        compared.map_err(|error| match had {
            Had::Everything if error.code() == tool::CONTENT_DIFFERS => self.not_empty(),
            _ => error.with_state(format!("the archive is kept: {}", archive.display())),
        })?;
        let confirmed = began.elapsed().as_secs_f64();
        Ok((checked.report, had, [read, filled - read, confirmed - filled]))
    }

    /// An archive of the source as it is now: the one of an earlier run, or a new one.
    async fn archive_of(&self, source: &dyn StorageBackend, archive: &Path) -> Result<(Checked, Had)> {
        if archive.exists() {
            if let Ok(checked) = check(archive, self.meter).await
                && is_current(source, &checked).await?
            {
                self.out.note(format!("going on with {}", archive.display()));
                return Ok((checked, Had::Archive));
            }
            std::fs::remove_file(archive).map_err(|error| super::archive::unwritable(archive, error))?;
        }
        make(source, archive, self.meter).await?;
        // Read again: what the restore reads is what counts, not what was meant to be written.
        Ok((check(archive, self.meter).await?, Had::Nothing))
    }

    fn not_empty(&self) -> Error {
        let message = format!("could not transfer into {}: it holds data", self.target.place);
        Error::new(storage::RESTORE_NOT_EMPTY, message).with_state("nothing was changed").with_next(
            "Transfer into a new database. `rtmxctl backup restore --replace` replaces data on purpose.",
        )
    }

    fn tell(&self, report: &ArchiveReport, had: Had, [read, filled, confirmed]: [f64; 3]) {
        let resumed = match had {
            Had::Nothing => Value::Null,
            Had::Archive => "archive".into(),
            Had::Everything => "everything".into(),
        };
        let mut object = json!({
            "type": "transfer", "from": self.source.place, "to": self.target.place, "resumed": resumed,
            "seconds": {
                "back_up": rounded(read), "restore": rounded(filled), "verify": rounded(confirmed),
                "total": rounded(read + filled + confirmed),
            },
        });
        merge(&mut object, &facts(report));
        self.out.object(&object);
        let (from, to) = (&self.source.place, &self.target.place);
        self.out.line(format!("{GREEN}transferred{GREEN:#} {from} to {to}, with the same content hash"));
        let mut lines = rows(report);
        lines.retain(|line| line[0].trim() != "size");
        let seconds = format!("{read:.1} back up, {filled:.1} restore, {confirmed:.1} verify");
        lines.push(vec!["  seconds".into(), seconds]);
        self.out.rows(&lines);
        self.out
            .note(format!("The source is unchanged. Point the server to {to} before it is written again."));
    }
}

/// Whether an archive holds what the source holds now: the same epoch, and no space has moved on.
async fn is_current(source: &dyn StorageBackend, checked: &Checked) -> Result<bool> {
    let cx = Cx::new();
    // A project that is not in the archive was made later, and that moved the head of the system.
    let known = |space: &Space| checked.heads.iter().find(|(held, _)| held == space).map(|(_, head)| *head);
    let fixed = [Space::System, Space::Licensing, Space::Project("default".into())];
    let spaces = checked.heads.iter().map(|(space, _)| space).chain(&fixed);
    for space in spaces {
        let head = source.head(&cx, space).await?;
        if head.epoch != checked.header.epoch || head.revision != known(space).unwrap_or(Revision::ZERO) {
            return Ok(false);
        }
    }
    Ok(true)
}
