//! A service of somebody else that is licensed: `embed-license PUBLIC-KEY FOLDER [LICENSE-FILE]`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use rtmx_core::{Secret, Timestamp};
use rtmx_license::{
    Checker, Community, Enforcement, Entitlement, Facts, InstallationKey, KeyRing, Profile, PublicKey,
    Snapshot, Usage, files,
};
use std::{fs, io::Write};

/// What our licenses sell: reports for everybody, more than three of them for customers.
const SOLD: &[Entitlement] = &[Entitlement {
    name: "max_reports",
    noun: "reports",
    meaning: "reports that are kept",
    enforcement: Enforcement::Enforced,
    community: Community::AtMost { most: 3, unlimited: "unlimited_reports" },
}];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let key = PublicKey::parse(&arguments.next().ok_or("give the vendor's public key")?)?;
    let folder = arguments.next().ok_or("give a folder for what is remembered")?;
    let license = arguments.next().map(|path| files::read(path.as_ref(), 32 * 1024)).transpose()?;
    let (seed_file, memory_file) = (format!("{folder}/installation.key"), format!("{folder}/license-memory"));
    let mut seed = [0; 32]; // A service makes its own once, and keeps it with its data.
    getrandom::fill(&mut seed)?;
    let _ = fs::File::create_new(&seed_file).and_then(|mut file| file.write_all(&seed));
    let seed = fs::read(&seed_file)?.try_into().map_err(|_| "the key is damaged")?;
    let mut facts = Facts::new(Timestamp::now(), InstallationKey::from_seed(&Secret::new(seed)));
    facts.memory.extend(fs::read(&memory_file).ok());
    let ring = KeyRing::builder("Reports").trust("reports-1", Usage::License, key.as_bytes())?.build()?;
    let checker = Checker::new(ring, Profile::new("Reports", "2026-01-01T00:00:00Z".parse()?, SOLD));
    let checked = checker.check(&license.unwrap_or_default(), &facts);
    fs::write(&memory_file, &checked.sealed)?; // Without it there is no grace after the end.
    println!("{:?}; check again in {:?}", checked.verdict.state, checked.recheck_after());
    let allowed = Snapshot::new(checked.entitlements); // Shared with the paths that ask.
    Ok(allowed.require_room("max_reports", 3, 1)?) // A fourth report may be made.
}
