//! Against listeners of this process: one that closes, one that hangs, one that speaks.

use super::*;
use rtmx_core::assert_code;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server of the test does.
#[derive(Clone, Copy)]
enum Play {
    /// Accepts and says nothing.
    Hang,
    /// Accepts and closes.
    Close,
    /// Lets everybody in, and says nothing more.
    Mute,
    /// Says that there is no TLS, and refuses the login with this state and message.
    Refuse(&'static str, &'static str),
    /// Lets everybody in, as this version, as a standby or not.
    Serve(&'static str, bool),
    /// Lets only those in who have this password.
    Ask(&'static str),
}

async fn play(play: Play) -> SocketAddr {
    counted(play).await.0
}

/// A server, and how many connections it has had.
async fn counted(play: Play) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream, play));
        }
    });
    (address, count)
}

/// A port on which nothing listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    listener.local_addr().expect("it is bound")
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("messages are short");
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

async fn body(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut body = vec![0; usize::try_from(stream.read_u32().await?).expect("messages are short") - 4];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn serve(mut stream: TcpStream, play: Play) -> std::io::Result<()> {
    let refuse = |state: &str, text: &str| message(b'E', format!("SFATAL\0C{state}\0M{text}\0\0").as_bytes());
    let mut startup = match play {
        Play::Close => return Ok(()),
        Play::Hang => return std::future::pending().await,
        _ => body(&mut stream).await?,
    };
    if startup == 80_877_103_u32.to_be_bytes() {
        stream.write_all(b"N").await?;
        startup = body(&mut stream).await?;
    }
    assert_eq!(startup[..4], 196_608_u32.to_be_bytes(), "protocol 3.0");
    let (version, is_standby) = match play {
        Play::Refuse(state, text) => return stream.write_all(&refuse(state, text)).await,
        Play::Ask(wanted) => {
            stream.write_all(&message(b'R', &3_u32.to_be_bytes())).await?;
            stream.read_u8().await?;
            if body(&mut stream).await? != [wanted.as_bytes(), b"\0"].concat() {
                return stream.write_all(&refuse("28P01", "password authentication failed")).await;
            }
            ("18.4", false)
        }
        Play::Serve(version, is_standby) => (version, is_standby),
        Play::Mute => ("18.4", false),
        Play::Hang | Play::Close => return Ok(()),
    };
    let welcome = [
        message(b'R', &0_u32.to_be_bytes()),
        message(b'S', format!("server_version\0{version}\0").as_bytes()),
        message(b'Z', b"I"),
    ];
    stream.write_all(&welcome.concat()).await?;
    if matches!(play, Play::Mute) {
        return std::future::pending().await;
    }
    while let Ok(kind) = stream.read_u8().await {
        body(&mut stream).await?;
        if kind == b'Q' {
            stream.write_all(&answer(is_standby)).await?;
        }
    }
    Ok(())
}

/// One row of two booleans, as text.
fn answer(yes: bool) -> Vec<u8> {
    let column = [b"c\0".as_slice(), &[0; 6], &16_u32.to_be_bytes(), &[0, 1, 0, 0, 0, 0, 0, 0]].concat();
    let value = [0, 0, 0, 1, if yes { b't' } else { b'f' }];
    [
        message(b'T', &[&[0, 2], column.as_slice(), &column].concat()),
        message(b'D', &[&[0, 2], &value[..], &value].concat()),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

fn connector(hosts: &[SocketAddr], more: &serde_json::Value) -> Connector {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut json = json!({"url": format!("postgres://app:hunter2@{}/rtmx", hosts.join(",")), "connect_timeout_ms": 2_000});
    json.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    Connector::new(&PostgresSettings::from_json(json).expect("settings")).expect("a connector")
}

async fn refused(connector: &Connector) -> Error {
    let error = connector.connect(Route::Pooled).await.expect_err("no host will do");
    assert!(!format!("{error:?} {}", error.next()).contains("hunter2"), "{error:?}");
    error
}

#[tokio::test]
async fn each_refusal_has_its_code_and_names_the_place_without_the_password() {
    use storage::{STORAGE_DENIED, STORAGE_SETTINGS_INVALID, STORAGE_UNAVAILABLE, STORAGE_UNSUPPORTED};
    let hba = "no pg_hba.conf entry for host";
    // what the server does, code, end of the message
    let cases = [
        (Play::Close, STORAGE_UNAVAILABLE, "the other side closed the connection"),
        (Play::Hang, STORAGE_UNAVAILABLE, "no answer within 300 ms"),
        (Play::Refuse("28P01", "x"), STORAGE_DENIED, "the server refused the password"),
        (Play::Refuse("28000", "x"), STORAGE_DENIED, "the server refused the user"),
        (Play::Refuse("28000", hba), STORAGE_DENIED, "has no entry for this connection"),
        (Play::Refuse("42501", "x"), STORAGE_DENIED, "may not connect to this database"),
        (Play::Refuse("3D000", "x"), STORAGE_SETTINGS_INVALID, "there is no such database"),
        (Play::Refuse("53300", "x"), STORAGE_UNAVAILABLE, "has no connection left"),
        (Play::Refuse("57P03", "x"), STORAGE_UNAVAILABLE, "is starting up or shutting down"),
        (Play::Refuse("57P01", "x"), STORAGE_UNAVAILABLE, "is shutting down"),
        (Play::Refuse("08P01", "x"), STORAGE_SETTINGS_INVALID, "refused how the connection begins"),
        (Play::Refuse("58000", "x"), STORAGE_UNAVAILABLE, "the server refused the connection"),
        (Play::Serve("11.22", false), STORAGE_UNSUPPORTED, "PostgreSQL 11, and 12 or later is needed"),
    ];
    for (does, code, end) in cases {
        let host = play(does).await;
        let error =
            refused(&connector(&[host], &json!({"connect_timeout_ms": 300, "sslmode": "disable"}))).await;
        assert_code(&error, code);
        let begin = format!("could not connect to database `rtmx` on `{host}` as `app`: ");
        assert!(error.message().starts_with(&begin) && error.message().ends_with(end), "{error}");
    }
    let error = refused(&connector(&[play(Play::Close).await], &json!({"sslmode": "require"}))).await;
    assert!(error.message().ends_with("the other side closed the connection"), "{error}");
    let host = play(Play::Ask("hunter2")).await;
    let json = json!({"url": format!("postgres://app@{host}/rtmx")});
    let settings = PostgresSettings::from_json(json).expect("settings");
    let error = refused(&Connector::new(&settings).expect("a connector")).await;
    assert_code(&error, STORAGE_DENIED);
    assert!(error.message().ends_with("the server asks for a password, and there is none"), "{error}");
    let error = refused(&connector(&[nobody().await], &json!({}))).await;
    assert_code(&error, STORAGE_UNAVAILABLE);
    assert!(error.message().ends_with("nothing listens there"), "{error}");
}

#[tokio::test]
async fn a_name_without_address_and_a_socket_that_is_not_there_are_told_apart() {
    // host, end of the message
    let cases = [
        ("no-such-host.invalid", "the host name has no address"),
        ("/tmp/no-such-folder", "there is no socket"),
    ];
    for (host, end) in cases {
        let json = json!({"host": host, "user": "app", "connect_timeout_ms": 60_000});
        let settings = PostgresSettings::from_json(json).expect(host);
        let error = refused(&Connector::new(&settings).expect(host)).await;
        assert!(error.message().ends_with(end), "{host}: {error}");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn tls_that_is_required_and_not_offered_is_an_error() {
    let host = play(Play::Serve("18.4", false)).await;
    let error = refused(&connector(&[host], &json!({"sslmode": "require"}))).await;
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
    assert!(error.message().ends_with("the server does not offer TLS"), "{error}");
    for mode in ["disable", "allow", "prefer"] {
        let connector = connector(&[host], &json!({"sslmode": mode}));
        connector.connect(Route::Session).await.expect(mode);
    }
}

#[tokio::test]
async fn the_first_host_that_will_do_is_used() {
    let (closed, silent) = (nobody().await, play(Play::Hang).await);
    let standby = play(Play::Serve("17.2", true)).await;
    let primary = play(Play::Serve("18.4", false)).await;
    let all = [closed, silent, standby, primary];
    // hosts, what is wanted, which one is used
    let cases = [
        (&all[..], None, Some(primary)),
        (&all[..], Some("read-write"), Some(primary)),
        (&all[..], Some("primary"), Some(primary)),
        (&all[..], Some("any"), Some(standby)),
        (&all[..], Some("standby"), Some(standby)),
        (&[primary, standby], Some("read-only"), Some(standby)),
        (&[primary, standby], Some("prefer-standby"), Some(standby)),
        (&[closed, primary], Some("prefer-standby"), Some(primary)),
        (&[standby], None, Some(standby)),
        (&[closed, standby], None, None),
    ];
    for (hosts, wanted, used) in cases {
        let connector = connector(hosts, &json!({"target_session_attrs": wanted, "connect_timeout_ms": 300}));
        assert_eq!(connector.server(), None);
        match (connector.connect(Route::Pooled).await, used) {
            (Ok(_), Some(used)) => {
                let server = connector.server().expect("a connection was made");
                assert_eq!(server.host, used.to_string(), "{wanted:?}");
                assert_eq!(server.version, if used == primary { 180_004 } else { 170_002 });
            }
            (Err(error), None) => {
                assert_code(&error, storage::STORAGE_UNAVAILABLE);
                assert!(error.message().contains("nothing listens there; "), "{error}");
                assert!(error.message().ends_with("is a standby, and `read-write` is wanted"), "{error}");
            }
            (outcome, _) => panic!("{wanted:?} {used:?}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_user_ends_the_search_and_a_starting_server_does_not() {
    let primary = play(Play::Serve("18.4", false)).await;
    let refusing = play(Play::Refuse("28P01", "password authentication failed")).await;
    let error = refused(&connector(&[refusing, primary], &json!({}))).await;
    assert_code(&error, storage::STORAGE_DENIED);
    let starting = play(Play::Refuse("57P03", "the database system is starting up")).await;
    let connector = connector(&[starting, primary], &json!({"load_balance_hosts": "random"}));
    connector.connect(Route::Pooled).await.expect("the second host serves");
}

#[tokio::test]
async fn a_password_that_is_rotated_is_used_by_the_next_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    let host = play(Play::Ask("new one")).await;
    std::fs::write(&file, "old one\n").expect("the folder can be written");
    let json = json!({"url": format!("postgres://app@{host}/rtmx"), "password_file": file});
    let connector =
        Connector::new(&PostgresSettings::from_json(json).expect("settings")).expect("a connector");
    let error = refused(&connector).await;
    assert_code(&error, storage::STORAGE_DENIED);
    assert_eq!(error.retry(), Retry::Later);
    std::fs::write(&file, "new one\n").expect("the folder can be written");
    connector.connect(Route::Pooled).await.expect("the new password is right");
}

#[tokio::test]
async fn a_url_that_is_replaced_in_its_file_is_used_by_the_next_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    let host = play(Play::Ask("new one")).await;
    let write = |text: &str| std::fs::write(&file, text).expect("the folder can be written");
    write(&format!("postgres://app:old%20one@{host}/rtmx\n"));
    let json = json!({"url_file": file, "schema": "s"});
    let connector =
        Connector::new(&PostgresSettings::from_json(json).expect("settings")).expect("a connector");
    let error = refused(&connector).await;
    assert_code(&error, storage::STORAGE_DENIED);
    assert_eq!(error.retry(), Retry::Later);
    write(&format!("postgres://app:new%20one@{host}/rtmx\n"));
    connector.connect(Route::Pooled).await.expect("the new password is right");
    // While the file is being replaced, what it held last is tried.
    for broken in ["", "\n"] {
        write(broken);
        connector.connect(Route::Pooled).await.expect("the last password is still right");
    }
    write("postgres://app:hunter2@[::1/rtmx");
    let error = refused(&connector).await;
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
    assert!(error.message().contains("`url_file`"), "{error}");
    assert!(!format!("{connector:?} {error:?}").contains("hunter2"), "{error:?}");
    let other = nobody().await;
    write(&format!("postgres://app@{other}/rtmx"));
    refused(&connector).await;
    assert_eq!(connector.place(), format!("database `rtmx` on `{other}`"));
}

/// What a service file and the file of a direct URL hold is rotated as well.
#[tokio::test]
async fn a_password_in_any_file_is_rotated_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (service, direct) = (folder.path().join("services"), folder.path().join("direct"));
    let host = play(Play::Ask("new one")).await;
    let write = |file: &std::path::Path, text: &str| std::fs::write(file, text).expect("it is ours");
    let section = |password: &str| {
        let (ip, port) = (host.ip(), host.port());
        format!("[rtmx]\nhost={ip}\nport={port}\nuser=app\ndbname=rtmx\npassword={password}\n")
    };
    write(&service, &section("old one"));
    write(&direct, &format!("postgres://app:old%20one@{host}/rtmx\n"));
    let pooler = format!("postgres://app:new%20one@{host}/rtmx");
    // settings, route, the file that is rotated, its new content
    let cases = [
        (json!({"service": "rtmx", "service_file": service}), Route::Pooled, &service, section("new one")),
        (
            json!({"url": pooler, "pooler": true, "direct_url_file": direct}),
            Route::Session,
            &direct,
            format!("postgres://app:new%20one@{host}/rtmx\n"),
        ),
    ];
    for (json, route, file, rotated) in cases {
        let settings = PostgresSettings::from_json(json).expect("settings");
        let connector = Connector::new(&settings).expect("a connector");
        let error = connector.connect(route).await.expect_err("the password is not right any more");
        assert_code(&error, storage::STORAGE_DENIED);
        assert_eq!(error.retry(), Retry::Later, "{}", file.display());
        write(file, &rotated);
        connector.connect(route).await.expect("the new password is right");
        // While the file is being replaced, what it held last is tried.
        write(file, "");
        connector.connect(route).await.expect("the last password is still right");
    }
}

/// Whoever is to tell of the writes of others and never says a word is not waited for.
#[tokio::test]
async fn a_server_that_does_not_listen_is_asked_anew() {
    let (host, connections) = counted(Play::Mute).await;
    let settings = json!({"url": format!("postgres://app@{host}/rtmx"), "sslmode": "disable"});
    let settings = PostgresSettings::from_json(settings).expect("settings");
    let connector = Arc::new(Connector::new(&settings).expect("a connector"));
    let listening = crate::notify::Bell::new().listen(connector);
    let until = Instant::now() + Duration::from_secs(30);
    // One to look which host will do, one to listen on, and then again.
    while connections.load(Ordering::Relaxed) < 3 {
        assert!(Instant::now() < until, "it waits for an answer for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    listening.abort();
}

#[test]
fn a_url_has_one_place() {
    let json = json!({"url": "postgres://app@db/rtmx", "url_file": "/run/secrets/url"});
    let error = PostgresSettings::from_json(json).expect_err("there are two");
    assert!(error.message().contains("`url_file`"), "{error}");
    let missing = PostgresSettings::from_json(json!({"url_file": "/does/not/exist"})).expect("settings");
    let error = Connector::new(&missing).expect_err("there is no file");
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
    assert!(error.message().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_pooler_is_passed_by_only_with_a_direct_url() {
    let (pooler, server) = (play(Play::Serve("18.4", false)).await, play(Play::Serve("18.4", false)).await);
    let alone = connector(&[pooler], &json!({"pooler": true}));
    assert!(alone.behind_pooler() && !alone.has_session_route());
    alone.connect(Route::Pooled).await.expect("the pooler answers");
    let error = alone.connect(Route::Session).await.expect_err("there is no way");
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);

    let both = connector(&[pooler], &json!({"pooler": true, "direct_url": format!("postgres://{server}")}));
    assert!(both.has_session_route());
    assert_eq!(both.known().direct.as_ref().map(|direct| direct.user.as_str()), Some("app"));
    both.connect(Route::Session).await.expect("the server answers");
    assert_eq!(both.server().map(|server| server.host), Some(server.to_string()));
    assert_eq!(both.place(), format!("database `rtmx` on `{pooler}`"));
    assert_eq!(both.schema(), "rtmx");
}

#[test]
fn a_service_file_is_read_when_the_driver_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("services");
    std::fs::write(&file, "[rtmx]\nhost=a,b\nuser=app\ndbname=data\npassword=hunter2\n").expect("it is ours");
    let open = |service: &str, file: Option<&std::path::Path>| {
        let json = json!({"service": service, "service_file": file, "database": "rtmx"});
        Connector::new(&PostgresSettings::from_json(json).expect("settings"))
    };
    let connector = open("rtmx", Some(&file)).expect("the section is there");
    assert_eq!(connector.place(), "database `rtmx` on `a:5432`, `b:5432`");
    assert_eq!(connector.known().address.connect_timeout, Duration::from_secs(5));
    assert!(!format!("{connector:?}").contains("hunter2"), "{connector:?}");
    for (service, file, part) in
        [("rtm", Some(file.as_path()), "no section"), ("rtmx", None, "`service_file` is not")]
    {
        let error = open(service, file).expect_err(part);
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let error = refused(&connector(&[play(Play::Serve("11.22", false)).await], &json!({}))).await;
    assert_code(&error, storage::STORAGE_UNSUPPORTED);
}
