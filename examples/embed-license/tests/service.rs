//! The service of the example as a process: with a license and without, and over restarts.

use rtmx_core::{Secret, Timestamp};
use rtmx_license::{KeyId, License, SigningKey, sign};
use std::path::Path;
use std::process::{Command, Output};

fn run(key: &SigningKey, folder: &Path, license: Option<&License>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embed-license"));
    command.arg(key.public().to_string()).arg(folder);
    if let Some(license) = license {
        let kid = KeyId::parse("reports-1").expect("it is a name");
        let token = sign(key, &kid, license).expect("the claims are right");
        let file = folder.join("license");
        std::fs::write(&file, token.as_str()).expect("the folder is writable");
        command.arg(file);
    }
    command.output().expect("the example starts")
}

#[test]
fn the_example_sells_reports_and_remembers_what_it_saw() {
    let (key, folder) =
        (SigningKey::from_seed(&Secret::new([1; 32])), tempfile::tempdir().expect("a folder"));
    let without = run(&key, folder.path(), None);
    assert!(!without.status.success(), "three reports are for everybody, and no more: {without:?}");
    let day = |days: i64| {
        let today = Timestamp::now().as_second() / 86_400 * 86_400;
        Timestamp::from_second(today + days * 86_400).expect("it is near")
    };
    let license =
        License::new("lic_1", "Acme", "Reports", "team", day(-9), day(200)).with_limit("max_reports", 9);
    let with = run(&key, folder.path(), Some(&license));
    assert!(with.status.success(), "{with:?}");
    let identity = std::fs::read(folder.path().join("installation.key")).expect("it was made");
    // A later issue takes its place, and the earlier one does not come back: that is remembered.
    let later = License { seq: 2, ..license.clone() };
    assert!(run(&key, folder.path(), Some(&later)).status.success());
    let back = run(&key, folder.path(), Some(&license));
    assert!(String::from_utf8_lossy(&back.stdout).contains("Superseded"), "{back:?}");
    assert!(!back.status.success());
    assert_eq!(std::fs::read(folder.path().join("installation.key")).expect("it is there"), identity);
    let elsewhere = tempfile::tempdir().expect("a folder");
    assert!(run(&key, elsewhere.path(), Some(&license)).status.success(), "nothing is remembered there");
}
