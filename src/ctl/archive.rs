//! Archives as files: checked, proven, named, and put in place whole.

use super::meter::{Done, Meter, read_so_far, written_so_far};
use crate::Drivers;
use rtmx_core::{Cx, Error, Result, Revision, Space, Timestamp, deploy, storage, tool};
use rtmx_storage::archive::{ArchiveHeader, ArchiveItem, ArchiveReader};
use rtmx_storage::{ArchiveReport, MigrationPlan, StorageBackend};
use serde_json::{Value, json};
use std::fs::{DirBuilder, File};
use std::future::Future;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the names of archives end.
pub(crate) const ENDING: &str = "archive";

/// An archive that was read to its end and is whole.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) header: ArchiveHeader,
    pub(super) report: ArchiveReport,
    /// The head of each space.
    pub(super) heads: Vec<(Space, Revision)>,
}

/// Reads an archive to its end.
///
/// # Errors
///
/// `file_unreadable`; `archive_invalid`.
pub(super) async fn check(file: &Path, meter: Meter) -> Result<Checked> {
    let path = file.to_owned();
    let work = tokio::task::spawn_blocking(move || read(&path));
    let what = format!("checking {}", file.display());
    let checked = meter.watch(&what, || read_so_far(file), work).await;
    checked
        .map_err(|source| Error::new(storage::INTERNAL, "a thread ended with a panic").with_source(source))?
}

fn read(path: &Path) -> Result<Checked> {
    let mut archive = ArchiveReader::new(open(path)?)?;
    let mut heads = Vec::new();
    while let Some(item) = archive.next()? {
        if let ArchiveItem::Space(found) = item {
            heads.push((found.space, found.head));
        }
    }
    let header = archive.header().clone();
    Ok(Checked { header, report: archive.finish()?, heads })
}

/// Reads an archive's first line.
///
/// # Errors
///
/// As [`check`]. That the rest is whole is not known.
pub(super) fn header(path: &Path) -> Result<ArchiveHeader> {
    Ok(ArchiveReader::new(open(path)?)?.header().clone())
}

fn open(path: &Path) -> Result<impl BufRead> {
    let file = File::open(path).and_then(|file| match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no file")),
    });
    let file = file.map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", path.display())).with_source(error)
    })?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

/// Restores an archive into a scratch database and compares the content: a backup is proven or it
/// does not count.
///
/// # Errors
///
/// `archive_invalid`, `content_differs`; `driver_absent` in a build without SQLite.
pub(super) async fn prove(
    drivers: &Drivers,
    file: &Path,
    report: &ArchiveReport,
    place: &Path,
    meter: Meter,
) -> Result<()> {
    let scratch = Scratch::new(place)?;
    let driver = drivers.storage.by_scheme("sqlite")?;
    let database = scratch.0.join("proof.db");
    let storage = driver.open(&Cx::new(), json!({"url": database})).await?;
    let proven = async {
        storage.migrate(&Cx::new(), &MigrationPlan::Expand).await?;
        let what = format!("restoring {} beside it", file.display());
        let restored = meter.watch(&what, || read_so_far(file), storage.restore(&Cx::new(), file)).await?;
        compare(&*storage, &restored, report, &scratch.0, "the scratch database", meter).await
    };
    let proven = proven.await;
    storage.close(&Cx::new()).await?;
    proven
}

/// Compares the content of a database with that of the archive that it was restored from.
///
/// # Errors
///
/// `content_differs`; what reading meets.
pub(super) async fn compare(
    storage: &dyn StorageBackend,
    restored: &ArchiveReport,
    wanted: &ArchiveReport,
    work: &Path,
    place: &str,
    meter: Meter,
) -> Result<()> {
    let again = Part::new(work.join(format!("again-{}", unique())));
    let what = format!("hashing {place}");
    let made = meter.watch(&what, || written_so_far(&again.0), storage.back_up(&Cx::new(), &again.0)).await?;
    let same = |one: &ArchiveReport| {
        (&one.content_hash, one.records, one.history, one.change_sets)
            == (&wanted.content_hash, wanted.records, wanted.history, wanted.change_sets)
    };
    if same(&made) && same(restored) {
        return Ok(());
    }
    let message = format!(
        "{place} has the content hash {}, and the archive has {}",
        made.content_hash, wanted.content_hash
    );
    Err(Error::new(tool::CONTENT_DIFFERS, message))
}

/// A number that no other caller of this process gets, with the process's own.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder of our own, removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(beside: &Path) -> Result<Scratch> {
        let folder = beside.join(format!(".rtmx-proof-{}", unique()));
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        DirBuilder::new().mode(0o700).create(&folder).map_err(|error| unwritable(&folder, error).with_next(
            "Name another folder for the scratch database with `--scratch DIR`: it needs room for the data and its archive.",
        ))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed takes room and does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file that is gone when it is dropped, unless it was put in place.
#[derive(Debug)]
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    pub(super) fn new(path: PathBuf) -> Part {
        Part(path)
    }

    /// A file beside the one that it is to become.
    pub(super) fn of(to: &Path) -> Part {
        let mut name = to.to_owned().into_os_string();
        name.push(format!(".{}.part", unique()));
        Part(name.into())
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    ///
    /// `file_unwritable`, also when there is a file already.
    pub(super) fn put(self, to: &Path) -> Result<()> {
        refuse_existing(to)?;
        let folder = folder_of(to);
        File::open(&self.0)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&self.0, to))
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| unwritable(to, error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may be in its place by now, or never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Fails if there is a file.
///
/// # Errors
///
/// `file_unwritable`.
pub(super) fn refuse_existing(to: &Path) -> Result<()> {
    if to.symlink_metadata().is_err() {
        return Ok(());
    }
    let message = format!("could not write {}: it exists", to.display());
    Err(Error::new(tool::FILE_UNWRITABLE, message)
        .with_state("nothing was changed")
        .with_next("Choose another name: a backup never replaces a file."))
}

/// The folder of a file.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder, closed to others, if it is missing.
///
/// # Errors
///
/// `file_unwritable`.
pub(crate) fn ensure_folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| unwritable(folder, error))
}

pub(crate) fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", path.display())).with_source(error)
}

/// A path in a folder that no file has yet, named after what is in it and the time.
pub(crate) fn path_now(folder: &Path, of: &str) -> PathBuf {
    let now = Timestamp::now().to_string();
    let now: String = now.chars().take_while(|&char| char != '.' && char != 'Z').collect();
    let first = format!("{of}-{}Z", now.replace(':', "-"));
    let later = (2..).map(|number| format!("{first}-{number}"));
    let mut paths =
        std::iter::once(first.clone()).chain(later).map(|name| folder.join(format!("{name}.{ENDING}")));
    paths.find(|path| !path.exists()).expect("numbers do not end")
}

/// Makes an archive of an open database at a place.
///
/// # Errors
///
/// `file_unwritable`; what reading meets.
pub(super) async fn make(storage: &dyn StorageBackend, to: &Path, meter: Meter) -> Result<ArchiveReport> {
    refuse_existing(to)?;
    let part = Part::of(to);
    let what = format!("backing up into {}", to.display());
    let report = meter.watch(&what, || written_so_far(&part.0), storage.back_up(&Cx::new(), &part.0)).await?;
    part.put(to)?;
    Ok(report)
}

/// The members that tell people and programs what is in an archive.
pub(super) fn facts(report: &ArchiveReport) -> Value {
    json!({
        "records": report.records,
        "history": report.history,
        "change_sets": report.change_sets,
        "bytes": report.bytes,
        "content_hash": report.content_hash,
    })
}

/// Ends work with the first interrupt; what it has not finished is undone by being dropped.
///
/// # Errors
///
/// `interrupted`; what the work meets.
pub(super) async fn interruptible<T>(
    state: &str,
    work: impl Future<Output = Result<T, super::output::Failure>>,
) -> Result<T, super::output::Failure> {
    tokio::select! {
        result = work => result,
        Ok(()) = tokio::signal::ctrl_c() => {
            Err(Error::new(deploy::INTERRUPTED, "interrupted").with_state(state).into())
        }
    }
}

/// Counts what a stream brings.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted(Arc<AtomicU64>);

impl Counted {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn done(&self) -> Done {
        Done { bytes: self.0.load(Ordering::Relaxed), of: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{Epoch, assert_code};
    use rtmx_storage::MemoryBackend;

    #[tokio::test]
    async fn a_database_that_holds_something_else_is_told_by_its_hash() {
        let storage = MemoryBackend::new(|| Epoch(uuid::Uuid::nil()));
        storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it migrates");
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("one.archive");
        let report = storage.back_up(&Cx::new(), &archive).await.expect("it is backed up");
        let meter = Meter::new(true);
        let same = compare(&storage, &report, &report, folder.path(), "it", meter).await;
        same.expect("it holds what it holds");
        let other = ArchiveReport { content_hash: "0".repeat(64), ..report.clone() };
        let differs = compare(&storage, &report, &other, folder.path(), "it", meter).await;
        assert_code(differs.expect_err("the hash is another"), tool::CONTENT_DIFFERS);
    }

    #[test]
    fn a_second_archive_of_the_same_second_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut made = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let path = path_now(folder.path(), "rtmx");
            std::fs::write(&path, "").expect("it is writable");
            made.insert(path);
        }
        assert_eq!(made.len(), 3);
    }
}
