//! The matrix in memory: built once, moved forward, never stale.

use crate::client::{Api, memory};
use async_trait::async_trait;
use rtmx::core::{Applied, ChangeSet, Cx, Head, Result, Space};
use rtmx::storage::{
    ArchiveReport, Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page, Query,
    SchemaState, StorageBackend, StorageCapability,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts how often all requirements are read.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn StorageBackend>,
    full_reads: AtomicUsize,
}

#[async_trait]
impl StorageBackend for Counting {
    fn capability(&self) -> StorageCapability {
        self.inner.capability()
    }
    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.inner.head(cx, space).await
    }
    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        if let Query::Records(records) = query
            && records.kind == rtmx::core::Kind::Requirement
            && records.cursor.is_none()
        {
            self.full_reads.fetch_add(1, Ordering::SeqCst);
        }
        // Gives the others the time to come while this one builds.
        tokio::task::yield_now().await;
        self.inner.fetch(cx, query).await
    }
    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
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
    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
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

#[tokio::test]
async fn requests_at_the_same_time_build_the_index_once_and_writes_only_move_it() {
    let inner = memory().await;
    let counting = Arc::new(Counting { inner, full_reads: AtomicUsize::new(0) });
    let api = Api::over(Arc::clone(&counting) as Arc<dyn StorageBackend>).await;
    let mut file = String::from("req_id,dependencies\n");
    (1..3_000).for_each(|n| file.push_str(&format!("REQ-A-{n},REQ-A-{}\n", n - 1)));
    assert_eq!(api.post("/import").csv(file).await.status, 200);

    let before = counting.full_reads.load(Ordering::SeqCst);
    let answers = futures_util::future::join_all((0..10).map(|_| api.get("/cycles").send())).await;
    assert!(answers.iter().all(|got| got.status == 200));
    assert_eq!(counting.full_reads.load(Ordering::SeqCst) - before, 1);

    for n in 0..5 {
        api.make(json!({"req_id": format!("REQ-B-{n}"), "dependencies": ["REQ-A-1"]})).await;
    }
    let impact = api.get("/impact/REQ-A-1").send().await.json();
    assert_eq!(impact["direct_downstream_count"], 6);
    assert_eq!(counting.full_reads.load(Ordering::SeqCst) - before, 1);
}

#[tokio::test]
async fn what_another_server_writes_is_in_the_next_answer() {
    let backend = memory().await;
    let (left, right) = (Api::over(Arc::clone(&backend)).await, Api::over(backend).await);
    for n in 0..50 {
        let (writer, reader) = if n % 2 == 0 { (&left, &right) } else { (&right, &left) };
        writer.make(json!({"req_id": format!("REQ-A-{n}")})).await;
        assert_eq!(
            reader.get("/layers").send().await.json()["layers"][0].as_array().map(Vec::len),
            Some(n + 1)
        );
    }
}

#[tokio::test]
async fn a_step_of_many_changes_is_taken_whole() {
    for api in [Api::new().await, Api::sqlite().await] {
        api.make(json!({"req_id": "REQ-A-0"})).await;
        assert_eq!(api.get("/layers").send().await.json()["count"], 1);
        let mut file = String::from("req_id,dependencies\n");
        (1..3_000).for_each(|n| file.push_str(&format!("REQ-A-{n},REQ-A-{}\n", n - 1)));
        assert_eq!(api.post("/import").csv(file).await.status, 200);
        assert_eq!(api.get("/layers").send().await.json()["count"], 3_000);
        let page = api.get("/changes?limit=1000").send().await.json();
        assert_eq!((&page["more"], page["changes"].as_array().map(Vec::len)), (&json!(true), Some(1_000)));
        assert_eq!(api.post("/import?mode=replace").csv("req_id,dependencies\nREQ-A-7,\n").await.status, 200);
        assert_eq!(api.get("/layers").send().await.json()["layers"], json!([["REQ-A-7"]]));
    }
}
