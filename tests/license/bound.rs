//! Licenses for one installation, from its request to the license and back, and one for another installation.

use crate::*;
use rtmx_license::BindingPolicy;

#[test]
fn a_new_installation_is_refused_with_a_license_that_is_none() {
    let (vendor, home) = (Vendor::new(), Home::new());
    let stranger = Vendor::new().file(home.folder(), "stranger.json", &acme(200));
    let garbage = home.folder().join("garbage");
    std::fs::write(&garbage, "garbage").unwrap();
    let elsewhere = vec!["fp1:installation:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned()];
    let bound = acme(-1).bound_to(BindingPolicy::Any, elsewhere);
    let over = vendor.file(home.folder(), "over.json", &bound);
    // a license, what is wrong with it
    let rows = [
        (&stranger, license::LICENSE_BAD_SIGNATURE),
        (&garbage, license::LICENSE_MALFORMED),
        (&over, license::LICENSE_EXPIRED),
    ];
    let port = home.port.to_string();
    for (file, code) in rows {
        let set = format!("license.key={}", file.display());
        let ran = tool(&home, &vendor, &["deploy", "--port", &port, "--set-file", &set]);
        assert_eq!(ran.code, 8, "{code}: {}", ran.stderr);
        assert_code(ran.error_code(), code);
        let name = format!("license.file={}", file.display());
        let ran = tool(&home, &vendor, &["deploy", "--port", &port, "--set", &name]);
        assert_eq!(ran.code, 8, "{code}: {}", ran.stderr);
        assert!(!home.root().exists(), "{code}: nothing was installed");
    }

    // A license that ends between the plan and its day is refused when the day comes.
    let good = vendor.file(home.folder(), "good.json", &acme(2));
    let set = format!("license.file={}", good.display());
    let plan = home.folder().join("plan.json");
    let plan = plan.to_str().unwrap();
    let planned = tool(&home, &vendor, &["plan", "--port", &port, "--set", &set, "--out", plan]);
    assert_eq!(planned.code, 3, "{}", planned.stderr);
    let later = (3 * 86_400).to_string();
    let variables = [(TRUSTED, vendor.trusted()), (CLOCK, later)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ran = home.run_in(&["deploy", "--plan", plan], &variables);
    assert_eq!(ran.code, 8, "{}", ran.stderr);
    assert_code(ran.error_code(), license::LICENSE_EXPIRED);
    assert!(!home.root().exists(), "nothing was installed");
}

#[test]
fn a_license_is_asked_for_issued_for_one_installation_and_used_there() {
    let (vendor, home) = (Vendor::new(), Home::new());
    home.deploy(&[]);
    let identity = home.json(&["license", "fingerprint"]);
    let absent = identity["absent"].as_array().unwrap();
    let cluster =
        absent.iter().find(|one| one["kind"] == "cluster").expect("nobody said which cluster it is");
    assert!(cluster["why"].as_str().unwrap().contains("license.cluster_id"), "{cluster}");
    let own =
        identity["fingerprints"].as_array().unwrap().iter().find_map(|one| {
            one.as_str().filter(|one| one.starts_with("fp1:installation:")).map(str::to_owned)
        });
    let own = own.expect("an installation has a key of its own");
    let file = home.folder().join("request.txt");
    home.result(&["license", "request", "--to", file.to_str().unwrap()]);
    let text = std::fs::read(&file).unwrap();
    let request: rtmx_license::Verified<rtmx_license::ActivationRequest> =
        rtmx_license::open(&rtmx_license::KeyRing::vendor().unwrap(), &text).expect("it signed it itself");
    assert_eq!(request.installation_id.to_string(), identity["installation_id"].as_str().unwrap());
    assert!(request.components.contains(&own));

    // The vendor's own program binds a license to it.
    let issued = vendor.issue(&file, home.folder());
    // What is deployed trusts the vendor of the source: an installation goes on with what it cannot use, and
    // says so.
    let set = format!("license.file={}", issued.display());
    let ran = home.run_plainly(&home.with_port(&["deploy", "--set", &set]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("Until then the community limits hold."), "{}", ran.stderr);
    let refused = home.run(&["license", "activate", issued.to_str().unwrap()]);
    assert_eq!(refused.code, 8, "{}", refused.stderr);
    assert_code(refused.error_code(), license::LICENSE_UNKNOWN_KEY);
    // A debug build also trusts whom its environment names.
    trust_in(&home, &vendor);
    let shown = home.json(&["license", "inspect"]);
    assert_eq!((&shown["state"], &shown["entitled_by"]), (&json!("valid"), &json!("license")), "{shown}");
    let page = home.ask("GET /license HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert!(page.contains("Acme Corporation") && page.contains("valid"), "{page}");
    let activated = home.result(&["license", "activate", issued.to_str().unwrap()]);
    assert_eq!(activated["state"], "valid", "{activated}");

    // It fits nowhere else.
    let data = tempfile::tempdir().unwrap();
    let key = std::fs::read_to_string(&issued).unwrap();
    let variables = [("RTMX_LICENSE_KEY", key.as_str()), ("RTMX_MACHINE_ID", "another machine")];
    let server = start(data.path(), &vendor, &[], &variables);
    let other = status(&server);
    assert_eq!((&other["state"], &other["why"]), (&json!("grace"), &json!("binding_mismatch")), "{other}");
}

/// Makes what is deployed trust a vendor, and starts it again.
fn trust_in(home: &Home, vendor: &Vendor) {
    let file = home.root().join("config/server.env");
    let environment = std::fs::read_to_string(&file).unwrap_or_default();
    let lines = vendor.trusted().trim().replace('\n', ",");
    std::fs::write(&file, format!("{environment}{TRUSTED}={lines}\n")).unwrap();
    let before = home.server_pid();
    home.signal(&before, "KILL");
    home::until("the server is started again", || home.is_ready() && home.server_pid() != before);
}

#[test]
fn a_binding_that_does_not_fit_says_when_its_own_grace_ends() {
    let (vendor, data) = (Vendor::new(), tempfile::tempdir().unwrap());
    let elsewhere = vec!["fp1:installation:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned()];
    let key = vendor.sign(&acme(200).bound_to(BindingPolicy::Any, elsewhere));
    let server = start(data.path(), &vendor, &[], &[("RTMX_LICENSE_KEY", &key)]);
    let status = status(&server);
    assert_eq!((&status["state"], &status["why"]), (&json!("grace"), &json!("binding_mismatch")), "{status}");
    let moment = |name: &str| status[name].as_str().unwrap().parse::<rtmx::core::Timestamp>().unwrap();
    let days = moment("until").duration_since(moment("since")).as_secs() / 86_400;
    assert_eq!(days, 14, "{status}");
    let page = call(&server, Method::GET, "/projects/default", "text/plain", "");
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let day = &status["until"].as_str().unwrap()[..10];
    assert!(page.contains(&format!("Everything goes on until {day};")), "{page}");
    assert_eq!(post(&server, "/api/v1/projects", &json!({"id": "two"})).status, 201, "nothing stops");
}

#[test]
fn a_license_that_is_bound_to_a_cluster_is_used_where_its_id_is_said() {
    let vendor = Vendor::new();
    let id = "6f9f3a1e-1c3b-4a52-9d0b-2f1f6d7e8a90";
    let cluster = rtmx_license::Fingerprint::derive(rtmx_license::Kind::Cluster, id).unwrap().to_string();
    let key = vendor.sign(&acme(200).bound_to(BindingPolicy::All, vec![cluster]));
    for (said, state) in [(Some(id), "valid"), (Some("another"), "grace"), (None, "grace")] {
        let data = tempfile::tempdir().unwrap();
        let mut variables = vec![("RTMX_LICENSE_KEY", key.as_str())];
        variables.extend(said.map(|id| ("RTMX_CLUSTER_ID", id)));
        let server = start(data.path(), &vendor, &[], &variables);
        assert_eq!(status(&server)["state"], state, "{said:?}: {}", status(&server));
    }
}
