//! Verdicts: what is said of a license at one moment, and what to do about it.

use crate::clock::ClockCondition;
use crate::{License, Refusal};
use rtmx_core::{Code, Timestamp, license};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// The states of a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// In force.
    Valid,
    /// In force, and it ends within 30 days.
    ExpiringSoon {
        /// Days left, the begun one counted.
        days: u64,
    },
    /// It has ended or does not fit, and everything goes on for a while.
    Grace {
        /// What is wrong.
        why: Why,
    },
    /// The community limits hold.
    Restricted {
        /// What is wrong.
        why: Why,
    },
    /// Ended for good, by its own signed word; the community limits hold.
    Terminated,
}

/// What is wrong with a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There is none.
    Unlicensed,
    /// What is there is no license.
    Malformed,
    /// It is not the vendor's, or was changed.
    BadSignature,
    /// It was signed with a key that is not known here, or that may not sign it.
    UnknownKey,
    /// It needs a newer program.
    Unsupported,
    /// It is for another product, edition or environment.
    WrongProduct,
    /// It begins later.
    NotYetValid,
    /// It has ended.
    Expired,
    /// It was revoked.
    Revoked,
    /// It is suspended.
    Suspended,
    /// A newer one of the same id was installed before.
    Superseded,
    /// It is bound to another installation.
    BindingMismatch,
    /// It is bound, and nothing can be read to compare it with.
    BindingUnreadable,
    /// The license server did not confirm it for too long.
    Unconfirmed,
    /// It does not cover this version.
    VersionNotCovered,
}

impl Why {
    /// What a refusal means for the installation.
    pub(crate) fn of(refusal: &Refusal) -> Why {
        match refusal {
            Refusal::Empty => Why::Unlicensed,
            Refusal::BadSignature { .. } | Refusal::CarrierDisagrees { .. } => Why::BadSignature,
            Refusal::UnknownKey { .. } | Refusal::KeyUsage { .. } | Refusal::KeyRefused { .. } => {
                Why::UnknownKey
            }
            Refusal::Unsupported { .. } => Why::Unsupported,
            Refusal::WrongProduct { .. } => Why::WrongProduct,
            Refusal::NotYetValid { .. } => Why::NotYetValid,
            Refusal::Expired { .. } | Refusal::Terminated { .. } => Why::Expired,
            Refusal::Revoked { .. } => Why::Revoked,
            Refusal::Suspended { .. } => Why::Suspended,
            Refusal::Superseded { .. } => Why::Superseded,
            Refusal::BindingMismatch { .. } => Why::BindingMismatch,
            Refusal::BindingUnreadable { .. } => Why::BindingUnreadable,
            Refusal::Unconfirmed { .. } => Why::Unconfirmed,
            Refusal::VersionNotCovered { .. } => Why::VersionNotCovered,
            _ => Why::Malformed,
        }
    }
}

/// What is said of a license at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The state.
    #[serde(flatten)]
    pub state: State,
    /// What is wrong, with its facts; `None` if nothing is, or there is no license.
    #[serde(serialize_with = "refusal")]
    pub refusal: Option<Refusal>,
    /// The license, if one was verified.
    pub license: Option<Summary>,
    /// The time that was judged at.
    pub judged_at: Timestamp,
    /// Since when the state holds, where a moment began it.
    pub since: Option<Timestamp>,
    /// Until when it holds by itself.
    pub until: Option<Timestamp>,
    /// When the answer may change by time alone: the end of the state, or the next warning.
    pub next_change: Option<Timestamp>,
    /// What an operator should know.
    pub warnings: Vec<Warning>,
    /// What to do next, in sentences.
    pub next: String,
    /// Limits that the license server set in place of the license's.
    pub(crate) overrides: BTreeMap<String, u64>,
}

impl Verdict {
    /// Whether the license's features and limits hold.
    pub fn is_in_force(&self) -> bool {
        matches!(self.state, State::Valid | State::ExpiringSoon { .. } | State::Grace { .. })
    }

    /// The strict answer, for `license verify` and for new installations: grace is no excuse.
    ///
    /// # Errors
    ///
    /// What is wrong; `license_empty` if there is no license.
    pub fn strict(&self) -> Result<(), Refusal> {
        let end = self.license.as_ref().map(|license| license.expires_at);
        match (&self.state, &self.refusal, end) {
            (State::Valid | State::ExpiringSoon { .. }, ..) => Ok(()),
            // An end is an end, whichever of two graces is over first.
            (State::Grace { .. }, _, Some(at)) if at <= self.judged_at => Err(Refusal::Expired { at }),
            (_, Some(refusal), _) => Err(refusal.clone()),
            (_, None, _) => Err(Refusal::Empty),
        }
    }
}

fn refusal<S: Serializer>(refusal: &Option<Refusal>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        code: &'static str,
        message: String,
    }
    let shown = refusal.as_ref().map(|one| Shown { code: one.code().id(), message: one.to_string() });
    shown.serialize(serializer)
}

/// What people see of a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its id.
    pub license_id: String,
    /// Its number.
    pub seq: u64,
    /// The customer.
    pub organization: String,
    /// The edition.
    pub edition: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When its grace ends.
    pub grace_until: Timestamp,
    /// The key that signed it.
    pub kid: String,
    /// The first digits of its hash.
    pub hash: String,
}

impl Summary {
    pub(crate) fn of(license: &crate::VerifiedLicense) -> Summary {
        let claims: &License = license.claims();
        Summary {
            license_id: claims.license_id.clone(),
            seq: claims.seq,
            organization: claims.organization.clone(),
            edition: claims.edition.clone(),
            expires_at: claims.expires_at,
            grace_until: claims.grace_until(),
            kid: license.kid().to_string(),
            hash: license.hash().short(),
        }
    }
}

/// What an operator should know; none of it changes what works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
pub enum Warning {
    /// The license ends soon. `step` is the last of 30, 14, 7, 3 and 1 days that was reached, so
    /// that a log has five lines and not thirty days of them.
    Expires {
        /// Days left, the begun one counted.
        days: u64,
        /// The step that was reached.
        step: u64,
        /// When.
        at: Timestamp,
    },
    /// The license server has not confirmed for a while.
    NotConfirmed {
        /// Since when.
        since: Timestamp,
        /// When the time without it ends.
        until: Timestamp,
        /// 25, 50 or 75: the part of that time which is over.
        percent: u64,
    },
    /// The clock stands behind what was believed.
    ClockBehind {
        /// By how many seconds.
        by_s: u64,
    },
    /// The clock jumped ahead without proof.
    ClockAhead {
        /// By how many seconds.
        by_s: u64,
    },
    /// The mark of the clock was set back by a new license or lease.
    ClockRecovered,
    /// The license server's clock was far from this one when the last lease came.
    ServerClock {
        /// By how many seconds the server's was ahead; negative if it was behind.
        ahead_s: i64,
    },
    /// A newer revocation list should be there.
    RevocationsStale {
        /// Since when.
        since: Timestamp,
    },
    /// A newer license of this id was issued.
    NewerLicense {
        /// Its number.
        seq: u64,
    },
    /// Something that came along was refused, and what was there before stays in force.
    Refused {
        /// What.
        what: &'static str,
        /// The code.
        code: &'static str,
        /// The message.
        message: String,
    },
}

impl Warning {
    pub(crate) fn refused(what: &'static str, refusal: &Refusal) -> Warning {
        Warning::Refused { what, code: refusal.code().id(), message: refusal.to_string() }
    }

    pub(crate) fn of_clock(condition: ClockCondition) -> Option<Warning> {
        match condition {
            ClockCondition::Steady => None,
            ClockCondition::Behind { by_s } => Some(Warning::ClockBehind { by_s }),
            ClockCondition::Ahead { by_s } => Some(Warning::ClockAhead { by_s }),
            ClockCondition::Recovered => Some(Warning::ClockRecovered),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Expires { days: 1, at, .. } => write!(f, "the license ends within a day, at {at}"),
            Warning::Expires { days, at, .. } => write!(f, "the license ends in {days} days, at {at}"),
            Warning::NotConfirmed { since, until, percent } => write!(
                f,
                "the license server has not confirmed the license since {since}: {percent} % of the time without it are over, it ends at {until}"
            ),
            Warning::ClockBehind { by_s } => {
                write!(
                    f,
                    "the clock of this machine is {by_s} s behind the time that was believed before; set it"
                )
            }
            Warning::ClockAhead { by_s } => {
                write!(f, "the clock of this machine jumped {by_s} s ahead; if it is wrong, set it back")
            }
            Warning::ClockRecovered => {
                f.write_str("the remembered time was set back to that of the newest signed document")
            }
            Warning::ServerClock { ahead_s } => write!(
                f,
                "the license server's clock is {} s {} that of this machine, and one of them is wrong; if it is this one, set it",
                ahead_s.unsigned_abs(),
                if *ahead_s < 0 { "behind" } else { "ahead of" }
            ),
            Warning::RevocationsStale { since } => {
                write!(f, "a newer revocation list is due since {since}; the one in use stays in force")
            }
            Warning::NewerLicense { seq } => write!(f, "number {seq} of this license was issued; install it"),
            Warning::Refused { what, message, .. } => write!(f, "the {what} was refused: {message}"),
        }
    }
}

/// The command or step that follows from a refusal.
pub(crate) fn next_for(refusal: Option<&Refusal>) -> String {
    let code: Code = refusal.map_or(license::LICENSE_EMPTY, Refusal::code);
    code.entry().next.to_owned()
}
