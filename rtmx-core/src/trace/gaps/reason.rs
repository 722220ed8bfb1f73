//! The reasons for which a requirement is a gap: their names, their rules, and how grave they are.

use serde::{Deserialize, Serialize};

/// Why a requirement is a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// COMPLETE, and no test shows it.
    CompleteUntested,
    /// COMPLETE, and it depends on a requirement that is not.
    CompleteOnIncomplete,
    /// It waits for itself through other requirements.
    InCycle,
    /// It names itself among its dependencies.
    SelfDependency,
    /// It depends on what exists nowhere.
    OrphanedDependency,
    /// It is not complete, and one of its dependencies is not.
    Blocked,
    /// Its status is MISSING or NOT_STARTED.
    Missing,
    /// Its status is PARTIAL.
    Partial,
    /// Neither its row nor a test link names a test.
    Untested,
}

/// How grave a reason is: the order in which gaps are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Said to be complete, and may not be.
    Claimed,
    /// Its dependencies cannot be right as they are.
    Tangled,
    /// Known to be open.
    Open,
}

impl Reason {
    /// Every reason, the gravest first.
    pub const ALL: [Reason; 9] = [
        Reason::CompleteUntested,
        Reason::CompleteOnIncomplete,
        Reason::InCycle,
        Reason::SelfDependency,
        Reason::OrphanedDependency,
        Reason::Blocked,
        Reason::Missing,
        Reason::Partial,
        Reason::Untested,
    ];

    /// The reason's name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Reason::CompleteUntested => "complete_untested",
            Reason::CompleteOnIncomplete => "complete_on_incomplete",
            Reason::InCycle => "in_cycle",
            Reason::SelfDependency => "self_dependency",
            Reason::OrphanedDependency => "orphaned_dependency",
            Reason::Blocked => "blocked",
            Reason::Missing => "missing",
            Reason::Partial => "partial",
            Reason::Untested => "untested",
        }
    }

    /// The reason of this name.
    pub fn parse(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// A few words, as a heading or a mark has them.
    pub fn title(self) -> &'static str {
        match self {
            Reason::CompleteUntested => "Complete without a test",
            Reason::CompleteOnIncomplete => "Complete on incomplete",
            Reason::InCycle => "In a cycle",
            Reason::SelfDependency => "Depends on itself",
            Reason::OrphanedDependency => "Unknown dependency",
            Reason::Blocked => "Blocked",
            Reason::Missing => "Missing",
            Reason::Partial => "Partial",
            Reason::Untested => "Without a test",
        }
    }

    /// The rule, in one sentence: exactly which requirements have this reason.
    pub fn rule(self) -> &'static str {
        match self {
            Reason::CompleteUntested => {
                "Their status is COMPLETE, and neither their row nor a test link names a test."
            }
            Reason::CompleteOnIncomplete => {
                "Their status is COMPLETE, and they depend directly on a requirement whose status is not."
            }
            Reason::InCycle => "They depend on themselves through other requirements, whatever the status.",
            Reason::SelfDependency => "They name themselves among their dependencies.",
            Reason::OrphanedDependency => {
                "They depend on an id that is no requirement here and does not name another repository."
            }
            Reason::Blocked => {
                "They are not COMPLETE, and neither is one of the requirements that they depend on directly."
            }
            Reason::Missing => "Their status is MISSING or NOT_STARTED.",
            Reason::Partial => "Their status is PARTIAL.",
            Reason::Untested => "Neither their row nor a test link names a test, whatever the status.",
        }
    }

    /// How grave it is.
    pub fn grade(self) -> Grade {
        match self {
            Reason::CompleteUntested | Reason::CompleteOnIncomplete => Grade::Claimed,
            Reason::InCycle | Reason::SelfDependency | Reason::OrphanedDependency => Grade::Tangled,
            Reason::Blocked | Reason::Missing | Reason::Partial | Reason::Untested => Grade::Open,
        }
    }
}

/// A set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reasons(u16);

impl Reasons {
    pub(super) fn of(reasons: impl IntoIterator<Item = Reason>) -> Reasons {
        let mut set = Reasons::default();
        reasons.into_iter().for_each(|reason| set.put(reason, true));
        set
    }

    /// Puts a reason into the set if it applies.
    pub(super) fn put(&mut self, reason: Reason, applies: bool) {
        self.0 |= u16::from(applies) << reason as u16;
    }

    pub(super) fn has(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u16) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn meets(self, other: Reasons) -> bool {
        self.0 & other.0 != 0
    }

    /// The reasons, the gravest first.
    pub(super) fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.has(*reason))
    }

    /// How grave the gravest is.
    pub(super) fn grade(self) -> Grade {
        self.iter().next().map_or(Grade::Open, Reason::grade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_by_the_names_they_are_written_with() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(reason));
            assert_eq!(serde_json::to_value(reason).expect("a name"), reason.name());
            assert!(reason.rule().ends_with('.'), "{}", reason.name());
        }
        assert_eq!(Reason::parse("everything"), None);
    }

    #[test]
    fn the_gravest_reason_of_a_set_comes_first() {
        let grades: Vec<Grade> = Reason::ALL.map(Reason::grade).into();
        assert!(grades.is_sorted(), "{grades:?}");
        let set = Reasons::of([Reason::Untested, Reason::Blocked, Reason::InCycle]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Reason::InCycle, Reason::Blocked, Reason::Untested]);
        assert_eq!(set.grade(), Grade::Tangled);
        assert!(set.meets(Reasons::of([Reason::Blocked])) && !set.meets(Reasons::of([Reason::Missing])));
        assert!(Reasons::default().is_empty() && !set.is_empty());
    }
}
