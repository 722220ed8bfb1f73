//! A backend behind a proxy, and the connection past it by which it is judged.

use crate::flawed::{Flaw, Flawed};
use crate::operation::{Operation, make};
use crate::support::proxy::{Counts, Proxy};
use crate::support::{Server, open, open_ready};
use rtmx_containers::Postgres;
use rtmx_core::{ChangeSetId, Cx, Space};
use rtmx_storage::{MigrationPlan, StorageBackend};
use serde_json::json;
use sqlx::PgConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SCHEMA: &str = "faults";
const OPEN_LIMIT: Duration = Duration::from_secs(60);

/// A server with the schema.
pub(crate) async fn prepared(version: u16) -> Server {
    let postgres = Postgres::options(version).setting("max_connections", "300").start();
    let server = Server::prepared(postgres.expect("a server starts")).await;
    let storage = open_ready(server.settings(SCHEMA)).await;
    storage.close(&Cx::new()).await.expect("it closes");
    server
}

/// A backend, its network, and a view of the truth.
pub(crate) struct Bench {
    pub(crate) proxy: Proxy,
    pub(crate) subject: Arc<dyn StorageBackend>,
    /// Not through the proxy, and the superuser's.
    pub(crate) direct: PgConnection,
    /// What the server calls the subject's connections.
    pub(crate) application: String,
}

impl Bench {
    /// On the database that cells share, each of them in a space of its own.
    pub(crate) async fn open(server: &Server, name: &str) -> Bench {
        Bench::open_in(server, name, SCHEMA).await
    }

    /// On a database that nobody else uses, as the operation is to find it.
    pub(crate) async fn of_its_own(server: &Server, operation: Operation) -> Bench {
        let schema = format!("{SCHEMA}_{}", next());
        if operation != Operation::Migrate {
            let storage = opened(server.settings(&schema)).await;
            let until = Instant::now() + OPEN_LIMIT;
            while let Err(error) = storage.migrate(&Cx::new(), &MigrationPlan::Expand).await {
                assert!(Instant::now() < until, "it does not migrate: {error:?}");
            }
            storage.close(&Cx::new()).await.expect("it closes");
        }
        Bench::open_in(server, &format!("{operation:?}"), &schema).await
    }

    async fn open_in(server: &Server, name: &str, schema: &str) -> Bench {
        let proxy = Proxy::start(server.postgres.port()).await;
        let application = format!("{name} {}", next());
        let settings = json!({
            "url": server.url_at(proxy.port()),
            "schema": schema,
            "connections": 4,
            "application_name": application,
        });
        let subject = opened(settings).await;
        let mut direct = server.in_database().await;
        let path = sqlx::AssertSqlSafe(format!("SET search_path = {schema}, pg_catalog"));
        sqlx::raw_sql(path).execute(&mut direct).await.expect("it is only a setting");
        Bench { proxy, subject, direct, application }
    }

    /// The same with a flaw before the backend.
    pub(crate) fn with_flaw(mut self, flaw: Flaw) -> Bench {
        self.subject = Arc::new(Flawed::new(self.subject, flaw));
        self
    }

    /// The messages of an operation, without a failure and on a connection that has done it before,
    /// unless it can be done only once.
    pub(crate) async fn record(&self, operation: Operation) -> Counts {
        let mut counts = Counts::default();
        for _ in 0..if operation.is_of_the_whole() { 1 } else { 2 } {
            let call = operation.prepare(&*self.subject, &fresh_space()).await;
            self.proxy.plan(None);
            make(self, &call, &Cx::new()).await.expect("the network works");
            counts = self.proxy.counts();
        }
        counts
    }
}

/// Opens a backend. That is not what is tested yet, and a busy machine may be slow to let anybody in.
async fn opened(settings: serde_json::Value) -> Arc<dyn StorageBackend> {
    let until = Instant::now() + OPEN_LIMIT;
    loop {
        match open(settings.clone()).await {
            Ok(backend) => return backend,
            Err(error) => assert!(Instant::now() < until, "it does not open: {error:?}"),
        }
    }
}

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A space that nobody else writes to.
pub(crate) fn fresh_space() -> Space {
    Space::Project(format!("cell-{}", next()))
}

/// An id that this run has not used.
pub(crate) fn new_id() -> ChangeSetId {
    ChangeSetId(uuid::Uuid::from_u64_pair(0x6661_756c_7473, next()))
}
