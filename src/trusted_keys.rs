//! The keys that this build trusts, and when it was made.
//!
//! No setting can name a key, or every customer could issue licenses. A vendor's own build takes the lines
//! that `rtmx-licensed keygen` printed (`RTMX_TRUSTED_KEYS` while it is compiled) in place of the keys in the
//! source; a debug build, which nobody is given, also reads that variable while it runs, so that the tests
//! use the very programs that they test.

use rtmx_core::{Error, Result, license};
use rtmx_license::{Checker, KeyRing, KeyRingBuilder, Profile, PublicKey, Usage};
use serde_json::json;

/// Lines of `USAGE NAME PUBLIC-KEY`, in base64url; a comma ends a line as well.
const COMPILED: Option<&str> = option_env!("RTMX_TRUSTED_KEYS");
/// No clock can be right that says less: when this version was finished.
const FINISHED: &str = "2026-11-22T00:00:00Z";

/// What checks licenses in this build.
///
/// # Errors
///
/// `license_key_refused`, `keyset_invalid` for keys that are none, which is a defect of the build.
pub(crate) fn checker() -> Result<Checker> {
    let running = if cfg!(debug_assertions) { std::env::var("RTMX_TRUSTED_KEYS").ok() } else { None };
    let own = running.or(COMPILED.map(str::to_owned)).filter(|lines| !lines.trim().is_empty());
    let ring = match own {
        Some(lines) => first_keyset(&lines)?,
        None => KeyRing::builder("RTMX").with_vendor_keys()?,
    };
    let finished = FINISHED.parse().expect("it is a time");
    Ok(Checker::new(ring.build()?, Profile::rtmx(finished)))
}

/// The keys of these lines as the first keyset: the next one replaces them, or a key that was stolen would
/// stay. All of its root keys must sign that one.
fn first_keyset(lines: &str) -> Result<KeyRingBuilder> {
    let (mut ring, mut roots) = (KeyRing::builder("RTMX"), 0);
    for line in lines.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty()) {
        let refused = || {
            let message = format!("`{line}` is no line of `rtmx-licensed keygen`");
            Error::new(license::LICENSE_KEY_REFUSED, message)
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let [usage, name, key] = words[..] else { return Err(refused()) };
        let usage: Usage = serde_json::from_value(json!(usage)).map_err(|_| refused())?;
        roots += u64::from(usage == Usage::Root);
        ring = ring.pin(name, usage, PublicKey::parse(key)?.as_bytes())?;
    }
    Ok(ring.threshold(roots.max(1)))
}
