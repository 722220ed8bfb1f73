//! What the driver opens, what it refuses, and what it leaves behind.

mod support;

use rtmx_core::{Body, Change, ChangeSet, Cx, Key, Kind, Session, Space, Timestamp, assert_code, storage};
use rtmx_storage::{MigrationPlan, Standing, StorageBackendExt};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{change_set, create, ids, open, open_ready, refusal, runtime, space};

/// Set for the child process of a test: the database that it holds open.
const HELD_BY_CHILD: &str = "RTMX_TEST_HOLD_DATABASE";

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().canonicalize().expect("a folder").join("rtmx.db");
    (folder, file)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_fresh_database_waits_for_its_schema_and_leaves_one_file_behind() {
    let (folder, file) = folder();
    runtime().block_on(async {
        let opened = open(&file).await.expect("a new file is made");
        let cx = Cx::new();
        assert_eq!(opened.schema(&cx).await.expect("a state").standing, Standing::Fresh);
        let error = opened.apply(&cx, &create(1)).await.expect_err("there is no schema");
        assert_code(&error, storage::SCHEMA_BEHIND);
        assert_code(
            opened.head(&cx, &space()).await.expect_err("there is no schema"),
            storage::SCHEMA_BEHIND,
        );

        let report = opened.migrate(&cx, &MigrationPlan::Expand).await.expect("the migrations run");
        assert_eq!(report.state.standing, Standing::Current);
        let again = opened.migrate(&cx, &MigrationPlan::Expand).await.expect("nothing is left");
        assert_eq!(again.applied, Vec::<u32>::new());
        opened.apply(&cx, &create(1)).await.expect("a change is applied");
        assert!(names(folder.path()).contains(&"rtmx.lock".to_owned()));
        opened.close(&cx).await.expect("it closes");
        assert_eq!(names(folder.path()), ["rtmx.db"]);
        let error = opened.head(&cx, &space()).await.expect_err("it is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
        let error = opened.apply(&cx, &create(2)).await.expect_err("it is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
    });
}

#[test]
fn what_was_written_is_there_after_closing_and_after_dropping() {
    let (_folder, file) = folder();
    runtime().block_on(async {
        let first = open_ready(&file).await;
        first.apply(&Cx::new(), &create(1)).await.expect("a change is applied");
        first.close(&Cx::new()).await.expect("it closes");
        let second = open_ready(&file).await;
        second.apply(&Cx::new(), &create(2)).await.expect("a change is applied");
        drop(second);
        let third = open_ready(&file).await;
        assert_eq!(ids(&*third).await, ["REQ-1", "REQ-2"]);
    });
}

#[test]
fn files_of_others_are_refused_and_left_as_they_are() {
    let (folder, file) = folder();
    let text =
        b"Dear diary, today I was opened by a database. It happens when a path is mistyped.".repeat(20);
    std::fs::write(&file, &text).expect("a file");
    let error = runtime().block_on(refusal(&file));
    assert_code(&error, storage::STORAGE_FOREIGN);
    assert_eq!(std::fs::read(&file).expect("it is still there"), text);

    let other = folder.path().join("other.db");
    let conn = rusqlite::Connection::open(&other).expect("a database");
    conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .expect("a table");
    conn.close().expect("it closes");
    let before = std::fs::read(&other).expect("it is there");
    let error = runtime().block_on(refusal(&other));
    assert_code(&error, storage::STORAGE_FOREIGN);
    assert_eq!(std::fs::read(&other).expect("it is still there"), before);

    let error = runtime().block_on(refusal(folder.path()));
    assert_code(&error, storage::STORAGE_FOREIGN);
    assert_eq!(names(folder.path()), ["other.db", "rtmx.db"]);
}

#[test]
fn a_file_whose_making_was_cut_short_is_made_anew() {
    // The rollback journal of a first transaction: the file was empty before it.
    // Source: SQLite's "Database File Format", section on the rollback journal.
    let mut journal = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7".to_vec();
    for number in [0_u32, 0x5EED, 0, 512, 4096] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    // how much of the first page reached the disk
    for written in [1, 512, 4096] {
        let (folder, file) = folder();
        std::fs::write(&file, vec![0x5A; written]).expect("a file");
        std::fs::write(folder.path().join("rtmx.db-journal"), &journal).expect("a journal");
        runtime().block_on(async {
            let storage = open_ready(&file).await;
            storage.apply(&Cx::new(), &create(1)).await.expect("a change is applied");
            storage.close(&Cx::new()).await.expect("it closes");
        });
        assert_eq!(names(folder.path()), ["rtmx.db"], "{written} bytes");
    }
}

#[test]
fn a_second_name_for_the_file_is_refused() {
    let (folder, file) = folder();
    runtime().block_on(async {
        open_ready(&file).await.close(&Cx::new()).await.expect("it closes");
        std::fs::hard_link(&file, folder.path().join("second.db")).expect("a hard link");
        let error = refusal(&file).await;
        assert_code(&error, storage::STORAGE_HARD_LINK);
        assert!(error.message().contains("2 names"), "{error}");
        std::fs::remove_file(folder.path().join("second.db")).expect("it was there");
        open_ready(&file).await.close(&Cx::new()).await.expect("it closes");
    });
}

#[test]
fn the_same_file_is_opened_once_in_a_process_whatever_it_is_called() {
    let (folder, file) = folder();
    let other_folder = tempfile::tempdir().expect("a folder");
    let alias = other_folder.path().join("alias");
    std::os::unix::fs::symlink(folder.path(), &alias).expect("a link");
    runtime().block_on(async {
        let first = open_ready(&file).await;
        for name in [file.clone(), alias.join("rtmx.db")] {
            let error = refusal(&name).await;
            assert_code(&error, storage::STORAGE_LOCKED);
            assert!(error.message().contains(&std::process::id().to_string()), "{error}");
        }
        first.apply(&Cx::new(), &create(1)).await.expect("the first one still writes");
    });
}

/// Not a test of its own: holds a database open until it is killed.
#[test]
#[ignore = "runs only as the child process of other tests"]
fn child_that_holds_a_database() {
    let Some(file) = std::env::var_os(HELD_BY_CHILD) else { return };
    runtime().block_on(async {
        let held = open_ready(Path::new(&file)).await;
        held.apply(&Cx::new(), &create(1)).await.expect("a change is applied");
        println!("\nheld");
        std::io::stdout().flush().expect("the parent listens");
        std::future::pending::<()>().await;
    });
}

/// A process that holds the database, once it does; killed when dropped.
struct Holder(Child);

impl Holder {
    fn of(file: &Path) -> Holder {
        let exe = std::env::current_exe().expect("this binary");
        let mut child = Command::new(exe)
            .args(["--exact", "child_that_holds_a_database", "--ignored", "--nocapture"])
            .env(HELD_BY_CHILD, file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let held = lines.map_while(Result::ok).any(|line| line == "held");
        assert!(held, "the child ended before it held the database");
        Holder(child)
    }

    fn kill(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_second_process_is_refused_with_the_first_ones_pid() {
    let (_folder, file) = folder();
    let mut holder = Holder::of(&file);
    let error = runtime().block_on(refusal(&file));
    assert_code(&error, storage::STORAGE_LOCKED);
    assert!(error.message().contains(&format!("process {}", holder.0.id())), "{error}");
    holder.kill();
    runtime().block_on(async {
        let after = open_ready(&file).await;
        assert_eq!(ids(&*after).await, ["REQ-1"]);
    });
}

#[test]
fn damage_is_found_at_the_start_after_an_unclean_stop() {
    let (folder, file) = folder();
    let runtime = runtime();
    runtime.block_on(async {
        let storage = open_ready(&file).await;
        for number in 1..200 {
            storage.apply(&Cx::new(), &create(number)).await.expect("a change is applied");
        }
        storage.close(&Cx::new()).await.expect("it closes");
    });
    Holder::of(&folder.path().join("elsewhere.db")).kill();
    let mut bytes = std::fs::read(&file).expect("the database is closed");
    let last_pages = bytes.len() - 5 * 4096;
    bytes[last_pages..].fill(0xA5);
    std::fs::write(&file, &bytes).expect("the database is closed");
    // The mark that a killed process leaves behind.
    std::fs::rename(folder.path().join("elsewhere.lock"), file.with_extension("lock"))
        .expect("the lock is left");

    let error = runtime.block_on(refusal(&file));
    assert_code(&error, storage::STORAGE_CORRUPT);
    let error = runtime.block_on(refusal(&file));
    assert_code(&error, storage::STORAGE_CORRUPT);
    assert!(file.with_extension("lock").exists(), "the mark stays until the file is whole again");
}

#[test]
fn a_whole_database_passes_the_check_after_an_unclean_stop() {
    let (folder, file) = folder();
    Holder::of(&file).kill();
    assert!(file.with_extension("lock").exists(), "a killed process leaves its mark");
    runtime().block_on(async {
        let storage = open_ready(&file).await;
        assert_eq!(ids(&*storage).await, ["REQ-1"]);
        storage.close(&Cx::new()).await.expect("it closes");
    });
    assert_eq!(names(folder.path()), ["rtmx.db"]);
}

#[test]
fn a_file_that_is_replaced_while_open_is_not_written_any_more_and_still_read() {
    // what is taken away from under the server
    for taken in ["rtmx.db", "rtmx.db-wal"] {
        let (folder, file) = folder();
        runtime().block_on(async {
            let storage = open_ready(&file).await;
            storage.apply(&Cx::new(), &create(1)).await.expect("a change is applied");
            let taken = folder.path().join(taken);
            std::fs::rename(&taken, folder.path().join("aside")).expect("it is there");
            let error = storage.apply(&Cx::new(), &create(2)).await.expect_err(&taken.display().to_string());
            assert_code(&error, storage::STORAGE_READ_ONLY);
            assert_eq!(ids(&*storage).await, ["REQ-1"]);
            // Putting it back does not help: who knows what happened to it meanwhile.
            std::fs::rename(folder.path().join("aside"), &taken).expect("it is there");
            let error = storage.apply(&Cx::new(), &create(2)).await.expect_err("until a restart");
            assert_code(&error, storage::STORAGE_READ_ONLY);
            storage.close(&Cx::new()).await.expect("it closes");

            let storage = open_ready(&file).await;
            assert_eq!(ids(&*storage).await, ["REQ-1"]);
            storage.apply(&Cx::new(), &create(2)).await.expect("after the restart it writes");
        });
    }
}

#[test]
fn a_schema_of_another_version_is_told_apart() {
    // statement that changes the record of migrations, what follows
    let cases = [
        (
            "INSERT INTO schema_migration VALUES (99, 'later', 'x', 99, '2027-01-01T00:00:00Z')",
            storage::SCHEMA_AHEAD,
        ),
        ("UPDATE schema_migration SET checksum = 'another'", storage::SCHEMA_EDITED),
        ("DELETE FROM schema_migration", storage::SCHEMA_BEHIND),
    ];
    for (statement, code) in cases {
        let (_folder, file) = folder();
        runtime().block_on(async {
            open_ready(&file).await.close(&Cx::new()).await.expect("it closes");
            let conn = rusqlite::Connection::open(&file).expect("the database is closed");
            conn.execute_batch(statement).expect(statement);
            conn.close().expect("it closes");
            let storage = open(&file).await.expect("opening asks nothing of the schema");
            let error = storage.head(&Cx::new(), &space()).await.expect_err(statement);
            assert_code(&error, code);
        });
    }
}

#[test]
fn a_database_of_the_first_version_is_brought_forward_with_its_data() {
    let (_folder, file) = folder();
    runtime().block_on(async {
        let cx = Cx::new();
        let storage = open_ready(&file).await;
        storage.apply(&cx, &create(1)).await.expect("a change is applied");
        let head = storage.head(&cx, &space()).await.expect("a head");
        storage.close(&cx).await.expect("it closes");
        // What the first version made and nothing else.
        let conn = rusqlite::Connection::open(&file).expect("the database is closed");
        conn.execute_batch("DROP TABLE session; DELETE FROM schema_migration WHERE version > 1")
            .expect("both are there");
        conn.close().expect("it closes");

        let storage = open(&file).await.expect("opening asks nothing of the schema");
        let schema = storage.schema(&cx).await.expect("a state");
        assert_eq!((schema.version, schema.standing, schema.to_expand), (1, Standing::Behind, vec![2]));
        assert_code(storage.head(&cx, &space()).await.expect_err("it is behind"), storage::SCHEMA_BEHIND);
        let report = storage.migrate(&cx, &MigrationPlan::Expand).await.expect("the migration runs");
        assert_eq!((report.applied, report.state.standing), (vec![2], Standing::Current));
        assert_eq!(storage.head(&cx, &space()).await.expect("a head"), head);
        assert_eq!(ids(&*storage).await, ["REQ-1"]);
        let session = Session {
            token_id: "0123456789abcdef".into(),
            epoch: head.epoch,
            hash: "00".into(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        };
        let created = Change::create("s", Body::Session(session.clone()));
        let set = ChangeSet { space: Space::System, ..change_set(2, vec![created]) };
        storage.apply(&cx, &set).await.expect("there is a table for it");
        let found =
            storage.get(&cx, &Space::System, &Key::new(Kind::Session, "s")).await.expect("it is kept");
        assert_eq!(found.body, Body::Session(session));
    });
}

#[test]
fn a_migration_that_fails_is_named_and_leaves_nothing() {
    let (_folder, file) = folder();
    runtime().block_on(async {
        open(&file).await.expect("a new file is made").close(&Cx::new()).await.expect("it closes");
        let conn = rusqlite::Connection::open(&file).expect("the database is closed");
        conn.execute_batch("CREATE TABLE tally (in_the_way)").expect("a table");
        conn.close().expect("it closes");
        let storage = open(&file).await.expect("opening asks nothing of the schema");
        let error =
            storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect_err("a table is in the way");
        assert_code(&error, storage::MIGRATION_FAILED);
        assert!(error.message().contains("`records`"), "{error}");
        let schema = storage.schema(&Cx::new()).await.expect("a state");
        assert_eq!((schema.standing, schema.to_expand), (Standing::Fresh, vec![1, 2]));
        storage.close(&Cx::new()).await.expect("it closes");
        let conn = rusqlite::Connection::open(&file).expect("the database is closed");
        conn.execute_batch("DROP TABLE tally").expect("a table");
        conn.close().expect("it closes");
        open_ready(&file).await.apply(&Cx::new(), &create(1)).await.expect("now it works");
    });
}
