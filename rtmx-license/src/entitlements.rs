//! Entitlements: what a license allows, in one table.
//!
//! The table says of every feature and limit what it does in the program, or that it is carried and
//! not enforced, and what holds without a license. [`Entitlements::effective`] is the only function
//! that turns a verdict into what is allowed. It never gives less than no license at all would.

use crate::{Refusal, Verdict, VerifiedLicense};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Its name in a license.
    pub name: &'static str,
    /// What one of it is called, in plural, for messages.
    pub noun: &'static str,
    /// What it does, for people.
    pub meaning: &'static str,
    /// Whether anything is refused because of it.
    pub enforcement: Enforcement,
    /// What holds without a license.
    pub community: Community,
}

/// Whether anything is refused because of an entitlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// It is checked where it is used.
    Enforced,
    /// It is carried and shown, and nothing depends on it.
    Carried,
}

/// What holds without a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Community {
    /// A feature that everybody has.
    Included,
    /// A feature that nobody has.
    Excluded,
    /// At most so many; more by the license's limit, any number by the named feature.
    AtMost {
        /// How many.
        most: u64,
        /// The feature that stands for no limit at all.
        unlimited: &'static str,
    },
}

/// What RTMX's licenses can hold. A tenant is a project, a user is an unrevoked token, a document is
/// a requirement, a node is a live server.
///
/// The community limits are far above what a team of one site has, so that nobody needs a license to
/// find out whether RTMX suits them, and none is on a path that only reads. 250,000 requirements is
/// also what one import may hold. One node, because a second one is what a business that must not
/// stop pays for; a rolling update may still overlap.
pub const RTMX_ENTITLEMENTS: &[Entitlement] = &[
    Entitlement {
        name: "max_tenants",
        noun: "projects",
        meaning: "projects that may be made",
        enforcement: Enforcement::Enforced,
        community: Community::AtMost { most: 25, unlimited: "unlimited_tenants" },
    },
    Entitlement {
        name: "max_users_per_tenant",
        noun: "unrevoked tokens of the project",
        meaning: "unrevoked tokens with a role in one project; one with a role everywhere counts in each",
        enforcement: Enforcement::Enforced,
        community: Community::AtMost { most: 100, unlimited: "unlimited_users_per_tenant" },
    },
    Entitlement {
        name: "max_documents",
        noun: "requirements",
        meaning: "requirements in all projects together",
        enforcement: Enforcement::Enforced,
        community: Community::AtMost { most: 250_000, unlimited: "unlimited_documents" },
    },
    Entitlement {
        name: "max_nodes",
        noun: "live servers",
        meaning: "servers that are alive at the same time; a rolling update may overlap",
        enforcement: Enforcement::Enforced,
        community: Community::AtMost { most: 1, unlimited: "unlimited_nodes" },
    },
    Entitlement {
        name: "sso_enabled",
        noun: "single sign-on",
        meaning: "single sign-on; RTMX has none yet",
        enforcement: Enforcement::Carried,
        community: Community::Excluded,
    },
    Entitlement {
        name: "audit_logging",
        noun: "audit logging",
        meaning: "the audit log; RTMX keeps the history of every change for everybody",
        enforcement: Enforcement::Carried,
        community: Community::Included,
    },
    Entitlement {
        name: "custom_models",
        noun: "custom models",
        meaning: "models of one's own; RTMX has none",
        enforcement: Enforcement::Carried,
        community: Community::Excluded,
    },
    Entitlement {
        name: "priority_support",
        noun: "priority support",
        meaning: "a faster answer from the vendor's people",
        enforcement: Enforcement::Carried,
        community: Community::Excluded,
    },
];

/// How many of something are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// At most so many.
    AtMost(u64),
    /// Any number.
    Unlimited,
}

impl Limit {
    /// Whether so many are allowed.
    pub fn allows(self, count: u64) -> bool {
        match self {
            Limit::AtMost(most) => count <= most,
            Limit::Unlimited => true,
        }
    }
}

/// Where the entitlements come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The community edition.
    Community,
    /// A license that is in force.
    License,
}

/// What is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlements {
    /// Where it comes from.
    pub source: Source,
    features: BTreeSet<String>,
    limits: BTreeMap<&'static str, Limit>,
    #[serde(skip)]
    table: &'static [Entitlement],
}

impl Entitlements {
    /// What holds without a license.
    pub fn community(table: &'static [Entitlement]) -> Entitlements {
        let included = table.iter().filter(|row| row.community == Community::Included);
        let limits = table.iter().filter_map(|row| match row.community {
            Community::AtMost { most, .. } => Some((row.name, Limit::AtMost(most))),
            Community::Included | Community::Excluded => None,
        });
        Entitlements {
            source: Source::Community,
            features: included.map(|row| row.name.to_owned()).collect(),
            limits: limits.collect(),
            table,
        }
    }

    /// What is allowed under a verdict: the license's if it is in force, and never less than the
    /// community edition's. Limits that the license server set stand in place of the license's.
    pub fn effective(
        table: &'static [Entitlement],
        verdict: &Verdict,
        license: Option<&VerifiedLicense>,
    ) -> Entitlements {
        let mut allowed = Entitlements::community(table);
        let Some(license) = license.filter(|_| verdict.is_in_force()) else { return allowed };
        allowed.source = Source::License;
        let on = license.features.iter().filter(|(_, on)| **on).map(|(name, _)| name.clone());
        allowed.features.extend(on);
        for row in table {
            let Community::AtMost { most, unlimited } = row.community else { continue };
            let signed = verdict.overrides.get(row.name).or_else(|| license.limits.get(row.name));
            let licensed = if verdict.overrides.contains_key(row.name) {
                signed.map(|most| Limit::AtMost(*most))
            } else if license.features.get(unlimited).copied().unwrap_or(false) {
                Some(Limit::Unlimited)
            } else {
                signed.map(|most| Limit::AtMost(*most))
            };
            let limit = licensed.map_or(Limit::AtMost(most), |limit| limit.max(Limit::AtMost(most)));
            allowed.limits.insert(row.name, limit);
        }
        allowed
    }

    /// Whether a feature is included; one that nobody knows is not.
    pub fn has(&self, feature: &str) -> bool {
        self.features.contains(feature)
    }

    /// The features that are included, by name.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(String::as_str)
    }

    /// How many of something are allowed; any number of what the table does not limit.
    pub fn limit(&self, name: &str) -> Limit {
        self.limits.get(name).copied().unwrap_or(Limit::Unlimited)
    }

    /// The limits, by name.
    pub fn limits(&self) -> impl Iterator<Item = (&'static str, Limit)> {
        self.limits.iter().map(|(name, limit)| (*name, *limit))
    }

    /// Asks for a feature at the point of its use. What is only carried is never refused.
    ///
    /// # Errors
    ///
    /// `license_feature_missing` with the feature.
    pub fn require(&self, feature: &str) -> Result<(), Refusal> {
        if self.has(feature) || !self.is_enforced(feature) {
            return Ok(());
        }
        Err(Refusal::FeatureMissing { feature: feature.to_owned() })
    }

    /// Asks for `more` of something of which `used` are there. Asking for none is always allowed:
    /// what exists beyond a limit stays, and can be changed and deleted.
    ///
    /// # Errors
    ///
    /// `license_limit_reached` with the limit.
    pub fn require_room(&self, name: &str, used: u64, more: u64) -> Result<(), Refusal> {
        let Limit::AtMost(allowed) = self.limit(name) else { return Ok(()) };
        if more == 0 || used.saturating_add(more) <= allowed || !self.is_enforced(name) {
            return Ok(());
        }
        let noun = self.row(name).map_or(name, |row| row.noun).to_owned();
        Err(Refusal::LimitReached { limit: name.to_owned(), noun, allowed, used })
    }

    fn row(&self, name: &str) -> Option<&'static Entitlement> {
        self.table.iter().find(|row| row.name == name)
    }

    /// What the table does not have is enforced: an embedder asks for it on purpose.
    fn is_enforced(&self, name: &str) -> bool {
        self.row(name).is_none_or(|row| row.enforcement == Enforcement::Enforced)
    }
}

/// How many servers may be alive under a limit while one set replaces another: a quarter more, at
/// least one, for [`SURGE_S`] seconds. Servers that are members already are never asked to leave.
pub fn surge_limit(limit: Limit) -> Limit {
    match limit {
        Limit::AtMost(most) => Limit::AtMost(most.saturating_add(most.div_ceil(4).max(1))),
        Limit::Unlimited => Limit::Unlimited,
    }
}

/// How long a surge may last, in seconds.
pub const SURGE_S: u64 = 15 * 60;
