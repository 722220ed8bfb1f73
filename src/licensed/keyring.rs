//! Files of public keys: one key a line, as `keygen` prints it.
//!
//! `USAGE NAME KEY`, with `#` for comments, and for a keyset also `from=`, `until=` and `only=`. The
//! same file is what a product embeds, what a server trusts, and what a keyset is made from.

use rtmx_core::{Error, Result, Timestamp, vendor};
use rtmx_license::{KeyId, KeyRing, KeysetKey, PublicKey, Usage};
use std::path::Path;

const FILE_LIMIT_BYTES: usize = 64 * 1024;

/// The word for a usage in files and on the command line.
pub(super) fn word(usage: Usage) -> &'static str {
    match usage {
        Usage::Root => "root",
        Usage::License => "license",
        Usage::Lease => "lease",
        Usage::Revocation => "revocation",
    }
}

fn usage_of(word_given: &str) -> Option<Usage> {
    [Usage::Root, Usage::License, Usage::Lease, Usage::Revocation]
        .into_iter()
        .find(|it| word(*it) == word_given)
}

/// The keys of a file, in its order.
///
/// # Errors
///
/// `file_unreadable`, `keyring_invalid` with the line.
pub(super) fn read(path: &Path) -> Result<Vec<KeysetKey>> {
    let bytes = super::read_file(path, FILE_LIMIT_BYTES)?;
    let invalid = |line: usize, why: &str| {
        let message = format!("{} line {line}: {why}", path.display());
        Error::new(vendor::KEYRING_INVALID, message)
    };
    let text = String::from_utf8(bytes).map_err(|_| invalid(1, "it is not UTF-8 text"))?;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| parse(line).map_err(|why| invalid(at, &why)))
        .collect()
}

fn parse(line: &str) -> std::result::Result<KeysetKey, String> {
    let mut words = line.split_whitespace();
    let mut next = |what: &str| words.next().ok_or_else(|| format!("{what} is missing"));
    let usage = next("the usage")?;
    let usage = usage_of(usage).ok_or("the usage is not `root`, `license`, `lease` or `revocation`")?;
    let kid = KeyId::parse(next("the name")?).ok_or("the name has not 1 to 64 of a-z 0-9 . _ -")?;
    let key = PublicKey::parse(next("the key")?).map_err(|refusal| refusal.to_string())?;
    let mut key = KeysetKey::new(kid, usage, key);
    for word in words {
        let moment = |text: &str| text.parse::<Timestamp>().map_err(|_| format!("`{text}` is no moment"));
        match word.split_once('=') {
            Some(("from", text)) => key.issues_from = Some(moment(text)?),
            Some(("until", text)) => key.issues_until = Some(moment(text)?),
            Some(("only", hashes)) => {
                let mut hashes: Vec<String> = hashes.split(',').map(str::to_owned).collect();
                hashes.sort();
                key.only = Some(hashes.into_iter().filter(|hash| !hash.is_empty()).collect());
            }
            _ => return Err(format!("`{}` is not `from=`, `until=` or `only=`", super::escaped(word))),
        }
    }
    Ok(key)
}

/// A ring of these keys; of the compiled ones where there is no file.
///
/// # Errors
///
/// `keyring_invalid` for a file, `keyset_invalid`, `license_key_refused`.
pub(super) fn ring(path: Option<&Path>, product: &str, threshold: Option<u64>) -> Result<KeyRing> {
    let Some(path) = path else { return Ok(KeyRing::vendor()?) };
    let keys = read(path)?;
    let roots = keys.iter().filter(|key| key.usage == Usage::Root).count() as u64;
    let mut builder = KeyRing::builder(product).threshold(threshold.unwrap_or(roots.max(1)));
    for key in keys {
        if key.issues_from.is_some() || key.issues_until.is_some() || key.only.is_some() {
            let message =
                format!("`{}` has `from=`, `until=` or `only=`, which count in a keyset only", key.kid);
            return Err(Error::new(vendor::KEYRING_INVALID, message));
        }
        builder = builder.pin(key.kid.as_str(), key.usage, key.key.as_bytes())?;
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn a_line_that_is_not_a_key_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        let key = rtmx_license::SigningKey::from_seed(&rtmx_core::Secret::new([7; 32])).public();
        let good = format!("license license-2027 {key}");
        let cases = [
            (format!("licence a {key}"), "the usage is not"),
            (format!("license A {key}"), "the name has not"),
            ("license a".to_owned(), "the key is missing"),
            ("license a AAAA".to_owned(), "32 bytes"),
            (format!("license a {key} until=noon"), "is no moment"),
            (format!("license a {key} x"), "is not `from=`"),
        ];
        for (line, why) in cases {
            std::fs::write(file.path(), format!("# keys\n\n{good}\n{line}\n")).expect("it is writable");
            let error = read(file.path()).expect_err(&line);
            assert_code(&error, vendor::KEYRING_INVALID);
            assert!(error.message().contains("line 4") && error.message().contains(why), "{error}");
        }
        std::fs::write(file.path(), format!("{good} from=2026-01-01T00:00:00Z\n")).expect("it is writable");
        let keys = read(file.path()).expect("it is right");
        assert_eq!((keys.len(), keys[0].issues_from.is_some()), (1, true));
    }
}
