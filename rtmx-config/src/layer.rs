//! Layers: what one source has to say, value by value, with the place of each.

use crate::{Finding, Provenance, Value};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Where one value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A place in a file; line and column count from 1.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line; 0 when it is about the file as a whole.
        line: u32,
        /// The column, in characters.
        column: u32,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// A file that an environment variable names.
    VariableFile {
        /// The variable's name, which ends in `_FILE`.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A file that is one value, in a folder of such files.
    Mounted {
        /// The file.
        path: PathBuf,
    },
    /// A secret that a server keeps, or one entry of it.
    Remote {
        /// The server and the secret.
        place: String,
        /// The entry; `None` when it is about the secret as a whole.
        name: Option<String>,
    },
    /// Several environment variables that make one value.
    Variables {
        /// Their names.
        names: Vec<String>,
    },
    /// A variable in a file of variables.
    VariableLine {
        /// The file of variables.
        path: PathBuf,
        /// The line, from 1.
        line: u32,
        /// The variable's name.
        name: String,
    },
    /// A flag of the command line.
    Flag {
        /// The flag, such as `--set`.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("the default"),
            Origin::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Origin::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Origin::Variable { name } => write!(f, "variable {name}"),
            Origin::VariableFile { name, path } => write!(f, "file {} of variable {name}", path.display()),
            Origin::Mounted { path } => write!(f, "mounted file {}", path.display()),
            Origin::Remote { place, name: Some(name) } => write!(f, "entry {name} of {place}"),
            Origin::Remote { place, name: None } => f.write_str(place),
            Origin::Variables { names } => write!(f, "variables {}", names.join(", ")),
            Origin::VariableLine { path, line, name } => {
                write!(f, "{}:{line}: variable {name}", path.display())
            }
            Origin::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

/// One value of a layer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key's path, such as `server.listen`; not necessarily one that is known.
    pub key: String,
    /// The value; its `Debug` shows the shape only.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// What one source has to say.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The source.
    pub provenance: Provenance,
    /// The values, in the order of the source; a later entry of the same key wins.
    pub entries: Vec<Entry>,
    /// What makes the source unusable in part or whole. Kept here instead of failing the load, so that
    /// [`crate::resolve`] can report the faults of all sources together.
    pub faults: Vec<Finding>,
    /// What the source wants to be known.
    pub warnings: Vec<Finding>,
}

impl Layer {
    /// A layer without values.
    pub fn new(provenance: Provenance) -> Layer {
        Layer { provenance, entries: Vec::new(), faults: Vec::new(), warnings: Vec::new() }
    }

    /// Adds a value.
    pub fn push(&mut self, key: impl Into<String>, value: Value, origin: Origin) {
        self.entries.push(Entry { key: key.into(), value, origin });
    }
}
