//! One of all servers asks the license server.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn confirmed_at(server: &Server) -> Timestamp {
    server.app.licensing.status().confirmed_at.unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_three_servers_one_asks_the_license_server_at_a_time() {
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(HOUR), Running::start());
    let license = text(&claims());
    let mut servers = [(); 3].map(|()| Server::on(&shelf, &mode, &clock, Some(&license)));
    run(&mut servers, Duration::from_secs(300)).await;
    assert_eq!(mode.asked.load(SeqCst), 1, "a server that is new here learns from the others");
    run(&mut servers, 4 * HOUR).await;
    let asked = mode.asked.load(SeqCst);
    assert!((4..=6).contains(&asked), "{asked} questions in four hours, and one an hour is due");
    assert_eq!(mode.nodes.load(SeqCst), 3, "the license server is told how many there are");
    for server in &servers {
        let ago = server.app.clock.now().duration_since(confirmed_at(server)).as_secs();
        assert!(ago <= 4000, "each server knows of the last answer: {ago} s");
    }

    // A license that is new to all of them is asked about once.
    while servers[0].app.clock.now().duration_since(confirmed_at(&servers[0])).as_secs() < 120 {
        run(&mut servers, STEP).await;
    }
    let before = mode.asked.load(SeqCst);
    let renewed = text(&License { seq: 2, issued_at: "2027-01-15T00:00:00Z".parse().unwrap(), ..claims() });
    let cx = servers[0].app.cx(HOUR);
    crate::licensing::store::install(&servers[0].app, &cx, renewed.as_bytes(), "test").await.unwrap();
    run(&mut servers, Duration::from_secs(120)).await;
    assert_eq!(servers[2].app.licensing.status().license.unwrap().seq, 2);
    assert_eq!(mode.asked.load(SeqCst), before + 1, "each further one would look like a clone");
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_one_server_goes_on_asking_and_another_takes_over_when_it_ends() {
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(HOUR), Running::start());
    let license = text(&claims());
    mode.gone.store(true, SeqCst);
    // Shorter than the lease of the one that asks.
    let step = Duration::from_secs(150);
    let mut alone = [Server::on(&shelf, &mode, &clock, Some(&license))];
    run_by(&mut alone, 8 * HOUR, step).await;
    let by_one = mode.asked.swap(0, SeqCst);
    let mut three = [(); 3].map(|()| Server::on(&shelf, &mode, &clock, Some(&license)));
    run_by(&mut three, 8 * HOUR, step).await;
    let by_three = mode.asked.swap(0, SeqCst);
    assert!(by_three < 2 * by_one, "{by_three} questions of three servers, {by_one} of one");
    assert!(by_three > 3, "they go on asking: {by_three}");
    // Whoever asked is killed; the others find out and ask.
    mode.gone.store(false, SeqCst);
    let mut left: Vec<Server> = three.into_iter().filter(|server| !server.keeper.retries).collect();
    assert_eq!(left.len(), 2, "one of the three asked");
    run(&mut left, Duration::from_secs(600)).await;
    assert!(mode.asked.load(SeqCst) >= 1, "another takes over");
}

#[tokio::test(start_paused = true)]
async fn a_license_is_confirmed_in_half_of_the_time_that_it_may_go_without() {
    // The longest interval that may be set, and a license that goes without for a day.
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(7 * 24 * HOUR), Running::start());
    let license = text(&License { max_offline_days: 1, ..claims() });
    let mut server = [Server::on(&shelf, &mode, &clock, Some(&license))];
    for half_day in 1..=5 {
        run_by(&mut server, 12 * HOUR, Duration::from_secs(600)).await;
        assert_eq!(server[0].state(), "valid", "after {half_day} half days without an outage");
        let status = server[0].app.licensing.status();
        assert!(!status.warnings.iter().any(|text| text.contains("75 %")), "{:?}", status.warnings);
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_share_a_database_are_counted_while_they_live() {
    let (shelf, mode, clock) = (Shelf::new().await, Asking::new(HOUR), Running::start());
    let license = text(&claims());
    let mut servers = Vec::from([(); 3].map(|()| Server::on(&shelf, &mode, &clock, Some(&license))));
    run(&mut servers, Duration::from_secs(60)).await;
    let nodes = |server: &Server| server.app.licensing.known().used.get("max_nodes").copied();
    assert_eq!(servers.iter().map(nodes).collect::<Vec<_>>(), [Some(3), Some(3), Some(3)]);
    // The first two are killed: their leases end by themselves, and the last one moves down.
    servers.drain(..2);
    run(&mut servers, Duration::from_secs(120)).await;
    assert_eq!(nodes(&servers[0]), Some(1));
    let status = servers[0].app.licensing.status();
    let used = |name: &str| status.entitlements.iter().find(|row| row.name == name).unwrap().used;
    assert_eq!((used("max_nodes"), used("max_users_per_tenant")), (Some(1), Some(0)), "both are shown");
    assert_eq!(status.node, Some(1));
}
