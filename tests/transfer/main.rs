//! A database from engine to engine and back, with the real programs.

#[path = "../ctl/home.rs"]
mod home;
mod long;
mod refused;

use home::Home;
use libtest_mimic::{Arguments, Completion, Trial};
use rtmx::core::{storage, tool};
use rtmx_containers::{Postgres, versions};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// What is proven on a server of one version.
type OnOne = fn(&Postgres);
/// What is proven on the oldest and the newest server of this run.
type OnTwo = fn(&Postgres, &Postgres);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let versions = versions().expect("RTMX_TEST_POSTGRES names versions");
    let unavailable = Postgres::available().err();
    let trial = |name: &str, prove: Box<dyn FnOnce() + Send>| {
        let unavailable = unavailable.clone();
        Trial::ignorable_test(name, move || {
            if let Some(reason) = unavailable {
                return Ok(Completion::ignored_with(reason));
            }
            prove();
            Ok(Completion::Completed)
        })
    };
    let start = |version| Postgres::start(version).expect("a server starts");
    let on_one: [(&str, OnOne); 2] = [
        ("a_database_goes_to_postgresql_and_back_with_one_content", goes_and_comes_back),
        ("a_backup_is_restored_into_postgresql_whole_or_not_at_all", is_restored),
    ];
    let mut trials = Vec::new();
    for (name, prove) in on_one {
        for version in versions.clone() {
            let proof = trial(name, Box::new(move || prove(&start(version))));
            trials.push(proof.with_kind(format!("postgres-{version}")));
        }
    }
    let mut on_two: Vec<(&str, OnTwo)> = vec![(
        "a_database_goes_to_a_newer_postgresql_and_is_refused_with_a_newer_schema",
        goes_to_a_newer_version,
    )];
    if long::rows().is_some() {
        on_two.push(("a_large_database_goes_round_all_engines_in_little_memory", long::goes_round));
    }
    let (oldest, newest) = (versions[0], versions[versions.len() - 1]);
    for (name, prove) in on_two {
        let proof = trial(name, Box::new(move || prove(&start(oldest), &start(newest))));
        trials.push(proof.with_kind(format!("postgres-{oldest}-{newest}")));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A home with a database file in it, and the file's URL.
fn filled() -> (Home, String) {
    let rows: String = (0..500).map(|n| format!("REQ-A-{n},Größe {n},MISSING\n")).collect();
    let matrices = [format!("req_id,requirement_text,status\n{rows}"), "req_id\nREQ-A-1\nREQ-B-1\n".into()];
    filled_with(&matrices)
}

/// The same after these matrices, each in the place of the one before.
fn filled_with(matrices: &[String]) -> (Home, String) {
    let home = Home::new();
    home.deploy(&[]);
    for text in matrices {
        let matrix = home.folder().join("matrix.csv");
        fs::write(&matrix, text).expect("it is writable");
        let matrix = matrix.to_str().expect("temporary paths are text");
        home.result(&["import", matrix, "--mode", "replace"]);
    }
    home.result(&["remove"]);
    let url = format!("sqlite:{}", home.root().join("data/rtmx.db").display());
    (home, url)
}

/// A file with the server's URL in it, which holds the password.
fn url_file(home: &Home, server: &Postgres) -> String {
    url_file_of(home, server, &server.database())
}

/// The same of another database, which is made if it is missing.
fn url_file_of(home: &Home, server: &Postgres, database: &str) -> String {
    if database != server.database() {
        run_sql(server, &server.database(), &format!("CREATE DATABASE {database}"));
    }
    let file = home.folder().join(format!("url-{}-{database}", server.port()));
    fs::write(&file, format!("{}\n", server.url_of(database))).expect("it is writable");
    file.to_str().expect("temporary paths are text").to_owned()
}

/// Runs a statement as the superuser.
fn run_sql(server: &Postgres, database: &str, statement: &str) {
    let options: PgConnectOptions = server.url_of(database).parse().expect("it is a URL");
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ran = runtime.block_on(async {
        let mut connection = options.connect().await?;
        sqlx::raw_sql(statement).execute(&mut connection).await?;
        connection.close().await
    });
    ran.expect("the superuser may");
}

/// The text of a path in a home.
fn path_in(home: &Home, name: &str) -> String {
    home.folder().join(name).to_str().expect("temporary paths are text").to_owned()
}

fn hash(result: &Value) -> String {
    result["content_hash"].as_str().expect("every report has a hash").to_owned()
}

fn goes_and_comes_back(server: &Postgres) {
    let (home, from) = filled();
    let file = url_file(&home, server);
    let there = home.result(&["transfer", "--from", &from, "--to-file", &file]);
    assert!(there["history"].as_u64() > Some(1_000), "{there}");
    assert!(!there["to"].as_str().expect("it says where").contains('@'), "{there}");
    let again = home.run(&["transfer", "--from", &from, "--to-file", &file]);
    assert_eq!(again.error_code(), storage::RESTORE_NOT_EMPTY.id());
    // Beside it, into a schema of another name, and back from there.
    let beside = ["transfer", "--from-file", &file, "--to-file", &file, "--to-schema", "tracing"];
    assert_eq!(hash(&home.result(&beside)), hash(&there));
    let back = format!("sqlite:{}", home.folder().join("back.db").display());
    let back = home.result(&["transfer", "--from-file", &file, "--from-schema", "tracing", "--to", &back]);
    assert!(back["from"].as_str().is_some_and(|from| from.ends_with(", schema `tracing`")), "{back}");
    for member in ["content_hash", "records", "history", "change_sets"] {
        assert_eq!(back[member], there[member], "{member}");
    }
    let itself = home.run(&["transfer", "--from-file", &file, "--to-file", &file]);
    assert_eq!(itself.error_code(), tool::USAGE.id());
    let lite = format!("sqlite:{}", home.folder().join("lite.db").display());
    let lite = home.run(&["transfer", "--from", &from, "--to", &lite, "--to-schema", "a"]);
    assert_eq!(lite.error_code(), tool::USAGE.id());
}

/// From one server to another, with the states in between that an interruption leaves.
fn goes_to_a_newer_version(oldest: &Postgres, newest: &Postgres) {
    let (home, from) = filled();
    let there = url_file_of(&home, oldest, "there");
    let moved = home.result(&["transfer", "--from", &from, "--to-file", &there]);
    let (archive, work) = (path_in(&home, "whole.archive"), path_in(&home, "work"));
    home.result(&["backup", "create", "--url-file", &there, "--to", &archive]);
    let target = url_file_of(&home, newest, "target");
    let words = ["transfer", "--from-file", &there, "--to-file", &target, "--work", &work];

    // Interrupted before the archive was whole, while the target had a schema already.
    fs::create_dir(&work).expect("it is ours");
    let whole = fs::read(&archive).expect("it is there");
    fs::write(format!("{work}/transfer.archive"), &whole[..whole.len() / 2]).expect("it is ours");
    let first = home.result(&words);
    assert_eq!((hash(&first), &first["resumed"]), (hash(&moved), &Value::Null));
    assert!(!Path::new(&work).exists(), "nothing is left of the work");
    // Interrupted after the target was filled.
    fs::create_dir(&work).expect("it is ours");
    fs::copy(&archive, format!("{work}/transfer.archive")).expect("it is ours");
    let again = home.result(&words);
    assert_eq!((hash(&again), &again["resumed"]), (hash(&moved), &"everything".into()));
    assert_eq!(home.run(&words).error_code(), storage::RESTORE_NOT_EMPTY.id(), "nothing to go on with");
    // Interrupted between the two.
    let other = url_file_of(&home, newest, "other");
    fs::create_dir_all(&work).expect("it is ours");
    fs::copy(&archive, format!("{work}/transfer.archive")).expect("it is ours");
    let words = ["transfer", "--from-file", &there, "--to-file", &other, "--work", &work];
    let third = home.result(&words);
    assert_eq!((hash(&third), &third["resumed"]), (hash(&moved), &"archive".into()));
    let now = path_in(&home, "now.archive");
    let now = home.result(&["backup", "create", "--url-file", &other, "--to", &now]);
    for member in ["content_hash", "records", "history", "change_sets"] {
        assert_eq!(now[member], moved[member], "{member}");
    }
    refused::newer_schema(&home, &from, newest, "other", &other);
}

fn is_restored(server: &Postgres) {
    let (home, from) = filled();
    let file = url_file(&home, server);
    let archive = home.folder().join("one.archive");
    let archive = archive.to_str().expect("temporary paths are text");
    let made = home.result(&["backup", "create", "--url", &from, "--to", archive]);
    let bad = home.folder().join("bad.archive");
    let whole = fs::read(archive).expect("it is there");
    fs::write(&bad, &whole[..whole.len() - 1]).expect("it is writable");
    let bad = bad.to_str().expect("temporary paths are text");
    let restore = |archive: &str, more: &[&'static str]| {
        let words = ["backup", "restore", archive, "--url-file", &file];
        home.run(&words.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let name = server.database();
    let confirm: &'static str = Box::leak(name.into_boxed_str());
    assert_eq!(restore(bad, &[]).error_code(), storage::ARCHIVE_INVALID.id());
    assert_eq!(hash(&restore(archive, &[]).object()), hash(&made));
    assert_eq!(restore(archive, &[]).error_code(), storage::RESTORE_NOT_EMPTY.id());
    assert_eq!(hash(&restore(archive, &["--schema", "tracing"]).object()), hash(&made));
    let from_there = home.folder().join("there.archive");
    let from_there = from_there.to_str().expect("temporary paths are text");
    let words = ["backup", "create", "--url-file", &file, "--to", from_there, "--schema"];
    assert_eq!(hash(&home.result(&[&words[..], &["tracing"]].concat())), hash(&made));
    let absent = home.folder().join("absent.archive");
    let absent = absent.to_str().expect("temporary paths are text");
    let absent = home.run(&[&words[..5], &[absent, "--schema", "absent"]].concat());
    assert_eq!(absent.error_code(), storage::RECORD_NOT_FOUND.id());
    assert_eq!(restore(archive, &["--replace"]).error_code(), tool::CONFIRMATION_NEEDED.id());
    let replaced = restore(archive, &["--replace", "--confirm", confirm]).object();
    assert_eq!(hash(&replaced), hash(&made));
    let before = replaced["before"].as_str().expect("it was backed up");
    assert_eq!(hash(&home.result(&["backup", "verify", before, "--prove"])), hash(&made));
    let again = home.folder().join("again.archive");
    let again = again.to_str().expect("temporary paths are text");
    assert_eq!(hash(&home.result(&["backup", "create", "--url-file", &file, "--to", again])), hash(&made));
}
