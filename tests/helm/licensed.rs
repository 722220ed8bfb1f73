//! A vendor as pods meet one: its license server at an address that they reach, and a server that trusts it.
//!
//! No release build trusts a vendor of tests. Where a license has to count, the image has the debug build of
//! the same server in the place of the release's, and everything else of the product's own image.

use crate::ground::Ground;
use crate::instead::image_with;
use crate::vendor::{LicenseServer, TRUSTED, Vendor, acme};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rtmx_license::Reach;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// A license, and whom it is checked with.
pub(crate) struct Licensed {
    pub(crate) key: String,
    /// Whom it is checked with, if not by the server alone.
    pub(crate) online: Option<Online>,
    vendor: Vendor,
}

/// A license server behind an address, or that address alone.
pub(crate) struct Online {
    /// `https://`, an address and a port.
    pub(crate) url: String,
    /// Where that is.
    pub(crate) address: IpAddr,
    /// The authority that signed its certificate.
    pub(crate) authority: String,
    server: Option<LicenseServer>,
    #[allow(dead_code, reason = "held, not read: with it the front ends")]
    front: Option<Runtime>,
}

impl Licensed {
    /// A license of this kind: `offline`, `online`, or `online-gone` for one whose server does not answer.
    pub(crate) fn new(ground: &Ground, kind: &str) -> Licensed {
        let (vendor, mut claims) = (Vendor::new(), acme(200));
        if kind == "offline" {
            return Licensed { key: vendor.sign(&claims), online: None, vendor };
        }
        claims.mode = Reach::Online;
        let key = vendor.sign(&claims);
        let online = match kind {
            "online" => Online::start(ground, &vendor, &key),
            "online-gone" => Online::gone(ground),
            other => panic!("there is no license `{other}`"),
        };
        Licensed { key, online: Some(online), vendor }
    }

    /// The variable by which a debug build trusts the vendor.
    pub(crate) fn trusted(&self) -> (&'static str, String) {
        (TRUSTED, self.vendor.trusted())
    }

    /// Whether the license server has given a place to an installation; `None` where nobody can say.
    pub(crate) fn has_a_seat(&self) -> Option<bool> {
        let server = self.online.as_ref()?.server.as_ref()?;
        Some(server.seats(&acme(200).license_id) > 0)
    }
}

impl Online {
    /// Behind TLS: elsewhere than on its own machine a server asks in no other way.
    fn start(ground: &Ground, vendor: &Vendor, key: &str) -> Online {
        let server = LicenseServer::start(vendor);
        server.takes(key);
        let behind: SocketAddr = server.url.trim_start_matches("http://").parse().expect("it is an address");
        let address = towards(ground);
        let (authority, acceptor) = certified(address);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("it starts");
        let listener = runtime.block_on(TcpListener::bind((address, 0))).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outer = acceptor.accept(stream).await.ok()?;
                    let mut inner = TcpStream::connect(behind).await.ok()?;
                    tokio::io::copy_bidirectional(&mut outer, &mut inner).await.ok()
                });
            }
        });
        let url = format!("https://{address}:{port}");
        Online { url, address, authority, server: Some(server), front: Some(runtime) }
    }

    /// An address at which nobody answers.
    fn gone(ground: &Ground) -> Online {
        let address = towards(ground);
        let listener = std::net::TcpListener::bind((address, 0)).expect("a port is free");
        let url = format!("https://{}", listener.local_addr().expect("it is bound"));
        Online { url, address, authority: certified(address).0, server: None, front: None }
    }
}

/// The address of this machine that the nodes reach.
fn towards(ground: &Ground) -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("there is a network");
    // Nothing is sent by this: the kernel chooses the way.
    socket.connect((ground.node_address(0), 9)).expect("there is a way to the nodes");
    socket.local_addr().expect("it is bound").ip()
}

/// An authority, and what speaks TLS with its certificate for an address.
fn certified(address: IpAddr) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).expect("no name is one too many");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key is made");
    let authority = params.self_signed(&key).expect("it signs itself").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key is made");
    let params = CertificateParams::new(vec![address.to_string()]).expect("the address is a name");
    let certificate = params.signed_by(&key, &issuer).expect("the authority signs");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they belong together");
    (authority, TlsAcceptor::from(Arc::new(config)))
}

/// A ground whose image trusts the vendor that a variable names.
pub(crate) fn trusting(ground: &Ground) -> Result<Ground, String> {
    Ok(ground.with_image(image_with(ground, env!("CARGO_BIN_EXE_rtmx-server"), None)?))
}
