//! TLS of the API's listener.
//!
//! The decision to know: the whole TLS configuration is one value that is replaced when a file changes,
//! and never by one that does not hold together. Connections keep what they began with; the next
//! handshake has the new one. Files are compared by content, since a mounted secret changes by a link
//! that moves, and read twice, since certificate and key are two files.

use arc_swap::ArcSwap;
use rtmx_config::Tls;
use rtmx_core::{Error, Result, server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// A chain of certificates is a few KiB; a list of authorities may be several hundred.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

/// The certificate that the server shows, and what it asks of clients.
pub(crate) struct Certificate {
    tls: Tls,
    config: ArcSwap<ServerConfig>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// Stands for the content of the files that are in use.
    digest: [u8; 32],
    /// Stands for the content that was refused last.
    refused: Option<[u8; 32]>,
    ends_at_s: i64,
}

/// The content of the files.
struct Files {
    cert: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads the files. Blocks.
    ///
    /// # Errors
    ///
    /// `tls_invalid`, naming the file.
    pub(crate) fn read(tls: &Tls) -> Result<Certificate> {
        let files = Files::read(tls)?;
        let (config, ends_at_s) = files.config(tls)?;
        let seen = Seen { digest: files.digest(), refused: None, ends_at_s };
        Ok(Certificate { tls: tls.clone(), config: ArcSwap::from_pointee(config), seen: Mutex::new(seen) })
    }

    /// What makes the handshake of a new connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// When the certificate ends, in seconds since 1970.
    pub(super) fn ends_at_s(&self) -> i64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).ends_at_s
    }

    /// Takes over what the files hold now, if that can be used; whether it did. Blocks.
    ///
    /// # Errors
    ///
    /// `tls_invalid`, once for each content that cannot be used; what was in use stays.
    pub(crate) fn reread(&self) -> Result<bool> {
        let files = Files::read(&self.tls)?;
        let digest = files.digest();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if digest == seen.digest || seen.refused == Some(digest) {
            return Ok(false);
        }
        match files.config(&self.tls) {
            Ok((config, ends_at_s)) => {
                self.config.store(Arc::new(config));
                *seen = Seen { digest, refused: None, ends_at_s };
                Ok(true)
            }
            Err(error) => {
                seen.refused = Some(digest);
                Err(error)
            }
        }
    }

    /// Looks at the files for as long as it is polled.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut was_unreadable = false;
        loop {
            tokio::time::sleep(LOOK).await;
            let this = Arc::clone(&self);
            let Ok(outcome) = tokio::task::spawn_blocking(move || this.reread()).await else { continue };
            let failed = outcome.is_err();
            if !(failed && was_unreadable) {
                tell(outcome);
            }
            was_unreadable = failed;
        }
    }
}

/// Says what came of reading the files again.
pub(crate) fn tell(outcome: Result<bool>) {
    match outcome {
        Ok(true) => tracing::info!("the new TLS certificate is in use"),
        Ok(false) => {}
        Err(error) => {
            let causes = error.causes();
            tracing::error!(
                code = %error.code(), ?causes, next = error.next(),
                "the TLS certificate in use stays: {}", error.message()
            );
        }
    }
}

impl fmt::Debug for Certificate {
    /// The settings only: the rest holds a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Files {
    fn read(tls: &Tls) -> Result<Files> {
        Ok(Files {
            cert: read("server.tls_cert", &tls.cert)?,
            key: read("server.tls_key", &tls.key)?.into(),
            client_ca: match &tls.clients {
                Some(clients) => Some(read("server.tls_client_ca", &clients.ca)?),
                None => None,
            },
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.cert[..], &self.key, self.client_ca.as_deref().unwrap_or_default()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The configuration, and when its certificate ends.
    fn config(&self, tls: &Tls) -> Result<(ServerConfig, i64)> {
        let chain = certificates("server.tls_cert", &tls.cert, &self.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| {
            invalid("server.tls_key", &tls.key, "holds no private key that is not encrypted")
                .with_source(source)
        })?;
        let ends_at_s = x509_parser::parse_x509_certificate(&chain[0])
            .map(|(_, certificate)| certificate.validity().not_after.timestamp())
            .map_err(|source| {
                invalid("server.tls_cert", &tls.cert, "holds something else than a certificate")
                    .with_source(source)
            })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] =
            if tls.only_1_3 { &[&rustls::version::TLS13] } else { rustls::ALL_VERSIONS };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("the provider has a cipher for each version");
        let builder = match (&tls.clients, &self.client_ca) {
            (Some(clients), Some(ca)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates("server.tls_client_ca", &clients.ca, ca)? {
                    roots.add(authority).map_err(|source| {
                        let what = "holds a certificate that is no authority";
                        invalid("server.tls_client_ca", &clients.ca, what).with_source(source)
                    })?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if clients.required { verifier } else { verifier.allow_unauthenticated() };
                let verifier = verifier.build().map_err(|source| {
                    let what = "cannot be used for clients";
                    invalid("server.tls_client_ca", &clients.ca, what).with_source(source)
                })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|source| {
            invalid("server.tls_key", &tls.key, "does not belong to the certificate").with_source(source)
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((config, ends_at_s))
    }
}

fn certificates(key: &str, path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|source| invalid(key, path, "is not PEM").with_source(source))?;
    if found.is_empty() {
        return Err(invalid(key, path, "holds no certificate"));
    }
    Ok(found)
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>> {
    let unreadable = |source: std::io::Error| invalid(key, path, "could not be read").with_source(source);
    // A pipe would hold the reader up for ever, so it is not even opened.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(invalid(key, path, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(invalid(key, path, "is larger than 4 MiB"));
    }
    Ok(bytes)
}

fn invalid(key: &str, path: &Path, what: &str) -> Error {
    Error::new(server::TLS_INVALID, format!("`{key}`: {} {what}", path.display())).with("key", key)
}
