//! A machine that the driver runs on: a disk, the folder of its placeholders, and a runtime.

use crate::disk::{Disk, Image};
use crate::layer;
use rtmx_core::{Cx, Registry, Result};
use rtmx_storage::{Storage, StorageBackend};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long a statement waits for a lock of another connection, in milliseconds. Nothing here should
/// wait at all; what does is found by the time that it takes.
const BUSY_MS: u64 = 2_000;
/// The name of the database.
const NAME: &str = "rtmx.db";

/// Where one thread of the laboratory works.
pub(crate) struct Machine {
    disk: RefCell<Arc<Disk>>,
    pub(crate) runtime: Runtime,
    place: PathBuf,
    folder: TempDir,
}

/// Whether the mark of an unclean stop, which makes the driver check the whole file, is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Mark {
    Left,
    Lost,
}

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Machine {
    /// A machine with an empty disk.
    pub(crate) fn new() -> Machine {
        // Placeholders are made by the thousand: in memory where the system offers a folder there.
        let memory = Path::new("/dev/shm");
        let name = format!("rtmx-crash-lab-{}-", FOLDERS.fetch_add(1, Ordering::Relaxed));
        let builder = || tempfile::Builder::new().prefix(&name).to_owned();
        let folder = builder().tempdir_in(memory).or_else(|_| builder().tempdir());
        let folder = folder.expect("there is a folder for temporary files");
        let place = folder.path().canonicalize().expect("the folder was just made");
        let disk = Disk::new(&place);
        layer::mount(&disk);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime is a few allocations");
        Machine { disk: RefCell::new(disk), runtime, place, folder }
    }

    /// The disk that the machine was booted with.
    pub(crate) fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk.borrow())
    }

    /// The path of the database.
    pub(crate) fn file(&self) -> PathBuf {
        self.place.join(NAME)
    }

    /// A folder for files that are not on the simulated disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts with this disk, as after a loss of power.
    pub(crate) fn boot(&self, image: &Image, claims: i32, record: bool, mark: Mark) {
        // A new disk each time: whatever still held the one before would go on with that one.
        self.disk().retire();
        let disk = Disk::new(&self.place);
        disk.load(image, claims, record);
        layer::mount(&disk);
        *self.disk.borrow_mut() = disk;
        let lock = self.file().with_extension("lock");
        let done = match mark {
            Mark::Left => std::fs::write(lock, "1\nopen\n"),
            Mark::Lost => std::fs::remove_file(lock).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        done.expect("the folder of placeholders is writable");
    }

    /// Opens the database as the server does, with so many threads that read.
    pub(crate) async fn open(&self, readers: usize) -> Result<Arc<dyn StorageBackend>> {
        let mut drivers = Registry::<Storage>::new();
        rtmx_storage_sqlite::register(&mut drivers)?;
        let settings = serde_json::json!({
            "url": format!("sqlite:{}", self.file().display()),
            "readers": readers,
            "busy_timeout_ms": BUSY_MS,
        });
        drivers.by_scheme("sqlite")?.open(&Cx::new(), settings).await
    }
}
