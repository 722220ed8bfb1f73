//! A database that a newer version has changed is left alone, from either side.

use crate::home::Home;
use crate::{path_in, run_sql};
use rtmx::core::storage;
use rtmx_containers::Postgres;
use std::fs;
use std::path::Path;

/// A home with the URL of a filled SQLite file, and a filled database with the file that names it.
pub(crate) fn newer_schema(home: &Home, from: &str, server: &Postgres, database: &str, file: &str) {
    let archive = path_in(home, "of-its-own.archive");
    home.result(&["backup", "create", "--url-file", file, "--to", &archive]);
    let newer = "INSERT INTO rtmx.schema_migration (version, name, checksum, oldest_compatible, applied_at) \
         VALUES (99, 'later', 'x', 99, '2030-01-01T00:00:00Z')";
    run_sql(server, database, newer);
    let never = path_in(home, "never");
    let to = format!("sqlite:{never}");
    let cases: [&[&str]; 4] = [
        &["backup", "create", "--url-file", file, "--to", &never],
        &["backup", "restore", &archive, "--url-file", file, "--replace", "--confirm", database],
        &["transfer", "--from", from, "--to-file", file],
        &["transfer", "--from-file", file, "--to", &to],
    ];
    for arguments in cases {
        let refused = home.run(arguments);
        assert_eq!(refused.error_code(), storage::SCHEMA_AHEAD.id(), "{arguments:?}: {}", refused.stderr);
        assert!(!Path::new(&never).exists(), "{arguments:?}");
    }
    // What was refused has changed nothing: without the mark, the content is what it was.
    run_sql(server, database, "DELETE FROM rtmx.schema_migration WHERE version = 99");
    home.result(&["backup", "create", "--url-file", file, "--to", &never]);
    let hash = |file: &str| home.result(&["backup", "verify", file])["content_hash"].clone();
    assert_eq!(hash(&never), hash(&archive));
    fs::remove_file(never).expect("it is there");
}
