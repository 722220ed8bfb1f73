//! The mode: the family's check, and nothing else. `renew` is the trait's refusal.

use async_trait::async_trait;
use rtmx_core::{Cx, Result};
use rtmx_license::{Checked, Checker, Facts, LicenseCapability, LicenseMode};

/// Judges from what is there.
#[derive(Debug)]
pub(crate) struct Offline {
    checker: Checker,
}

impl Offline {
    pub(crate) fn new(checker: Checker) -> Offline {
        Offline { checker }
    }
}

#[async_trait]
impl LicenseMode for Offline {
    fn capability(&self) -> LicenseCapability {
        LicenseCapability::NONE
    }

    /// Neither the deadline nor a cancellation of the call matters: it is over in less time than
    /// looking at them would save.
    async fn check(&self, _: &Cx, key: &[u8], facts: &Facts) -> Result<Checked> {
        Ok(self.checker.check(key, facts))
    }
}
