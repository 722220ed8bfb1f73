//! How values stand in the columns of an engine that has columns.
//!
//! The numbers are the sort keys of [`crate::query::Field::sort_value`], so that an index orders as a
//! query does. Each function has its inverse beside it; what is `None` was never written by an engine.

use rtmx_core::{Priority, Revision, Role, Status};

/// The number of a status.
pub fn status_number(status: Status) -> i64 {
    match status {
        Status::Complete => 0,
        Status::Partial => 1,
        Status::Missing => 2,
        Status::NotStarted => 3,
    }
}

/// The status of a number.
pub fn status_numbered(number: i64) -> Option<Status> {
    Status::ALL.into_iter().find(|status| status_number(*status) == number)
}

/// The number of a priority.
pub fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::P0 => 0,
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}

/// The priority of a number.
pub fn priority_numbered(number: i64) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| priority_number(*priority) == number)
}

/// The word for a role.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Admin => "admin",
    }
}

/// The role of a word.
pub fn role_named(name: &str) -> Option<Role> {
    [Role::Viewer, Role::Editor, Role::Admin].into_iter().find(|role| role_name(*role) == name)
}

/// Text as filters compare it.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The number of a revision: revisions count change sets and stay far below 2^63; a larger one, which
/// only a caller can make up, lies behind every real one.
pub fn revision_number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// The revision of a number.
pub fn revision_numbered(number: i64) -> Revision {
    Revision(number.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Field, SortValue};
    use rtmx_core::{Column, Requirement};

    #[test]
    fn the_numbers_of_status_and_priority_are_their_sort_keys() {
        for status in Status::ALL {
            let requirement = Requirement { status: status.into(), ..Requirement::default() };
            let key = Field::Core(Column::Status).sort_value("x", &requirement);
            assert_eq!(key, SortValue::Number(status_number(status) as f64), "{}", status.name());
            assert_eq!(status_numbered(status_number(status)), Some(status));
        }
        for priority in Priority::ALL {
            let requirement = Requirement { priority: priority.into(), ..Requirement::default() };
            let key = Field::Core(Column::Priority).sort_value("x", &requirement);
            assert_eq!(key, SortValue::Number(priority_number(priority) as f64), "{}", priority.name());
            assert_eq!(priority_numbered(priority_number(priority)), Some(priority));
        }
        assert_eq!((status_numbered(4), priority_numbered(-1), role_named("root")), (None, None, None));
    }
}
