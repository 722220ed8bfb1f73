//! Passphrases: from a file, from a variable, or from the terminal without echo; never from arguments.

use super::args::PassphraseArgs;
use super::{keyfile, keyfile::HeldKey};
use rtmx_core::{Error, Result, Secret, tool, vendor};
use rtmx_license::{DocumentType, Refusal, Usage};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

/// The fewest characters of a new passphrase.
const LEAST_CHARS: usize = 12;
const FILE_LIMIT_BYTES: usize = 4096;

/// Opens a key for a purpose.
///
/// # Errors
///
/// `license_key_usage` for a key with another usage, and what opening meets.
pub(super) fn open_key(path: &Path, args: &PassphraseArgs, document: DocumentType) -> Result<HeldKey> {
    let held = keyfile::open(path, || obtain(args, path))?;
    if Usage::for_document(document) != Some(held.usage) {
        let why = "it was made for another usage";
        return Err(Refusal::KeyUsage { document, kid: held.kid, why }.into());
    }
    Ok(held)
}

/// The passphrase of a key that is there.
fn obtain(args: &PassphraseArgs, key: &Path) -> Result<Secret<String>> {
    match given(args)? {
        Some(passphrase) => Ok(passphrase),
        None => ask(&format!("Passphrase of {}: ", key.display())),
    }
}

/// A passphrase for a new key; on a terminal it is asked for twice.
///
/// # Errors
///
/// `passphrase_missing`, also for one that is too short or was typed in two ways.
pub(super) fn choose(args: &PassphraseArgs) -> Result<Secret<String>> {
    let missing = |why: &str| Error::new(vendor::PASSPHRASE_MISSING, why);
    let chosen = match given(args)? {
        Some(given) => given,
        None => {
            let once = ask("New passphrase: ")?;
            if once.expose() != ask("The same again: ")?.expose() {
                return Err(missing("the two passphrases differ"));
            }
            once
        }
    };
    if chosen.expose().chars().count() < LEAST_CHARS {
        return Err(missing("the passphrase has fewer than 12 characters"));
    }
    Ok(chosen)
}

fn given(args: &PassphraseArgs) -> Result<Option<Secret<String>>> {
    if let Some(file) = &args.passphrase_file {
        let bytes = Secret::new(super::read_file(file, FILE_LIMIT_BYTES)?);
        let text = std::str::from_utf8(bytes.expose()).map_err(|_| {
            Error::new(tool::FILE_UNREADABLE, format!("the passphrase in {} is no text", file.display()))
        })?;
        return Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    let Some(variable) = &args.passphrase_env else { return Ok(None) };
    let value = std::env::var(variable).map(Secret::new).map_err(|_| {
        let message = format!("the variable `{variable}` holds no passphrase");
        Error::new(vendor::PASSPHRASE_MISSING, message)
    })?;
    Ok(Some(value))
}

/// Asks on the terminal of the process, whatever its input is connected to.
fn ask(prompt: &str) -> Result<Secret<String>> {
    let none = |source: std::io::Error| {
        let message = "could not ask for the passphrase: there is no terminal";
        Error::new(vendor::PASSPHRASE_MISSING, message).with_source(source)
    };
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(none)?;
    let before = tcgetattr(&terminal).map_err(|errno| none(errno.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    terminal.write_all(prompt.as_bytes()).map_err(none)?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent).map_err(|errno| none(errno.into()))?;
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line);
    let line = Secret::new(line);
    // Echo comes back before anything can fail.
    let restored = tcsetattr(&terminal, OptionalActions::Flush, &before);
    restored.map_err(|errno| none(errno.into()))?;
    read.map_err(none)?;
    Ok(Secret::new(line.expose().trim_end_matches(['\r', '\n']).to_owned()))
}
