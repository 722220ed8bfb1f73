//! The license: what a customer bought, for whom, from when to when.

use crate::document::{Document, DocumentType, sealed::Sealed};
use crate::fingerprint::Fingerprint;
use crate::text::{check_id, check_integer, check_names, check_text, is_name};
use crate::{Kind, Refusal, moment};
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest grace after the end, in days.
pub const GRACE_LIMIT_DAYS: u64 = 60;
/// Extensions that this version understands; a license that needs another is refused.
const UNDERSTOOD: &[&str] = &[];

/// Claims of a license. Every moment is an instant, and every span half-open: a license is expired at
/// `expires_at`, not after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// Stays the same over renewals.
    pub license_id: String,
    /// Grows with each issue of this id; a lower one never replaces a higher one.
    pub seq: u64,
    /// The customer.
    pub organization: String,
    /// The product, such as `RTMX`.
    pub product: String,
    /// The edition, such as `enterprise`.
    pub edition: String,
    /// Where it may be used.
    pub environment: Environment,
    /// When it was signed.
    #[serde(with = "moment")]
    pub issued_at: Timestamp,
    /// The first instant.
    #[serde(with = "moment")]
    pub not_before: Timestamp,
    /// The first instant at which it is expired.
    #[serde(with = "moment")]
    pub expires_at: Timestamp,
    /// Days after `expires_at` in which everything goes on; at most 60.
    pub grace_days: u64,
    /// Covers versions that were built before; all, without it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment::optional")]
    pub updates_until: Option<Timestamp>,
    /// Ends for good; never, without it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment::optional")]
    pub terminates_at: Option<Timestamp>,
    /// Whether it needs the license server's confirmation.
    pub mode: Reach,
    /// With [`Reach::Online`]: days without a confirmation; 1 to 365.
    pub max_offline_days: u64,
    /// Features by name; one that is absent is off.
    pub features: BTreeMap<String, bool>,
    /// Limits by name; one that is absent is the community edition's. Unlimited is a feature.
    pub limits: BTreeMap<String, u64>,
    /// What it is bound to.
    pub binding: Binding,
    /// Names of `ext` that must be understood.
    pub crit: Vec<String>,
    /// Additions that older versions may pass over.
    pub ext: BTreeMap<String, String>,
}

/// Where a license may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Everywhere.
    Production,
    /// For tests and development only.
    NonProduction,
}

impl Environment {
    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Environment::Production => "production",
            Environment::NonProduction => "non_production",
        }
    }
}

/// Whether a license needs the license server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It stands by itself.
    Offline,
    /// The server confirms it from time to time.
    Online,
}

/// What a license is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// How many of the kinds must match.
    pub policy: BindingPolicy,
    /// Fingerprints; several of one kind are alternatives.
    pub components: Vec<String>,
}

impl Binding {
    /// Bound to nothing.
    pub const OFF: Binding = Binding { policy: BindingPolicy::Off, components: Vec::new() };

    /// The kinds that are named.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.components.iter().filter_map(|text| Fingerprint::parse(text)).map(|one| one.kind()).collect()
    }
}

/// How many of the named kinds must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingPolicy {
    /// Not bound.
    Off,
    /// One.
    Any,
    /// Two.
    Two,
    /// More than half.
    Most,
    /// Each.
    All,
}

impl License {
    /// A license that stands by itself, for production, from `issued_at` to `expires_at`, with 14
    /// days of grace and nothing included; fill in the rest and sign it.
    pub fn new(
        license_id: impl Into<String>,
        organization: impl Into<String>,
        product: impl Into<String>,
        edition: impl Into<String>,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> License {
        License {
            license_id: license_id.into(),
            seq: 1,
            organization: organization.into(),
            product: product.into(),
            edition: edition.into(),
            environment: Environment::Production,
            issued_at,
            not_before: issued_at,
            expires_at,
            grace_days: 14,
            updates_until: None,
            terminates_at: None,
            mode: Reach::Offline,
            max_offline_days: 14,
            features: BTreeMap::new(),
            limits: BTreeMap::new(),
            binding: Binding::OFF,
            crit: Vec::new(),
            ext: BTreeMap::new(),
        }
    }

    /// With a feature.
    #[must_use]
    pub fn with_feature(mut self, name: impl Into<String>) -> License {
        self.features.insert(name.into(), true);
        self
    }

    /// With a limit.
    #[must_use]
    pub fn with_limit(mut self, name: impl Into<String>, most: u64) -> License {
        self.limits.insert(name.into(), most);
        self
    }

    /// Bound to these fingerprints.
    #[must_use]
    pub fn bound_to(mut self, policy: BindingPolicy, components: Vec<String>) -> License {
        self.binding = Binding { policy, components };
        self
    }

    /// The first instant after the grace.
    pub fn grace_until(&self) -> Timestamp {
        moment::days_later(self.expires_at, self.grace_days)
    }
}

impl Sealed for License {}

impl Document for License {
    const TYPE: DocumentType = DocumentType::License;

    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    fn validate(&self) -> Result<(), Refusal> {
        check_id("license_id", &self.license_id)?;
        check_text("organization", &self.organization)?;
        check_text("product", &self.product)?;
        if !is_name(&self.edition) {
            return Err(Refusal::claim("edition", "a name is a lower-case letter and up to 63 of a-z 0-9 _"));
        }
        check_integer("seq", self.seq)?;
        check_moments(self)?;
        if self.grace_days > GRACE_LIMIT_DAYS {
            return Err(Refusal::claim("grace_days", "the grace has at most 60 days"));
        }
        if !(1..=365).contains(&self.max_offline_days) {
            return Err(Refusal::claim("max_offline_days", "it is 1 to 365"));
        }
        check_names("features", self.features.keys())?;
        check_names("limits", self.limits.keys())?;
        if let Some(both) = self.features.keys().find(|name| self.limits.contains_key(*name)) {
            return Err(Refusal::claim("limits", format!("`{both}` is a feature and a limit")));
        }
        for most in self.limits.values() {
            check_integer("limits", *most)?;
        }
        check_binding(&self.binding)?;
        check_extensions(self)
    }
}

fn check_moments(license: &License) -> Result<(), Refusal> {
    let moments = [
        ("issued_at", Some(license.issued_at)),
        ("not_before", Some(license.not_before)),
        ("expires_at", Some(license.expires_at)),
        ("updates_until", license.updates_until),
        ("terminates_at", license.terminates_at),
    ];
    for (claim, at) in moments {
        if at.is_some_and(|at| !moment::is_in_range(at)) {
            return Err(Refusal::claim(claim, "a moment has whole seconds, in the years 2020 to 2199"));
        }
    }
    if license.not_before >= license.expires_at {
        return Err(Refusal::claim("expires_at", "it is not after `not_before`"));
    }
    if license.issued_at >= license.expires_at {
        return Err(Refusal::claim("expires_at", "it is not after `issued_at`"));
    }
    if license.terminates_at.is_some_and(|at| at < license.grace_until()) {
        return Err(Refusal::claim("terminates_at", "it is before the end of the grace"));
    }
    Ok(())
}

fn check_binding(binding: &Binding) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::claim("binding", why));
    if binding.components.len() > 64 {
        return refused("it names more than 64 fingerprints");
    }
    let mut seen = BTreeSet::new();
    for component in &binding.components {
        if Fingerprint::parse(component).is_none() {
            return refused("a fingerprint has the form fp1:<kind>:<32 characters>");
        }
        if !seen.insert(component) {
            return refused("it names a fingerprint twice");
        }
    }
    let kinds = binding.kinds().len();
    match binding.policy {
        BindingPolicy::Off if kinds > 0 => refused("it is off, and names fingerprints"),
        BindingPolicy::Any | BindingPolicy::Most | BindingPolicy::All if kinds == 0 => {
            refused("it is on, and names no fingerprint")
        }
        BindingPolicy::Two if kinds < 2 => refused("two kinds must match, and fewer are named"),
        _ => Ok(()),
    }
}

fn check_extensions(license: &License) -> Result<(), Refusal> {
    check_names("ext", license.ext.keys())?;
    for value in license.ext.values() {
        check_text("ext", value)?;
    }
    let mut before: Option<&String> = None;
    for name in &license.crit {
        if before.is_some_and(|before| before >= name) {
            return Err(Refusal::claim("crit", "its names are sorted, and each is there once"));
        }
        if !license.ext.contains_key(name) {
            return Err(Refusal::claim("crit", "it names what is not in `ext`"));
        }
        if !UNDERSTOOD.contains(&name.as_str()) {
            let why = format!("the addition `{name}` must be understood");
            return Err(Refusal::Unsupported { document: DocumentType::License, why });
        }
        before = Some(name);
    }
    Ok(())
}
