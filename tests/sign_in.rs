//! What a running server keeps of the secrets of a sign-in: nothing, in log, answers and files.

#![cfg(all(feature = "server", feature = "storage-sqlite"))]

mod support;

use http::Method;
use support::{Reply, TestServer};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A request: method, path, headers, body.
type Sent<'t> = (Method, &'t str, &'t [(&'t str, &'t str)], String);

/// Every byte of the files of a folder.
fn everything_in(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("the file is ours");
            found.push((path, bytes));
        }
    }
    found
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn secrets_of_a_sign_in_are_in_no_log_line_file_or_later_answer() {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let mut server = TestServer::start(folder.path(), &["log.level=trace"]);
    let mut client = server.connect().await.expect("the server listens");
    let json = ("content-type", "application/json");
    let wanted = r#"{"name": "t", "role": "admin"}"#;
    let made = client.send(Method::POST, "/api/v1/tokens", &[json], wanted).await.expect("an answer").json();
    let token = made["token"].as_str().expect("it is shown once").to_owned();

    let origin = format!("http://{}", server.address);
    let own = ("origin", origin.as_str());
    let show = |token: &str| format!("token={token}&next=%2F");
    let signed_in =
        client.send(Method::POST, "/sign-in", &[FORM, own], show(&token)).await.expect("an answer");
    assert_eq!(signed_in.status, 303);
    let cookie = signed_in.headers["set-cookie"].to_str().expect("it is text").to_owned();
    let cookie = cookie.split(';').next().expect("it has a value");
    let secret = cookie.split_once('.').expect("digits, a dot and the secret").1.to_owned();
    let with_cookie = ("cookie", cookie);

    let mut answers: Vec<Reply> = Vec::new();
    let wrong = format!("{}x", &token[..token.len() - 1]);
    let cut = &cookie[..cookie.len() - 1];
    let requests: [Sent<'_>; 9] = [
        (Method::GET, "/api/v1/tokens", &[with_cookie], String::new()),
        (Method::POST, "/api/v1/projects", &[with_cookie, own, json], r#"{"id": "p"}"#.into()),
        (Method::POST, "/api/v1/projects", &[with_cookie, json], r#"{"id": "q"}"#.into()),
        (Method::GET, "/api/v1/tokens", &[("cookie", cut)], String::new()),
        (Method::POST, "/sign-in", &[FORM, own, with_cookie], show(&wrong)),
        (Method::POST, "/sign-in", &[FORM, own], format!("token={token}&token={token}")),
        (Method::POST, "/sign-in", &[own, json], format!("{{\"token\": \"{token}\"}}")),
        (Method::POST, "/sign-out", &[own, with_cookie], String::new()),
        (Method::GET, "/api/v1/tokens", &[with_cookie], String::new()),
    ];
    let mut statuses = Vec::new();
    for (method, path, headers, body) in requests {
        let answer = client.send(method, path, headers, body).await.expect("an answer");
        statuses.push(answer.status.as_u16());
        answers.push(answer);
    }
    assert_eq!(statuses, [200, 201, 403, 401, 401, 400, 415, 303, 401]);

    let before_the_end = everything_in(folder.path());
    assert!(server.terminate().success());
    let log: Vec<String> = server.log.iter().collect();
    assert!(log.iter().any(|line| line.contains("INSERT INTO session")), "the log is at its finest");
    for secret in [secret.as_str(), &token, &token["rtmx_".len()..], &wrong] {
        for line in &log {
            assert!(!line.contains(secret), "in the log: {line}");
        }
        for (path, bytes) in before_the_end.iter().chain(&everything_in(folder.path())) {
            assert!(!holds(bytes, secret), "in {}", path.display());
        }
        for answer in &answers {
            let shown = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
            assert!(!shown.contains(secret), "in an answer: {shown}");
        }
    }
}
