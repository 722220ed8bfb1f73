//! Work of a library beside the same work without it, each measured by a program of `benches/libraries`.

use crate::workspace::Workspace;
use crate::{Result, process};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Some work with the library and without it, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Beside {
    pub(super) work: Work,
    pub(super) ours_ms: f64,
    pub(super) raw_ms: f64,
}

/// What is done with and without a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    /// Beside `COPY` of the same rows into the same tables and indexes.
    #[serde(rename = "import")]
    Import,
    /// Beside the same statements sent by sqlx.
    #[serde(rename = "read of one")]
    Read,
    /// Beside the same statements sent by sqlx.
    #[serde(rename = "read and write of one")]
    Write,
    /// From a file to a verified license, beside one `verify_strict` of as many bytes.
    #[serde(rename = "license from file")]
    LicenseFile,
    /// From a token to a verified license, beside one Ed25519 verification of OpenSSL.
    #[serde(rename = "license beside OpenSSL")]
    LicenseOpenssl,
    /// Files and variables to settings, beside the files read once and parsed by `toml_edit`.
    #[serde(rename = "configuration loaded")]
    ConfigLoad,
}

/// What measures some work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Area {
    Database,
    License,
    Config,
}

impl Work {
    pub(super) const ALL: [Work; 6] =
        [Work::Import, Work::Read, Work::Write, Work::LicenseFile, Work::LicenseOpenssl, Work::ConfigLoad];

    /// The most time that it may take, as a part of the time without the library.
    pub(super) fn wanted(self) -> f64 {
        match self {
            // Half the speed of `COPY`, and four fifths of that of the statements.
            Work::Import => 2.0,
            Work::Read | Work::Write => 1.25,
            Work::LicenseFile => 1.5,
            Work::LicenseOpenssl => 0.5,
            // The files are read twice, and each value gets its place and kind: 8.6 was measured, 2.99 ms
            // beside 0.35, on two cores that others used.
            Work::ConfigLoad => 12.0,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Work::Import => "PostgreSQL driver: import, beside COPY",
            Work::Read => "PostgreSQL driver: read of one, beside its statements",
            Work::Write => "PostgreSQL driver: read and write of one, beside their statements",
            Work::LicenseFile => "license: a file verified, beside verify_strict alone",
            Work::LicenseOpenssl => "license: a token verified, beside OpenSSL's Ed25519 alone",
            Work::ConfigLoad => "configuration: 20 files, 300 variables, beside toml_edit alone",
        }
    }

    pub(super) fn area(self) -> Area {
        match self {
            Work::Import | Work::Read | Work::Write => Area::Database,
            Work::LicenseFile | Work::LicenseOpenssl => Area::License,
            Work::ConfigLoad => Area::Config,
        }
    }
}

/// Runs a program of `benches/libraries`, and reads what it found.
///
/// # Errors
///
/// If it does not compile, or ends with an error.
pub(super) fn run(
    workspace: &Workspace,
    dir: &Path,
    name: &str,
    variables: &[(&str, String)],
) -> Result<Value> {
    let out = dir.join(format!("{name}.json"));
    let mut bench = process::cargo(&workspace.root);
    bench.args(["bench", "--locked", "--package", "rtmx-bench-libraries", "--bench", name]);
    bench.env("RTMX_BENCH_OUT", &out).envs(variables.iter().map(|(name, value)| (name, value)));
    process::quiet(&mut bench)?;
    let text = std::fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| format!("{} is not what a benchmark writes: {error}", out.display()))
}
