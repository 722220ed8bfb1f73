//! What cannot work says where, why, and what to change, and never the password.

use crate::Claim;
use crate::postgres::{Customer, DATABASE, PASSWORD, PASSWORD_ENCODED, ROLE, fresh_schema};
use crate::process::{Ended, run};
use rtmx_containers::{DEFAULT_VERSION, REFUSED_VERSION};
use serde_json::Value;
use std::time::{Duration, Instant};

pub(crate) const CLAIMS: &[Claim] = &[
    ("t5_each_refusal_says_where_and_what_to_change", each_refusal_says_what_to_change),
    ("t5_a_missing_privilege_is_given_by_the_statement_that_the_refusal_names", the_statement_helps),
    ("t5_a_server_that_is_too_old_is_refused", a_server_that_is_too_old_is_refused),
    ("a_wrong_password_ends_the_start", a_wrong_password_ends_the_start),
];

/// What a refusal has to say.
pub(crate) struct Wanted<'a> {
    pub(crate) code: &'a str,
    /// Parts of the message.
    pub(crate) message: &'a [&'a str],
    /// A part of the advice.
    pub(crate) next: &'a str,
}

pub(crate) fn check(name: &str, ended: &Ended, wanted: &Wanted<'_>) -> Value {
    let error = ended.error();
    let text = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("code"), wanted.code, "{name}: {error}");
    for part in wanted.message {
        assert!(text("message").contains(part), "{name}: `{part}` in {error}");
    }
    assert!(text("next").contains(wanted.next), "{name}: `{}` in {error}", wanted.next);
    assert_ne!(ended.code, Some(0), "{name}");
    for secret in [PASSWORD, PASSWORD_ENCODED, "not-the-password"] {
        assert!(!ended.log.contains(secret), "{name}: {}", ended.log);
    }
    error
}

fn each_refusal_says_what_to_change() {
    let customer = Customer::start(DEFAULT_VERSION);
    let port = customer.postgres.port();
    let place = format!("`127.0.0.1:{port}`");
    let url = customer.url();
    let (theirs, newer, strange) = (fresh_schema(), fresh_schema(), fresh_schema());
    customer.admin(
        DATABASE,
        &format!(
            "CREATE SCHEMA {theirs} AUTHORIZATION {ROLE}; CREATE TABLE {theirs}.requirement (id int); \
             CREATE TABLE {theirs}.invoice (id int); CREATE SCHEMA {strange} AUTHORIZATION {ROLE}; \
             CREATE TABLE {strange}.schema_migration (version text PRIMARY KEY, dirty bool)"
        ),
    );
    let made = run(&["migrate"], &[("DATABASE_URL", &url), ("RTMX_DATABASE__SCHEMA", &newer)]);
    assert_eq!(made.code, Some(0), "{}", made.log);
    let ahead = "INSERT INTO schema_migration VALUES (999, 'later', 'x', 999, '2030-01-01T00:00:00Z')";
    customer.admin(DATABASE, &format!("SET search_path TO {newer}; {ahead}"));
    customer.admin(DATABASE, "CREATE DATABASE closed");
    customer.admin(DATABASE, "REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    let latin = "CREATE DATABASE latin OWNER rtmx_app ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    customer.admin(DATABASE, latin);

    let wrong = url.replace(PASSWORD_ENCODED, "not-the-password");
    let nowhere = format!("postgres://{ROLE}:{PASSWORD_ENCODED}@no-such-host.invalid/{DATABASE}");
    let of = |database: &str| url.replace(&format!(":{port}/rtmx"), &format!(":{port}/{database}"));
    let (absent, closed, latin) = (of("absent"), of("closed"), of("latin"));
    let nobody = url.replace(ROLE, "nobody_here");
    let tls = format!("{url}?sslmode=require");
    let rtmx = "database `rtmx`";
    // name, URL, schema, what is wanted
    let cases: [(&str, &str, &str, Wanted<'_>); 10] = [
        (
            "a wrong password",
            &wrong,
            "rtmx",
            Wanted { code: "storage_denied", message: &[rtmx, &place, "refused the password"], next: ROLE },
        ),
        (
            "no such role",
            &nobody,
            "rtmx",
            Wanted { code: "storage_denied", message: &[rtmx, &place, "nobody_here"], next: "nobody_here" },
        ),
        (
            "a host without an address",
            &nowhere,
            "rtmx",
            Wanted {
                code: "storage_unavailable",
                message: &[rtmx, "no-such-host.invalid", "has no address"],
                next: "Correct the host name",
            },
        ),
        (
            "no such database",
            &absent,
            "rtmx",
            Wanted {
                code: "storage_settings_invalid",
                message: &["`absent`", &place],
                next: "Create the database `absent`",
            },
        ),
        (
            "a database that it may not enter",
            &closed,
            "rtmx",
            Wanted {
                code: "storage_denied",
                message: &["`closed`", &place],
                next: "GRANT CONNECT ON DATABASE \"closed\" TO \"rtmx_app\"",
            },
        ),
        (
            "a database that cannot keep every text",
            &latin,
            "rtmx",
            Wanted {
                code: "storage_unsupported",
                message: &["`latin`", &place, "LATIN1"],
                next: "ENCODING 'UTF8' TEMPLATE template0",
            },
        ),
        (
            "no TLS",
            &tls,
            "rtmx",
            Wanted {
                code: "storage_settings_invalid",
                message: &[rtmx, &place, "does not offer TLS"],
                next: "sslmode",
            },
        ),
        (
            "somebody else's tables",
            &url,
            &theirs,
            Wanted {
                code: "storage_foreign",
                message: &[rtmx, &place, &theirs, "another application: requirement"],
                next: "database.schema",
            },
        ),
        (
            "somebody else's record of migrations",
            &url,
            &strange,
            Wanted {
                code: "storage_foreign",
                message: &[rtmx, &place, &strange, "another application: schema_migration"],
                next: "database.schema",
            },
        ),
        (
            "a schema of a newer version",
            &url,
            &newer,
            Wanted {
                code: "schema_ahead",
                message: &[rtmx, &place, "at schema 999"],
                next: "Start the newer version",
            },
        ),
    ];
    for (name, url, schema, wanted) in cases {
        let ended = run(&["migrate"], &[("DATABASE_URL", url), ("RTMX_DATABASE__SCHEMA", schema)]);
        check(name, &ended, &wanted);
        if name.ends_with("record of migrations") {
            // A server that only looks says the same.
            let looks = [("RTMX_DATABASE__SCHEMA", schema), ("RTMX_DATABASE__MIGRATE", "false")];
            let ended = run(&["serve"], &[&[("DATABASE_URL", url)][..], &looks].concat());
            check(name, &ended, &wanted);
        }
    }
    let still = format!("DO $$ BEGIN ASSERT to_regclass('{theirs}.schema_migration') IS NULL; END $$");
    customer.admin(DATABASE, &still);
}

fn the_statement_helps() {
    let customer = Customer::start(DEFAULT_VERSION);
    customer.admin(DATABASE, "CREATE ROLE \"narrow-role\" LOGIN PASSWORD 'not-the-password'");
    let port = customer.postgres.port();
    let url = format!("postgres://narrow-role:not-the-password@127.0.0.1:{port}/{DATABASE}");
    // what there is, schema, what is lacking, the statement
    let cases = [
        (
            "",
            "one",
            "has no schema `one`, and the role \"narrow-role\" may not make one",
            "CREATE SCHEMA \"one\" AUTHORIZATION \"narrow-role\"",
        ),
        (
            "CREATE SCHEMA two",
            "two",
            "lacks USAGE, CREATE on the schema `two`",
            "GRANT USAGE, CREATE ON SCHEMA \"two\" TO \"narrow-role\"",
        ),
        (
            "CREATE SCHEMA three; GRANT USAGE ON SCHEMA three TO \"narrow-role\"",
            "three",
            "lacks CREATE on the schema `three`",
            "GRANT CREATE ON SCHEMA \"three\" TO \"narrow-role\"",
        ),
        ("", "four", "may not make one", "GRANT CREATE ON DATABASE rtmx TO \"narrow-role\""),
    ];
    for (there, schema, lacking, statement) in cases {
        customer.admin(DATABASE, there);
        let variables = [("DATABASE_URL", url.as_str()), ("RTMX_DATABASE__SCHEMA", schema)];
        let place = format!("`127.0.0.1:{port}`");
        let message = [lacking, "database `rtmx`", &place];
        let wanted = Wanted { code: "storage_denied", message: &message, next: statement };
        check(schema, &run(&["migrate"], &variables), &wanted);
        customer.admin(DATABASE, statement);
        let ended = run(&["migrate"], &variables);
        assert_eq!(ended.code, Some(0), "{schema}: {}", ended.log);
    }
}

fn a_server_that_is_too_old_is_refused() {
    let customer = Customer::start(REFUSED_VERSION);
    let place = format!("`127.0.0.1:{}`", customer.postgres.port());
    let wanted = Wanted {
        code: "storage_unsupported",
        message: &["database `rtmx`", &place, "PostgreSQL 11, and 12 or later"],
        next: "Upgrade the PostgreSQL server",
    };
    check("PostgreSQL 11", &run(&["migrate"], &[("DATABASE_URL", &customer.url())]), &wanted);
}

fn a_wrong_password_ends_the_start() {
    let customer = Customer::start(DEFAULT_VERSION);
    let wrong = customer.url().replace(PASSWORD_ENCODED, "not-the-password");
    let began = Instant::now();
    let ended = run(&["serve"], &[("DATABASE_URL", &wrong)]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((ended.code, ended.error()["code"].as_str()), (Some(1), Some("storage_denied")));
}
