//! The tool: keys, licenses, revocations, keysets, and what it refuses.

use crate::customer::Customer;
use crate::vendor_tool::{Vendor, ring_of};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rtmx::core::{Timestamp, assert_code, license, tool, vendor};
use rtmx::license::{
    ActivationPurpose, BindingPolicy, Reach, RevocationList, Verified, newer_revocations, open, verify,
};
use std::os::unix::fs::PermissionsExt;

const FORMS: [&str; 3] = ["bare", "armoured", "document"];
const REGISTER: [&str; 2] = ["--register", "sqlite:licenses.db"];
const PASS: [&str; 2] = ["--passphrase-file", "passphrase"];

#[test]
fn a_license_is_issued_inspected_and_verified_in_every_form() {
    let vendor = Vendor::new();
    let line = vendor.keygen("license", "license-1");
    let ring = ring_of(&[&line], 1);
    let mode =
        vendor.path("license-1.key").metadata().expect("the key is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "a private key is its owner's alone");
    for form in FORMS {
        let flags = [
            "--form",
            form,
            "--limit",
            "max_nodes=10",
            "--feature",
            "sso_enabled",
            "--mode",
            "online",
            "--grace-days",
            "30",
        ];
        let issued = vendor.issue("license-1", "acme.license", &flags);
        assert_eq!(issued["expires_at"], "2199-04-01T12:00:00Z", "the day ends when it has ended everywhere");
        let verified = verify(&ring, &vendor.read("acme.license")).expect(form);
        assert_eq!(verified.license_id, issued["license_id"].as_str().expect("it has an id"));
        assert_eq!((verified.seq, verified.mode, verified.grace_days), (1, Reach::Online, 30), "{form}");
        assert_eq!((verified.limits["max_nodes"], verified.features["sso_enabled"]), (10, true), "{form}");
        let inspected = vendor.result(&["inspect", "acme.license", "--keys", "keys.txt"]);
        assert_eq!(
            (&inspected["verified"], &inspected["document"]),
            (&true.into(), &"license".into()),
            "{form}"
        );
        assert_eq!(inspected["claims"]["organization"], "Acme GmbH");
        assert_eq!(inspected["hash"], verified.hash().to_string());
        // The embedded keys do not know this one.
        let (code, error) = vendor.refused(&["inspect", "acme.license"]);
        assert_code(code, license::LICENSE_UNKNOWN_KEY);
        assert_eq!((&error["report"]["verified"], &error["exit"]), (&false.into(), &8.into()));
        assert_eq!(error["report"]["claims"]["organization"], "Acme GmbH", "it is shown all the same");
    }
    let listed = vendor.result(&[&["list"][..], &REGISTER].concat());
    assert_eq!(listed["licenses"].as_array().map(Vec::len), Some(FORMS.len()));
    // Without a file, people get it on standard output, and nothing else there.
    let plain = vendor.plainly(&[
        "issue",
        "--key",
        "license-1.key",
        PASS[0],
        PASS[1],
        REGISTER[0],
        REGISTER[1],
        "--organization",
        "Bolt",
        "--edition",
        "team",
        "--expires",
        "2199-01-01",
    ]);
    assert!(
        verify(&ring, plain.stdout.as_bytes()).is_ok() && plain.stderr.contains("until 2199-01-02T12:00:00Z"),
        "{plain:?}"
    );
}

#[test]
fn a_renewal_keeps_the_id_and_raises_the_number() {
    let vendor = Vendor::new();
    let ring = ring_of(&[&vendor.keygen("license", "license-1")], 1);
    vendor.issue(
        "license-1",
        "one.license",
        &["--id", "acme-1", "--limit", "max_nodes=3", "--not-before", "2026-01-01"],
    );
    let renew = |more: &[&str]| {
        let fixed = ["renew", "acme-1", "--key", "license-1.key", "--out", "next.license"];
        vendor.result(&[&fixed[..], &REGISTER, &PASS, more].concat())
    };
    assert_eq!(renew(&["--expires", "2199-06-30"])["seq"], 2);
    assert_eq!(renew(&["--limit", "max_nodes=5"])["seq"], 3);
    let license = verify(&ring, &vendor.read("next.license")).expect("it is signed");
    assert_eq!((license.license_id.as_str(), license.seq, license.limits["max_nodes"]), ("acme-1", 3, 5));
    assert_eq!(license.expires_at.to_string(), "2199-07-01T12:00:00Z", "what nobody changed stays");
    let again = [
        &[
            "issue",
            "--key",
            "license-1.key",
            "--id",
            "acme-1",
            "--organization",
            "A",
            "--edition",
            "team",
            "--expires",
            "2199-01-01",
        ][..],
        &REGISTER,
        &PASS,
    ]
    .concat();
    assert_code(vendor.refused(&again).0, vendor::LICENSE_ISSUED);
    let unknown = [&["renew", "acme-2", "--key", "license-1.key"][..], &REGISTER, &PASS].concat();
    assert_code(vendor.refused(&unknown).0, vendor::LICENSE_UNKNOWN);
}

#[test]
fn an_activation_request_is_verified_and_bound() {
    let vendor = Vendor::new();
    let ring = ring_of(&[&vendor.keygen("license", "license-1")], 1);
    let customer = Customer::new(1);
    let request = customer.request(ActivationPurpose::Activate, "", Timestamp::now());
    vendor.write("acme.request", &request);
    vendor.issue("license-1", "acme.license", &["--request", "acme.request", "--policy", "all"]);
    let license = verify(&ring, &vendor.read("acme.license")).expect("it is signed");
    assert_eq!(
        (license.binding.policy, &license.binding.components),
        (BindingPolicy::All, &customer.components())
    );
    let inspected = vendor.result(&["inspect", "acme.request"]);
    assert_eq!(
        (&inspected["document"], &inspected["verified"]),
        (&"activation_request".into(), &true.into())
    );
    // One bit of the body is enough.
    let mut forged = request.into_bytes();
    forged[60] ^= 1;
    vendor.write("acme.request", forged);
    let arguments = [
        &[
            "issue",
            "--key",
            "license-1.key",
            "--organization",
            "A",
            "--edition",
            "team",
            "--expires",
            "2199-01-01",
            "--request",
            "acme.request",
        ][..],
        &REGISTER,
        &PASS,
    ]
    .concat();
    assert_code(vendor.refused(&arguments).0, license::LICENSE_BAD_SIGNATURE);
}

#[test]
fn every_revocation_is_in_the_next_list_and_its_number_grows() {
    let vendor = Vendor::new();
    let lines = [vendor.keygen("license", "license-1"), vendor.keygen("revocation", "revocation-1")];
    let ring = ring_of(&[&lines[0], &lines[1]], 1);
    for id in ["acme-1", "bolt-1", "cord-1"] {
        vendor.issue("license-1", &format!("{id}.license"), &["--id", id]);
    }
    let licenses = ["acme-1", "bolt-1", "cord-1"]
        .map(|id| verify(&ring, &vendor.read(&format!("{id}.license"))).expect(id));
    let revoke = |what: &[&str]| {
        let fixed = ["revoke", "--key", "revocation-1.key", "--out", "list"];
        [&fixed[..], &REGISTER, &PASS, what]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let list = |what: &[&str]| -> Verified<RevocationList> {
        let arguments = revoke(what);
        vendor.result(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        open(&ring, &vendor.read("list")).expect("it is signed")
    };
    let first = list(&["acme-1", "--reason", "unpaid"]);
    assert_eq!(
        (first.seq, licenses.each_ref().map(|license| first.revokes(license))),
        (1, [true, false, false])
    );
    let hash = licenses[1].hash().to_string();
    let second = list(&["--token-hash", &hash]);
    assert_eq!(
        (second.seq, licenses.each_ref().map(|license| second.revokes(license))),
        (2, [true, true, false])
    );
    let third = list(&["--below", "cord-1=2"]);
    assert_eq!(
        (third.seq, licenses.each_ref().map(|license| third.revokes(license))),
        (3, [true, true, true])
    );
    let fourth = list(&["--refresh", "--next-update-days", "7"]);
    assert_eq!((fourth.seq, &fourth.licenses, &fourth.tokens), (4, &third.licenses, &third.tokens));
    newer_revocations(Some(&third), fourth.clone()).expect("installations take it over");
    newer_revocations(Some(&fourth), third).expect_err("and not back");
    for (what, code) in [
        (&["acme-7"][..], vendor::LICENSE_UNKNOWN),
        (&[][..], tool::USAGE),
        (&["--token-hash", "ABC"][..], tool::USAGE),
    ] {
        let arguments = revoke(what);
        assert_code(vendor.refused(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).0, code);
    }
}

#[test]
fn installations_move_to_the_next_keys_and_accept_both() {
    let vendor = Vendor::new();
    let [root_a, root_b, license_1] = [("root", "root-a"), ("root", "root-b"), ("license", "license-1")]
        .map(|(usage, kid)| vendor.keygen(usage, kid));
    let embedded = ring_of(&[&root_a, &root_b, &license_1], 2);
    vendor.write("current.txt", vendor.read("keys.txt"));
    vendor.issue("license-1", "old.license", &[]);
    let [root_c, license_2] =
        [("root", "root-c"), ("license", "license-2")].map(|(usage, kid)| vendor.keygen(usage, kid));
    vendor.issue("license-2", "new.license", &[]);
    verify(&embedded, &vendor.read("new.license")).expect_err("the new key is not known yet");
    // root-b leaves, root-c comes; the license key in use stays for a while.
    vendor.write("next.txt", format!("# from now on\n{root_a}\n{root_c}\n{license_1}\n{license_2}\n"));
    let make = [
        "keyset",
        "--keys",
        "next.txt",
        "--version",
        "2",
        "--threshold",
        "2",
        "--expires",
        "2199-12-30",
        "--out",
        "k2",
    ];
    let with = |more: &[&'static str]| [&make[..], &PASS, more].concat();
    let current = ["--current", "current.txt"];
    let few = with(&["--sign", "root-a.key", "--sign", "root-b.key", current[0], current[1]]);
    assert_code(vendor.refused(&few).0, license::KEYSET_SIGNATURES);
    assert!(!vendor.path("k2").exists(), "nothing is written that nobody would accept");
    // In two sittings: two sign here, the third elsewhere.
    vendor.result(&with(&["--sign", "root-a.key", "--sign", "root-c.key"]));
    let second =
        [&["keyset", "--document", "k2", "--sign", "root-b.key", "--out", "k2-signed"][..], &PASS, &current]
            .concat();
    let signed = vendor.result(&second);
    assert_eq!((&signed["signatures"], &signed["accepted"]), (&3.into(), &true.into()));
    let ring =
        embedded.advance(&[vendor.read("k2-signed")], Timestamp::now()).expect("enough of both sides signed");
    for license in ["old.license", "new.license"] {
        verify(&ring, &vendor.read(license)).expect(license);
    }
    embedded.advance(&[vendor.read("k2")], Timestamp::now()).expect_err("one of the old roots is missing");
    let inspected = vendor.result(&["inspect", "k2-signed", "--keys", "current.txt"]);
    assert_eq!((&inspected["document"], &inspected["claims"]["version"]), (&"keyset".into(), &2.into()));
}

#[test]
fn keys_are_protected_and_made_for_one_purpose() {
    let vendor = Vendor::new();
    vendor.keygen("lease", "lease-1");
    let before = vendor.read("lease-1.key");
    let keygen = ["keygen", "--usage", "license", "--kid", "other", "--out"];
    let run = |out: &str, more: &[&str]| vendor.refused(&[&keygen[..], &[out], more].concat()).0;
    assert_code(run("lease-1.key", &PASS), vendor::KEY_FILE_EXISTS);
    assert_eq!(vendor.read("lease-1.key"), before);
    assert_code(run("x.key", &["--unencrypted"]), tool::USAGE);
    assert_code(run("x.key", &["--passphrase-env", "NO_SUCH_VARIABLE"]), vendor::PASSPHRASE_MISSING);
    vendor.write("short", "elf chars..");
    assert_code(run("x.key", &["--passphrase-file", "short"]), vendor::PASSPHRASE_MISSING);
    assert!(!vendor.path("x.key").exists());
    vendor.write("wrong", "another passphrase");
    let issue = [
        "issue",
        "--key",
        "lease-1.key",
        "--organization",
        "A",
        "--edition",
        "team",
        "--expires",
        "2199-01-01",
    ];
    let wrong = [&issue[..], &REGISTER, &["--passphrase-file", "wrong"]].concat();
    assert_code(vendor.refused(&wrong).0, vendor::PASSPHRASE_WRONG);
    // A stolen lease key makes no licenses, also not with its owner's help.
    assert_code(vendor.refused(&[&issue[..], &REGISTER, &PASS].concat()).0, license::LICENSE_KEY_USAGE);
    vendor.write("lease-1.key", &before[..before.len() / 2]);
    assert_code(vendor.refused(&[&issue[..], &REGISTER, &PASS].concat()).0, vendor::KEY_FILE_INVALID);
    let (code, error) =
        vendor.refused(&[&issue[..], &PASS, &["--register", "postgres://u:hunter2@db/x"]].concat());
    assert_code(code, vendor::KEY_FILE_INVALID);
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn a_private_key_shows_in_no_output_and_in_no_file_but_its_own() {
    let vendor = Vendor::new();
    let made = vendor.result(&[
        "keygen",
        "--usage",
        "license",
        "--kid",
        "plain",
        "--out",
        "plain.key",
        "--unencrypted",
        "--whoever-reads-this-file-may-sign-in-our-name",
    ]);
    vendor.write("keys.txt", made["line"].as_str().expect("it prints the line"));
    let file: serde_json::Value = serde_json::from_slice(&vendor.read("plain.key")).expect("it is JSON");
    let encoded = file["sealed"]["seed"].as_str().expect("it was asked for in clear").to_owned();
    let seed = BASE64_URL_SAFE_NO_PAD.decode(&encoded).expect("it is base64url");
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let (mut outputs, mut succeeded) = (vec![made.to_string()], 0);
    for arguments in [
        [
            &[
                "issue",
                "--key",
                "plain.key",
                "--id",
                "a",
                "--organization",
                "A",
                "--edition",
                "team",
                "--expires",
                "2199-01-01",
                "--out",
                "a",
            ][..],
            &REGISTER,
        ]
        .concat(),
        [&["renew", "a", "--key", "plain.key"][..], &REGISTER].concat(),
        [&["renew", "nobody", "--key", "plain.key"][..], &REGISTER].concat(),
        vec!["inspect", "a", "--keys", "keys.txt"],
        vec!["inspect", "plain.key", "--keys", "keys.txt"],
        vec!["inspect", "a", "--keys", "plain.key"],
        [&["list"][..], &REGISTER].concat(),
        [&["revoke", "a", "--key", "plain.key"][..], &REGISTER].concat(),
    ] {
        for ran in [vendor.run(&arguments), vendor.plainly(&arguments)] {
            succeeded += usize::from(ran.code == 0);
            outputs.push(ran.stdout + &ran.stderr);
        }
    }
    assert_eq!(succeeded, 7, "what opens the key did open it: {outputs:#?}");
    for output in &outputs {
        assert!(!output.contains(&encoded) && !output.contains(&hex), "a private key shows in {output}");
    }
    let mut files = 0;
    for entry in std::fs::read_dir(vendor.folder()).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.file_name().is_some_and(|name| name == "plain.key") || !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).expect("it can be read");
        for needle in [seed.as_slice(), encoded.as_bytes(), hex.as_bytes()] {
            assert!(
                !bytes.windows(needle.len()).any(|part| part == needle),
                "a private key is in {}",
                path.display()
            );
        }
        files += 1;
    }
    assert!(files >= 3, "the register was looked through, too");
}

#[test]
fn what_a_forged_document_says_cannot_act_on_a_terminal() {
    let vendor = Vendor::new();
    vendor.keygen("license", "license-1");
    let payload = "{\"typ\":\"license\",\"v\":1,\"organization\":\"\u{202e}evil\\u001b[2J\\n\u{9b}31m\",\"x\\u0007y\":1}";
    let body = BASE64_URL_SAFE_NO_PAD.encode([payload.as_bytes(), &[0; 64]].concat());
    let footer = BASE64_URL_SAFE_NO_PAD.encode("{\"kid\":\"license-1\"}");
    vendor.write("forged", format!("v4.public.{body}.{footer}"));
    let arguments = ["inspect", "forged", "--keys", "keys.txt"];
    assert_code(vendor.refused(&arguments).0, license::LICENSE_BAD_SIGNATURE);
    let plain = vendor.plainly(&arguments);
    assert_eq!(plain.code, 8);
    assert!(
        plain.stdout.contains("NO: nothing below") && plain.stdout.contains("\\u{202e}evil"),
        "{plain:?}"
    );
    for ran in [plain, vendor.run(&arguments)] {
        let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!(ran.stdout + &ran.stderr).contains(harmful), "something came through");
    }
    for (content, code) in [("", license::LICENSE_EMPTY), ("nonsense", license::LICENSE_MALFORMED)] {
        vendor.write("forged", content);
        assert_code(vendor.refused(&arguments).0, code);
    }
}

#[test]
fn a_register_is_backed_up_and_moved_like_every_database() {
    let vendor = Vendor::new();
    vendor.keygen("license", "license-1");
    vendor.issue("license-1", "acme.license", &["--id", "acme-1"]);
    let moved = std::process::Command::new(env!("CARGO_BIN_EXE_rtmxctl"))
        .args(["--json", "--home"])
        .arg(vendor.path("home"))
        .args(["transfer", "--from", "sqlite:licenses.db", "--to", "sqlite:moved.db"])
        .current_dir(vendor.folder())
        .output()
        .expect("the tool starts");
    assert!(moved.status.success(), "{moved:?}");
    let listed = vendor.result(&["list", "--register", "sqlite:moved.db"]);
    assert_eq!(listed["licenses"][0]["license_id"], "acme-1", "{listed}");
}

#[test]
fn every_command_has_help_with_examples() {
    let vendor = Vendor::new();
    for command in ["keygen", "issue", "renew", "revoke", "keyset", "inspect", "list", "serve"] {
        let help = vendor.plainly(&[command, "--help"]);
        assert!(help.code == 0 && help.stdout.starts_with("Examples:"), "{command}: {help:?}");
    }
    let (code, _) = vendor.refused(&["issue", "--passphrase", "hunter2"]);
    assert_code(code, tool::USAGE);
}
