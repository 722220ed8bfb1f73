//! The words of `backup` and `transfer`, and how a database is named.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which database, where it is not the installation's.
#[derive(Debug, Clone, Args)]
pub(in crate::ctl) struct Database {
    /// A database instead of the installation: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL", group = "database")]
    pub(in crate::ctl) url: Option<String>,
    /// The same, from an environment variable: for a URL with a password
    #[arg(long, value_name = "VARIABLE", group = "database")]
    pub(in crate::ctl) url_env: Option<String>,
    /// The same, from a file
    #[arg(long, value_name = "FILE", group = "database")]
    pub(in crate::ctl) url_file: Option<PathBuf>,
    /// The schema of that PostgreSQL database that holds the tables [default: rtmx]
    #[arg(long, value_name = "SCHEMA", requires = "database")]
    pub(in crate::ctl) schema: Option<String>,
}

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum BackupCommand {
    /// Back up a database, also while its server runs
    #[command(before_help = "\
Examples:
  rtmxctl backup create
  rtmxctl backup create --to /srv/backups/monday.archive
  rtmxctl backup create --url-env DATABASE_URL --to monday.archive
  rtmxctl backup create --url-env DATABASE_URL --schema tracing --to monday.archive
")]
    Create {
        /// Which database
        #[command(flatten)]
        database: Database,
        /// The new file, or a folder [default: HOME/backups/NAME]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// List the backups of the installation, the newest first
    List,
    /// Check that a backup is whole; exit 7 if it is not
    #[command(before_help = "\
Examples:
  rtmxctl backup verify monday.archive
  rtmxctl backup verify monday.archive --prove
")]
    Verify {
        /// The backup
        file: PathBuf,
        /// Also restore it into a scratch database, and compare the content
        #[arg(long)]
        prove: bool,
        /// Where the scratch database is made and removed again [default: beside the backup]
        #[arg(long, value_name = "DIR", requires = "prove")]
        scratch: Option<PathBuf>,
    },
    /// Restore a backup, whole or not at all
    #[command(before_help = "\
Examples:
  rtmxctl backup restore monday.archive --replace --confirm rtmx
  rtmxctl backup restore monday.archive --url sqlite:/srv/new.db
  rtmxctl backup restore monday.archive --url-env DATABASE_URL
")]
    Restore {
        /// The backup
        file: PathBuf,
        /// Which database
        #[command(flatten)]
        database: Database,
        /// Replace the data that is there, after it was backed up
        #[arg(long)]
        replace: bool,
        /// The installation's name, or that of the file or database, to confirm the replacement
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// Options of `transfer`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("source").required(true)), group(clap::ArgGroup::new("target").required(true)))]
pub(in crate::ctl) struct TransferArgs {
    /// The database to read: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL", group = "source")]
    pub(in crate::ctl) from: Option<String>,
    /// The same, from an environment variable: for a URL with a password
    #[arg(long, value_name = "VARIABLE", group = "source")]
    pub(in crate::ctl) from_env: Option<String>,
    /// The same, from a file
    #[arg(long, value_name = "FILE", group = "source")]
    pub(in crate::ctl) from_file: Option<PathBuf>,
    /// The schema there that holds the tables, in PostgreSQL [default: rtmx]
    #[arg(long, value_name = "SCHEMA")]
    pub(in crate::ctl) from_schema: Option<String>,
    /// The empty database to fill; a SQLite file is made
    #[arg(long, value_name = "URL", group = "target")]
    pub(in crate::ctl) to: Option<String>,
    /// The same, from an environment variable: for a URL with a password
    #[arg(long, value_name = "VARIABLE", group = "target")]
    pub(in crate::ctl) to_env: Option<String>,
    /// The same, from a file
    #[arg(long, value_name = "FILE", group = "target")]
    pub(in crate::ctl) to_file: Option<PathBuf>,
    /// The schema there that the tables go to, in PostgreSQL [default: rtmx]
    #[arg(long, value_name = "SCHEMA")]
    pub(in crate::ctl) to_schema: Option<String>,
    /// The folder for the archive in between, kept until all is done [default: in HOME/transfers]
    #[arg(long, value_name = "DIR")]
    pub(in crate::ctl) work: Option<PathBuf>,
}
