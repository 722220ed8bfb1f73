//! Fingerprints: what counts as an id, and when a binding fits.

use crate::support::{installation, key, kid, license};
use rtmx_core::{assert_code, license as codes};
use rtmx_license::{Binding, BindingPolicy, Fingerprint, Fit, Kind, Readings, sign};
use std::path::Path;

const MACHINE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn host(id: &str) -> String {
    Fingerprint::derive(Kind::Host, id).unwrap().to_string()
}

#[test]
fn a_fingerprint_is_steady_and_says_its_kind() {
    // The value is a promise: licenses are bound to it.
    assert_eq!(host(MACHINE), "fp1:host:qcvcml3nyfuij4mjrzb44kospzk7plup");
    for spelling in [&format!(" {MACHINE}\n"), &MACHINE.to_uppercase()] {
        assert_eq!(host(spelling), host(MACHINE));
    }
    let cluster = Fingerprint::derive(Kind::Cluster, MACHINE).unwrap();
    assert_ne!(
        cluster.as_str().rsplit(':').next(),
        host(MACHINE).rsplit(':').next(),
        "kinds do not share values"
    );
    assert_eq!(Fingerprint::parse(cluster.as_str()), Some(cluster));
    assert!(!host(MACHINE).contains(MACHINE));
}

#[test]
fn placeholders_are_absent_and_never_hashed() {
    for id in [
        "",
        "  ",
        "\n",
        "uninitialized",
        "unknown",
        "To be filled by O.E.M.",
        "Not Settable",
        "Default string",
        "03000200-0400-0500-0006-000700080009",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "00000000000000000000000000000000",
        "----",
        &"a1".repeat(200),
    ] {
        assert_eq!(Fingerprint::derive(Kind::Host, id), None, "{id:?}");
        let readings = Readings::default().with(Kind::Host, Ok(id));
        assert_eq!((readings.found.len(), readings.absent.len()), (0, 1), "{id:?}");
    }
}

#[test]
fn what_is_no_fingerprint_is_refused_in_a_license() {
    let good = host(MACHINE);
    for text in [
        "hw_fp_123abc",
        "fp1:host:",
        "fp2:host:aaaa",
        "fp1:mac:aaaabbbbccccddddeeeeffffgggghhhh",
        &good.to_uppercase(),
        &format!("{good}a"),
        &good[..good.len() - 1],
        &format!(" {good}"),
    ] {
        assert_eq!(Fingerprint::parse(text), None, "{text}");
        let claims = license().bound_to(BindingPolicy::Any, vec![text.to_owned()]);
        assert_code(sign(&key(3), &kid("license-1"), &claims).unwrap_err(), codes::LICENSE_CLAIMS_INVALID);
    }
    let bad = [
        (BindingPolicy::Any, vec![]),
        (BindingPolicy::All, vec![]),
        (BindingPolicy::Off, vec![good.clone()]),
        (BindingPolicy::Two, vec![good.clone(), host("another")]),
        (BindingPolicy::Any, vec![good.clone(), good.clone()]),
        (BindingPolicy::Any, (0..65).map(|n| host(&format!("machine-{n}"))).collect()),
        (BindingPolicy::Any, (0..10_000).map(|n| host(&format!("machine-{n}"))).collect()),
    ];
    for (policy, components) in bad {
        let claims = license().bound_to(policy, components);
        assert_code(sign(&key(3), &kid("license-1"), &claims).unwrap_err(), codes::LICENSE_CLAIMS_INVALID);
    }
}

#[test]
fn a_policy_says_how_many_kinds_must_match() {
    let place = |installation: bool, cluster: bool, machine: bool| {
        let pick = |same: bool, id: &str| if same { id.to_owned() } else { format!("{id}-changed") };
        Readings::default()
            .with(Kind::Installation, Ok(&pick(installation, "installation")))
            .with(Kind::Cluster, Ok(&pick(cluster, "cluster")))
            .with(Kind::Host, Ok(&pick(machine, "machine")))
    };
    let components = place(true, true, true).components();
    let fit = |policy, readings: &Readings| Binding { policy, components: components.clone() }.fit(readings);
    // how many of three match; any, two, most, all
    let cases = [
        (place(true, true, true), [true, true, true, true]),
        (place(true, true, false), [true, true, true, false]),
        (place(false, true, true), [true, true, true, false]),
        (place(false, false, true), [true, false, false, false]),
        (place(true, false, false), [true, false, false, false]),
        (place(false, false, false), [false, false, false, false]),
    ];
    for (readings, wanted) in cases {
        let policies = [BindingPolicy::Any, BindingPolicy::Two, BindingPolicy::Most, BindingPolicy::All];
        for (policy, wanted) in policies.into_iter().zip(wanted) {
            let wanted = if wanted { Fit::Matches } else { Fit::Mismatch };
            assert_eq!(fit(policy, &readings), wanted, "{policy:?} {readings:?}");
        }
    }
    assert_eq!(fit(BindingPolicy::Any, &Readings::default()), Fit::Unreadable);
    assert_eq!(Binding::OFF.fit(&Readings::default()), Fit::Unbound);
    // One kind alone, absent: all of three cannot match, and that is a mismatch.
    let without_host =
        Readings::default().with(Kind::Installation, Ok("installation")).with(Kind::Host, Err("x"));
    assert_eq!(fit(BindingPolicy::Any, &without_host), Fit::Matches);
    assert_eq!(fit(BindingPolicy::All, &without_host), Fit::Mismatch);
}

#[test]
fn several_machines_are_alternatives_and_count_once() {
    let two = Binding { policy: BindingPolicy::All, components: vec![host("one"), host("two")] };
    assert_eq!(two.fit(&Readings::default().with(Kind::Host, Ok("two"))), Fit::Matches);
    assert_eq!(two.fit(&Readings::default().with(Kind::Host, Ok("three"))), Fit::Mismatch);
    assert_eq!(two.fit(&Readings::default().with(Kind::Cluster, Ok("two"))), Fit::Unreadable);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test makes the files that are read")]
fn the_machine_is_read_from_the_first_file_that_has_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let read = || Readings::default().with_host(folder.path(), None);
    assert_eq!(read().found, []);
    assert!(read().absent[0].why.contains("machine-id"));
    write("sys/class/dmi/id/product_uuid", "To be filled by O.E.M.\n");
    write("etc/machine-id", "uninitialized\n");
    assert_eq!(read().found, [], "two placeholders");
    write("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8052-B4C04F565931\n");
    assert_eq!(read().components(), [host("4c4c4544-0042-3510-8052-b4c04f565931")]);
    write("etc/machine-id", &format!("{MACHINE}\n"));
    assert_eq!(read().components(), [host(MACHINE)]);
    let set = Readings::default().with_host(folder.path(), Some("node-7"));
    assert_eq!(set.components(), [host("node-7")], "what the operator set wins");
    // A file that is a folder, or far too long, is as if it were not there.
    write("etc/machine-id", &"0123456789".repeat(10_000));
    assert_eq!(read().components(), [host("4c4c4544-0042-3510-8052-b4c04f565931")]);
    assert_eq!(Readings::default().with_host(Path::new("/nonexistent"), None).found, []);
}

#[test]
fn an_installation_is_its_key() {
    let (one, two) = (installation(1), installation(2));
    assert_eq!(one.fingerprint().kind(), Kind::Installation);
    assert_ne!(one.fingerprint(), two.fingerprint());
    let readings = Readings::default().with_installation(&one.public());
    let bound = license().bound_to(BindingPolicy::Any, vec![one.fingerprint().to_string()]);
    assert_eq!(bound.binding.fit(&readings), Fit::Matches);
    assert_eq!(bound.binding.fit(&Readings::default().with_installation(&two.public())), Fit::Mismatch);
}
