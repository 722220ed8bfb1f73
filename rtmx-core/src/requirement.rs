//! The requirement: one row of the matrix, with its 21 columns and whatever else its file held.

use crate::Given;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The 21 columns of an RTMX matrix, in the order in which upstream's tools write them.
pub const CORE_COLUMNS: [Column; 21] = [
    Column::ReqId,
    Column::Category,
    Column::Subcategory,
    Column::RequirementText,
    Column::TargetValue,
    Column::TestModule,
    Column::TestFunction,
    Column::ValidationMethod,
    Column::Status,
    Column::Priority,
    Column::Phase,
    Column::Notes,
    Column::EffortWeeks,
    Column::Dependencies,
    Column::Blocks,
    Column::Assignee,
    Column::Sprint,
    Column::StartedDate,
    Column::CompletedDate,
    Column::RequirementFile,
    Column::ExternalId,
];

/// A column of the core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the columns' names")]
pub enum Column {
    ReqId,
    Category,
    Subcategory,
    RequirementText,
    TargetValue,
    TestModule,
    TestFunction,
    ValidationMethod,
    Status,
    Priority,
    Phase,
    Notes,
    EffortWeeks,
    Dependencies,
    Blocks,
    Assignee,
    Sprint,
    StartedDate,
    CompletedDate,
    RequirementFile,
    ExternalId,
}

impl Column {
    /// The column's name in the header, in the API and in every table.
    pub fn name(self) -> &'static str {
        match self {
            Column::ReqId => "req_id",
            Column::Category => "category",
            Column::Subcategory => "subcategory",
            Column::RequirementText => "requirement_text",
            Column::TargetValue => "target_value",
            Column::TestModule => "test_module",
            Column::TestFunction => "test_function",
            Column::ValidationMethod => "validation_method",
            Column::Status => "status",
            Column::Priority => "priority",
            Column::Phase => "phase",
            Column::Notes => "notes",
            Column::EffortWeeks => "effort_weeks",
            Column::Dependencies => "dependencies",
            Column::Blocks => "blocks",
            Column::Assignee => "assignee",
            Column::Sprint => "sprint",
            Column::StartedDate => "started_date",
            Column::CompletedDate => "completed_date",
            Column::RequirementFile => "requirement_file",
            Column::ExternalId => "external_id",
        }
    }

    /// The column of this exact name.
    pub fn parse(name: &str) -> Option<Column> {
        CORE_COLUMNS.into_iter().find(|column| column.name() == name)
    }
}

/// How far a requirement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Done and proven: counts 100 %.
    Complete,
    /// Partly done: counts 50 %.
    Partial,
    /// Not there: counts 0 %. The default.
    #[default]
    Missing,
    /// Not begun: counts 0 %.
    NotStarted,
}

impl Status {
    /// Every status, in the order of completion.
    pub const ALL: [Status; 4] = [Status::Complete, Status::Partial, Status::Missing, Status::NotStarted];

    /// The status's name in files and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Status::Complete => "COMPLETE",
            Status::Partial => "PARTIAL",
            Status::Missing => "MISSING",
            Status::NotStarted => "NOT_STARTED",
        }
    }

    /// Reads a status whatever its case, with spaces or hyphens for the underscore.
    pub fn parse(text: &str) -> Option<Status> {
        let folded = text.trim().to_ascii_uppercase().replace([' ', '-'], "_");
        Status::ALL.into_iter().find(|status| status.name() == folded)
    }

    /// Whether anything is left to do.
    pub fn is_complete(self) -> bool {
        self == Status::Complete
    }
}

/// How urgent a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Priority {
    /// Before everything else.
    P0,
    /// Soon.
    High,
    /// The default.
    #[default]
    Medium,
    /// When there is time.
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Priority; 4] = [Priority::P0, Priority::High, Priority::Medium, Priority::Low];

    /// The priority's name in files and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Priority::P0 => "P0",
            Priority::High => "HIGH",
            Priority::Medium => "MEDIUM",
            Priority::Low => "LOW",
        }
    }

    /// 0 for the most urgent, 3 for the least: the sort key.
    pub fn weight(self) -> u8 {
        self as u8
    }

    /// Reads a priority whatever its case; `CRITICAL` is P0.
    pub fn parse(text: &str) -> Option<Priority> {
        let folded = text.trim().to_ascii_uppercase();
        if folded == "CRITICAL" {
            return Some(Priority::P0);
        }
        Priority::ALL.into_iter().find(|priority| priority.name() == folded)
    }
}

/// An effort in weeks: finite and greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Effort(f64);

impl Effort {
    /// An effort of so many weeks; `None` unless finite and greater than zero, which is how
    /// upstream's tools write "unknown".
    pub fn from_weeks(weeks: f64) -> Option<Effort> {
        (weeks.is_finite() && weeks > 0.0).then_some(Effort(weeks))
    }

    /// The number of weeks.
    pub fn weeks(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Effort {
    type Error = &'static str;
    fn try_from(weeks: f64) -> Result<Effort, &'static str> {
        Effort::from_weeks(weeks).ok_or("an effort is a number of weeks greater than zero")
    }
}

impl From<Effort> for f64 {
    fn from(effort: Effort) -> f64 {
        effort.0
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One row of the matrix. Its id is the record's id.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the fields are the columns of the matrix, under their names")]
pub struct Requirement {
    pub category: String,
    pub subcategory: String,
    pub requirement_text: String,
    pub target_value: String,
    pub test_module: String,
    pub test_function: String,
    pub validation_method: String,
    pub status: Given<Status>,
    pub priority: Given<Priority>,
    /// 1 and up; `None` when the file has none or none that can be read.
    pub phase: Given<Option<u32>>,
    pub notes: String,
    pub effort_weeks: Given<Option<Effort>>,
    /// The ids that must be complete before this one. The only source of edges.
    pub dependencies: Given<BTreeSet<String>>,
    /// As the file has it. What a requirement really blocks is derived from `dependencies`; where
    /// the two disagree is a finding of `health`.
    pub blocks: Given<BTreeSet<String>>,
    pub assignee: String,
    pub sprint: String,
    pub started_date: String,
    pub completed_date: String,
    pub requirement_file: String,
    pub external_id: String,
    /// The columns beyond the 21, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
    /// Where the row stands in the file, and how it was written.
    pub placement: Placement,
}

/// Where a requirement stands in the exported file, and how its row was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// Sort key of the row in the file; rows without one follow, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i64>,
    /// The row's text as it was imported, with its line end, where it is not what an export would
    /// write by itself. Dropped by the first edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Fields beyond the header's last column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<String>,
}

/// How the imported file was laid out, so that an export gives the same bytes back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Whether the file began with a byte order mark.
    pub bom: bool,
    /// Whether lines end with carriage return and line feed.
    pub crlf: bool,
    /// The header row as it was written, with its line end; empty to write it from `columns`.
    pub header: String,
    /// For each column of the file, in order, the key of its values: a core column's name, or a key of
    /// [`Requirement::extra`].
    pub columns: Vec<String>,
    /// What followed the last row.
    pub trailer: String,
}

/// A requirement's document, in Markdown, byte for byte as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequirementText {
    /// The document.
    pub markdown: String,
}

/// One test that proves a requirement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestLink {
    /// The requirement's id.
    pub req_id: String,
    /// The file or module that holds the test.
    pub test_module: String,
    /// The test's name.
    pub test_function: String,
    /// How it proves, such as `Unit Test`.
    pub validation_method: String,
    /// What the row that it came from said of its status, and of anything else that differed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl TestLink {
    /// The record id of the link: requirement, module and function, so that the same link is the same record.
    pub fn record_id(&self) -> String {
        format!("{}|{}|{}", self.req_id, self.test_module, self.test_function)
    }

    /// Whether a test is named, by the rule of [`Requirement::has_test`].
    pub fn names_test(&self) -> bool {
        names_test(&self.test_module, &self.test_function)
    }
}

fn names_test(module: &str, function: &str) -> bool {
    let named = |text: &str| !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case("missing");
    named(module) && named(function)
}

impl Requirement {
    /// Whether a test is named: both module and function, and neither says `MISSING`.
    pub fn has_test(&self) -> bool {
        names_test(&self.test_module, &self.test_function)
    }

    /// The value of a core column as text, as it was given where that is known. `req_id` is the
    /// record's id and not known here: it is answered empty.
    pub fn text_of(&self, column: Column) -> String {
        fn set(given: &Given<BTreeSet<String>>) -> String {
            given
                .given
                .clone()
                .unwrap_or_else(|| given.value.iter().map(String::as_str).collect::<Vec<_>>().join("|"))
        }
        match column {
            Column::ReqId => String::new(),
            Column::Category => self.category.clone(),
            Column::Subcategory => self.subcategory.clone(),
            Column::RequirementText => self.requirement_text.clone(),
            Column::TargetValue => self.target_value.clone(),
            Column::TestModule => self.test_module.clone(),
            Column::TestFunction => self.test_function.clone(),
            Column::ValidationMethod => self.validation_method.clone(),
            Column::Status => self.status.given.clone().unwrap_or_else(|| self.status.value.name().into()),
            Column::Priority => {
                self.priority.given.clone().unwrap_or_else(|| self.priority.value.name().into())
            }
            Column::Phase => {
                let canonical = || self.phase.value.map(|phase| phase.to_string()).unwrap_or_default();
                self.phase.given.clone().unwrap_or_else(canonical)
            }
            Column::Notes => self.notes.clone(),
            Column::EffortWeeks => {
                let canonical =
                    || self.effort_weeks.value.map(|effort| effort.to_string()).unwrap_or_default();
                self.effort_weeks.given.clone().unwrap_or_else(canonical)
            }
            Column::Dependencies => set(&self.dependencies),
            Column::Blocks => set(&self.blocks),
            Column::Assignee => self.assignee.clone(),
            Column::Sprint => self.sprint.clone(),
            Column::StartedDate => self.started_date.clone(),
            Column::CompletedDate => self.completed_date.clone(),
            Column::RequirementFile => self.requirement_file.clone(),
            Column::ExternalId => self.external_id.clone(),
        }
    }
}
