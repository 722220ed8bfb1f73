//! The license server of the cases: it answers what is asked, truthfully or with one of the troubles
//! that a network has.

use super::documents::{PRODUCT, Whose, at, claims, signed, signed_list};
use rtmx_core::{Secret, Timestamp};
use rtmx_license::{
    ActivationPurpose, ActivationRequest, InstallationKey, KeyRing, Lease, LeaseStatus, Nonce,
    RevocationList, Verified, open, sign,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What an answer can be, but for a lease that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is closed before a byte of an answer.
    HangsUp,
    /// The connection is taken and nothing is said.
    SaysNothing,
    /// Half of a good answer, then the end.
    CutsTheBody,
    /// A good answer, a byte now and then.
    DripsTheBody,
    /// 10 MiB behind a good answer.
    FloodsTheBody,
    /// A good answer and 32 MiB of spaces, compressed.
    CompressesABomb,
    /// A head that does not end.
    FloodsTheHead,
    /// What is no HTTP.
    Mumbles,
    Empty,
    UnsignedValid,
    UnsignedRevoked,
    CaptivePortal,
    /// A good answer is where it points.
    Redirects,
    /// A status, with a good answer as its body.
    Status(u16),
    /// A good answer to another question.
    Replays,
    OfAnotherLicense,
    ForAnotherInstallation,
    SignedByAStranger,
    /// With a key that may sign licenses only.
    SignedWithTheLicenseKey,
    /// A license in place of a lease.
    ALicense,
    /// A signed revocation in which a bit is turned.
    BitTurned,
}

/// What the license server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Honest,
    Says(LeaseStatus),
    Troubled(Trouble),
}

/// An answer, before it is put on a wire.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    HangsUp,
    SaysNothing,
    Cut(Vec<u8>),
    Dripped(Vec<u8>),
    Flooded(Vec<u8>),
    HeadFlood,
    Mumble,
}

impl Reply {
    fn text(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::Whole { status, headers: Vec::new(), body: body.into() }
    }
}

/// A question as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The question, if it is one that was signed by who asks.
    pub(crate) request: Option<Verified<ActivationRequest>>,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    time: Timestamp,
    retry_after: Option<String>,
    lease_key: Whose,
    revocations: Option<Vec<u8>>,
    revocation_seq: u64,
    keysets: Vec<String>,
    asked: Vec<Asked>,
}

/// The license server of a case.
#[derive(Debug)]
pub(crate) struct Vendor(Mutex<State>);

impl Vendor {
    pub(crate) fn new() -> Vendor {
        Vendor(Mutex::new(State {
            mood: Mood::Honest,
            time: at(0, 0),
            retry_after: None,
            lease_key: Whose::Lease,
            revocations: None,
            revocation_seq: 0,
            keysets: Vec::new(),
            asked: Vec::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the server's clock; each lease tells a later time than the one before.
    pub(crate) fn set_time(&self, time: Timestamp) {
        self.state().time = time;
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.state().mood = mood;
    }

    pub(crate) fn set_retry_after(&self, text: Option<&str>) {
        self.state().retry_after = text.map(str::to_owned);
    }

    pub(crate) fn set_revocations(&self, list: &RevocationList) {
        let mut state = self.state();
        state.revocation_seq = list.seq;
        state.revocations = Some(signed_list(Whose::Revocation, list));
    }

    /// Publishes keysets, and signs leases with the key of the last from now on.
    pub(crate) fn rotate(&self, keyset: String) {
        let mut state = self.state();
        state.keysets.push(keyset);
        state.lease_key = Whose::NextLease;
    }

    /// What was asked since the last time.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    /// Answers one question.
    pub(crate) fn answer(&self, line: &str, headers: Vec<(String, String)>, body: &[u8]) -> Reply {
        let mut state = self.state();
        let ring = KeyRing::builder(PRODUCT).build().expect("an empty ring is sound");
        let request = open::<ActivationRequest>(&ring, body).ok();
        state.asked.push(Asked { line: line.to_owned(), headers, request: request.clone() });
        let not_found = || Reply::text(404, "no such thing");
        match line {
            "POST /v1/leases" => match request {
                Some(request) if request.purpose == ActivationPurpose::Lease => state.lease(&request),
                _ => Reply::text(400, "no question"),
            },
            "GET /v1/revocations" => {
                state.revocations.clone().map_or_else(not_found, |list| Reply::text(200, list))
            }
            "GET /v1/keysets" if !state.keysets.is_empty() => {
                let list = serde_json::to_vec(&state.keysets).expect("texts are JSON");
                Reply::text(200, list)
            }
            // Where `Redirects` points.
            "GET /elsewhere" | "POST /elsewhere" => Reply::text(200, "elsewhere"),
            _ => not_found(),
        }
    }
}

impl State {
    fn lease(&mut self, request: &ActivationRequest) -> Reply {
        self.time = Timestamp::from_second(self.time.as_second() + 1).expect("the cases' times are in range");
        let trouble = match self.mood {
            Mood::Honest => return Reply::text(200, self.token(request, LeaseStatus::Active)),
            Mood::Says(status) => return Reply::text(200, self.token(request, status)),
            Mood::Troubled(trouble) => trouble,
        };
        let good = self.token(request, LeaseStatus::Active);
        let with = |change: fn(&mut Lease)| {
            let mut lease = self.claims(request, LeaseStatus::Revoked);
            change(&mut lease);
            Reply::text(200, self.sealed(self.lease_key, &lease))
        };
        match trouble {
            Trouble::HangsUp => Reply::HangsUp,
            Trouble::SaysNothing => Reply::SaysNothing,
            Trouble::CutsTheBody => Reply::Cut(good),
            Trouble::DripsTheBody => Reply::Dripped(good),
            Trouble::FloodsTheBody => Reply::Flooded(good),
            Trouble::FloodsTheHead => Reply::HeadFlood,
            Trouble::Mumbles => Reply::Mumble,
            Trouble::CompressesABomb => Reply::Whole {
                status: 200,
                headers: vec![("content-encoding", "gzip".to_owned())],
                body: super::server::bomb(&good),
            },
            Trouble::Empty => Reply::text(200, ""),
            Trouble::UnsignedValid => Reply::text(200, r#"{"valid":true,"status":"active"}"#),
            Trouble::UnsignedRevoked => Reply::text(200, r#"{"valid":false,"status":"revoked"}"#),
            Trouble::CaptivePortal => Reply::Whole {
                status: 200,
                headers: vec![("content-type", "text/html".to_owned())],
                body: b"<!doctype html><title>Welcome</title><form>Room number</form>".to_vec(),
            },
            Trouble::Redirects => {
                Reply::Whole { status: 302, headers: vec![("location", "/elsewhere".to_owned())], body: good }
            }
            Trouble::Status(status) => {
                let retry_after = self.retry_after.clone().map(|text| ("retry-after", text));
                Reply::Whole { status, headers: retry_after.into_iter().collect(), body: good }
            }
            Trouble::Replays => with(|lease| lease.nonce = Nonce::from_random([9; 16])),
            Trouble::OfAnotherLicense => with(|lease| lease.license_id = "LIC-2".to_owned()),
            Trouble::ForAnotherInstallation => with(|lease| {
                let other = InstallationKey::from_seed(&Secret::new([0x77; 32]));
                lease.installation_id = other.id().clone();
            }),
            Trouble::SignedByAStranger => {
                let lease = self.claims(request, LeaseStatus::Revoked);
                Reply::text(200, self.sealed(Whose::Stranger, &lease))
            }
            Trouble::SignedWithTheLicenseKey => {
                let lease = self.claims(request, LeaseStatus::Revoked);
                Reply::text(200, self.sealed(Whose::License, &lease))
            }
            Trouble::ALicense => Reply::text(200, signed(&claims())),
            Trouble::BitTurned => {
                let mut token = self.token(request, LeaseStatus::Revoked);
                token[40] ^= 1;
                Reply::text(200, token)
            }
        }
    }

    fn claims(&self, request: &ActivationRequest, status: LeaseStatus) -> Lease {
        Lease {
            license_id: request.license_id.clone(),
            seq: request.seq,
            installation_id: request.installation_id.clone(),
            nonce: request.nonce,
            server_time: self.time,
            lease_until: self.time,
            status,
            revocation_seq: self.revocation_seq,
            limits: BTreeMap::new(),
        }
    }

    fn token(&self, request: &ActivationRequest, status: LeaseStatus) -> Vec<u8> {
        self.sealed(self.lease_key, &self.claims(request, status))
    }

    fn sealed(&self, whose: Whose, lease: &Lease) -> Vec<u8> {
        sign(&whose.key(), &whose.kid(), lease).expect("claims that are valid").as_str().as_bytes().to_vec()
    }
}
