//! The words of `config`.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum ConfigCommand {
    /// Show every setting as it holds, and where it comes from
    ///
    /// Of the installation, if there is one; else of a server that is started here with this
    /// environment. Secrets show as tokens: equal tokens on one machine are equal secrets.
    #[command(before_help = "\
Examples:
  rtmxctl config show
  rtmxctl config show --origin server log.level
  rtmxctl config show --config /etc/rtmx/test.toml
")]
    Show {
        /// Also show what each value replaced
        #[arg(long)]
        origin: bool,
        /// What a server started here with this file has, instead of the installation
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Only these settings or sections
        #[arg(value_name = "KEY|SECTION")]
        keys: Vec<String>,
    },
    /// Check a configuration; unknown settings are errors
    ///
    /// Without a file: of the installation, else of this machine. With files: of these alone, the later
    /// ones winning, and of nothing else on this machine.
    #[command(before_help = "\
Examples:
  rtmxctl config check
  rtmxctl config check rtmx.toml conf.d/*.toml
  rtmxctl config check rtmx.toml --env-file server.env --machine-free
")]
    Check {
        /// TOML files
        files: Vec<PathBuf>,
        /// A file of environment variables, after the others; can be repeated
        #[arg(long, value_name = "FILE")]
        env_file: Vec<PathBuf>,
        /// The files are for another machine: paths in them need not exist here
        #[arg(long)]
        machine_free: bool,
    },
    /// Print every setting with its default, values, variables and meaning
    #[command(before_help = "\
Examples:
  rtmxctl config reference
  rtmxctl config reference --format json-schema > rtmx.schema.json
  rtmxctl config reference --format env > .env
")]
    Reference {
        /// How
        #[arg(long, value_enum, default_value = "markdown")]
        format: ReferenceFormat,
    },
    /// Print a configuration file in which every setting stands commented out
    #[command(before_help = "Examples:\n  rtmxctl config template > rtmx.toml\n")]
    Template,
    /// Compare two versions or files; exit 3 if something needs attention
    ///
    /// Each side is a configuration file (TOML, or variables in a file whose name ends in .env), or the
    /// reference of a version, as `config reference --format json-schema` prints it. Without NEW, OLD is
    /// compared with this version.
    #[command(before_help = "\
Examples:
  rtmxctl config diff old.schema.json
  rtmxctl config diff old.schema.json new.schema.json
  rtmxctl config diff rtmx.toml
  rtmxctl config diff rtmx.toml other.toml
")]
    Diff {
        /// The older side
        old: PathBuf,
        /// The newer side [default: this version]
        new: Option<PathBuf>,
    },
    /// Append the settings that a file does not mention, commented out; nothing in it is changed
    #[command(before_help = "\
Examples:
  rtmxctl config merge rtmx.toml --dry-run
  rtmxctl config merge rtmx.toml --since old.schema.json
  rtmxctl config merge .env
")]
    Merge {
        /// The file: TOML, or variables in a file whose name ends in .env
        file: PathBuf,
        /// Only the settings that the version of this reference did not have
        #[arg(long, value_name = "REFERENCE")]
        since: Option<PathBuf>,
        /// Only print what would be appended
        #[arg(long)]
        dry_run: bool,
    },
}

/// How the reference is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum ReferenceFormat {
    /// Tables for a handbook
    Markdown,
    /// A JSON Schema of the configuration file, for editors and for `config diff`
    JsonSchema,
    /// A commented configuration file
    Toml,
    /// A commented file of environment variables
    Env,
}
