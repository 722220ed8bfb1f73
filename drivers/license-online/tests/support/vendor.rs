//! A vendor with one license, and the host of one installation.

use super::net::{Handler, Reply};
use rtmx_core::{Cx, Registry, Secret, Timestamp};
use rtmx_license::{
    ActivationRequest, Checked, Checker, Facts, InstallationKey, KeyId, KeyRing, Lease, LeaseStatus, License,
    LicenseMode, Profile, RTMX_ENTITLEMENTS, Reach, Renewed, SigningKey, Usage, open, sign,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) fn at(day: i64) -> Timestamp {
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    Timestamp::from_second(start.as_second() + day * 86_400).unwrap()
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([byte; 32]))
}

fn kid(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

#[derive(Clone)]
pub(crate) struct Vendor {
    license: Vec<u8>,
    clock: Arc<Mutex<Option<Timestamp>>>,
    asked: Arc<AtomicUsize>,
    numbers: Arc<AtomicUsize>,
}

impl Vendor {
    pub(crate) fn new() -> Vendor {
        let license = License::new("LIC-1", "Lamps Inc.", "LAMPS", "enterprise", at(0), at(3650));
        let license = License { mode: Reach::Online, max_offline_days: 14, ..license };
        let token = sign(&key(1), &kid("license-1"), &license).unwrap();
        Vendor {
            license: token.as_str().as_bytes().to_vec(),
            clock: Arc::default(),
            asked: Arc::default(),
            numbers: Arc::default(),
        }
    }

    /// Opens the mode.
    pub(crate) async fn open(&self, settings: serde_json::Value) -> Arc<dyn LicenseMode> {
        let ring = KeyRing::builder("LAMPS")
            .pin("license-1", Usage::License, key(1).public().as_bytes())
            .and_then(|ring| ring.pin("lease-1", Usage::Lease, key(2).public().as_bytes()))
            .and_then(rtmx_license::KeyRingBuilder::build)
            .unwrap();
        let checker = Checker::new(ring, Profile::new("LAMPS", at(-10), RTMX_ENTITLEMENTS));
        let mut modes = Registry::new();
        rtmx_license_online::register(&mut modes, checker).unwrap();
        modes.get("online").unwrap().open(&Cx::new(), settings).await.unwrap()
    }

    /// The license server's answers: leases at its clock, or at that of who asks.
    pub(crate) fn answering(&self) -> Handler {
        let vendor = self.clone();
        Arc::new(move |line: &str, body: &[u8]| {
            if line != "POST /v1/leases HTTP/1.1" {
                return Reply::new(404, &[], "");
            }
            vendor.asked.fetch_add(1, Ordering::SeqCst);
            let ring = KeyRing::builder("LAMPS").build().unwrap();
            let Ok(request) = open::<ActivationRequest>(&ring, body) else { return Reply::new(400, &[], "") };
            let clock = vendor.clock.lock().unwrap().unwrap_or(request.issued_at);
            let lease = Lease {
                license_id: request.license_id.clone(),
                seq: request.seq,
                installation_id: request.installation_id.clone(),
                nonce: request.nonce,
                server_time: clock,
                lease_until: clock,
                status: LeaseStatus::Active,
                revocation_seq: 0,
                limits: BTreeMap::new(),
            };
            Reply::new(200, &[], sign(&key(2), &kid("lease-1"), &lease).unwrap().as_str())
        })
    }

    pub(crate) fn set_clock(&self, time: Timestamp) {
        *self.clock.lock().unwrap() = Some(time);
    }

    /// How many questions arrived.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn facts(&self, wall: Timestamp, memory: Vec<Vec<u8>>) -> Facts {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst) + 1;
        let mut facts = Facts::new(wall, InstallationKey::from_seed(&Secret::new([9; 32])));
        facts.memory = memory;
        facts.random = [u8::try_from(number).unwrap(); 32];
        facts
    }

    pub(crate) async fn check(
        &self,
        mode: &dyn LicenseMode,
        wall: Timestamp,
        memory: Vec<Vec<u8>>,
    ) -> Checked {
        mode.check(&Cx::new(), &self.license, &self.facts(wall, memory)).await.unwrap()
    }

    pub(crate) async fn renew(
        &self,
        mode: &dyn LicenseMode,
        wall: Timestamp,
        memory: Vec<Vec<u8>>,
    ) -> Renewed {
        mode.renew(&Cx::new(), &self.license, &self.facts(wall, memory)).await.unwrap()
    }

    pub(crate) async fn renew_without_randomness(&self, mode: &dyn LicenseMode, wall: Timestamp) -> Renewed {
        let facts = Facts { random: [0; 32], ..self.facts(wall, Vec::new()) };
        mode.renew(&Cx::new(), &self.license, &facts).await.unwrap()
    }
}
