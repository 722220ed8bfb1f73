//! What an API server answers, and what comes of it. That a real one is understood is shown by `tests/helm`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use rcgen::{CertificateParams, KeyPair};
use rtmx_core::{Result, app, assert_code, deploy};
use rtmx_deploy::secrets::SecretObjects;
use rtmx_deploy_helm::{Cluster, Made};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const OBJECTS: &str = "
objects:
  - name: db
    keys: {username: {value: rtmx}, password: {generated: {}}}
  - name: url
    keys: {url: {composed: \"{db/username}:{db/password:url}\"}}
";

/// Answers by the first line of a question.
type Answers = fn(&str) -> (u16, &'static str);

/// An API server and the folder of a service account; what was asked is kept.
struct Api {
    folder: TempDir,
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Api {
    async fn start(answers: Answers) -> Api {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        for (name, text) in
            [("ca.crt", certificate.pem().as_str()), ("token", "t0ken\n"), ("namespace", "ours")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config =
            config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut question = vec![0; 64 * 1024];
                let mut length = 0;
                // The body of a question that has one comes with its head or right behind it.
                while let Ok(Ok(read)) =
                    tokio::time::timeout(Duration::from_millis(100), stream.read(&mut question[length..]))
                        .await
                {
                    length += read;
                    if read == 0 {
                        break;
                    }
                }
                let question = String::from_utf8_lossy(&question[..length]).into_owned();
                let line = question.lines().next().unwrap_or_default().to_owned();
                kept.lock().unwrap().push(question);
                let (status, body) = answers(&line);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} So\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all((head + body).as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Api { folder, port, asked }
    }

    fn cluster(&self) -> Cluster {
        let port = self.port.to_string();
        let cluster = Cluster::of_pod(self.folder.path(), Some("127.0.0.1"), Some(&port)).unwrap();
        cluster.with_patience(Duration::ZERO)
    }

    async fn make(&self) -> (Result<()>, Vec<Made>) {
        let objects = SecretObjects::read(OBJECTS, "objects").unwrap();
        let mut told = Vec::new();
        let mut random = |bytes: &mut [u8]| {
            bytes.fill(0xfb);
            Ok(())
        };
        let made = self.cluster().make_secrets(&objects, &mut random, &mut |made| told.push(made)).await;
        (made, told)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_is_absent_is_made_whole_and_composed_of_what_was_made() {
    let api = Api::start(|line| if line.starts_with("GET") { (404, "{}") } else { (201, "{}") }).await;
    let (made, told) = api.make().await;
    made.unwrap();
    assert_eq!(told, [Made::New("db".into()), Made::New("url".into())]);
    let asked = api.asked();
    assert!(asked.iter().all(|question| question.to_lowercase().contains("authorization: bearer t0ken")));
    let posted: Vec<_> = asked.iter().filter(|question| question.starts_with("POST")).collect();
    assert!(posted[0].starts_with("POST /api/v1/namespaces/ours/secrets HTTP/1.1"), "{}", posted[0]);
    // `rtmx` and what was generated, in base64.
    assert!(
        posted[0].contains("\"username\":\"cnRteA==\"") && posted[0].contains("\"password\":"),
        "{}",
        posted[0]
    );
    assert!(posted[1].contains("\"url\":\"cnRteDol"), "rtmx:% and so on: {}", posted[1]);
}

#[tokio::test]
async fn what_is_there_is_asked_for_and_nothing_else() {
    let api = Api::start(|_| (200, r#"{"data":{"username":"eA==","password":"cA=="}}"#)).await;
    let (made, told) = api.make().await;
    made.unwrap();
    assert_eq!(told, [Made::Kept("db".into()), Made::Lacking("url".into(), vec!["url".into()])]);
    assert!(api.asked().iter().all(|question| question.starts_with("GET")));
}

#[tokio::test]
async fn one_that_another_made_in_between_counts() {
    let api = Api::start(|line| match line {
        line if line.starts_with("POST") => (409, "{}"),
        _ => (404, "{}"),
    })
    .await;
    let (made, told) = api.make().await;
    assert!(told.is_empty());
    assert_code(made.unwrap_err(), deploy::CLUSTER_REFUSED);
}

#[tokio::test]
async fn a_part_that_is_not_there_is_missing() {
    // The first is there, without its password.
    let api = Api::start(|line| match line {
        line if line.contains("/secrets/db") => (200, r#"{"data":{"username":"eA=="}}"#),
        _ => (404, "{}"),
    })
    .await;
    let (made, told) = api.make().await;
    assert_eq!(told, [Made::Lacking("db".into(), vec!["password".into()])]);
    assert_code(made.unwrap_err(), app::SECRET_MISSING);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words_and_without_values() {
    let api = Api::start(|line| match line {
        line if line.starts_with("GET") => (404, "{}"),
        _ => (403, r#"{"kind":"Status","message":"exceeded quota: secrets"}"#),
    })
    .await;
    let (made, _) = api.make().await;
    let error = made.unwrap_err();
    let said = format!("{error:?} {:?}", error.causes());
    assert!(said.contains("exceeded quota") && said.contains("`db`"), "{said}");
    assert!(!said.contains("+/v7"), "{said}");
    assert_code(error, deploy::CLUSTER_REFUSED);
}

#[tokio::test]
async fn a_server_that_is_away_and_one_that_is_overloaded_are_unreachable() {
    let api = Api::start(|_| (503, "{}")).await;
    let (made, _) = api.make().await;
    assert_code(made.unwrap_err(), deploy::CLUSTER_UNREACHABLE);
    let away = Api { port: 9, ..api };
    let (made, _) = away.make().await;
    assert_code(made.unwrap_err(), deploy::CLUSTER_UNREACHABLE);
}

#[test]
fn outside_of_a_pod_no_cluster_is_known() {
    let folder = TempDir::new().unwrap();
    for (host, port) in [(None, None), (Some("127.0.0.1"), Some("443")), (Some("not a host"), None)] {
        let unknown = Cluster::of_pod(folder.path(), host, port).unwrap_err();
        assert_code(unknown, deploy::CLUSTER_UNKNOWN);
    }
}
