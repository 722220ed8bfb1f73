//! What the index remembers of one requirement: what the analyses compute with, and nothing else.

use super::words::Words;
use crate::{Effort, Priority, Requirement, Status};
use std::sync::Arc;

/// The longest label, in characters.
const LABEL_LIMIT_CHARS: usize = 60;

/// One requirement, as the analyses need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) label: Box<str>,
    pub(super) category: Arc<str>,
    pub(super) subcategory: Arc<str>,
    pub(super) assignee: Arc<str>,
    pub(super) sprint: Arc<str>,
    /// The folder of the test module, or the module itself where it names none; empty without a module.
    pub(super) test_folder: Arc<str>,
    pub(super) rank: Option<i64>,
    /// In weeks; 0 for unknown, as upstream's tools write it.
    pub(super) effort: f64,
    pub(super) phase: Option<u32>,
    pub(super) phase_fault: PhaseFault,
    pub(super) status: Status,
    pub(super) priority: Priority,
    pub(super) has_test: bool,
    pub(super) has_text: bool,
    pub(super) has_external_id: bool,
    /// Whether the file's status or priority is not one of the names that strict validation knows.
    pub(super) loose_status: bool,
    pub(super) loose_priority: bool,
}

/// What is wrong with a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PhaseFault {
    None,
    /// A number below 1.
    TooLow,
    /// Text that no number can be read from.
    Unreadable,
}

impl Row {
    pub(super) fn of(requirement: &Requirement, words: &mut Words) -> Row {
        let module = requirement.test_module.trim();
        let folder = module.rfind('/').filter(|at| *at > 0).map_or(module, |at| &module[..at]);
        let strict = |given: &Option<String>, names: [&str; 4]| match given.as_deref().map(str::trim) {
            None | Some("") => true,
            Some(text) => names.iter().any(|name| text.eq_ignore_ascii_case(name)),
        };
        Row {
            label: label(&requirement.requirement_text),
            category: words.share(&requirement.category),
            subcategory: words.share(&requirement.subcategory),
            assignee: words.share(&requirement.assignee),
            sprint: words.share(&requirement.sprint),
            test_folder: words.share(folder),
            rank: requirement.placement.rank,
            effort: requirement.effort_weeks.value.map_or(0.0, Effort::weeks),
            phase: requirement.phase.value,
            phase_fault: phase_fault(requirement.phase.value, requirement.phase.given.as_deref()),
            status: requirement.status.value,
            priority: requirement.priority.value,
            has_test: requirement.has_test(),
            has_text: !requirement.requirement_text.trim().is_empty(),
            has_external_id: !requirement.external_id.trim().is_empty(),
            loose_status: !strict(&requirement.status.given, Status::ALL.map(Status::name)),
            loose_priority: !strict(&requirement.priority.given, Priority::ALL.map(Priority::name)),
        }
    }

    pub(super) fn is_urgent(&self) -> bool {
        matches!(self.priority, Priority::P0 | Priority::High)
    }
}

/// The text's first characters; three dots stand for what was cut.
fn label(text: &str) -> Box<str> {
    match text.char_indices().nth(LABEL_LIMIT_CHARS) {
        None => text.into(),
        Some(_) => text.chars().take(LABEL_LIMIT_CHARS - 3).chain("...".chars()).collect::<String>().into(),
    }
}

fn phase_fault(phase: Option<u32>, given: Option<&str>) -> PhaseFault {
    let given = given.map(str::trim).filter(|text| !text.is_empty());
    match (phase, given) {
        (Some(0), _) => PhaseFault::TooLow,
        (Some(_), _) | (None, None) => PhaseFault::None,
        (None, Some(text)) if text.parse::<f64>().is_ok_and(|number| number < 1.0) => PhaseFault::TooLow,
        (None, Some(_)) => PhaseFault::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Given;

    #[test]
    fn labels_are_cut_between_characters() {
        let long = "Größe ".repeat(20);
        // text, label
        let cases = [
            ("short", "short".to_owned()),
            (&long[..], format!("{}...", long.chars().take(57).collect::<String>())),
        ];
        for (text, want) in cases {
            assert_eq!(*label(text), *want, "{text}");
            assert!(label(text).chars().count() <= LABEL_LIMIT_CHARS);
        }
        let fits = "x".repeat(60);
        assert_eq!(*label(&fits), *fits);
    }

    #[test]
    fn a_row_knows_what_strict_validation_would_refuse() {
        // status given, priority given, phase, phase given, loose status, loose priority, phase fault
        let cases = [
            (None, None, Some(1), None, false, false, PhaseFault::None),
            (Some("complete"), Some(" high "), None, None, false, false, PhaseFault::None),
            (Some("BACKLOG"), Some("P1"), None, Some("Future"), true, true, PhaseFault::Unreadable),
            (Some("not-started"), Some("CRITICAL"), Some(3), Some("Phase 3"), true, true, PhaseFault::None),
            (Some(""), Some(""), None, Some("0"), false, false, PhaseFault::TooLow),
            (None, None, None, Some("-2"), false, false, PhaseFault::TooLow),
            (None, None, Some(0), None, false, false, PhaseFault::TooLow),
        ];
        for (status, priority, phase, phase_given, loose_status, loose_priority, fault) in cases {
            let requirement = Requirement {
                status: Given { value: Status::Missing, given: status.map(str::to_owned) },
                priority: Given { value: Priority::Medium, given: priority.map(str::to_owned) },
                phase: Given { value: phase, given: phase_given.map(str::to_owned) },
                ..Requirement::default()
            };
            let row = Row::of(&requirement, &mut Words::default());
            assert_eq!(row.loose_status, loose_status, "{status:?}");
            assert_eq!(row.loose_priority, loose_priority, "{priority:?}");
            assert_eq!(row.phase_fault, fault, "{phase:?} {phase_given:?}");
        }
    }
}
