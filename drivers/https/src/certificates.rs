//! Which certificates are believed, and at what time.
//!
//! They are read for each question: a file that was renewed needs no restart, and one that cannot be
//! read is an outage and not a server that does not start.

use crate::{Cause, Trouble};
use rtmx_core::Timestamp;
use rustls::client::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, crypto};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of a file of certificates; the largest of a distribution has a quarter of it.
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;

/// The configuration of a TLS client that trusts the system's certificates and those of a file.
///
/// Certificates are judged at `now`.
pub(crate) async fn tls(ca_file: Option<PathBuf>, now: Timestamp) -> Result<Arc<ClientConfig>, Trouble> {
    // The system's store is some hundred files on some machines.
    let roots = tokio::task::spawn_blocking(move || roots(ca_file.as_deref())).await;
    let roots = roots.map_err(|source| Trouble::Unasked { source: source.into() })??;
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_safe_default_protocol_versions()
        .map_err(|source| Trouble::Unasked { source: source.into() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, Trouble> {
    let mut roots = RootCertStore::empty();
    // One bad file of the system's takes nothing from the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let failed = |source: Cause| Trouble::Certificates { path: path.to_owned(), source };
        let pem = read(path).map_err(failed)?;
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| failed(error.to_string().into()))?;
            roots.add(certificate).map_err(|error| failed(error.into()))?;
        }
        if roots.len() == before {
            return Err(failed("it holds no certificate in PEM form".into()));
        }
    }
    if roots.is_empty() { Err(Trouble::NoCertificates) } else { Ok(roots) }
}

fn read(path: &Path) -> Result<Vec<u8>, Cause> {
    // A pipe would hold the reader up for ever, so it is not even opened.
    if !std::fs::metadata(path)?.is_file() {
        return Err("it is not a regular file".into());
    }
    let mut pem = Vec::new();
    File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > FILE_LIMIT_BYTES {
        return Err(format!("it is larger than {} MiB", FILE_LIMIT_BYTES >> 20).into());
    }
    Ok(pem)
}

/// A clock that stands.
#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
