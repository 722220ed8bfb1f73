//! What a license costs beside the bare signature, in one run: `cargo bench -p rtmx-bench-libraries --bench license`.
//!
//! Ratios are printed, and judged by `cargo xtask bench`, which names a file for them (`RTMX_BENCH_OUT`). They are
//! made from the fastest of many turns taken in alternation: a verification
//! from file beside `verify_strict` of as many bytes, that beside OpenSSL's Ed25519 (the installed
//! program measures itself), and the question that requests ask.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use ed25519_dalek::Signer;
use rtmx_core::{Secret, Timestamp};
use rtmx_license::{
    Checker, DocumentType, Entitlements, Facts, InstallationKey, KeyId, KeyRing, License, Profile,
    SigningKey, Snapshot, Usage, carrier, files, sign, verify,
};
use serde_json::json;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

/// Turns of each side, and calls in a turn.
const TURNS: usize = 60;
const CALLS: u32 = 200;

fn main() {
    let vendor = SigningKey::from_seed(&Secret::new([3; 32]));
    let kid = KeyId::parse("license-1").expect("the name is good");
    let license = license();
    let token = sign(&vendor, &kid, &license).expect("the claims are good");
    let ring = KeyRing::builder("RTMX").trust("license-1", Usage::License, vendor.public().as_bytes());
    let ring = ring.and_then(rtmx_license::KeyRingBuilder::build).expect("the key is good");
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let path = folder.path().join("license");
    std::fs::write(&path, carrier::armoured(&token, DocumentType::License)).expect("the folder is writable");

    // As many bytes as are signed: the payload with its frame.
    let message = vec![b'x'; token.as_str().len() * 3 / 4];
    let bare = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let (public, signature) = (bare.verifying_key(), bare.sign(&message));
    let strict = || black_box(public.verify_strict(black_box(&message), &signature)).is_ok();
    let file = || {
        let bytes = files::read(&path, DocumentType::License.file_limit()).expect("the file is there");
        black_box(verify(&ring, black_box(&bytes))).is_ok()
    };
    let memory = || black_box(verify(&ring, black_box(token.as_str().as_bytes()))).is_ok();
    let begin: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a moment");
    let checker =
        Checker::new(ring.clone(), Profile::rtmx("2026-01-01T00:00:00Z".parse().expect("a moment")));
    let facts = Facts::new(begin, InstallationKey::from_seed(&Secret::new([2; 32])));
    let check =
        || black_box(checker.check(black_box(token.as_str().as_bytes()), &facts)).verdict.is_in_force();
    let issue = || !black_box(sign(&vendor, &kid, black_box(&license))).expect("good").as_str().is_empty();
    let fastest = fastest(&mut [&strict, &file, &memory, &check, &issue]);
    let [strict, file, memory, check, issue] = fastest[..] else { unreachable!("five sides were measured") };

    println!("verify_strict alone, {} bytes    {strict:>8.2} us", message.len());
    println!("a token to a verified license    {memory:>8.2} us  {:.2} of it", memory / strict);
    println!("a file to a verified license     {file:>8.2} us  {:.2} of it", file / strict);
    println!("a whole check                    {check:>8.2} us  {:.2} of it", check / strict);
    println!("issuing a license                {issue:>8.2} us  {:.0} a second", 1e6 / issue);
    let mut beside =
        vec![json!({ "work": "license from file", "ours_ms": file / 1e3, "raw_ms": strict / 1e3 })];
    let openssl = openssl();
    if let Some(openssl) = openssl {
        let part = memory / openssl;
        println!("OpenSSL's Ed25519 verification   {openssl:>8.2} us  {part:.2} of it is a token");
        beside.push(
            json!({ "work": "license beside OpenSSL", "ours_ms": memory / 1e3, "raw_ms": openssl / 1e3 }),
        );
    }
    let left_out = openssl.is_none().then_some("`openssl speed` does not answer here");
    left_out.iter().for_each(|reason| println!("left out: {reason}"));
    let asked = entitled(checker.check(token.as_str().as_bytes(), &facts).entitlements);
    println!("entitled(\"sso_enabled\")         {asked:>9.1} ns");
    if let Ok(out) = std::env::var("RTMX_BENCH_OUT") {
        let figures = json!({ "beside": beside, "entitled_ns": asked, "left_out": left_out });
        std::fs::write(&out, figures.to_string()).expect("the file can be written");
    }
}

fn license() -> License {
    let at = |text: &str| text.parse().expect("a moment");
    let (begin, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let license = License::new("lic_abc123xyz", "Acme Corporation", "RTMX", "enterprise", begin, end);
    let limits = ["max_tenants", "max_users_per_tenant", "max_documents", "max_nodes"];
    let features = ["sso_enabled", "audit_logging", "custom_models", "priority_support"];
    let license = limits.into_iter().fold(license, |license, name| license.with_limit(name, 1000));
    features.into_iter().fold(license, License::with_feature)
}

/// Microseconds a call of each side: the fastest turn, the sides in alternation.
fn fastest(sides: &mut [&dyn Fn() -> bool]) -> Vec<f64> {
    let mut best = vec![Duration::MAX; sides.len()];
    for _ in 0..TURNS {
        for (side, best) in sides.iter().zip(&mut best) {
            let begin = Instant::now();
            for _ in 0..CALLS {
                assert!(side(), "what is measured works");
            }
            *best = begin.elapsed().min(*best);
        }
    }
    best.into_iter().map(|turn| turn.as_secs_f64() * 1e6 / f64::from(CALLS)).collect()
}

/// Microseconds of one verification, by OpenSSL's own measure: the best of five seconds.
fn openssl() -> Option<f64> {
    let speed = || {
        let run = Command::new("openssl").args(["speed", "-seconds", "1", "-mr", "ed25519"]).output().ok()?;
        let text = String::from_utf8(run.stdout).ok()?;
        let line = text.lines().find(|line| line.starts_with("+F6:"))?;
        line.rsplit(':').next()?.trim().parse::<f64>().ok()
    };
    (0..5).filter_map(|_| speed()).max_by(f64::total_cmp).map(|each_second| 1e6 / each_second)
}

/// Nanoseconds of one question: the fastest of many turns.
fn entitled(entitlements: Entitlements) -> f64 {
    const QUESTIONS: u32 = 100_000;
    let snapshot = Snapshot::new(entitlements);
    let turn = || {
        let begin = Instant::now();
        for _ in 0..QUESTIONS {
            black_box(snapshot.entitled(black_box("sso_enabled")));
        }
        begin.elapsed().as_secs_f64() * 1e9 / f64::from(QUESTIONS)
    };
    (0..TURNS).map(|_| turn()).fold(f64::INFINITY, f64::min)
}
