//! Real databases start, are what they say, and survive what tests do to them.
//!
//! One set of trials for each version in `RTMX_TEST_POSTGRES`. Where nothing can be started all of them
//! report themselves ignored, with the reason.

#![allow(clippy::print_stdout, reason = "the figures of the starts are for a reader")]

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_containers::{
    Access, Error, Flavour, Kind, PgBouncer, PoolMode, Postgres, REFUSED_VERSION, Restart, versions,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor, Row};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

type Outcome = Result<(), Error>;

/// A claim about one version, and what proves it.
type Claim = (&'static str, fn(u16) -> Outcome);

const CLAIMS: [Claim; 7] = [
    ("it_answers_as_the_version_that_it_is_and_syncs_what_it_writes", answers),
    ("user_password_and_database_come_from_files_and_scripts_run", is_initialised),
    ("it_runs_as_70_and_as_999_and_never_as_root", runs_as),
    ("a_restart_keeps_the_data_and_the_port", keeps_data),
    ("a_paused_server_is_silent_and_comes_back", pauses),
    ("it_speaks_tls_with_a_key_that_is_its_own", speaks_tls),
    ("pgbouncer_passes_queries_in_transaction_mode", is_pooled),
];

/// What started and how fast, for a reader of the whole output.
static STARTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() {
    let arguments = Arguments::from_args();
    let versions = versions().unwrap_or_else(|error| panic!("{error}"));
    let mut trials = Vec::new();
    for version in versions {
        for (name, prove) in CLAIMS {
            trials.push(trial(format!("postgres_{version}::{name}"), version, prove));
        }
    }
    let name = format!("postgres_{REFUSED_VERSION}::it_starts_too_to_be_refused");
    trials.push(trial(name, REFUSED_VERSION, answers));
    let conclusion = libtest_mimic::run(&arguments, trials);
    for line in STARTS.lock().expect("nobody panics with it").iter() {
        println!("{line}");
    }
    conclusion.exit();
}

fn trial(name: String, version: u16, prove: fn(u16) -> Outcome) -> Trial {
    Trial::ignorable_test(name, move || match Postgres::available() {
        Err(reason) => Ok(Completion::ignored_with(reason)),
        Ok(()) => match prove(version) {
            Ok(()) => Ok(Completion::Completed),
            Err(Error::Unavailable(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(Failed::from(error.to_string())),
        },
    })
}

fn answers(version: u16) -> Outcome {
    let started = Instant::now();
    let server = Postgres::start(version)?;
    let took = started.elapsed();
    let number: u32 = ask(&server.url(), "SHOW server_version_num").parse().expect("a number");
    assert_eq!(number / 10_000, u32::from(version));
    assert_eq!(ask(&server.url(), "SHOW fsync"), "on");
    assert_eq!(ask(&server.url(), "SHOW full_page_writes"), "on");
    assert_eq!(ask(&server.url(), "SHOW server_encoding"), "UTF8");
    assert!(!format!("{server:?}").contains(&server.password().expect("it has one")));
    let line = format!("PostgreSQL {version}: {number}, {:?}, answered after {took:.1?}", server.kind());
    STARTS.lock().expect("nobody panics with it").push(line);
    Ok(())
}

fn is_initialised(version: u16) -> Outcome {
    let packed = gzip("INSERT INTO made VALUES ('gz in ' || current_database());\n");
    let server = Postgres::options(version)
        .file("/run/secrets/user", "ada", Access::Everybody)
        .file("/run/secrets/password", "s'e/c:r@e\"t\n", Access::Everybody)
        .file("/run/secrets/database", "Matrix of Ada\n", Access::Everybody)
        .variable("POSTGRES_USER_FILE", "/run/secrets/user")
        .variable("POSTGRES_PASSWORD_FILE", "/run/secrets/password")
        .variable("POSTGRES_DB_FILE", "/run/secrets/database")
        .variable("POSTGRES_INITDB_ARGS", "--no-sync --locale='C'")
        .script("1.sql", "CREATE TABLE made (\n    what text\n);\n\\echo made\n")
        .script("2.sh", "psql -v ON_ERROR_STOP=1 -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -c \"INSERT INTO made VALUES ('sh')\"\n")
        .script("3.sql.gz", packed)
        .setting("log_statement", "all")
        .start()?;
    let url = server.url();
    let made = ask(&url, "SELECT string_agg(what, ', ' ORDER BY what) FROM made");
    assert_eq!(made, "gz in Matrix of Ada, sh");
    assert_eq!(ask(&url, "SELECT current_user::text"), "ada");
    let collation = "SELECT datcollate::text FROM pg_database WHERE datname = current_database()";
    assert_eq!(ask(&url, collation), "C", "the arguments were split as a shell does it");
    assert_eq!(ask(&url, "SHOW log_statement"), "all");
    let wrong =
        url.replace(&format!("@127.0.0.1:{}", server.port()), &format!("x@127.0.0.1:{}", server.port()));
    assert!(try_ask(&wrong, "SELECT 'in'").is_err(), "another password is refused");

    let open = Postgres::options(version)
        .variable("POSTGRES_PASSWORD", "")
        .variable("POSTGRES_HOST_AUTH_METHOD", "trust")
        .start()?;
    assert_eq!(ask(&open.url(), "SELECT current_user::text"), "postgres");
    let none = Postgres::options(version).variable("POSTGRES_PASSWORD", "").start();
    let error = none.expect_err("nobody could come in").to_string();
    assert!(error.contains("POSTGRES_PASSWORD"), "{error}");
    Ok(())
}

fn runs_as(version: u16) -> Outcome {
    let user_of = |server: &Postgres| {
        let command = "stat -c %u \"$PGDATA/postmaster.pid\" && stat -c %u /proc/1";
        server.exec(&["sh", "-c", command]).map(|ran| ran.stdout.trim().replace('\n', " "))
    };
    for flavour in [Flavour::Alpine, Flavour::Debian] {
        let uid = flavour.uid();
        let server = Postgres::options(version).flavour(flavour).start()?;
        if server.kind() == Kind::Processes {
            return Err(Error::Unavailable("without containers it runs as `nobody`".into()));
        }
        assert_eq!(user_of(&server)?, format!("{uid} {uid}"), "{flavour:?}");
        let forced = Postgres::options(version).flavour(flavour).run_as(uid.to_string()).start()?;
        assert_eq!(user_of(&forced)?, format!("{uid} {uid}"), "{flavour:?}, as --user");
    }
    Ok(())
}

fn keeps_data(version: u16) -> Outcome {
    let server = Postgres::start(version)?;
    let (url, port) = (server.url(), server.port());
    ask(&url, "CREATE TABLE kept AS SELECT 'first'::text AS what");
    server.restart(Restart::Fast)?;
    assert_eq!((ask(&url, "SELECT what FROM kept"), server.port()), ("first".to_owned(), port));
    assert!(!server.log().contains("automatic recovery in progress"), "{}", server.log());

    ask(&url, "UPDATE kept SET what = 'second'");
    server.restart(Restart::Immediate)?;
    assert_eq!(ask(&url, "SELECT what FROM kept"), "second");
    assert!(server.log().contains("automatic recovery in progress"), "{}", server.log());

    server.stop()?;
    assert!(try_ask(&url, "SELECT 'in'").is_err(), "it is stopped");
    server.start_again()?;
    assert_eq!(ask(&url, "SELECT what FROM kept"), "second");
    Ok(())
}

fn pauses(version: u16) -> Outcome {
    let server = Postgres::start(version)?;
    let runtime = runtime();
    let mut connection = runtime.block_on(connect(&server.url())).expect("it answers");
    server.pause()?;
    let silent = runtime.block_on(async {
        tokio::time::timeout(Duration::from_millis(300), connection.execute("SELECT 1")).await.is_err()
    });
    server.unpause()?;
    assert!(silent, "a paused server says nothing");
    assert_eq!(ask(&server.url(), "SELECT 'back'"), "back");
    Ok(())
}

fn speaks_tls(version: u16) -> Outcome {
    let Some((certificate, key)) = certificate() else {
        return Err(Error::Unavailable("`openssl` is missing, which makes the certificate".into()));
    };
    let server = Postgres::options(version)
        .file("/etc/rtmx-test/server.crt", certificate, Access::Everybody)
        .file("/etc/rtmx-test/server.key", key, Access::Server)
        .setting("ssl", "on")
        .setting("ssl_cert_file", "/etc/rtmx-test/server.crt")
        .setting("ssl_key_file", "/etc/rtmx-test/server.key")
        .start()?;
    let url = format!("{}?sslmode=require", server.url());
    assert_eq!(ask(&url, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "true");
    Ok(())
}

fn is_pooled(version: u16) -> Outcome {
    let server = Postgres::start(version)?;
    let bouncer = PgBouncer::start(&server, PoolMode::Transaction)?;
    assert_eq!(ask(&bouncer.url(), "SELECT 'through'"), "through");
    let pid = |url: &str| ask(url, "SELECT pg_backend_pid()::text");
    assert_eq!(pid(&bouncer.url()), pid(&bouncer.url()), "the server's connection is used again");
    server.restart(Restart::Fast)?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while try_ask(&bouncer.url(), "SELECT 'again'").is_err() {
        assert!(Instant::now() < deadline, "it finds the server again");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    options.connect().await
}

/// The first field of the first row, or nothing; asked as PgBouncer in transaction mode takes it.
fn try_ask(url: &str, question: &str) -> Result<String, sqlx::Error> {
    runtime().block_on(async {
        let mut connection = connect(url).await?;
        let question = sqlx::raw_sql(sqlx::AssertSqlSafe(question.to_owned()));
        let row = question.fetch_optional(&mut connection).await?;
        let text = row.map(|row| row.try_get_unchecked::<String, _>(0)).transpose()?;
        connection.close().await?;
        Ok(text.unwrap_or_default())
    })
}

#[track_caller]
fn ask(url: &str, question: &str) -> String {
    try_ask(url, question).unwrap_or_else(|error| panic!("{question}: {error}"))
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
    gzip.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    gzip.wait_with_output().expect("it ends").stdout
}

/// A certificate that signs itself, and its key.
fn certificate() -> Option<(Vec<u8>, Vec<u8>)> {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -keyout /dev/fd/3 -out - 3>&2 2>/dev/null";
    let made = std::process::Command::new("bash").args(["-c", script]).output().ok()?;
    made.status.success().then_some((made.stdout, made.stderr))
}
