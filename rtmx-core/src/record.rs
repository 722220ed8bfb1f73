//! Records: what a storage backend keeps.

use crate::{
    Baseline, Error, Layout, Project, Requirement, RequirementText, Result, Session, Setting, TestLink,
    Token, storage,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where records live. Each space has its own head, history and feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Space {
    /// Projects, tokens, sessions and settings of the installation.
    System,
    /// The license server's own records.
    Licensing,
    /// One project's records, by the project's id.
    Project(String),
}

impl Space {
    /// Parses `system`, `licensing` or `project/<id>`.
    pub fn parse(text: &str) -> Option<Space> {
        match text {
            "system" => Some(Space::System),
            "licensing" => Some(Space::Licensing),
            _ => text
                .strip_prefix("project/")
                .filter(|id| !id.is_empty())
                .map(|id| Space::Project(id.to_owned())),
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Space::System => f.write_str("system"),
            Space::Licensing => f.write_str("licensing"),
            Space::Project(id) => write!(f, "project/{id}"),
        }
    }
}

impl From<Space> for String {
    fn from(space: Space) -> String {
        space.to_string()
    }
}

impl TryFrom<String> for Space {
    type Error = String;
    fn try_from(text: String) -> std::result::Result<Space, String> {
        Space::parse(&text).ok_or_else(|| format!("`{text}` is not a space"))
    }
}

/// The number of a write in its space: 1 for the first change set, then without a gap.
///
/// A record's revision is the head of its space at the record's last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first write.
    pub const ZERO: Revision = Revision(0);

    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The life of a database between two restores: random, new after each restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub uuid::Uuid);

impl Epoch {
    /// The first 8 hexadecimal digits, as ETags and cursors carry it.
    pub fn short(&self) -> String {
        let mut text = self.0.simple().to_string();
        text.truncate(8);
        text
    }
}

/// The newest revision of a space, and the epoch it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Head {
    /// The epoch of the database.
    pub epoch: Epoch,
    /// The newest revision; [`Revision::ZERO`] for a space that was never written.
    pub revision: Revision,
}

/// The kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A row of the matrix.
    Requirement,
    /// A requirement's document, in Markdown; its id is the requirement's.
    RequirementText,
    /// One test that proves a requirement.
    TestLink,
    /// A named revision of the project.
    Baseline,
    /// How the imported file was laid out; its id is `csv`.
    Layout,
    /// A project of the installation; in the system space.
    Project,
    /// An access token; in the system space.
    Token,
    /// A browser that signed in with a token; in the system space.
    Session,
    /// A named value that the installation remembers, in the system space; or a record of the license
    /// server, in the licensing space.
    Setting,
}

impl Kind {
    /// Every kind, in the order in which archives hold them.
    pub const ALL: [Kind; 9] = [
        Kind::Project,
        Kind::Token,
        Kind::Session,
        Kind::Setting,
        Kind::Layout,
        Kind::Requirement,
        Kind::RequirementText,
        Kind::TestLink,
        Kind::Baseline,
    ];

    /// The kind's name, also that of its table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Requirement => "requirement",
            Kind::RequirementText => "requirement_text",
            Kind::TestLink => "test_link",
            Kind::Baseline => "baseline",
            Kind::Layout => "layout",
            Kind::Project => "project",
            Kind::Token => "token",
            Kind::Session => "session",
            Kind::Setting => "setting",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether records of this kind belong into `space`.
    pub fn belongs_in(self, space: &Space) -> bool {
        match self {
            Kind::Project | Kind::Token | Kind::Session => matches!(space, Space::System),
            Kind::Setting => matches!(space, Space::System | Space::Licensing),
            _ => matches!(space, Space::Project(_)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What names a record within its space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// The record's kind.
    pub kind: Kind,
    /// The record's id: 1 to 512 bytes, no control characters.
    pub id: String,
}

impl Key {
    /// The longest id in bytes. The longest id seen in the field has 34; PostgreSQL's index rows end at 2,704.
    pub const ID_LIMIT_BYTES: usize = 512;

    /// A key.
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Key { kind, id: id.into() }
    }

    /// Checks that the id can be stored.
    ///
    /// # Errors
    ///
    /// `change_set_invalid` for an empty or overlong id, or one with control characters.
    pub fn check(&self) -> Result<()> {
        let why = if self.id.is_empty() {
            "it is empty"
        } else if self.id.len() > Key::ID_LIMIT_BYTES {
            "it is longer than 512 bytes"
        } else if self.id.chars().any(char::is_control) {
            "it has a control character"
        } else {
            return Ok(());
        };
        let shown: String = self.id.chars().filter(|c| !c.is_control()).take(60).collect();
        Err(Error::new(
            storage::CHANGE_SET_INVALID,
            format!("cannot store a {} with the id `{shown}`: {why}", self.kind),
        ))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.id)
    }
}

/// The content of a record. Each kind is a Rust type, and has a table of its own in every engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "most bodies are requirements; boxing them costs more than it saves"
)]
pub enum Body {
    /// A row of the matrix.
    Requirement(Requirement),
    /// A requirement's document.
    RequirementText(RequirementText),
    /// One test that proves a requirement.
    TestLink(TestLink),
    /// A named revision.
    Baseline(Baseline),
    /// How the imported file was laid out.
    Layout(Layout),
    /// A project.
    Project(Project),
    /// An access token.
    Token(Token),
    /// A browser that signed in.
    Session(Session),
    /// A named value.
    Setting(Setting),
}

impl Body {
    /// The kind that this body belongs to.
    pub fn kind(&self) -> Kind {
        match self {
            Body::Requirement(_) => Kind::Requirement,
            Body::RequirementText(_) => Kind::RequirementText,
            Body::TestLink(_) => Kind::TestLink,
            Body::Baseline(_) => Kind::Baseline,
            Body::Layout(_) => Kind::Layout,
            Body::Project(_) => Kind::Project,
            Body::Token(_) => Kind::Token,
            Body::Session(_) => Kind::Session,
            Body::Setting(_) => Kind::Setting,
        }
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The record's id; its kind is that of the body.
    pub id: String,
    /// The head of the space at the record's last write.
    pub revision: Revision,
    /// The content.
    pub body: Body,
}

impl Record {
    /// What names the record within its space.
    pub fn key(&self) -> Key {
        Key::new(self.body.kind(), self.id.clone())
    }
}
