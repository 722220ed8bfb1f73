//! How many leases a second: printed, because machines differ; held as a ratio, because disks do not
//! get faster by being asked more often.

use crate::customer::Customer;
use crate::server::{Server, nonce};
use rtmx::core::{Cx, Space};
use rtmx::storage::MigrationPlan;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const CUSTOMERS: u32 = 256;
const ASKERS: usize = 64;
/// Many leases must share one change set, or the disk decides how many there are.
const LEAST_SHARED: u64 = 8;

/// Every renewal here changes what it says, so that each one is recorded: the worst case. With
/// `RTMX_LEASES=20000 cargo test --release --test licensed leases_of_many -- --nocapture` it is a
/// measurement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_of_many_installations_share_the_disks_pace() {
    let leases: usize = std::env::var("RTMX_LEASES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let drivers = rtmx::standard_drivers().expect("the names of drivers are unique");
    let driver = drivers.storage.get("sqlite").expect("this build has it");
    let settings = json!({"url": "sqlite:register.db", "base": folder.path()});
    let storage = driver.open(&Cx::new(), settings).await.expect("it can be made");
    storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it is empty");
    let server = Arc::new(Server::over(Arc::clone(&storage), 100_000_000, 100_000_000).await);
    let license = Arc::new(
        server.license(|license| _ = license.limits.insert("max_nodes".to_owned(), 1_000_000)).await,
    );
    let customers: Arc<Vec<Customer>> = Arc::new((0..CUSTOMERS).map(Customer::new).collect());
    for customer in customers.iter().take(ASKERS) {
        server.ask(customer, &license, 1).await.ok();
    }
    // Questions are the customers' work, and are made before the clock runs.
    let questions: Arc<Vec<String>> = Arc::new(
        (0..leases)
            .map(|n| {
                let customer = &customers[n % customers.len()];
                let nodes = 1 + u64::try_from(n / customers.len()).expect("it is small");
                customer.question(&license, nodes, server.now(), nonce()).token().as_str().to_owned()
            })
            .collect(),
    );
    let head = || async { storage.head(&Cx::new(), &Space::Licensing).await.expect("it answers").revision.0 };
    let (before, began, next) = (head().await, Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..ASKERS {
        let (server, questions, next) = (Arc::clone(&server), Arc::clone(&questions), Arc::clone(&next));
        askers.spawn(async move {
            while let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                server.ask_plainly(question).await;
            }
        });
    }
    while let Some(ended) = askers.join_next().await {
        ended.expect("every question is answered");
    }
    let answered = began.elapsed();
    server.server.finish().await;
    let recorded = began.elapsed();
    let sets = head().await - before;
    println!(
        "{leases} leases in {answered:.2?}, recorded in {recorded:.2?}: {:.0} a second; {sets} change sets",
        leases as f64 / recorded.as_secs_f64(),
    );
    assert!(leases as u64 >= LEAST_SHARED * sets, "{leases} leases took {sets} change sets");
    storage.close(&Cx::new()).await.expect("it closes");
}
