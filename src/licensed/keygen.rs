//! `keygen`: makes a key pair.

use super::args::{KeygenArgs, UsageWord};
use super::keyfile::{self, HeldKey, Protection};
use super::{keyring, passphrase};
use crate::ctl::output::{Outcome, Output};
use rtmx_core::{Error, tool, vendor};
use rtmx_license::{KeyId, Usage};
use serde_json::json;

impl From<UsageWord> for Usage {
    fn from(word: UsageWord) -> Usage {
        match word {
            UsageWord::License => Usage::License,
            UsageWord::Lease => Usage::Lease,
            UsageWord::Revocation => Usage::Revocation,
            UsageWord::Root => Usage::Root,
        }
    }
}

pub(super) fn run(args: &KeygenArgs, out: &Output) -> Outcome {
    let kid = KeyId::parse(&args.kid)
        .ok_or_else(|| Error::new(tool::USAGE, "`--kid` takes 1 to 64 of a-z 0-9 . _ -"))?;
    if args.unencrypted != args.whoever_reads_this_file_may_sign_in_our_name {
        let message = "a key without encryption is made only with `--unencrypted --whoever-reads-this-file-may-sign-in-our-name`";
        return Err(Error::new(tool::USAGE, message).with_state("no key was made").into());
    }
    // Before somebody thinks of a passphrase.
    if args.out.symlink_metadata().is_ok() {
        let message = format!("could not write the key to {}: a file is there", args.out.display());
        return Err(Error::new(vendor::KEY_FILE_EXISTS, message)
            .with_state("the file was not touched")
            .into());
    }
    let protection = match args.unencrypted {
        true => Protection::None,
        false => Protection::Passphrase(passphrase::choose(&args.passphrase)?),
    };
    let held = HeldKey::generate(kid, args.usage.into());
    keyfile::create(&args.out, &held, &protection)?;
    let line = held.public_line();
    out.note(format!(
        "made {}; its public key, for the file of public keys and to be embedded:",
        args.out.display()
    ));
    out.line(&line);
    out.object(&json!({
        "type": "keygen", "kid": held.kid, "usage": keyring::word(held.usage), "file": args.out,
        "public": held.key.public().to_string(), "line": line, "encrypted": !args.unencrypted,
    }));
    Ok(0)
}
