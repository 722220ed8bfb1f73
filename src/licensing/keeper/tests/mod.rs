//! What a keeper does as time goes by, with a vendor, a clock and a storage that can be told to fail.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod asking;
mod lines;
mod trouble;

use crate::http::{App, Clock};
use crate::licensing::{Keeper, Licensing};
use async_trait::async_trait;
use rtmx_config::Settings;
use rtmx_core::{
    Applied, ChangeSet, Cx, Epoch, Error, Head, Result, Secret, Space, Timestamp, storage as codes,
};
use rtmx_license::{
    Checked, Checker, Facts, KeyId, KeyRing, Lease, LeaseStatus, License, LicenseCapability, LicenseMode,
    Nonce, PendingLease, Profile, Reach, Renewed, SigningKey, Usage, lease, open, sign,
};
use rtmx_storage::{
    ArchiveReport, Feed, FeedPosition, LeaseRequest, MemoryBackend, MigrationPlan, MigrationReport, Page,
    Query, SchemaState, StorageBackend, StorageCapability,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::Instant;

const DAY: i64 = 86_400;

/// The wall clock goes with the runtime's.
#[derive(Debug)]
struct Running {
    began: Instant,
    at: Timestamp,
}

impl Running {
    fn start() -> Arc<Running> {
        let at = "2027-02-01T00:00:00Z".parse().unwrap();
        Arc::new(Running { began: Instant::now(), at })
    }
}

impl Clock for Running {
    fn now(&self) -> Timestamp {
        self.at.checked_add(self.began.elapsed()).unwrap()
    }
}

/// A storage that several servers share, and that can refuse to write.
#[derive(Debug)]
struct Shelf {
    inner: MemoryBackend,
    refuses: AtomicBool,
}

impl Shelf {
    async fn new() -> Arc<Shelf> {
        let inner = MemoryBackend::new(|| Epoch(uuid::Uuid::nil()));
        inner.migrate(&Cx::new(), &MigrationPlan::Expand).await.unwrap();
        Arc::new(Shelf { inner, refuses: AtomicBool::new(false) })
    }

    fn writes(&self) -> Result<()> {
        let full = || Error::new(codes::STORAGE_FULL, "could not write: the disk is full");
        if self.refuses.load(SeqCst) { Err(full()) } else { Ok(()) }
    }
}

#[async_trait]
impl StorageBackend for Shelf {
    fn capability(&self) -> StorageCapability {
        let mut capability = self.inner.capability();
        capability.multi_node = true;
        capability
    }
    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.inner.head(cx, space).await
    }
    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.inner.fetch(cx, query).await
    }
    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        self.writes()?;
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
    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<rtmx_storage::Lease> {
        self.writes()?;
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

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

fn kid(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

fn checker() -> Checker {
    let ring = KeyRing::builder("RTMX")
        .trust("license-1", Usage::License, key(1).public().as_bytes())
        .and_then(|ring| ring.trust("lease-1", Usage::Lease, key(2).public().as_bytes()))
        .and_then(rtmx_license::KeyRingBuilder::build);
    Checker::new(ring.unwrap(), Profile::rtmx("2026-06-01T00:00:00Z".parse().unwrap()))
}

fn claims() -> License {
    let (begin, end) = ("2027-01-01T00:00:00Z".parse().unwrap(), "2028-01-01T00:00:00Z".parse().unwrap());
    let license =
        License::new("lic_1", "Acme", "RTMX", "enterprise", begin, end).with_limit("max_tenants", 100);
    License { mode: Reach::Online, ..license }
}

fn text(claims: &License) -> String {
    sign(&key(1), &kid("license-1"), claims).unwrap().as_str().to_owned()
}

/// A mode that asks a license server in this process, which counts.
#[derive(Debug)]
struct Asking {
    checker: Checker,
    asked: AtomicU64,
    gone: AtomicBool,
    panics: AtomicBool,
    interval: Duration,
    /// How many servers it was told of last.
    nodes: AtomicU64,
}

impl Asking {
    fn new(interval: Duration) -> Arc<Asking> {
        let (asked, gone, panics) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Asking { checker: checker(), asked, gone, panics, interval, nodes: AtomicU64::new(0) })
    }
}

#[async_trait]
impl LicenseMode for Asking {
    fn capability(&self) -> LicenseCapability {
        let mut capability = LicenseCapability::NONE;
        capability.renews = true;
        capability
    }

    async fn check(&self, _: &Cx, key: &[u8], facts: &Facts) -> Result<Checked> {
        assert!(!self.panics.swap(false, SeqCst), "nobody thought of this");
        Ok(self.checker.check(key, facts))
    }

    async fn renew(&self, _: &Cx, document: &[u8], facts: &Facts) -> Result<Renewed> {
        let number = self.asked.fetch_add(1, SeqCst);
        self.nodes.store(facts.counts["max_nodes"], SeqCst);
        let random = u64::from_le_bytes(facts.random[16..24].try_into().unwrap());
        if self.gone.load(SeqCst) {
            let again_after = lease::next_retry(10, random, None);
            return Ok(Renewed { sealed: None, outage: Some("nobody answers".to_owned()), again_after });
        }
        let checked = self.checker.check(document, facts);
        let license = checked.license.as_ref().unwrap();
        let nonce = Nonce::from_random([u8::try_from(number % 255).unwrap() + 1; 16]);
        let (now, profile) = (checked.verdict.judged_at, self.checker.profile());
        let (readings, counts) = (&facts.readings, &facts.counts);
        let asks =
            PendingLease::new(&facts.installation, license, profile, "1", now, nonce, readings, counts);
        let asks = asks.unwrap();
        let (second, days) = (now.as_second(), i64::try_from(license.max_offline_days).unwrap());
        let answer = Lease {
            license_id: license.license_id.clone(),
            seq: license.seq,
            installation_id: facts.installation.id().clone(),
            nonce,
            server_time: Timestamp::from_second(second).unwrap(),
            lease_until: Timestamp::from_second(second + days * DAY).unwrap(),
            status: LeaseStatus::Active,
            revocation_seq: 0,
            limits: Default::default(),
        };
        let token = sign(&key(2), &kid("lease-1"), &answer).unwrap();
        asks.accept(&checked.ring, token.as_str().as_bytes()).unwrap();
        let lease = open::<Lease>(&checked.ring, token.as_str().as_bytes()).unwrap();
        let sealed = self.checker.check_with(document, facts, Some((&lease, &token))).sealed;
        let again_after = lease::next_confirmation(self.interval, random);
        Ok(Renewed { sealed: Some(sealed), outage: None, again_after })
    }
}

/// A server on a shelf, which is not started.
struct Server {
    app: App,
    keeper: Keeper,
    _data: tempfile::TempDir,
}

impl Server {
    fn on(shelf: &Arc<Shelf>, mode: &Arc<Asking>, clock: &Arc<Running>, license: Option<&str>) -> Server {
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.data.dir = data.path().to_owned();
        settings.license.key = license.map(|text| Secret::new(text.to_owned()));
        settings.license.revalidate_interval = mode.interval;
        let mode: Arc<dyn LicenseMode> = Arc::<Asking>::clone(mode);
        let licensing = Licensing { mode: Some(mode), ..Licensing::default() };
        let storage: Arc<dyn StorageBackend> = Arc::<Shelf>::clone(shelf);
        let app = App::new(storage, "memory", Arc::new(settings));
        let app = app.with_clock(Arc::<Running>::clone(clock)).with_licensing(licensing);
        let mut keeper = Keeper::of(&app).unwrap();
        keeper.is_server = true;
        Server { app, keeper, _data: data }
    }

    fn state(&self) -> String {
        self.app.licensing.status().state
    }
}

/// A turn's pause, shorter than any lease.
const STEP: Duration = Duration::from_secs(45);

/// Lets servers run for a while; their turns come one after the other.
async fn run(servers: &mut [Server], how_long: Duration) {
    run_by(servers, how_long, STEP).await;
}

/// The same with another pause between their turns.
async fn run_by(servers: &mut [Server], how_long: Duration, step: Duration) {
    let until = Instant::now() + how_long;
    while Instant::now() < until {
        for server in servers.iter_mut() {
            server.keeper.turn().await;
        }
        tokio::time::advance(step).await;
    }
}
