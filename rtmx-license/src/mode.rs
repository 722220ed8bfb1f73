//! The trait that a license mode implements.
//!
//! `check` decides on this machine and from what is there, so that no start and no request ever waits
//! for a network. `renew` is the one call that may go out; the host makes it in the background, on one
//! replica. What either wants to have remembered it gives back, and the host stores it.

use crate::check::{Checked, Facts, Renewed};
use async_trait::async_trait;
use rtmx_core::{Contract, Cx, Error, Family, Result, storage};
use std::fmt::Debug;
use std::time::Duration;

/// The family of license modes.
#[derive(Debug)]
pub enum Licensing {}

impl Family for Licensing {
    type Object = dyn LicenseMode;
    const NAME: &'static str = "license";
    const CONTRACT: Contract = Contract { major: 1, minor: 0 };
}

/// Facts of an open mode: a `true` is tested, a `false` is a promise to answer `not_supported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LicenseCapability {
    /// [`LicenseMode::renew`] asks a license server. Without it the mode opens no connection.
    pub renews: bool,
}

impl LicenseCapability {
    /// Nothing promised; set what holds.
    pub const NONE: LicenseCapability = LicenseCapability { renews: false };
}

/// An open license mode.
#[async_trait]
pub trait LicenseMode: Debug + Send + Sync {
    /// Facts of this mode; the same for as long as it is open.
    fn capability(&self) -> LicenseCapability;

    /// Judges a license. `key` is what the configuration or an upload gave, in any carrier; nothing,
    /// for no license. What is wrong with it stands in the verdict.
    ///
    /// # Errors
    ///
    /// Only what keeps the mode from judging at all; a license is never an error here.
    async fn check(&self, cx: &Cx, key: &[u8], facts: &Facts) -> Result<Checked>;

    /// Asks the license server for a new lease, once.
    ///
    /// # Errors
    ///
    /// `not_supported` without the capability `renews`. That the server does not answer is no error:
    /// it stands in the answer, with the time to ask again.
    async fn renew(&self, _cx: &Cx, _key: &[u8], _facts: &Facts) -> Result<Renewed> {
        Err(Error::new(storage::NOT_SUPPORTED, "could not renew a lease: this license mode asks no server"))
    }

    /// When to check again: at the next moment that changes the answer, and at least every five
    /// minutes, so that the mark of the clock moves.
    fn recheck_after(&self, checked: &Checked) -> Duration {
        checked.recheck_after()
    }
}
