//! What a PostgreSQL for a test is started with.

use crate::{Flavour, Postgres, Result, place};
use std::collections::BTreeMap;

/// The choices for one server; [`Options::start`] starts it.
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) version: u16,
    pub(crate) flavour: Flavour,
    pub(crate) run_as: Option<String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) files: Vec<Mounted>,
}

/// A file that the server finds when it starts.
#[derive(Clone)]
pub(crate) struct Mounted {
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    pub(crate) access: Access,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; it belongs to root.
    Everybody,
    /// The server alone, to whom it belongs: what PostgreSQL demands of a private key.
    Server,
}

impl Options {
    pub(crate) fn new(version: u16) -> Options {
        // The files of a test need not outlive the machine; the server itself syncs what it writes.
        let variables =
            [("POSTGRES_INITDB_ARGS", "--no-sync".to_owned()), ("POSTGRES_PASSWORD", place::random())];
        Options {
            version,
            flavour: Flavour::Alpine,
            run_as: None,
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
            settings: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Which of the official images it is, or which of their users ours runs as. Default: [`Flavour::Alpine`].
    pub fn flavour(mut self, flavour: Flavour) -> Options {
        self.flavour = flavour;
        self
    }

    /// Starts the container as this user, such as `999` or `999:999`; default: root, who then lets go.
    /// Without containers it has no effect.
    pub fn run_as(mut self, user: impl Into<String>) -> Options {
        self.run_as = Some(user.into());
        self
    }

    /// Sets a variable of the image, such as `POSTGRES_DB`. `NAME_FILE` replaces `NAME`.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Options {
        let name = name.into();
        if let Some(plain) = name.strip_suffix("_FILE") {
            self.variables.remove(plain);
        }
        self.variables.insert(name, value.into());
        self
    }

    /// Gives the server `-c name=value`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Options {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Puts a file there before the server starts; settings and variables may name its absolute path.
    pub fn file(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>, access: Access) -> Options {
        self.files.push(Mounted { path: path.into(), content: content.into(), access });
        self
    }

    /// Puts a script there that runs when the database is made: `*.sql`, `*.sql.gz` or `*.sh`.
    pub fn script(self, name: &str, content: impl Into<Vec<u8>>) -> Options {
        self.file(format!("/docker-entrypoint-initdb.d/{name}"), content, Access::Everybody)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// `Unavailable` if this machine cannot run one.
    pub fn start(self) -> Result<Postgres> {
        Postgres::start_with(self)
    }

    /// A variable, or the content of the file that its `_FILE` form names.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let file = || {
            let path = self.variables.get(&format!("{name}_FILE"))?;
            let file = self.files.iter().find(|file| file.path == *path)?;
            Some(String::from_utf8_lossy(&file.content).trim_end_matches('\n').to_owned())
        };
        self.variables.get(name).cloned().or_else(file)
    }
}

/// Says what it is, not what its passwords are.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("version", &self.version)
            .field("flavour", &self.flavour)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_as_a_variable_and_in_the_file_that_one_names() {
        let options = Options::new(18).variable("POSTGRES_DB", "mine");
        assert_eq!(options.value("POSTGRES_DB").as_deref(), Some("mine"));
        let options = options
            .file("/run/secrets/db", "theirs\n", Access::Everybody)
            .variable("POSTGRES_DB_FILE", "/run/secrets/db");
        assert_eq!(options.value("POSTGRES_DB").as_deref(), Some("theirs"));
        assert_eq!(options.value("POSTGRES_USER"), None);
    }

    #[test]
    fn no_password_is_shown() {
        let options = Options::new(18).variable("POSTGRES_PASSWORD", "hunter2");
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
