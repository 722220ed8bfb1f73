//! `rtmx-licensed`: what the vendor makes keys and licenses with, and the license server.
//!
//! The decision to know: private keys are opened by one command for one signature, and only the lease
//! key ever is where a network is. What was issued is recorded in a register on the product's own
//! storage drivers; the server has such a register too, and is given signed documents, never keys.

mod args;
mod claims;
mod inspect;
mod issue;
mod keyfile;
mod keygen;
mod keyring;
mod keyset;
mod passphrase;
mod register;
mod revoke;
mod server;

pub use register::{
    Activation, AuditEntry, Issued, LicenseRecord, Register, RevocationRecord, Standing, StoredKeyset,
};
pub use server::{LicenseServer, LicenseServerParts, Limits, Vendor, router};

use crate::ctl::output::{Failure, Outcome, Output};
use crate::standard_drivers;
use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use rtmx_core::{Error, Result, storage, tool};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

/// Runs `rtmx-licensed` and returns its exit code.
pub fn main() -> ExitCode {
    // Whatever this process makes is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, words.iter().any(|word| word == "--json")),
    };
    let out = Output::new(cli.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&cli, &out)),
        Err(source) => {
            Err(Error::new(storage::INTERNAL, "could not start the runtime").with_source(source).into())
        }
    };
    match outcome.and_then(|code| Ok(out.finish().map(|()| code)?)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.error.code().entry().exit)
        }
    }
}

async fn run(cli: &Cli, out: &Output) -> Outcome {
    let drivers = standard_drivers()?;
    match &cli.command {
        Command::Keygen(args) => keygen::run(args, out),
        Command::Issue(args) => issue::run_issue(&drivers, args, out).await,
        Command::Renew(args) => issue::run_renew(&drivers, args, out).await,
        Command::Revoke(args) => revoke::run(&drivers, args, out).await,
        Command::Keyset(args) => keyset::run(args, out),
        Command::Inspect(args) => inspect::run(args, out),
        Command::List { register } => issue::run_list(&drivers, register, out).await,
        Command::Serve(args) => server::run(&drivers, args).await,
    }
}

/// Reports a command line that was not understood; help and version that were asked for are answers.
fn not_understood(error: &clap::Error, json: bool) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || !json {
        // The only other place to tell that this failed is where it failed.
        let _ = error.print();
        return ExitCode::from(if asked { 0 } else { tool::USAGE.entry().exit });
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Output::new(true).failure(&Error::new(tool::USAGE, message).into());
    ExitCode::from(tool::USAGE.entry().exit)
}

impl From<rtmx_license::Refusal> for Failure {
    fn from(refusal: rtmx_license::Refusal) -> Self {
        Error::from(refusal).into()
    }
}

/// Random bytes of the system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A small file, or standard input for `-`.
///
/// # Errors
///
/// `file_unreadable`.
fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let unreadable = |why: String| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", path.display()))
            .with_source(std::io::Error::other(why))
    };
    if path != Path::new("-") {
        return rtmx_license::files::read(path, limit).map_err(|refusal| unreadable(refusal.to_string()));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > limit { Err(unreadable("it is too large".to_owned())) } else { Ok(bytes) }
}

/// Writes a document that is no secret, through a temporary name; to standard output without a path.
///
/// # Errors
///
/// `file_unwritable`.
fn write_document(path: Option<&Path>, text: &str, out: &Output) -> Result<()> {
    let Some(path) = path else {
        // Programs find it in the result.
        if !out.is_json() {
            out.bytes(text.as_bytes());
        }
        return Ok(());
    };
    let mut temporary = path.to_owned();
    temporary.add_extension("new");
    std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path)).map_err(|source| {
        Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", path.display())).with_source(source)
    })
}

/// Text of others, fit for a terminal and a log: nothing in it moves the cursor, turns the direction
/// of reading or cannot be seen.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Fillers are letters that nobody sees.
        let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
        let plain = (' '..='~').contains(&c) || (c.is_alphanumeric() && !filler);
        if plain { shown.push(c) } else { shown.extend(c.escape_unicode()) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_act_on_a_terminal() {
        let cases = [
            ("Acme GmbH & Co.", "Acme GmbH & Co."),
            ("Müller 株式会社", "Müller 株式会社"),
            ("a\nb", "a\\u{a}b"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\u{202e}b\u{200d}\u{9b}", "a\\u{202e}b\\u{200d}\\u{9b}"),
        ];
        for (text, shown) in cases {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
