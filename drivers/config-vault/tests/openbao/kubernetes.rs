//! A stand-in for the Kubernetes API: it answers `TokenReview` for one service account, and nothing else.
//! The login in front of it, and the role that it is held to, are OpenBao's own.
//!
//! Source: Kubernetes API reference, `authentication.k8s.io/v1`, TokenReview.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

pub(crate) const NAMESPACE: &str = "production";
pub(crate) const ACCOUNT: &str = "rtmx";
/// Whom its tokens are for.
const AUDIENCE: &str = "https://kubernetes.default.svc";
const UID: &str = "0b3c7a52-4f0e-4a4c-9b60-6f1f5a1f2a11";

/// A service account's token, whose signature only the API could judge.
pub(crate) fn service_account_token() -> String {
    let claims = json!({
        "iss": "https://kubernetes.default.svc.cluster.local", "aud": [AUDIENCE],
        "exp": 4_102_444_800_u64, "iat": 1_700_000_000, "sub": format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}"),
        "kubernetes.io": {"namespace": NAMESPACE, "serviceaccount": {"name": ACCOUNT, "uid": UID}}
    });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let head = part(&json!({"alg": "RS256", "typ": "JWT", "kid": "stand-in"}));
    format!("{head}.{}.{}", part(&claims), URL_SAFE_NO_PAD.encode([7; 256]))
}

/// Starts it; it knows one token. Its address and its certificate. The thread ends with the program.
pub(crate) fn start(known: String) -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let Some(question) = question(&mut stream) else { continue };
            let is_known = question["spec"]["token"] == known.as_str();
            let status = if is_known {
                let name = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
                json!({"authenticated": true, "audiences": [AUDIENCE], "user": {"username": name, "uid": UID,
                    "groups": ["system:serviceaccounts", "system:authenticated"]}})
            } else {
                json!({"authenticated": false, "error": "unknown token"})
            };
            let body =
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status});
            let body = body.to_string();
            let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (url, cert.pem())
}

/// The review that is asked for.
fn question(stream: &mut impl Read) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("POST /apis/authentication.k8s.io/v1/tokenreviews "), "{head}");
        if let Ok(review) = serde_json::from_str(body) {
            return Some(review);
        }
    }
}
