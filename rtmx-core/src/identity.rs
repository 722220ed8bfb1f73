//! The records of an installation: projects, tokens, sessions, settings, and the baselines of a project.

use crate::{Epoch, Revision, Timestamp};
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

/// A browser that signed in with a token. Its secret is in the browser's cookie alone and kept here
/// only as a hash.
///
/// It ends when it expires, when it is deleted, when its token is revoked or expires, and when the
/// database is restored, because that starts another epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The id of the token that it was made with: what the session may do is what the token may.
    pub token_id: String,
    /// The epoch that it was made in; it is good in no other one.
    pub epoch: Epoch,
    /// SHA-256 of the secret, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A named value that the installation remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The value.
    pub value: serde_json::Value,
}
