//! The program that asks: what it is called, which licenses are for it, and when it was built.

use crate::{Entitlement, Environment, License, RTMX_ENTITLEMENTS, Refusal};
use rtmx_core::Timestamp;
use std::time::Duration;

/// What a program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The product that its licenses name.
    pub product: String,
    /// The editions that it knows; any, if none is named.
    pub editions: Vec<String>,
    /// A production build takes production licenses only.
    pub environment: Environment,
    /// When it was built: no clock can be right that says less.
    pub built_at: Timestamp,
    /// How far in the future a license may have been issued (5 minutes to 24 hours): two clocks
    /// never agree.
    pub issue_skew: Duration,
    /// What its features and limits are.
    pub entitlements: &'static [Entitlement],
}

impl Profile {
    /// A production build of a product.
    pub fn new(
        product: impl Into<String>,
        built_at: Timestamp,
        entitlements: &'static [Entitlement],
    ) -> Profile {
        Profile {
            product: product.into(),
            editions: Vec::new(),
            environment: Environment::Production,
            built_at,
            issue_skew: Duration::from_secs(300),
            entitlements,
        }
    }

    /// RTMX itself.
    pub fn rtmx(built_at: Timestamp) -> Profile {
        let editions = ["team", "enterprise", "evaluation"].map(str::to_owned).to_vec();
        Profile { editions, ..Profile::new("RTMX", built_at, RTMX_ENTITLEMENTS) }
    }

    /// Whether a license is for this program.
    ///
    /// # Errors
    ///
    /// `license_wrong_product` with the member that differs.
    pub fn check(&self, license: &License) -> Result<(), Refusal> {
        let wrong = |member, found: &str, wanted: String| {
            Err(Refusal::WrongProduct { member, found: found.to_owned(), wanted })
        };
        if license.product != self.product {
            return wrong("product", &license.product, self.product.clone());
        }
        if !self.editions.is_empty() && !self.editions.contains(&license.edition) {
            return wrong("edition", &license.edition, self.editions.join(" or "));
        }
        if self.environment == Environment::Production && license.environment != self.environment {
            return wrong("environment", license.environment.name(), self.environment.name().to_owned());
        }
        Ok(())
    }

    /// The skew in seconds, within its range.
    pub(crate) fn issue_skew_s(&self) -> i64 {
        i64::try_from(self.issue_skew.as_secs().clamp(300, 86_400)).unwrap_or(300)
    }
}
