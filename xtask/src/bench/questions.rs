//! What is asked, of the product and of the others, and what is wanted of the answers.

use super::load::Method;
use serde::Serialize;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    Page,
    Filter,
    Search,
    BroadSearch,
    One,
    Status,
    NewStatus,
    Backlog,
    Cycles,
    Health,
    Impact,
    Write,
    Export,
    Import,
}

/// Which page is asked for after a page, where processor time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pages {
    /// The same.
    Again,
    /// The next one, by the cursor of the answer before.
    InTurn,
}

/// When the product's answer is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Again and again on one connection.
    Again,
    /// Again and again, in another text each time, so that no remembered page can help.
    Fresh,
    /// Once after each write, so that nothing that is remembered of an earlier head can help.
    AfterWrite,
}

/// The pages of the dashboard, by what a reader calls them, and where they are. `{one}` is the id of a
/// requirement.
pub(super) const LOOKS: [(&str, &str); 10] = [
    ("overview", "/projects/default"),
    ("gaps", "/projects/default/gaps"),
    ("requirements", "/projects/default/requirements"),
    ("search", "/projects/default/requirements?search=encrypt+session"),
    ("requirement", "/projects/default/requirements/{one}"),
    ("trace", "/projects/default/trace"),
    ("graph", "/projects/default/graph"),
    ("backlog", "/projects/default/backlog"),
    ("health", "/projects/default/health"),
    ("history", "/projects/default/history"),
];
/// Until a page of the dashboard is there at 100,000 rows, in milliseconds, and its size, in kB.
pub(super) const LOOK_WANTED: (f64, f64) = (50.0, 100.0);

/// How one of the others is asked the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// It cannot be.
    Nothing,
    /// Over HTTP.
    Path(&'static str),
    /// An edit over HTTP.
    Edit(&'static str),
    /// By a command.
    Command(&'static str),
    /// Both ways; the faster one counts.
    Either(&'static str, &'static str),
}

/// A requirement that every matrix of the generator has; the one with the widest impact at 100,000.
pub(super) const ONE: &str = "REQ-AUTH-001";
pub(super) const ONE_LARGE: &str = "REQ-AUTH-00001";

impl Question {
    pub(super) const ALL: [Question; 14] = [
        Question::Page,
        Question::Filter,
        Question::Search,
        Question::BroadSearch,
        Question::One,
        Question::Status,
        Question::NewStatus,
        Question::Backlog,
        Question::Cycles,
        Question::Health,
        Question::Impact,
        Question::Write,
        Question::Export,
        Question::Import,
    ];

    /// What a reader calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Question::Page => "first page of 50",
            Question::Filter => "filter by two columns, 50",
            Question::Search => "search, few hits, 50",
            Question::BroadSearch => "search, every row a hit, 50",
            Question::One => "one requirement",
            Question::Status => "status",
            Question::NewStatus => "status of a new head",
            Question::Backlog => "backlog",
            Question::Cycles => "cycles",
            Question::Health => "health",
            Question::Impact => "impact",
            Question::Write => "one durable write",
            Question::Export => "export of all rows",
            Question::Import => "import",
        }
    }

    /// The product's path. `{one}` is the id of a requirement; `{fresh}` stands where `rtmx-load` writes
    /// the number after it in another way each time.
    pub(super) fn path(self) -> &'static str {
        match self {
            Question::Page => "requirements?limit={fresh}50",
            Question::Filter => "requirements?status=MISSING&priority=HIGH&limit={fresh}50",
            Question::Search => "requirements?search=encrypt+session&limit={fresh}50",
            Question::BroadSearch => "requirements?search=shall&limit={fresh}50",
            Question::One | Question::Write => "requirements/{one}",
            Question::Status | Question::NewStatus => "status",
            Question::Backlog => "backlog",
            Question::Cycles => "cycles",
            Question::Health => "health",
            Question::Impact => "impact/{one}",
            Question::Export => "export.csv",
            Question::Import => "import",
        }
    }

    /// The path that has the same text each time.
    pub(super) fn path_again(self) -> String {
        self.path().replace("{fresh}", "")
    }

    pub(super) fn method(self) -> Method {
        if self == Question::Write { Method::Edit } else { Method::Get }
    }

    pub(super) fn when(self) -> When {
        match self {
            Question::NewStatus
            | Question::Backlog
            | Question::Cycles
            | Question::Health
            | Question::Impact => When::AfterWrite,
            Question::Page | Question::Filter | Question::Search | Question::BroadSearch => When::Fresh,
            _ => When::Again,
        }
    }

    /// Milliseconds at 100,000 rows.
    pub(super) fn wanted_ms(self) -> Option<f64> {
        match self {
            Question::Page | Question::Write => Some(20.0),
            Question::Search => Some(30.0),
            Question::BroadSearch => Some(150.0),
            Question::Status | Question::NewStatus => Some(5.0),
            Question::Backlog | Question::Impact => Some(200.0),
            Question::Cycles => Some(300.0),
            Question::Import => Some(5_000.0),
            Question::Filter | Question::One | Question::Health | Question::Export => None,
        }
    }

    /// How much longer it may take for ten times the rows.
    pub(super) fn wanted_growth(self) -> f64 {
        if matches!(self, Question::Page | Question::Write) { 1.3 } else { 10.0 }
    }

    /// The same question to the Python tool.
    pub(super) fn to_python(self) -> Ask {
        match self {
            Question::Page => Ask::Path("/api/requirements?limit=50"),
            Question::Filter => Ask::Path("/api/requirements?status=MISSING&limit=50"),
            Question::Status => Ask::Either("/api/status", "status"),
            Question::Backlog => Ask::Either("/api/backlog", "backlog"),
            Question::Cycles => Ask::Command("cycles"),
            Question::Health => Ask::Command("health"),
            Question::Export => Ask::Path("/api/requirements?limit=1000000"),
            _ => Ask::Nothing,
        }
    }

    /// The same question to the Go tool.
    pub(super) fn to_go(self) -> Ask {
        match self {
            Question::Page => Ask::Path("/api/requirements?per_page=50"),
            Question::Filter => Ask::Path("/api/requirements?status=MISSING&priority=HIGH&per_page=50"),
            Question::Search => Ask::Path("/api/requirements?search=encrypt+session&per_page=50"),
            Question::BroadSearch => Ask::Path("/api/requirements?search=shall&per_page=50"),
            Question::One => Ask::Path("/api/requirements/{one}"),
            Question::Status => Ask::Either("/api/status", "status"),
            Question::Backlog => Ask::Either("/api/backlog", "backlog"),
            Question::Cycles => Ask::Command("cycles"),
            Question::Health => Ask::Command("health"),
            Question::Write => Ask::Edit("/api/requirements/{one}"),
            _ => Ask::Nothing,
        }
    }
}

impl Pages {
    pub(super) const ALL: [Pages; 2] = [Pages::Again, Pages::InTurn];

    /// What a reader calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Pages::Again => "first page of 50",
            Pages::InTurn => "pages of 50 in turn",
        }
    }

    /// What a reader has to know of it, as a sentence that begins with its name.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Pages::Again => {
                "each client asks for the same page again, and the server may answer what it remembers of it."
            }
            Pages::InTurn => {
                "each client follows `next` from page to page and begins anew after the last, through more \
                 pages than the server remembers, so each is read and made anew."
            }
        }
    }

    pub(super) fn method(self) -> Method {
        match self {
            Pages::Again => Method::Get,
            Pages::InTurn => Method::Walk,
        }
    }
}
