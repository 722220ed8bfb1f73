//! What is no license, and one that breaks.

use crate::*;

#[test]
fn what_is_no_license_starts_without_one_and_says_why() {
    let vendor = Vendor::new();
    let other = Vendor::new().sign(&acme(200));
    let changed = vendor.sign(&acme(200)).replacen("v4.public.", "v4.public.A", 1);
    // key, what is wrong
    let cases = [
        ("garbage", "malformed"),
        (other.as_str(), "bad_signature"),
        (changed.as_str(), "bad_signature"),
        ("", "unlicensed"),
    ];
    for (key, why) in cases {
        let data = tempfile::tempdir().unwrap();
        let server = start(data.path(), &vendor, &[], &[("RTMX_LICENSE_KEY", key)]);
        let status = status(&server);
        assert_eq!((&status["state"], &status["why"]), (&json!("restricted"), &json!(why)), "{status}");
        assert_eq!(status["entitled_by"], "community");
    }
}

#[test]
fn of_two_good_licenses_the_later_one_is_used_and_the_other_is_named() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let other = |days: i64| {
        let mut claims = acme(300);
        claims.license_id = "lic_other".to_owned();
        let issued = rtmx::core::Timestamp::now().as_second() / 86_400 * 86_400 + days * 86_400;
        claims.issued_at = rtmx::core::Timestamp::from_second(issued).unwrap();
        claims
    };
    // when the other was issued, what is used, what is not
    let rows = [
        (-10, "license.file", "lic_other", "license.key"),
        (-400, "license.key", "lic_abc123xyz", "license.file"),
    ];
    for (days, source, id, left) in rows {
        let data = data.path().join(id);
        std::fs::create_dir(&data).unwrap();
        let file = vendor.file(&data, "other.json", &other(days));
        let set = format!("license.file={}", file.display());
        let mut server = start(&data, &vendor, &[&set], &[("RTMX_LICENSE_KEY", &vendor.sign(&acme(200)))]);
        let shown = status(&server);
        assert_eq!(
            (&shown["source"], &shown["license"]["license_id"]),
            (&json!(source), &json!(id)),
            "{shown}"
        );
        assert_eq!(shown["passed_over"][0]["source"], left, "{shown}");
        assert!(server.terminate().success());
        let log = server.log.iter().fold(server.started.clone(), |log, line| log + "\n" + &line);
        assert!(log.contains(&format!("license: {left} is not used: another license is used")), "{log}");
    }
}

#[test]
fn a_license_that_was_right_stays_when_its_file_breaks_and_after_a_restart() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let mount = tempfile::tempdir().unwrap();
    // As a secret is mounted: the name is a link through a link that moves.
    let put = |version: &str, text: &str| {
        std::fs::create_dir(mount.path().join(version)).unwrap();
        std::fs::write(mount.path().join(version).join("license"), text).unwrap();
        let next = mount.path().join("..next");
        std::os::unix::fs::symlink(version, &next).unwrap();
        std::fs::rename(next, mount.path().join("..data")).unwrap();
    };
    put("1", &vendor.sign(&acme(200)));
    std::os::unix::fs::symlink("..data/license", mount.path().join("license")).unwrap();
    let set = format!("license.file={}", mount.path().join("license").display());
    let mut server = start(data.path(), &vendor, &[&set], &[]);
    assert_eq!(status(&server)["state"], "valid");
    put("2", "v4.public.cut");
    assert!(server.terminate().success());
    let mut server = start(data.path(), &vendor, &[&set], &[]);
    let kept = status(&server);
    assert_eq!((&kept["state"], &kept["source"]), (&json!("valid"), &json!("installed")), "{kept}");
    assert_eq!(kept["passed_over"][0]["source"], "license.file", "{kept}");
    // The next issue of the license takes its place without a restart.
    let mut next = acme(300);
    next.seq += 1;
    put("3", &vendor.sign(&next));
    let deadline = Instant::now() + Duration::from_secs(150);
    while status(&server)["license"]["seq"] != json!(next.seq) {
        assert!(Instant::now() < deadline, "{}", status(&server));
        std::thread::sleep(Duration::from_millis(200));
    }
    // An older issue of it does not come back.
    put("4", &vendor.sign(&acme(200)));
    assert!(server.terminate().success());
    let server = start(data.path(), &vendor, &[&set], &[]);
    assert_eq!(status(&server)["license"]["seq"], json!(next.seq));
}
