//! Backups of an installation and of databases named by their URL, with the real programs.

#[path = "ctl/home.rs"]
mod home;

use home::Home;
use rtmx::core::{assert_code, server, storage, tool};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const MATRIX: &str =
    "req_id,category,requirement_text,status\nREQ-A-1,A,Shall work,MISSING\nREQ-A-2,A,Shall last,COMPLETE\n";

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

fn import(home: &Home, matrix: &str) {
    let path = home.folder().join("matrix.csv");
    fs::write(&path, matrix).expect("it is writable");
    home.result(&["import", text(&path), "--mode", "replace"]);
}

fn hash(result: &Value) -> &str {
    result["content_hash"].as_str().expect("every report has a hash")
}

/// What is in a folder, unfinished files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_running_installation_is_backed_up_proven_and_restored() {
    let home = Home::new();
    home.deploy(&[]);
    import(&home, MATRIX);
    let made = home.result(&["backup", "create"]);
    let file = made["file"].as_str().expect("it says where").to_owned();
    assert!(Path::new(&file).starts_with(home.folder().join("home/backups/rtmx")), "{file}");
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a backup is its owner's alone");
    assert_eq!(home.result(&["backup", "list"])["backups"][0]["file"], file);

    let proven = home.result(&["backup", "verify", &file, "--prove"]);
    assert_eq!((&proven["proven"], hash(&proven)), (&true.into(), hash(&made)));
    assert_eq!(names(&home.folder().join("home/backups/rtmx")).len(), 1, "nothing is left of the proof");
    let left = names(&home.root().join("data"));
    assert!(!left.iter().any(|name| name.ends_with(".part")), "{left:?}");

    import(&home, "req_id\nREQ-B-1\n");
    for (arguments, code) in [
        (&["backup", "restore", &file][..], storage::RESTORE_NOT_EMPTY),
        (&["backup", "restore", &file, "--replace"], tool::CONFIRMATION_NEEDED),
        (&["backup", "restore", &file, "--replace", "--confirm", "x"], tool::CONFIRMATION_NEEDED),
        (&["backup", "restore", &file, "--replace", "--yes"], tool::CONFIRMATION_NEEDED),
    ] {
        let refused = home.run(arguments);
        assert_code(refused.error_code(), code);
        assert_eq!(refused.error()["state"], "nothing was changed");
        assert!(home.is_ready(), "{arguments:?}");
    }
    assert_eq!(home.run_plainly(&["export"]).stdout, "req_id\nREQ-B-1\n");

    let restored = home.result(&["backup", "restore", &file, "--replace", "--confirm", "rtmx"]);
    assert_eq!((&restored["healthy"], hash(&restored)), (&true.into(), hash(&made)));
    assert!(home.is_ready());
    assert_eq!(home.run_plainly(&["export"]).stdout, MATRIX);
    // What it replaced is not lost.
    let before = restored["before"].as_str().expect("it was backed up").to_owned();
    home.result(&["backup", "restore", &before, "--replace", "--confirm", "rtmx"]);
    assert_eq!(home.run_plainly(&["export"]).stdout, "req_id\nREQ-B-1\n");
}

#[test]
fn a_backup_brings_an_installation_back_whose_data_is_gone_or_that_is_another() {
    let home = Home::new();
    home.deploy(&[]);
    import(&home, MATRIX);
    let file = home.folder().join("kept.archive");
    home.result(&["backup", "create", "--to", text(&file)]);

    let other = Home::new();
    other.deploy(&[]);
    let id = fs::read_to_string(home.root().join("data/installation")).expect("it is there");
    let restored = other.result(&["backup", "restore", text(&file), "--replace", "--confirm", "rtmx"]);
    assert_eq!(restored["healthy"], true, "{restored}");
    assert_eq!(fs::read_to_string(other.root().join("data/installation")).expect("it is there"), id);
    assert_eq!(other.run_plainly(&["export"]).stdout, MATRIX);

    home.signal(&home.supervisor_pid(), "TERM");
    home::until("the server has ended", || home.json(&["status"])["facts"]["pid"].is_null());
    fs::remove_file(home.root().join("data/rtmx.db")).expect("it is there");
    let restored = home.result(&["backup", "restore", text(&file)]);
    assert_eq!((&restored["healthy"], &restored["before"]), (&true.into(), &Value::Null));
    assert_eq!(home.run_plainly(&["export"]).stdout, MATRIX);
}

#[test]
fn a_stopped_installation_is_backed_up_as_a_running_one() {
    let home = Home::new();
    home.deploy(&[]);
    import(&home, MATRIX);
    let running = home.result(&["backup", "create", "--to", text(home.folder())]);
    home.signal(&home.supervisor_pid(), "TERM");
    home::until("the server has ended", || home.json(&["status"])["facts"]["pid"].is_null());
    let stopped = home.folder().join("stopped.archive");
    assert_eq!(hash(&home.result(&["backup", "create", "--to", text(&stopped)])), hash(&running));
    let url = format!("sqlite:{}", home.root().join("data/rtmx.db").display());
    let direct = home.folder().join("direct.archive");
    let direct = home.result(&["backup", "create", "--url", &url, "--to", text(&direct)]);
    assert_eq!(hash(&direct), hash(&running));
}

#[test]
fn a_backup_is_for_the_owner_alone() {
    let home = Home::new();
    home.deploy(&[]);
    let token = home.result(&["token", "create", "boss", "--role", "admin"]);
    let request = format!(
        "POST /api/v1/backup HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        home.port,
        token["token"].as_str().expect("it is shown once")
    );
    let answer = home.ask(&request);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(server::FORBIDDEN.id()), "{answer}");
}

/// A database file with a matrix in it, an archive of it, and its URL.
fn with_archive(home: &Home) -> (String, String) {
    home.deploy(&[]);
    import(home, MATRIX);
    home.result(&["remove"]);
    let url = format!("sqlite:{}", home.root().join("data/rtmx.db").display());
    let file = home.folder().join("whole.archive");
    home.result(&["backup", "create", "--url", &url, "--to", text(&file)]);
    (url, text(&file).to_owned())
}

#[test]
fn damage_at_any_place_is_refused_and_nothing_is_made() {
    let home = Home::new();
    let (url, file) = with_archive(&home);
    let whole = fs::read(&file).expect("it is there");
    let bad = home.folder().join("bad.archive");
    let target = home.folder().join("target.db");
    let target_url = format!("sqlite:{}", target.display());
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        bytes
    };
    let cases = [
        ("header", flipped(20)),
        ("beginning", flipped(100)),
        ("middle", flipped(whole.len() / 2)),
        ("end", flipped(whole.len() - 300)),
        ("footer", flipped(whole.len() - 20)),
        ("cut", whole[..whole.len() / 3].to_vec()),
        ("cut at the last byte", whole[..whole.len() - 1].to_vec()),
        ("longer", [&whole[..], b"x"].concat()),
        ("empty", Vec::new()),
        ("a database", b"SQLite format 3\0".to_vec()),
    ];
    for (name, bytes) in cases {
        fs::write(&bad, bytes).expect("it is writable");
        for arguments in [
            &["backup", "verify", text(&bad)][..],
            &["backup", "restore", text(&bad), "--url", &target_url],
            &["backup", "restore", text(&bad), "--url", &url, "--replace", "--confirm", "rtmx.db"],
        ] {
            let refused = home.run(arguments);
            assert_code(refused.error_code(), storage::ARCHIVE_INVALID);
            assert_eq!(refused.code, 7, "{name}");
        }
        assert!(!target.exists(), "{name}: a target was made");
    }
    let now = home.folder().join("now.archive");
    let now = home.result(&["backup", "create", "--url", &url, "--to", text(&now)]);
    assert_eq!(hash(&now), hash(&home.result(&["backup", "verify", &file])), "the data is untouched");
}

#[test]
fn a_database_is_restored_by_its_url_and_replaced_only_when_confirmed() {
    let home = Home::new();
    let (_, file) = with_archive(&home);
    let wanted = home.result(&["backup", "verify", &file]);
    let target = home.folder().join("target.db");
    let url = format!("sqlite:{}", target.display());
    let restored = home.result(&["backup", "restore", &file, "--url", &url]);
    assert_eq!((hash(&restored), &restored["before"]), (hash(&wanted), &Value::Null));

    let again = home.run(&["backup", "restore", &file, "--url", &url]);
    assert_code(again.error_code(), storage::RESTORE_NOT_EMPTY);
    let next = again.error()["next"].as_str().unwrap_or_default().to_owned();
    assert!(next.contains("--replace --confirm target.db"), "{next}");
    let replaced =
        home.result(&["backup", "restore", &file, "--url", &url, "--replace", "--confirm", "target.db"]);
    assert_eq!(hash(&replaced), hash(&wanted));
    let before = replaced["before"].as_str().expect("it was backed up");
    assert_eq!(hash(&home.result(&["backup", "verify", before])), hash(&wanted));
    assert_eq!(
        names(home.folder()).iter().filter(|name| name.contains("target")).count(),
        1,
        "one whole file"
    );
}

#[test]
fn a_newer_schema_is_refused() {
    let home = Home::new();
    let (_, file) = with_archive(&home);
    let target = home.folder().join("newer.db");
    let url = format!("sqlite:{}", target.display());
    home.result(&["backup", "restore", &file, "--url", &url]);
    newer(&target);
    for arguments in [
        &["backup", "restore", &file, "--url", &url, "--replace", "--confirm", "newer.db"][..],
        &["backup", "create", "--url", &url, "--to", text(&home.folder().join("never"))],
    ] {
        let refused = home.run(arguments);
        assert_code(refused.error_code(), storage::SCHEMA_AHEAD);
    }
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_made() {
    let home = Home::new();
    let (url, file) = with_archive(&home);
    let missing = home.folder().join("missing.db");
    let missing_url = format!("sqlite:{}", missing.display());
    let empty = home.folder().join("empty");
    fs::write(&empty, "").expect("it is writable");
    let to = home.folder().join("never.archive");
    let to = text(&to);
    let secret = "postgres://rtmx:hunter2@localhost/rtmx";
    let cases: &[(&[&str], rtmx::core::Code)] = &[
        (&["backup", "create", "--url", &missing_url, "--to", to], storage::RECORD_NOT_FOUND),
        (&["backup", "create", "--url", secret, "--to", to], tool::USAGE),
        (&["backup", "create", "--url", "oracle://h/d", "--to", to], storage::DRIVER_UNKNOWN),
        (&["backup", "create", "--url", "no url", "--to", to], tool::USAGE),
        (&["backup", "create", "--url-file", text(&empty), "--to", to], tool::USAGE),
        (&["backup", "create", "--url-env", "RTMX_TEST_NOT_SET", "--to", to], tool::ASSIGNMENT_INVALID),
        (&["backup", "create", "--url", &url, "--url-env", "X", "--to", to], tool::USAGE),
        (&["backup", "create", "--url", &url, "--to", &file], tool::FILE_UNWRITABLE),
        (&["backup", "create", "--url", &url, "--to", "/proc/never.archive"], storage::STORAGE_UNAVAILABLE),
        (&["backup", "create", "--to", to], tool::INSTALLATION_NOT_FOUND),
        (&["backup", "verify", to], tool::FILE_UNREADABLE),
        (&["backup", "verify", text(home.folder())], tool::FILE_UNREADABLE),
        (&["backup", "verify", &file, "--prove", "--scratch", "/proc"], tool::FILE_UNWRITABLE),
        (&["backup", "restore", &file, "--url", "sqlite:/proc/never.db"], storage::STORAGE_UNAVAILABLE),
        (&["transfer", "--from", &url], tool::USAGE),
        (&["transfer", "--from", &url, "--to", &url], tool::USAGE),
        (&["transfer", "--from", &url, "--to", secret], tool::USAGE),
        (
            &[
                "transfer",
                "--from",
                &missing_url,
                "--to",
                &format!("sqlite:{}/t.db", home.folder().display()),
            ],
            storage::RECORD_NOT_FOUND,
        ),
    ];
    for (arguments, code) in cases {
        let refused = home.run(arguments);
        assert_eq!(refused.error_code(), code.id(), "{arguments:?}: {}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2"), "{arguments:?}: {}", refused.stderr);
    }
    assert!(!Path::new(to).exists() && !missing.exists() && !home.folder().join("t.db").exists());
}

#[test]
fn a_transfer_between_files_is_confirmed_and_resumed() {
    let home = Home::new();
    let (url, file) = with_archive(&home);
    let wanted = home.result(&["backup", "verify", &file]);
    let work = home.folder().join("work");
    let target = |name: &str| format!("sqlite:{}", home.folder().join(name).display());
    let moved = home.result(&["transfer", "--from", &url, "--to", &target("one.db"), "--work", text(&work)]);
    assert_eq!((hash(&moved), &moved["resumed"]), (hash(&wanted), &Value::Null));
    assert!(!work.exists(), "nothing is left of the work");

    // Interrupted after the archive was made.
    fs::create_dir(&work).expect("it is ours");
    fs::copy(&file, work.join("transfer.archive")).expect("it is ours");
    let moved = home.result(&["transfer", "--from", &url, "--to", &target("two.db"), "--work", text(&work)]);
    assert_eq!((hash(&moved), &moved["resumed"]), (hash(&wanted), &"archive".into()));
    // Interrupted after the target was filled.
    fs::create_dir(&work).expect("it is ours");
    fs::copy(&file, work.join("transfer.archive")).expect("it is ours");
    let moved = home.result(&["transfer", "--from", &url, "--to", &target("two.db"), "--work", text(&work)]);
    assert_eq!((hash(&moved), &moved["resumed"]), (hash(&wanted), &"everything".into()));
    // An archive that is cut short is made again.
    fs::create_dir(&work).expect("it is ours");
    fs::write(work.join("transfer.archive"), &fs::read(&file).expect("it is there")[..500])
        .expect("it is ours");
    let moved =
        home.result(&["transfer", "--from", &url, "--to", &target("three.db"), "--work", text(&work)]);
    assert_eq!((hash(&moved), &moved["resumed"]), (hash(&wanted), &Value::Null));

    let refused = home.run(&["transfer", "--from", &url, "--to", &target("three.db"), "--work", text(&work)]);
    assert_code(refused.error_code(), storage::RESTORE_NOT_EMPTY);
}

/// Makes the schema of a database newer than any that this version can use.
fn newer(file: &Path) {
    let database = rusqlite::Connection::open(file).expect("it is a database");
    let statement = "INSERT INTO schema_migration (version, name, checksum, oldest_compatible, applied_at) \
         VALUES (99, 'later', 'x', 99, '2030-01-01T00:00:00Z')";
    database.execute_batch(statement).expect("it has a schema");
}
