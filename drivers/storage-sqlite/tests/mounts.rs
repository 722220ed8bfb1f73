//! Disks that are full, read-only or broken: real ones, mounted for the test.
//!
//! Mounting needs root and, for the broken disk, loop devices. Where they cannot be had, the tests
//! report themselves ignored with the reason.

mod support;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_core::{Body, Change, Cx, Error, Requirement, assert_code, storage};
use rtmx_storage::StorageBackend;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use support::{change_set, create, ids, open_ready, refusal, runtime};

fn main() -> ExitCode {
    let trials = vec![
        Trial::ignorable_test("a_full_disk_refuses_writes_until_there_is_space_again", || {
            on(Disk::full, full_disk)
        }),
        Trial::ignorable_test("a_read_only_disk_is_refused_and_a_writable_one_is_not", || {
            on(Disk::full, read_only_disk)
        }),
        Trial::ignorable_test("a_sync_that_failed_is_final_until_a_restart_and_reads_go_on", || {
            on(Disk::broken, broken_disk)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn on(disk: fn() -> Result<Disk, String>, test: fn(&Disk)) -> Result<Completion, Failed> {
    match disk() {
        Ok(disk) => {
            test(&disk);
            Ok(Completion::Completed)
        }
        Err(why) => Ok(Completion::ignored_with(why)),
    }
}

/// A small disk of its own; unmounted when dropped.
struct Disk {
    folder: tempfile::TempDir,
    mounted: Vec<PathBuf>,
    device: Option<String>,
}

const SMALL: &str = "size=12m";

impl Disk {
    /// A file system in memory that is soon full.
    fn full() -> Result<Disk, String> {
        let mut disk =
            Disk { folder: tempfile::tempdir().expect("a folder"), mounted: Vec::new(), device: None };
        let base = disk.folder.path().join("base");
        std::fs::create_dir(&base).expect("a folder");
        run("mount", &["-t", "tmpfs", "-o", SMALL, "tmpfs", &text(&base)])?;
        disk.mounted.push(base);
        Ok(disk)
    }

    /// A file system on a device whose own disk can be filled, so that syncs fail.
    fn broken() -> Result<Disk, String> {
        let mut disk = Disk::full()?;
        let (image, top) = (disk.base().join("image"), disk.folder.path().join("top"));
        let file = std::fs::File::create_new(&image).expect("a file");
        file.set_len(64 * 1024 * 1024).expect("a sparse file");
        run("mkfs.ext4", &["-q", "-F", "-O", "^has_journal", "-N", "64", &text(&image)])?;
        let device = run("losetup", &["--find", "--show", &text(&image)])?;
        disk.device = Some(device.trim().to_owned());
        std::fs::create_dir(&top).expect("a folder");
        run("mount", &[device.trim(), &text(&top)])?;
        disk.mounted.push(top);
        Ok(disk)
    }

    /// Where the filler goes.
    fn base(&self) -> &Path {
        self.mounted.first().expect("a disk is mounted")
    }

    /// Where the database goes.
    fn database(&self) -> PathBuf {
        self.mounted.last().expect("a disk is mounted").join("rtmx.db")
    }

    fn fill(&self) {
        let block = vec![0xA5; 64 * 1024];
        let mut filler = std::fs::File::create(self.base().join("filler")).expect("a file");
        let filled = (0..10_000).any(|_| std::io::Write::write_all(&mut filler, &block).is_err());
        assert!(filled, "the disk is larger than it was made");
    }

    fn empty(&self) {
        std::fs::remove_file(self.base().join("filler")).expect("it was filled");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for place in self.mounted.iter().rev() {
            let _ = run("umount", &["-l", &text(place)]);
        }
        if let Some(device) = &self.device {
            let _ = run("losetup", &["--detach", device]);
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("no {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} does not work here: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Writes until it fails; returns how many were acknowledged, and the failure.
async fn write_until_it_fails(storage: &dyn StorageBackend, first: u128) -> (u128, Error) {
    for number in first..first + 1_000 {
        let body = Requirement { notes: "x".repeat(64 * 1024), ..Requirement::default() };
        let set = change_set(number, vec![Change::create(format!("REQ-{number}"), Body::Requirement(body))]);
        if let Err(error) = storage.apply(&Cx::new(), &set).await {
            return (number - first, error);
        }
    }
    panic!("the disk never failed");
}

fn full_disk(disk: &Disk) {
    runtime().block_on(async {
        let storage = open_ready(&disk.database()).await;
        storage.apply(&Cx::new(), &create(1)).await.expect("there is space");
        disk.fill();
        let (written, error) = write_until_it_fails(&*storage, 10).await;
        assert_code(&error, storage::STORAGE_FULL);
        let kept = ids(&*storage).await.len() as u128;
        assert_eq!(kept, written + 1, "what was acknowledged is there, and nothing else");
        disk.empty();
        storage.apply(&Cx::new(), &create(2)).await.expect("there is space again");
        storage.close(&Cx::new()).await.expect("it closes");
        let storage = open_ready(&disk.database()).await;
        assert_eq!(ids(&*storage).await.len() as u128, kept + 1);
    });
}

fn read_only_disk(disk: &Disk) {
    let remount = |how: &str| {
        run("mount", &["-o", &format!("remount,{how}"), &text(disk.base())]).expect("it was mounted")
    };
    runtime().block_on(async {
        open_ready(&disk.database()).await.close(&Cx::new()).await.expect("it closes");
        remount("ro");
        let error = refusal(&disk.database()).await;
        assert_code(&error, storage::STORAGE_READ_ONLY);
        remount("rw");
        open_ready(&disk.database()).await.apply(&Cx::new(), &create(1)).await.expect("it can be written");
    });
}

fn broken_disk(disk: &Disk) {
    runtime().block_on(async {
        let storage = open_ready(&disk.database()).await;
        storage.apply(&Cx::new(), &create(1)).await.expect("the disk is whole");
        disk.fill();
        let (written, error) = write_until_it_fails(&*storage, 10).await;
        assert_code(&error, storage::STORAGE_SYNC_FAILED);
        disk.empty();
        let error =
            storage.apply(&Cx::new(), &create(2)).await.expect_err("nobody knows what the disk holds");
        assert_code(&error, storage::STORAGE_SYNC_FAILED);
        assert!(!error.causes().is_empty(), "the first failure is told again");
        let read = ids(&*storage).await.len() as u128;
        assert_eq!(read, written + 1, "reads go on");
        storage.close(&Cx::new()).await.expect("it closes");
        let mark = disk.database().with_extension("lock");
        assert!(mark.exists(), "the next start has to check the file");
    });
}
