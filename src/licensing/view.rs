//! The license as people and programs are shown it.

use super::Licensing;
use rtmx_core::Timestamp;
use rtmx_license::{
    Enforcement, InstallationKey, Limit, RTMX_ENTITLEMENTS, Readings, Source, State, Verdict, Warning, Why,
};
use serde::Serialize;
use utoipa::ToSchema;

/// The license, and what it allows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LicenseStatus {
    /// `valid`, `expiring_soon`, `grace`, `restricted` or `terminated`; `unknown` before the first look.
    pub(crate) state: String,
    /// What is wrong, in one word, such as `expired`; `unlicensed` without a license.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// What is wrong, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The code of what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// Since when that is so, where a moment began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) since: Option<Timestamp>,
    /// Until when it is so by itself: the end of a grace, whichever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) until: Option<Timestamp>,
    /// What to do next; empty if nothing.
    pub(crate) next: String,
    /// What an operator should know.
    pub(crate) warnings: Vec<String>,
    /// `license` while its features and limits hold, else `community`.
    pub(crate) entitled_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license: Option<LicenseView>,
    /// Where the license in use is from: `license.key`, `license.file` or `installed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// Licenses from elsewhere that are not used.
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) entitlements: Vec<EntitlementView>,
    /// This server's number among those that share the database, from 1; none before it was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<u64>,
    /// When the license server last said that the license is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) confirmed_at: Option<Timestamp>,
    /// Why the license server was not reached, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outage: Option<String>,
    /// When it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) checked_at: Option<Timestamp>,
}

/// What a license says of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LicenseView {
    pub(crate) license_id: String,
    /// The number of this issue of the license.
    pub(crate) seq: u64,
    pub(crate) organization: String,
    pub(crate) edition: String,
    #[schema(value_type = String)]
    pub(crate) expires_at: Timestamp,
    /// Until when everything goes on after that, where it ran before.
    #[schema(value_type = String)]
    pub(crate) grace_until: Timestamp,
}

/// What is said of one license.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LicenseVerdict {
    /// Whether it may be installed; what runs with it already may go on for a while when it may not.
    pub(crate) accepted: bool,
    /// As in the status of the license.
    pub(crate) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) until: Option<Timestamp>,
    pub(crate) next: String,
    pub(crate) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license: Option<LicenseView>,
}

/// What an installation is recognised by.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Identity {
    /// The public half of the installation's own key.
    pub(crate) installation_id: String,
    /// Fingerprints that can be read here; nothing can be read back from one.
    pub(crate) fingerprints: Vec<String>,
    pub(crate) absent: Vec<AbsentKind>,
}

/// A kind of fingerprint that cannot be read here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AbsentKind {
    pub(crate) kind: String,
    pub(crate) why: String,
}

/// A license that is not used.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PassedOver {
    pub(crate) source: String,
    pub(crate) reason: String,
}

/// A feature or a limit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EntitlementView {
    pub(crate) name: String,
    /// What it does in RTMX.
    pub(crate) meaning: String,
    /// Whether anything is refused because of it; else it is carried and shown.
    pub(crate) enforced: bool,
    /// Of a feature: whether it is included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) included: Option<bool>,
    /// Of a limit: how many; absent for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at_most: Option<u64>,
    /// Of a limit: how many are in use; of one that each project has, where most are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<u64>,
}

/// A state's name.
pub(crate) fn state_name(state: &State) -> &'static str {
    match state {
        State::Valid => "valid",
        State::ExpiringSoon { .. } => "expiring_soon",
        State::Grace { .. } => "grace",
        State::Restricted { .. } => "restricted",
        State::Terminated => "terminated",
    }
}

/// The word for what is wrong.
fn word(why: Why) -> String {
    serde_json::to_value(why).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is said of one license.
pub(crate) fn judged(verdict: &Verdict) -> LicenseVerdict {
    let strict = verdict.strict().err();
    LicenseVerdict {
        accepted: strict.is_none(),
        state: state_name(&verdict.state).to_owned(),
        why: why(verdict),
        reason: strict.as_ref().map(ToString::to_string),
        code: strict.as_ref().map(|refusal| refusal.code().id().to_owned()),
        since: verdict.since,
        until: verdict.until,
        next: verdict.next.clone(),
        warnings: verdict.warnings.iter().map(ToString::to_string).collect(),
        license: license_of(verdict),
    }
}

fn why(verdict: &Verdict) -> Option<String> {
    match verdict.state {
        State::Grace { why } | State::Restricted { why } => Some(word(why)),
        State::Valid | State::ExpiringSoon { .. } | State::Terminated => None,
    }
}

fn license_of(verdict: &Verdict) -> Option<LicenseView> {
    verdict.license.as_ref().map(|license| LicenseView {
        license_id: license.license_id.clone(),
        seq: license.seq,
        organization: license.organization.clone(),
        edition: license.edition.clone(),
        expires_at: license.expires_at,
        grace_until: license.grace_until,
    })
}

impl Identity {
    pub(super) fn of(key: &InstallationKey, readings: &Readings) -> Identity {
        let absent = |absent: &rtmx_license::Absent| AbsentKind {
            kind: absent.kind.to_string(),
            why: absent.why.clone(),
        };
        Identity {
            installation_id: key.id().to_string(),
            fingerprints: readings.components(),
            absent: readings.absent.iter().map(absent).collect(),
        }
    }
}

impl Licensing {
    /// Everything that is shown of the license.
    pub(crate) fn status(&self) -> LicenseStatus {
        let (known, allowed) = (self.known(), self.entitlements());
        let verdict = known.checked.as_ref().map(|checked| &checked.verdict);
        let refusal = verdict.and_then(|verdict| verdict.refusal.as_ref());
        let entitlements = RTMX_ENTITLEMENTS.iter().map(|row| {
            let is_limit = matches!(row.community, rtmx_license::Community::AtMost { .. });
            EntitlementView {
                name: row.name.to_owned(),
                meaning: row.meaning.to_owned(),
                enforced: row.enforcement == Enforcement::Enforced,
                included: (!is_limit).then(|| allowed.has(row.name)),
                at_most: match allowed.limit(row.name) {
                    Limit::AtMost(most) if is_limit => Some(most),
                    _ => None,
                },
                used: known.used.get(row.name).copied(),
            }
        });
        LicenseStatus {
            state: verdict.map_or("unknown", |verdict| state_name(&verdict.state)).to_owned(),
            why: verdict.and_then(why),
            reason: refusal.map(ToString::to_string),
            code: refusal.map(|refusal| refusal.code().id().to_owned()),
            since: verdict.and_then(|verdict| verdict.since),
            until: verdict.and_then(|verdict| verdict.until),
            next: verdict.map(|verdict| verdict.next.clone()).unwrap_or_default(),
            warnings: verdict.iter().flat_map(|verdict| &verdict.warnings).map(ToString::to_string).collect(),
            entitled_by: match allowed.source {
                Source::License => "license",
                Source::Community => "community",
            }
            .to_owned(),
            license: verdict.and_then(license_of),
            source: known.origin.map(|origin| origin.name().to_owned()),
            passed_over: known
                .passed_over
                .iter()
                .map(|(origin, reason)| PassedOver {
                    source: origin.name().to_owned(),
                    reason: reason.clone(),
                })
                .collect(),
            entitlements: entitlements.collect(),
            node: self.seat.load().number.map(|number| number + 1),
            confirmed_at: known.confirmed_at(),
            outage: known.outage.clone(),
            checked_at: known.at,
        }
    }

    /// What somebody has to know although everything works: that the license server was not heard of for half
    /// of the time that the license goes without, or that a clock is wrong.
    pub(crate) fn pressing(&self) -> Option<String> {
        let known = self.known();
        let warnings = &known.checked.as_ref()?.verdict.warnings;
        let is_pressing = |warning: &&Warning| match warning {
            Warning::NotConfirmed { percent, .. } => *percent >= 50,
            Warning::ClockBehind { .. } | Warning::ClockAhead { .. } | Warning::ServerClock { .. } => true,
            _ => false,
        };
        warnings.iter().find(is_pressing).map(ToString::to_string)
    }

    /// The license in numbers.
    pub(crate) fn figures(&self, now: Timestamp) -> LicenseFigures {
        let known = self.known();
        let verdict = known.checked.as_ref().map(|checked| &checked.verdict);
        let ago = |at: Timestamp| now.duration_since(at).as_secs_f64();
        LicenseFigures {
            state: verdict.map_or("unknown", |verdict| state_name(&verdict.state)),
            expires_in_s: verdict
                .and_then(|verdict| verdict.license.as_ref())
                .map(|license| -ago(license.expires_at)),
            checked_ago_s: known.at.map(ago),
            confirmed_ago_s: known.confirmed_at().map(ago),
        }
    }
}

/// The license in numbers, as metrics have them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LicenseFigures {
    pub(crate) state: &'static str,
    /// Seconds until the license ends, negative afterwards; `None` without one.
    pub(crate) expires_in_s: Option<f64>,
    /// Seconds since the last look.
    pub(crate) checked_ago_s: Option<f64>,
    /// Seconds since the license server said that the license is in force.
    pub(crate) confirmed_ago_s: Option<f64>,
}
