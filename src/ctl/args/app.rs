//! The words of `app` and `render`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What to do with descriptions of applications.
#[derive(Debug, Subcommand)]
pub(in crate::ctl) enum AppCommand {
    /// Check a spec, its lock and its files; every fault with its line
    #[command(
        before_help = "Examples:\n  rtmxctl app check apps/rtmx.yaml\n  rtmxctl app check my.yaml --json\n"
    )]
    Check {
        /// The spec (YAML)
        file: PathBuf,
        /// Its lock [default: NAME.lock beside it]
        #[arg(long, value_name = "FILE")]
        lock: Option<PathBuf>,
    },
    /// Write digests of images into the lock of a spec; those that it has for the same version stay
    #[command(
        before_help = "Examples:\n  rtmxctl app lock apps/rtmx.yaml ghcr.io/iotactical/rtmx:v0.1.0@sha256:0123...\n"
    )]
    Lock {
        /// The spec (YAML)
        file: PathBuf,
        /// An image as the spec names it, with its digest; can be repeated
        #[arg(required = true, value_name = "NAME:TAG@sha256:DIGEST")]
        images: Vec<String>,
    },
    /// Print the JSON Schema of specs
    #[command(before_help = "Examples:\n  rtmxctl app schema > app.schema.json\n")]
    Schema,
}

/// Options of `render`.
#[derive(Debug, Clone, Args)]
pub(in crate::ctl) struct RenderArgs {
    /// For what
    #[arg(long, value_enum)]
    pub(in crate::ctl) target: RenderTarget,
    /// The application's spec [default: RTMX's own]
    #[arg(long, value_name = "FILE")]
    pub(in crate::ctl) app: Option<PathBuf>,
    /// The digests of its images [default: NAME.lock beside the spec]
    #[arg(long, value_name = "FILE", requires = "app")]
    pub(in crate::ctl) lock: Option<PathBuf>,
    /// What the installation is for
    #[arg(long, value_name = "ENV", default_value = "prod")]
    pub(in crate::ctl) env: String,
    /// How large it is [default: as the environment says]
    #[arg(long, value_name = "SIZE")]
    pub(in crate::ctl) size: Option<String>,
    /// A setting, such as `api.replicas=4` or `profiles=postgres,tls`; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::ctl) set: Vec<String>,
    /// The folder; files in it that were not rendered are never replaced
    #[arg(long, value_name = "DIR", visible_alias = "out")]
    pub(in crate::ctl) to: PathBuf,
}

/// What files can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::ctl) enum RenderTarget {
    /// Docker Compose
    Compose,
    /// Kubernetes, as a Helm chart; sizes and environments are values of it
    Helm,
}
