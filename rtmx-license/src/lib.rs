//! Licenses that any service can embed: signed documents, strict verification, and one answer to the
//! question what is allowed now.
//!
//! The decision to know: everything is a pure function. There is no clock, socket, environment or
//! randomness here; the host passes times, bytes and random numbers in, stores what comes back, and
//! decides when to ask again. [`verify`] turns bytes into a [`VerifiedLicense`], [`judge`] that into a
//! [`Verdict`], [`Entitlements::effective`] that into what is allowed; [`Checker`] does all three with
//! what is remembered. Deliberately absent: HTTP (the online mode is a driver) and any way in which a
//! license could stop a process.
#![doc = include_str!("../README.md")]

mod base32;
mod canonical;
pub mod carrier;
mod check;
mod claims;
pub mod clock;
mod document;
mod entitlements;
pub mod files;
mod fingerprint;
mod installation;
mod keys;
pub mod lease;
mod memory;
mod mode;
mod moment;
mod profile;
mod refusal;
mod ring;
mod rotation;
mod snapshot;
pub mod state;
mod text;
mod token;
mod vendor_keys;
mod verdict;
mod verify;

pub use check::{Checked, Checker, Facts, RECHECK, Renewed};
pub use claims::{
    ActivationPurpose, ActivationRequest, Binding, BindingPolicy, Environment, GRACE_LIMIT_DAYS, Keyset,
    KeysetKey, Lease, LeaseStatus, License, Nonce, Reach, RevocationList, newer_revocations,
};
pub use document::{Document, DocumentType, Verified};
pub use entitlements::{
    Community, Enforcement, Entitlement, Entitlements, Limit, RTMX_ENTITLEMENTS, SURGE_S, Source, surge_limit,
};
pub use fingerprint::{Absent, Fingerprint, Fit, Kind, Readings};
pub use installation::InstallationKey;
pub use keys::{KeyId, PublicKey, SigningKey, Usage};
pub use lease::PendingLease;
pub use memory::Memory;
pub use mode::{LicenseCapability, LicenseMode, Licensing};
pub use profile::Profile;
pub use refusal::Refusal;
pub use ring::{KeyListing, KeyRing, KeyRingBuilder};
pub use rotation::sign_keyset;
pub use snapshot::Snapshot;
pub use state::{Circumstances, Presented, judge};
pub use token::{Token, TokenHash};
pub use verdict::{State, Summary, Verdict, Warning, Why};
pub use verify::{OneSignature, VerifiedLicense, open, open_token, sign, verify};
