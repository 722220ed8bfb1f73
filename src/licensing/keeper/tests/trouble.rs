//! A storage that refuses, and a check that panics, take nothing away.

use super::*;
use rtmx_core::{Body, Change, ChangeSetId, Setting, assert_code, storage};

const INTERVAL: Duration = Duration::from_secs(3600);

/// A server after a restart on the same shelf, which refuses every write.
async fn restarted_on_a_full_disk(before: Option<&str>, after: Option<&str>) -> (Server, Arc<Shelf>) {
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(INTERVAL), Running::start());
    if let Some(license) = before {
        let mut first = [Server::on(&shelf, &mode, &clock, Some(license))];
        run(&mut first, Duration::from_secs(40)).await;
        assert_eq!(first[0].state(), "valid");
    }
    shelf.refuses.store(true, SeqCst);
    let mut server = Server::on(&shelf, &mode, &clock, after);
    server.keeper.turn().await;
    (server, shelf)
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_takes_no_license_away_at_a_restart() {
    let license = text(&claims());
    // a license before, and in the configuration afterwards
    for (before, after) in [(Some(&license), Some(&license)), (Some(&license), None), (None, Some(&license))]
    {
        let (server, _) =
            restarted_on_a_full_disk(before.map(String::as_str), after.map(String::as_str)).await;
        assert_eq!(server.state(), "valid", "{} {}", before.is_some(), after.is_some());
        let allowed = server.app.licensing.entitlements();
        assert_eq!(allowed.limit("max_tenants"), rtmx_license::Limit::AtMost(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_installation_key_takes_no_license_away_and_is_never_told() {
    let license = text(&claims());
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(INTERVAL), Running::start());
    let id = "license/installation-key";
    let body = Body::Setting(Setting { value: serde_json::json!({ "seed": "no key" }) });
    let mut set = ChangeSet::new(ChangeSetId(uuid::Uuid::nil()), Space::System, "test", clock.now());
    set.changes = vec![Change::create(id, body)];
    shelf.apply(&Cx::new(), &set).await.unwrap();

    let mut server = [Server::on(&shelf, &mode, &clock, Some(&license))];
    run(&mut server, Duration::from_secs(120)).await;
    assert_eq!(server[0].state(), "valid");
    assert_eq!(mode.asked.load(SeqCst), 0, "a key that was made up asks nobody");
    assert_code(server[0].keeper.identity().await.unwrap_err(), storage::STORAGE_CORRUPT);
    assert_code(server[0].keeper.request().await.unwrap_err(), storage::STORAGE_CORRUPT);
    let stored = crate::licensing::store::read(&server[0].app, &Cx::new()).await.unwrap();
    assert_eq!(stored.memory.len(), 0, "nothing is sealed with it");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_thought_of_is_said_and_the_next_look_comes() {
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(INTERVAL), Running::start());
    let server = Server::on(&shelf, &mode, &clock, Some(&text(&claims())));
    mode.panics.store(true, SeqCst);
    let (lines, _guard) = super::lines::counted();
    let keeping = tokio::spawn(crate::licensing::keep(server.app.clone()));
    let mut waited = 0;
    while server.state() == "unknown" {
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += 1;
        assert!(waited < 200, "nobody looks any more");
    }
    assert_eq!(server.state(), "valid");
    assert!(waited >= 59, "after a pause: {waited} s");
    assert_eq!(lines.load(SeqCst), 1, "one line, as an error");
    server.app.start_draining();
    tokio::time::timeout(Duration::from_secs(60), keeping).await.unwrap().unwrap();
}
