//! TLS: the certificate is changed while the server runs, clients are asked for theirs, and everybody else
//! is sent there.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod support;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rtmx::core::{assert_code, server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{Client, TestServer};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority of its own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for a name, with its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// The files of a server, and those who trust it.
struct Site {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Site {
    fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        site.renew();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a new certificate in place, as a renewal does: the key first.
    fn renew(&self) {
        let (cert, key) = self.authority.issue("localhost");
        self.replace("key.pem", &key);
        self.replace("cert.pem", &cert);
    }

    fn replace(&self, name: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn sets(&self, more: &[&str]) -> Vec<String> {
        let file = |name: &str| self.path(name).display().to_string();
        let mut sets = vec![
            format!("server.tls_cert={}", file("cert.pem")),
            format!("server.tls_key={}", file("key.pem")),
        ];
        sets.extend(more.iter().map(|set| set.replace("FOLDER", self.folder.path().to_str().unwrap())));
        sets
    }

    fn start(&self, more: &[&str]) -> TestServer {
        let sets = self.sets(more);
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        TestServer::start(&self.path("data"), &sets)
    }

    fn trusting(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap()).unwrap();
        roots
    }

    async fn dial(
        &self,
        address: SocketAddr,
        own: Option<&(String, String)>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.trusting());
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![cert], key).unwrap()
            }
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A client, and the certificate that the server showed it.
    async fn client(&self, server: &TestServer) -> (Client, Vec<u8>) {
        let stream =
            self.dial(server.address, None, rustls::ALL_VERSIONS).await.expect("the handshake succeeds");
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        (Client::over(stream, "localhost".into()).await.unwrap(), shown)
    }

    /// Whether `/live` is answered to somebody with this certificate: without TLS 1.3's handshake being
    /// over, a refusal shows with the first answer only.
    async fn answers(&self, server: &TestServer, own: Option<&(String, String)>) -> bool {
        let Ok(stream) = self.dial(server.address, own, rustls::ALL_VERSIONS).await else { return false };
        let Some(mut client) = Client::over(stream, "localhost".into()).await else { return false };
        client.send(http::Method::GET, "/live", &[], "").await.is_some_and(|reply| reply.status == 200)
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_and_no_connection_is_lost() {
    let site = Site::new();
    let running = site.start(&["server.hsts=1h"]);
    let (mut before, old) = site.client(&running).await;
    let reply = before.get("/live").await;
    assert_eq!(reply.headers["strict-transport-security"], "max-age=3600");
    site.renew();
    running.reload();
    running.said("the new TLS certificate is in use");
    let (mut after, new) = site.client(&running).await;
    assert_ne!(old, new, "the next handshake shows the new certificate");
    assert_eq!(after.get("/live").await.status, 200);
    assert_eq!(before.get("/live").await.status, 200, "the connection from before goes on");
    // What does not hold together is told, and not used.
    site.replace("key.pem", &site.authority.issue("localhost").1);
    running.reload();
    let refused = running.said("the TLS certificate in use stays");
    assert_code(refused["code"].as_str().unwrap_or_default(), server::TLS_INVALID);
    assert_eq!(site.client(&running).await.1, new);
    // Without being asked, too, once the files are whole again.
    site.renew();
    running.said("the new TLS certificate is in use");
    assert_ne!(site.client(&running).await.1, new);
}

#[tokio::test]
async fn both_versions_are_spoken_unless_the_older_is_forbidden() {
    let site = Site::new();
    for (least, older) in [("1.2", true), ("1.3", false)] {
        let mut server = site.start(&[&format!("server.tls_min_version={least}")]);
        for (version, wanted) in [(&rustls::version::TLS12, older), (&rustls::version::TLS13, true)] {
            let spoken = site.dial(server.address, None, &[version]).await.is_ok();
            assert_eq!(spoken, wanted, "at least {least}, {version:?}");
        }
        // A probe inside asks for no certificate.
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        for set in site.sets(&["data.dir=FOLDER/data", "server.listen=127.0.0.1:1"]) {
            command.args(["--set", &set]);
        }
        let checked = command.arg("healthcheck").env_clear().output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        server.terminate();
    }
}

#[tokio::test]
async fn a_client_shows_a_certificate_where_one_is_asked_for() {
    let (site, stranger) = (Site::new(), Authority::new());
    site.replace("clients.pem", &site.authority.pem);
    let (known, foreign) = (site.authority.issue("build-server"), stranger.issue("build-server"));
    for (choice, without) in [("required", false), ("optional", true)] {
        let auth = format!("server.tls_client_auth={choice}");
        let server = site.start(&["server.tls_client_ca=FOLDER/clients.pem", &auth]);
        assert!(site.answers(&server, Some(&known)).await, "{choice}: a certificate of the authority");
        assert!(!site.answers(&server, Some(&foreign)).await, "{choice}: one of another authority");
        assert_eq!(site.answers(&server, None).await, without, "{choice}: none");
    }
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_there_and_probes_are_answered() {
    let site = Site::new();
    let server = site.start(&["server.redirect_listen=127.0.0.1:0"]);
    let event: serde_json::Value =
        server.started.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap();
    assert_eq!(event["tls"], true);
    let plain: SocketAddr = event["redirect"].as_str().unwrap().parse().unwrap();
    let mut client = Client::connect(plain).await.unwrap();
    assert_eq!(client.get("/live").await.status, 200);
    assert_eq!(client.get("/ready").await.status, 200);
    let reply = client
        .send(http::Method::GET, "/projects/default?x=1", &[("host", "rtmx.example:80")], "")
        .await
        .unwrap();
    assert_eq!(reply.status, 308);
    let port = server.address.port();
    assert_eq!(reply.headers["location"], format!("https://rtmx.example:{port}/projects/default?x=1"));
    assert!(!reply.headers.contains_key("strict-transport-security"));
    let reply = client.get("/api/v1/projects").await;
    assert_eq!(reply.status, 308, "nothing is answered without TLS");
    // Plain HTTP at the port with TLS gets no answer, and hurts nobody.
    let mut wrong = Client::connect(server.address).await.unwrap();
    assert!(wrong.send(http::Method::GET, "/live", &[], "").await.is_none());
    assert!(site.answers(&server, None).await);
}

#[tokio::test]
async fn the_cookie_of_a_session_is_secure_where_a_trusted_proxy_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "a-token-of-thirty-two-characters").unwrap();
    for (trusted, secure) in [("127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        let data = folder.path().join(trusted.replace('/', "-"));
        let server = TestServer::start_in(
            &data,
            &[&format!("server.trusted_proxies={trusted}")],
            &[("RTMX_ADMIN_TOKEN_FILE", token.to_str().unwrap())],
        );
        let mut client = server.connect().await.unwrap();
        let headers = [
            ("host", "rtmx.example"),
            ("origin", "http://rtmx.example"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        let form = "token=a-token-of-thirty-two-characters";
        let reply = client.send(http::Method::POST, "/sign-in", &headers, form).await.unwrap();
        assert_eq!(reply.status, 303, "{:?}", reply.body);
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        assert_eq!(cookie.contains("Secure"), secure, "{trusted}: {cookie}");
        let client = server.said("answered")["client"].clone();
        assert_eq!(client, if secure { "203.0.113.7" } else { "127.0.0.1" });
    }
}

#[test]
fn a_server_does_not_start_with_files_that_do_not_fit() {
    let site = Site::new();
    let other = site.authority.issue("localhost").1;
    site.replace("other.pem", &other);
    site.replace("empty.pem", "");
    site.replace("text.pem", "no certificate");
    // settings, what the message names
    let cases = [
        ("tls_cert=FOLDER/none.pem", "`server.tls_cert`"),
        ("tls_cert=FOLDER/empty.pem", "`server.tls_cert`"),
        ("tls_cert=FOLDER/text.pem", "`server.tls_cert`"),
        ("tls_cert=FOLDER", "`server.tls_cert`"),
        ("tls_cert=FOLDER/key.pem", "`server.tls_cert`"),
        ("tls_key=FOLDER/cert.pem", "`server.tls_key`"),
        ("tls_key=FOLDER/other.pem", "`server.tls_key`"),
        ("tls_client_ca=FOLDER/empty.pem", "`server.tls_client_ca`"),
    ];
    for (set, named) in cases {
        let set = format!("server.{set}");
        let said = refusal(&site.sets(&[&set]), &site.path("data"));
        assert!(said.contains("tls_invalid") && said.contains(named), "{set}: {said}");
        assert!(!said.contains("PRIVATE"), "{said}");
    }
    let said =
        refusal(&site.sets(&["server.tls_key=", "server.redirect_listen=127.0.0.1:0"]), &site.path("data"));
    assert!(said.contains("server.tls_key"), "{said}");
}

/// What a server says that does not start.
fn refusal(sets: &[String], data: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
    command.args(["--set", "server.listen=127.0.0.1:0", "--set", "metrics.enabled=false", "--set"]);
    command.arg(format!("data.dir={}", data.display()));
    for set in sets {
        command.args(["--set", set]);
    }
    let output = command.env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}
