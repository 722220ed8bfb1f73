//! What can go wrong between PostgreSQL and this driver, and which stable code each failure gets.
//!
//! One function, [`code_of`], decides by the five characters of SQLSTATE; it is tested as a table.
//! Messages name the database and what was attempted, and PostgreSQL's own words follow as the cause.

use rtmx_core::{Code, Error, storage};

/// What to do where a table or the schema is somebody else's.
const LACKS_A_PRIVILEGE: &str = "Let the schema and its tables belong to the role: the cause names what is refused, and `ALTER ... OWNER TO` or `GRANT` gives it.";

/// What to do where the server takes no writes.
const ONLY_READS: &str = "Let the database be written again, as by `ALTER DATABASE ... RESET default_transaction_read_only`, or list the primary among the hosts; `target_session_attrs=read-write` finds it.";

/// A failure inside the driver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Decided already, with its code.
    #[error(transparent)]
    Decided(#[from] Error),

    /// The database refused, or could not be spoken to.
    #[error("PostgreSQL did not do it")]
    Sqlx(#[from] sqlx::Error),

    /// The time was over.
    #[error("the time was over")]
    Late,

    /// A row holds what this driver never writes.
    #[error("the column `{column}` of a stored {what} cannot be read")]
    Row { what: &'static str, column: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

/// What a refusal may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// A right.
    Right,
    /// A table that is not there, or in a schema that may not be used.
    Table,
}

/// What a standby says to a write, and a server that an operator has frozen.
const READ_ONLY_TRANSACTION: &str = "25006";

/// The result of the driver's own functions.
pub(crate) type Outcome<T> = std::result::Result<T, Fault>;

impl Fault {
    /// The error that crosses the driver's boundary. `place` names the database.
    pub(crate) fn into_error(self, attempted: &str, place: &str) -> Error {
        let message = |code: Code| match code {
            storage::STORAGE_BUSY => format!("could not {attempted} in {place} before the deadline"),
            storage::STORAGE_DENIED => format!("could not {attempted} in {place}: the role may not"),
            _ => format!("could not {attempted} in {place}"),
        };
        match self {
            Fault::Decided(error) => error,
            Fault::Sqlx(source) => {
                let code = code_of(&source);
                let error = Error::new(code, message(code));
                match code {
                    storage::STORAGE_DENIED => error.with_next(LACKS_A_PRIVILEGE),
                    storage::STORAGE_READ_ONLY => error.with_next(ONLY_READS),
                    _ => error,
                }
                .with_source(source)
            }
            Fault::Late => Error::new(storage::STORAGE_BUSY, message(storage::STORAGE_BUSY)),
            row @ Fault::Row { .. } => {
                Error::new(storage::STORAGE_CORRUPT, message(storage::STORAGE_CORRUPT)).with_source(row)
            }
        }
    }

    /// Whether the connection is of no more use, and what it did last not known.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Fault::Decided(_) | Fault::Row { .. } => false,
            Fault::Late => true,
            Fault::Sqlx(error) => match sqlstate(error) {
                Some(state) => ends_the_session(&state),
                None => true,
            },
        }
    }

    /// Whether the same work may go well in a moment, on another connection if need be.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Fault::Decided(error) => error.code() == storage::STORAGE_UNAVAILABLE,
            Fault::Row { .. } | Fault::Late => false,
            Fault::Sqlx(error) => match sqlstate(error) {
                // Serialization failure and deadlock: the transaction was rolled back, another may pass.
                Some(state) => ends_the_session(&state) || state == "40001" || state == "40P01",
                None => !matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)),
            },
        }
    }

    /// Whether the server is one that only reads.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Fault::Sqlx(error) if sqlstate(error).as_deref() == Some(READ_ONLY_TRANSACTION))
    }

    /// What is lacking, if the server said so.
    pub(crate) fn lack(&self) -> Option<Lack> {
        let Fault::Sqlx(error) = self else { return None };
        match sqlstate(error)?.as_str() {
            "42501" => Some(Lack::Right),
            "42P01" | "3F000" => Some(Lack::Table),
            _ => None,
        }
    }

    /// The server says nothing, where it would answer at once.
    pub(crate) fn silent() -> Fault {
        let silence = std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer");
        Fault::Sqlx(sqlx::Error::Io(silence))
    }

    /// Whether a constraint of this name was broken.
    pub(crate) fn breaks(&self, constraint: &str) -> bool {
        let Fault::Sqlx(error) = self else { return false };
        error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
    }
}

/// The five characters of an error that the server told.
fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// Connection exceptions, an end ordered by the administrator, a start or a stop in progress, a crash
/// of another session, and too many connections.
fn ends_the_session(state: &str) -> bool {
    state.starts_with("08") || matches!(state, "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03")
}

/// The code of an error from sqlx.
pub(crate) fn code_of(error: &sqlx::Error) -> Code {
    match sqlstate(error) {
        Some(state) => code_of_state(&state),
        None => match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => {
                storage::STORAGE_UNAVAILABLE
            }
            _ => storage::INTERNAL,
        },
    }
}

/// Source: PostgreSQL manual, appendix "PostgreSQL Error Codes".
fn code_of_state(state: &str) -> Code {
    match state {
        _ if ends_the_session(state) => storage::STORAGE_UNAVAILABLE,
        "53100" => storage::STORAGE_FULL,
        "53200" | "53400" | "40001" | "40P01" => storage::STORAGE_UNAVAILABLE,
        READ_ONLY_TRANSACTION => storage::STORAGE_READ_ONLY,
        "42501" => storage::STORAGE_DENIED,
        // Undefined table and invalid schema name: what the migrations made is not there.
        "42P01" | "3F000" => storage::SCHEMA_BEHIND,
        "57014" | "55P03" => storage::STORAGE_BUSY,
        "XX001" | "XX002" => storage::STORAGE_CORRUPT,
        _ if state.starts_with("58") => storage::STORAGE_UNAVAILABLE,
        _ => storage::INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_postgresql_has_its_code() {
        let cases = [
            ("53100", storage::STORAGE_FULL),
            ("53200", storage::STORAGE_UNAVAILABLE),
            ("53300", storage::STORAGE_UNAVAILABLE),
            ("57P01", storage::STORAGE_UNAVAILABLE),
            ("57P03", storage::STORAGE_UNAVAILABLE),
            ("08006", storage::STORAGE_UNAVAILABLE),
            ("40001", storage::STORAGE_UNAVAILABLE),
            ("40P01", storage::STORAGE_UNAVAILABLE),
            ("58030", storage::STORAGE_UNAVAILABLE),
            ("25006", storage::STORAGE_READ_ONLY),
            ("42501", storage::STORAGE_DENIED),
            ("42P01", storage::SCHEMA_BEHIND),
            ("3F000", storage::SCHEMA_BEHIND),
            ("57014", storage::STORAGE_BUSY),
            ("55P03", storage::STORAGE_BUSY),
            ("XX001", storage::STORAGE_CORRUPT),
            ("23505", storage::INTERNAL),
            ("42703", storage::INTERNAL),
        ];
        for (state, code) in cases {
            assert_eq!(code_of_state(state), code, "{state}");
        }
    }

    /// An error as the server tells it.
    #[derive(Debug)]
    struct Told(&'static str);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("told")
        }
    }

    impl std::error::Error for Told {}

    impl sqlx::error::DatabaseError for Told {
        fn message(&self) -> &str {
            "told"
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    #[test]
    fn what_is_tried_again_and_on_which_connection() {
        // state, whether it may pass, whether the connection is of no more use, what is lacking
        let cases = [
            ("40001", true, false, None),
            ("40P01", true, false, None),
            ("57P01", true, true, None),
            ("57P03", true, true, None),
            ("08006", true, true, None),
            ("53300", true, true, None),
            ("25P03", true, true, None),
            ("25006", false, false, None),
            ("42501", false, false, Some(Lack::Right)),
            ("42P01", false, false, Some(Lack::Table)),
            ("3F000", false, false, Some(Lack::Table)),
            ("53100", false, false, None),
            ("57014", false, false, None),
            ("23505", false, false, None),
        ];
        for (state, passes, lost, lack) in cases {
            let fault = Fault::Sqlx(sqlx::Error::Database(Box::new(Told(state))));
            assert_eq!((fault.is_passing(), fault.is_lost()), (passes, lost), "{state}");
            assert_eq!(fault.lack(), lack, "{state}");
        }
    }

    #[test]
    fn a_database_that_only_reads_is_told_from_a_folder_that_cannot_be_written() {
        let fault = Fault::Sqlx(sqlx::Error::Database(Box::new(Told(READ_ONLY_TRANSACTION))));
        let error = fault.into_error("apply the change set", "database `rtmx` on `db:5432`");
        assert_eq!(error.code(), storage::STORAGE_READ_ONLY);
        assert!(error.next().contains("default_transaction_read_only"), "{}", error.next());
    }

    #[test]
    fn a_broken_connection_may_pass_and_a_late_one_is_not_used_again() {
        let broken = || Fault::Sqlx(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert!(broken().is_lost() && broken().is_passing());
        assert!(Fault::Late.is_lost() && !Fault::Late.is_passing());
        let error = broken().into_error("apply the change set", "database `rtmx` on `db:5432`");
        assert_eq!(error.code(), storage::STORAGE_UNAVAILABLE);
        assert_eq!(error.message(), "could not apply the change set in database `rtmx` on `db:5432`");
    }
}
