//! Servers, certificates and a proxy on loopback addresses.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Makes an answer from the first line and the body of a question.
pub(crate) type Handler = Arc<dyn Fn(&str, &[u8]) -> Reply + Send + Sync>;

pub(crate) struct Reply(Vec<u8>);

impl Reply {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        Reply(
            format!("HTTP/1.1 {status} Because\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
                .into_bytes(),
        )
    }

    /// Answers everything alike.
    pub(crate) fn fixed(status: u16, headers: &[(&str, &str)], body: &str) -> Handler {
        let bytes = Reply::new(status, headers, body).0;
        Arc::new(move |_, _| Reply(bytes.clone()))
    }
}

/// A listener that ends when it is dropped.
pub(crate) struct Served {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The first lines of the questions that a proxy was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A certificate authority, and a folder with its certificate.
pub(crate) struct Net {
    folder: TempDir,
    authority: Issuer<'static, KeyPair>,
}

impl Net {
    pub(crate) fn new() -> Net {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2036, 1, 1));
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Net { folder, authority: Issuer::new(params, key) }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Serves without TLS.
    pub(crate) async fn serve(&self, handler: Handler) -> Served {
        listen(move |stream, _| {
            let handler = Arc::clone(&handler);
            async move { converse(stream, &handler).await }
        })
        .await
    }

    /// Serves with a certificate of the authority for these names, valid while the tests' licenses are.
    pub(crate) async fn serve_tls(&self, names: &[&str], handler: Handler) -> Served {
        self.serve_tls_between(names, (2026, 1, 1), (2035, 1, 1), handler).await
    }

    pub(crate) async fn serve_tls_between(
        &self,
        names: &[&str],
        from: (i32, u8, u8),
        until: (i32, u8, u8),
        handler: Handler,
    ) -> Served {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        listen(move |stream, _| {
            let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
            async move { converse(acceptor.accept(stream).await.ok()?, &handler).await }
        })
        .await
    }

    /// Takes connections, and says nothing on them.
    pub(crate) async fn accept_only(&self) -> Served {
        listen(|mut stream, _| async move {
            let mut byte = [0];
            while stream.read(&mut byte).await.ok()? > 0 {}
            Some(())
        })
        .await
    }

    /// Says something at once, whatever it is asked.
    pub(crate) async fn blurt(&self, words: &'static [u8]) -> Served {
        listen(move |mut stream, _| async move {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.ok()?;
            stream.write_all(words).await.ok()
        })
        .await
    }

    /// A port that nobody listens on.
    pub(crate) async fn closed_port(&self) -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    /// A proxy that leads every tunnel to one port, for who sends these credentials.
    pub(crate) async fn proxy(&self, port: u16, credentials: Option<&'static str>) -> Served {
        listen(move |mut stream, lines| async move {
            let (head, _) = head(&mut stream).await?;
            let mut words = head.split("\r\n");
            lines.lock().unwrap().push(words.next()?.to_owned());
            let sent = words.find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
            });
            if sent.as_deref() != credentials {
                let refusal = Reply::new(407, &[("proxy-authenticate", "Basic realm=\"x\"")], "");
                return stream.write_all(&refusal.0).await.ok();
            }
            let mut onward = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.ok()?;
            tokio::io::copy_bidirectional(&mut stream, &mut onward).await.ok().map(drop)
        })
        .await
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

async fn listen<F, Conversation>(converse: F) -> Served
where
    F: Fn(TcpStream, Lines) -> Conversation + Send + 'static,
    Conversation: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (connections, lines) = (Arc::new(AtomicUsize::new(0)), Lines::default());
    let (counted, told) = (Arc::clone(&connections), Arc::clone(&lines));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(converse(stream, Arc::clone(&told)));
        }
    });
    Served { port, connections, lines, task }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, handler: &Handler) -> Option<()> {
    let (head, mut body) = head(&mut stream).await?;
    let length = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map(|(_, value)| value.parse().unwrap()).next().unwrap_or(0);
    while body.len() < length {
        stream.read_buf(&mut body).await.ok().filter(|read| *read > 0)?;
    }
    let reply = handler(head.split("\r\n").next()?, &body);
    stream.write_all(&reply.0).await.ok()?;
    stream.shutdown().await.ok()
}

/// The head of a question, and what came of its body.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).ok()?, body));
        }
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    }
}
