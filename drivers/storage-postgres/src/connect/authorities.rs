//! Whether a customer's authority is the only one that is trusted.
//!
//! sqlx adds the operating system's authorities to those of `sslrootcert`; libpq does not. With
//! `verify-full` that is bearable: a public authority would have to certify the very host name. With
//! `verify-ca` it is not, since the name is not looked at and anybody can get a certificate of some
//! public authority. So `verify-ca` is refused where the system has an authority that the file has
//! not. The variable `SSL_CERT_FILE`, without `SSL_CERT_DIR`, replaces the system's list, and is how
//! an operator who needs `verify-ca` narrows it.

use super::invalid;
use super::secrets::Secrets;
use super::trust::{Mode, Trust};
use rtmx_core::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Refuses an address whose certificates anybody could pass for. Blocks: it reads the system's list.
///
/// # Errors
///
/// `storage_settings_invalid`.
pub(crate) fn check(trust: &Trust, secrets: &Secrets) -> Result<()> {
    match (trust.mode, trust.root_file()) {
        (Mode::VerifyCa, Some(file)) => {
            let system = rustls_native_certs::load_native_certs().certs;
            match strangers(&system, &secrets.root) {
                0 => Ok(()),
                count => Err(open(count, &file.display().to_string())),
            }
        }
        _ => Ok(()),
    }
}

fn open(count: usize, file: &str) -> Error {
    let message = format!(
        "`sslmode` would also accept, for any host, what {count} authorities of the operating system signed"
    );
    invalid(message).with_next(format!(
        "Set `sslmode` to `verify-full`; if the host name cannot be checked, start the server with `SSL_CERT_FILE={file}` and without `SSL_CERT_DIR` in its environment."
    ))
}

/// How many authorities of the system are not among those of the file.
fn strangers(system: &[CertificateDer<'_>], pem: &[u8]) -> usize {
    let own: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(pem).flatten().collect();
    system.iter().filter(|certificate| !own.contains(certificate)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_the_file_has_not_is_a_stranger() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let one = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("one certificate");
        let (ours, public) = (pem("AAAA"), pem("BBBB"));
        assert_eq!(strangers(&[], ours.as_bytes()), 0);
        assert_eq!(strangers(&[one(&ours)], ours.as_bytes()), 0);
        assert_eq!(strangers(&[one(&ours), one(&public)], ours.as_bytes()), 1);
        assert_eq!(strangers(&[one(&ours), one(&public)], (ours.clone() + &public).as_bytes()), 0);
    }
}
