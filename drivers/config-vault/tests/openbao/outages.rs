//! Servers that are sealed, gone, or not to be trusted.

use crate::support::{changed, drain, drain_of, load, run, settings, unchanged_for};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rtmx_config::{About, ConfigSource};
use rtmx_config_vault::VaultSource;
use rtmx_containers::OpenBao;
use rtmx_core::{Cx, assert_code, config};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn source(bao: &OpenBao, more: &Value) -> VaultSource {
    VaultSource::new(settings(bao, "rtmx", more)).unwrap()
}

pub(crate) fn sealed() {
    let bao = OpenBao::start().unwrap();
    bao.put("rtmx", &drain_of(1)).unwrap();
    run(async {
        let running = source(&bao, &json!({}));
        load(&running).await;
        bao.seal().unwrap();
        let error = source(&bao, &json!({"timeout": "500ms"})).load(&Cx::new()).await.unwrap_err();
        assert_code(&error, config::VAULT_SEALED);
        assert_eq!(error.causes()[0], "it is sealed");
        // A server that runs goes on, and sees no change in it.
        unchanged_for(&running, Duration::from_millis(500)).await;
        let kept = load(&running).await;
        assert_eq!((drain(&kept), kept.warnings[0].about), (Duration::from_secs(1), About::Kept));
        assert!(kept.warnings[0].text.contains("it is sealed"), "{:?}", kept.warnings);
        // A start waits for it: whoever is unsealing is usually at it.
        let waiting = source(&bao, &json!({}));
        let cx = Cx::new();
        let (loaded, unsealed) = tokio::join!(waiting.load(&cx), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            bao.unseal()
        });
        unsealed.unwrap();
        assert_eq!(drain(&loaded.unwrap()), Duration::from_secs(1));
        bao.put("rtmx", &drain_of(2)).unwrap();
        changed(&running).await;
        assert_eq!(drain(&load(&running).await), Duration::from_secs(2));
    });
}

pub(crate) fn gone() {
    let mut bao = OpenBao::start().unwrap();
    bao.put("rtmx", &drain_of(1)).unwrap();
    run(async {
        let running = source(&bao, &json!({}));
        load(&running).await;
        bao.kill().unwrap();
        let started = Instant::now();
        let error = source(&bao, &json!({"timeout": "700ms"})).load(&Cx::new()).await.unwrap_err();
        assert_code(&error, config::VAULT_UNAVAILABLE);
        assert!(error.causes()[0].contains("could not connect"), "{error:?}");
        // The caller's deadline goes before the setting.
        let cx = Cx::new().with_deadline(Instant::now() + Duration::from_millis(300));
        assert_code(source(&bao, &json!({})).load(&cx).await.unwrap_err(), config::VAULT_UNAVAILABLE);
        assert!(started.elapsed() < Duration::from_secs(15), "neither waits for its 20 s");
        let kept = load(&running).await;
        assert_eq!((drain(&kept), kept.warnings[0].about), (Duration::from_secs(1), About::Kept));
        unchanged_for(&running, Duration::from_millis(300)).await;
    });
}

pub(crate) fn tls() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap().pem();
    let bao = OpenBao::start_with_tls(&certificate, &key.serialize_pem()).unwrap();
    bao.put("rtmx", &drain_of(1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority).unwrap();
    let address = bao.tls_url().unwrap();
    run(async {
        let trusting = source(&bao, &json!({"address": address, "ca_file": ca_file}));
        assert_eq!(drain(&load(&trusting).await), Duration::from_secs(1));
        let started = Instant::now();
        let error = source(&bao, &json!({"address": address})).load(&Cx::new()).await.unwrap_err();
        assert_code(&error, config::VAULT_UNAVAILABLE);
        assert!(error.causes()[0].contains("UnknownIssuer"), "{error:?}");
        let by_number = address.replace("localhost", "127.0.0.1");
        let elsewhere = source(&bao, &json!({"address": by_number, "ca_file": ca_file}));
        let error = elsewhere.load(&Cx::new()).await.unwrap_err();
        assert!(error.causes()[0].contains("not valid for name"), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(15), "what stays wrong is not tried again");
    });
}
