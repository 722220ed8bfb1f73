//! No part of a license is anywhere where it is read by others.

use crate::*;

/// So many characters in a row of a license are a part of it.
const WINDOW: usize = 24;

#[test]
fn no_log_page_answer_or_metric_holds_a_part_of_a_license() {
    let vendor = Vendor::new();
    let good = vendor.sign(&acme(200));
    let other = Vendor::new().sign(&acme(200));
    let changed = good.replacen("v4.public.", "v4.public.A", 1);
    let over = vendor.sign(&acme(-200));
    let garbage = "garbage-that-somebody-put-in-the-place-of-a-license";
    // what is configured, and what is brought
    for (key, brought) in [(good.as_str(), &other), (&other, &changed), (&changed, &over), (garbage, &good)] {
        let data = tempfile::tempdir().unwrap();
        let port = format!("metrics.port={}", home::free_port());
        let sets = ["metrics.enabled=true", &port, "log.level=trace"];
        let mut server = start(data.path(), &vendor, &sets, &[("RTMX_LICENSE_KEY", key)]);
        let shown = status(&server).to_string();
        let answer = call(&server, Method::PUT, "/api/v1/license", "text/plain", brought);
        let page = call(&server, Method::GET, "/license", "text/plain", "");
        let text = |reply: &Reply| String::from_utf8_lossy(&reply.body).into_owned();
        let after = status(&server).to_string();
        let mut places = vec![
            ("the status", shown),
            ("the answer", text(&answer)),
            ("the status after", after),
            ("the page", text(&page)),
            ("the metrics", metrics(&server)),
        ];
        assert!(server.terminate().success());
        let log = server.log.iter().fold(server.started.clone(), |log, line| log + "\n" + &line);
        assert!(log.contains("shut down"), "the log is whole");
        places.push(("the log", log));
        for secret in [key, brought] {
            // The prefix is everybody's.
            let secret = secret.trim_start_matches("v4.public.").as_bytes();
            for (place, text) in &places {
                let found =
                    secret.windows(WINDOW).find(|part| text.contains(std::str::from_utf8(part).unwrap()));
                assert!(found.is_none(), "{place} holds a part of a license");
            }
        }
    }
}
