//! The words of `import` and `export`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `import`.
#[derive(Debug, Clone, Args)]
pub(in crate::ctl) struct ImportArgs {
    /// The files: matrices, and documents that end in `.md`; `-` for a matrix on standard input
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::ctl) files: Vec<PathBuf>,
    /// The project's id
    #[arg(long, default_value = "default")]
    pub(in crate::ctl) project: String,
    /// Whether requirements that a matrix does not have are kept or deleted
    #[arg(long, value_enum, default_value_t = Mode::Merge)]
    pub(in crate::ctl) mode: Mode,
    /// What to do about several rows of one id
    #[arg(long, value_enum, default_value_t = Duplicates::Refuse)]
    pub(in crate::ctl) duplicates: Duplicates,
    /// Also take over the status that a document has
    #[arg(long)]
    pub(in crate::ctl) status: bool,
    /// Keep rows that exist as they are, and take only texts and test links from documents
    #[arg(long, conflicts_with = "status")]
    pub(in crate::ctl) keep_rows: bool,
    /// Let the dependencies that a document has close a cycle
    #[arg(long)]
    pub(in crate::ctl) allow_cycles: bool,
    /// Only report what would change
    #[arg(long)]
    pub(in crate::ctl) dry_run: bool,
}

/// Options of `export`.
#[derive(Debug, Clone, Args)]
pub(in crate::ctl) struct ExportArgs {
    /// The project's id
    #[arg(long, default_value = "default")]
    pub(in crate::ctl) project: String,
    /// The file; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(in crate::ctl) to: PathBuf,
    /// Write this requirement as a document instead of the matrix
    #[arg(long, value_name = "ID")]
    pub(in crate::ctl) requirement: Option<String>,
    /// How the document carries its fields [default: as the stored one, else metadata]
    #[arg(long, value_enum, requires = "requirement")]
    pub(in crate::ctl) style: Option<DocumentStyle>,
}

/// How a document carries its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum DocumentStyle {
    /// In a list under the heading `Metadata`
    Metadata,
    /// In a heading each
    Headings,
}

/// Whether rows that a file does not have are kept or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum Mode {
    /// They are kept
    Merge,
    /// They are deleted
    Replace,
}

/// What to do about several rows of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum Duplicates {
    /// The file is refused
    Refuse,
    /// They become one requirement with several test links
    Merge,
}
