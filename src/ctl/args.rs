//! The command line of `rtmxctl`, from which help, manual pages and completions are made.

mod app;
mod config;
mod database;
mod license;
mod matrix;
mod token;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::IpAddr;
use std::path::PathBuf;

pub(super) use app::{AppCommand, RenderArgs, RenderTarget};
pub(super) use config::{ConfigCommand, ReferenceFormat};
pub(super) use database::{BackupCommand, Database, TransferArgs};
pub(super) use license::LicenseCommand;
pub(super) use matrix::{ExportArgs, ImportArgs, Mode};
pub(super) use token::TokenCommand;

const EXAMPLES: &str = "\
Examples:
  rtmxctl deploy                        install RTMX on this machine and start it
  rtmxctl deploy --port 18080           the same on another port
  rtmxctl plan                          what a deployment would change
  rtmxctl status                        how it is doing
  rtmxctl import database.csv           put a matrix into it
  rtmxctl backup create                 back it up while it runs
  rtmxctl remove                        take it away and keep its data
  rtmxctl explain port_in_use           what an error means
";

/// The operator's tool of RTMX: installs it, changes it, looks after it.
#[derive(Debug, Parser)]
#[command(
    name = "rtmxctl",
    version,
    before_help = EXAMPLES,
    after_help = "Topics: `rtmxctl help environment|exit-codes|json|files|offline`",
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(super) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// Print JSON: a line with the format's version, then the result
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Do not ask before changes that can be made good again
    #[arg(long, short = 'y', global = true)]
    pub(super) yes: bool,
    /// The installation
    #[arg(long, global = true, value_name = "NAME", env = "RTMX_NAME", default_value = "rtmx")]
    pub(super) name: String,
    /// The folder that holds the installations [default: found out]
    #[arg(long, global = true, value_name = "DIR", env = "RTMX_HOME")]
    pub(super) home: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Install RTMX, or bring an installation to the given settings
    #[command(before_help = "\
Examples:
  rtmxctl deploy --port 18080
  rtmxctl deploy --listen 0.0.0.0 --set log.level=debug
  rtmxctl deploy --set-file auth.admin_token=/run/secrets/token
  rtmxctl deploy --plan reviewed.json
")]
    Deploy(DeployArgs),
    /// Show what a deployment would change, and what stops serving; exit 3 if there is something
    #[command(before_help = "\
Examples:
  rtmxctl plan --port 18081
  rtmxctl plan --out reviewed.json
")]
    Plan {
        /// What should be the case
        #[command(flatten)]
        wanted: Wanted,
        /// Also write the plan into this file, for `deploy --plan`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write the files of a target, for review or for a repository
    #[command(before_help = "\
Examples:
  rtmxctl render --target compose --to rtmx
  rtmxctl render --target compose --env dev --to rtmx-dev
  rtmxctl render --target compose --app apps/hyyve.yaml --size medium --set api.replicas=4 --to hyyve
")]
    Render(RenderArgs),
    /// Show how an installation is doing, part by part
    Status,
    /// Show the server's output
    #[command(before_help = "Examples:\n  rtmxctl logs -n 20\n  rtmxctl logs --follow\n")]
    Logs {
        /// How many of the last lines
        #[arg(short = 'n', long, default_value_t = 100)]
        lines: usize,
        /// Go on with new lines until interrupted
        #[arg(short, long)]
        follow: bool,
    },
    /// Show what was done to an installation, the newest first
    History {
        /// How many entries
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: usize,
    },
    /// Take an installation away; its data is kept unless purged
    #[command(before_help = "Examples:\n  rtmxctl remove\n  rtmxctl remove --purge --confirm rtmx\n")]
    Remove {
        /// Also delete data, configuration, logs and history, for ever
        #[arg(long)]
        purge: bool,
        /// The installation's name, to confirm a purge
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Make, list and revoke access tokens
    #[command(
        before_help = "\
Examples:
  rtmxctl token create ci --role editor --project default
  rtmxctl token reset
",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    Token {
        /// What to do with tokens.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Show, verify, install and remove the license
    #[command(
        before_help = "\
Examples:
  rtmxctl license inspect
  rtmxctl license verify rtmx.license
  rtmxctl license activate rtmx.license
  rtmxctl license request --to request.txt
",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    License {
        /// What to do with licenses.
        #[command(subcommand)]
        command: LicenseCommand,
    },
    /// Show, check, describe and compare configurations
    #[command(
        before_help = "\
Examples:
  rtmxctl config show --origin
  rtmxctl config check rtmx.toml --env-file server.env
  rtmxctl config template > rtmx.toml
  rtmxctl config diff old.schema.json
",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    Config {
        /// What to do with the configuration.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Import matrices (CSV) and requirement documents (Markdown) into a project
    #[command(before_help = "\
Examples:
  rtmxctl import rtm/database.csv
  rtmxctl import matrix.csv --mode replace --dry-run
  rtmxctl import REQ-A-1.md --status
  rtmxctl import rtm/database.csv rtm/requirements/*.md --keep-rows
")]
    Import(ImportArgs),
    /// Export a project's matrix (CSV), or a requirement as a document (Markdown)
    #[command(before_help = "\
Examples:
  rtmxctl export > matrix.csv
  rtmxctl export --to matrix.csv
  rtmxctl export --requirement REQ-A-1 --style headings
")]
    Export(ExportArgs),
    /// Make, list, verify and restore backups
    #[command(
        before_help = "\
Examples:
  rtmxctl backup create
  rtmxctl backup verify monday.archive --prove
  rtmxctl backup restore monday.archive --replace --confirm rtmx
  rtmxctl backup create --url-env DATABASE_URL --to monday.archive
",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    Backup {
        /// What to do with backups.
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// Move a database to another engine or server, verified by its content hash
    #[command(before_help = "\
Examples:
  rtmxctl transfer --from sqlite:/var/lib/rtmx/rtmx.db --to-env DATABASE_URL
  rtmxctl transfer --from-file old-url --to-file new-url
  rtmxctl transfer --from-env DATABASE_URL --to sqlite:rtmx.db

Stop the servers of both first: what is written meanwhile is not moved.
An interrupted transfer goes on when the same command is run again.
")]
    Transfer(TransferArgs),
    /// Check the description of an application
    #[command(
        before_help = "Examples:\n  rtmxctl app check apps/hyyve.yaml\n",
        subcommand_required = true,
        arg_required_else_help = true
    )]
    App {
        /// What to do with descriptions of applications.
        #[command(subcommand)]
        command: AppCommand,
    },
    /// Explain an error code, or list all
    #[command(before_help = "Examples:\n  rtmxctl explain port_in_use\n")]
    Explain {
        /// The code, such as `port_in_use`
        code: Option<String>,
    },
    /// Show the drivers of this build
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Driver {
        /// What to do with drivers.
        #[command(subcommand)]
        command: DriverCommand,
    },
    /// Print a completion script
    #[command(before_help = "Examples:\n  rtmxctl completions bash > /etc/bash_completion.d/rtmxctl\n")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// The folder
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Show help on a command or a topic
    Help {
        /// A command, or one of `environment`, `exit-codes`, `json`, `files`, `offline`
        what: Vec<String>,
    },
    /// Show the version
    Version,
    /// Keep a server running, in the foreground
    #[command(hide = true)]
    Supervise {
        /// The installation's folder
        dir: PathBuf,
    },
}

/// What should be the case after a deployment.
#[derive(Debug, Clone, Args)]
pub(super) struct Wanted {
    /// Where to deploy to
    #[arg(long, default_value = "local")]
    pub(super) target: String,
    /// The port of the API; metrics follow 1010 above [default: as it is, else 8080]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// The address to listen on; any but loopback needs tokens [default: as it is, else 127.0.0.1]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<IpAddr>,
    /// A setting, such as `log.level=debug`; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// A secret setting whose value is in a file; can be repeated
    #[arg(long = "set-file", value_name = "KEY=FILE")]
    pub(super) set_file: Vec<String>,
    /// A secret setting whose value is in an environment variable; can be repeated
    #[arg(long = "set-env", value_name = "KEY=VARIABLE")]
    pub(super) set_env: Vec<String>,
    /// What keeps the server running [default: the best that there is]
    #[arg(long, value_enum)]
    pub(super) service: Option<Service>,
    /// How long the server may take to become ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) ready_within: u32,
}

/// Options of `deploy`.
#[derive(Debug, Clone, Args)]
pub(super) struct DeployArgs {
    /// What should be the case
    #[command(flatten)]
    pub(super) wanted: Wanted,
    /// Carry out exactly this plan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["port", "listen", "set", "set_file", "set_env", "service"])]
    pub(super) plan: Option<PathBuf>,
    /// Only print the shell commands that a person could run instead
    #[arg(long)]
    pub(super) print_commands: bool,
}

/// What to do with drivers.
#[derive(Debug, Subcommand)]
pub(super) enum DriverCommand {
    /// List the drivers of every family
    List,
}

/// What keeps the server running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Service {
    /// A systemd unit of the machine
    System,
    /// A systemd unit of the user
    User,
    /// RTMX's own supervisor
    Supervisor,
}

/// The word of a value, as it is written on the command line.
pub(super) fn word<V: ValueEnum>(value: &V) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
