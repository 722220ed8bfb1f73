//! The register behind the license server: shared by two, written by others, and broken.

use crate::customer::Customer;
use crate::http_api::lease_of;
use crate::server::{Server, memory};
use async_trait::async_trait;
use rtmx::core::{
    Applied, ChangeSet, Cx, Error, Head, Result, Space, assert_code, license, server, storage, vendor,
};
use rtmx::license::LeaseStatus;
use rtmx::storage::{
    ArchiveReport, Feed, FeedPosition, LeaseRequest, MigrationPlan, MigrationReport, Page, Query,
    SchemaState, StorageBackend, StorageCapability,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test]
async fn of_two_servers_over_one_register_one_answers() {
    let storage = memory().await;
    let one = Server::over(Arc::clone(&storage), 6_000, 6_000).await;
    let two = Server::over(Arc::clone(&storage), 6_000, 6_000).await;
    one.server.take_turn("one").await;
    two.server.take_turn("two").await;
    let license = one.license(|_| {}).await;
    one.ask(&Customer::new(1), &license, 6).await.ok();
    assert_code(two.ask(&Customer::new(2), &license, 1).await.code(), server::NOT_READY);
    assert_eq!(two.call("GET", "/ready", &[], "").await.json()["status"], "standing_by");
    assert_eq!(one.call("GET", "/ready", &[], "").await.ok().json()["status"], "ready");
    one.server.finish().await;
    one.server.give_turn_back("one").await;
    two.server.take_turn("two").await;
    assert_code(two.ask(&Customer::new(2), &license, 8).await.code(), license::LICENSE_LIMIT_REACHED);
    two.ask(&Customer::new(1), &license, 6).await.ok();
}

#[tokio::test]
async fn what_another_program_writes_counts_soon() {
    let storage = memory().await;
    let server = Server::over(Arc::clone(&storage), 600_000, 600_000).await;
    let license = server.license(|_| {}).await;
    server.ask(&Customer::new(1), &license, 1).await.ok();
    let following = tokio::spawn(server.server.clone().follow());
    let other = Server::over(storage, 6_000, 6_000).await;
    let changes = [
        ("PATCH", "/v1/licenses/acme-1", r#"{"standing": "suspended"}"#.to_owned(), LeaseStatus::Suspended),
        ("PUT", "/v1/revocations", other.list(1, &["acme-1"]), LeaseStatus::Revoked),
    ];
    for (method, path, body, wanted) in changes {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        // Once more if the first came before anybody followed.
        other.staff(method, path, body.clone()).await.ok();
        let mut asked = 0;
        while lease_of(server.ask(&Customer::new(1), &license, 1).await.ok().text()).status != wanted {
            assert!(std::time::Instant::now() < deadline, "{wanted:?} is not known");
            tokio::time::sleep(Duration::from_millis(20)).await;
            asked += 1;
            if asked % 50 == 0 && method == "PATCH" {
                other.staff(method, path, body.clone()).await.ok();
            }
        }
    }
    following.abort();
}

#[tokio::test]
async fn a_register_that_cannot_be_written_stops_new_places_and_no_renewal() {
    let fragile = Arc::new(Fragile { inner: memory().await, broken: AtomicBool::new(false) });
    let server = Server::over(Arc::<Fragile>::clone(&fragile), 6_000, 6_000).await;
    let license = server.license(|_| {}).await;
    server.ask(&Customer::new(1), &license, 1).await.ok();
    fragile.broken.store(true, Ordering::SeqCst);
    let refused = server.ask(&Customer::new(2), &license, 1).await;
    assert_code(refused.code(), rtmx::core::server::NOT_READY);
    assert_eq!(refused.json()["state"], "nothing was recorded");
    // Also one that is worth a line of the audit.
    for nodes in [20, 2] {
        let lease = lease_of(server.ask(&Customer::new(1), &license, nodes).await.ok().text());
        assert_eq!(lease.status, LeaseStatus::Active);
    }
    assert_eq!(server.call("GET", "/ready", &[], "").await.status, 503);
    fragile.broken.store(false, Ordering::SeqCst);
    // What waited is written, and what was refused is not.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while server.call("GET", "/ready", &[], "").await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "the register is not written again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.server.finish().await;
    let after = Server::over(Arc::clone(&fragile.inner), 6_000, 6_000).await;
    let seats = after.staff("GET", "/v1/licenses/acme-1", "").await.ok().json();
    assert_eq!((&seats["nodes"]["used"], seats["seats"].as_array().map(Vec::len)), (&2.into(), Some(1)));
}

#[tokio::test]
async fn a_record_that_is_none_of_ours_is_an_error_and_no_answer() {
    use rtmx::core::{Body, Change, ChangeSetId, Setting, Timestamp};
    let storage = memory().await;
    let mut set =
        ChangeSet::new(ChangeSetId(uuid::Uuid::from_u128(9)), Space::Licensing, "test", Timestamp::now());
    set.changes = vec![Change::create("license/acme-1", Body::Setting(Setting { value: json!({"v": 2}) }))];
    storage.apply(&Cx::new(), &set).await.expect("settings may live in the licensing space");
    let server = Server::over(storage, 600, 600).await;
    assert_code(server.staff("GET", "/v1/licenses/acme-1", "").await.code(), vendor::REGISTER_INVALID);
}

/// A storage whose disk fails on demand.
#[derive(Debug)]
struct Fragile {
    inner: Arc<dyn StorageBackend>,
    broken: AtomicBool,
}

#[async_trait]
impl StorageBackend for Fragile {
    fn capability(&self) -> StorageCapability {
        self.inner.capability()
    }
    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.inner.head(cx, space).await
    }
    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.inner.fetch(cx, query).await
    }
    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::new(storage::STORAGE_FULL, "the disk is full"));
        }
        self.inner.apply(cx, changes).await
    }
    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        self.inner.changes(cx, space, after, limit, wait).await
    }
    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<rtmx::storage::Lease> {
        self.inner.lease(cx, request).await
    }
    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        self.inner.schema(cx).await
    }
    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        self.inner.migrate(cx, plan).await
    }
    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        self.inner.back_up(cx, to).await
    }
    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.inner.restore(cx, from).await
    }
    async fn close(&self, cx: &Cx) -> Result<()> {
        self.inner.close(cx).await
    }
}
