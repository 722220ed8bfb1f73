//! The records of an installation: projects, tokens, settings, and the baselines of a project.

use crate::{Revision, Timestamp};
use serde::{Deserialize, Serialize};

/// A project: one matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The name that people see.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A named revision of a project; its id is its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The revision that the name stands for.
    pub revision: Revision,
    /// Why it was taken.
    pub note: String,
    /// Who took it.
    pub actor: String,
    /// When it was taken.
    pub created_at: Timestamp,
}

/// What the holder of a token may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and exports.
    Viewer,
    /// Also writes and imports.
    Editor,
    /// Also makes projects and tokens.
    Admin,
}

/// An access token; its id is the public part of the token's text. The secret part is kept only
/// as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// The only project it is good for; `None` for all.
    pub project: Option<String>,
    /// SHA-256 of the secret part, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A named value that the installation remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The value.
    pub value: serde_json::Value,
}
