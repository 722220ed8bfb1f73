//! A PostgreSQL for the tests of this driver: one server for each program, a schema for each test.

#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod proxy;

use rtmx_containers::Postgres;
use rtmx_core::{Cx, Registry, Result};
use rtmx_storage::{MigrationPlan, Storage, StorageBackend};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The role that the product is given: it may make a schema of its own, and nothing else.
pub(crate) const ROLE: &str = "rtmx_app";
/// Its password, with everything that a URL has to encode.
pub(crate) const PASSWORD: &str = "p@s:s/w#d% ü";
const PASSWORD_ENCODED: &str = "p%40s%3As%2Fw%23d%25%20%C3%BC";

/// A server with a database and a role as a customer would give them.
pub(crate) struct Server {
    pub(crate) postgres: Postgres,
}

impl Server {
    /// Starts a server of this major version.
    pub(crate) async fn start(version: u16) -> Server {
        Self::prepared(Postgres::start(version).expect("a server starts")).await
    }

    /// Makes the role and the database on a server.
    pub(crate) async fn prepared(postgres: Postgres) -> Server {
        let server = Server { postgres };
        let mut admin = server.admin().await;
        for statement in [
            format!("CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{PASSWORD}'"),
            "CREATE DATABASE rtmx".to_owned(),
            format!("GRANT CREATE ON DATABASE rtmx TO {ROLE}"),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
                .execute(&mut admin)
                .await
                .expect("the superuser may");
        }
        server
    }

    /// The superuser's connection to the database of the product.
    pub(crate) async fn in_database(&self) -> PgConnection {
        self.options().database("rtmx").connect().await.expect("the superuser may connect")
    }

    /// The superuser's connection.
    pub(crate) async fn admin(&self) -> PgConnection {
        self.options().connect().await.expect("the superuser may connect")
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.postgres.port())
            .username(&self.postgres.user())
            .password(&self.postgres.password().unwrap_or_default())
            .database(&self.postgres.database())
    }

    /// The product's URL, as a customer would write it.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.postgres.port())
    }

    /// The product's URL through another port.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("postgres://{ROLE}:{PASSWORD_ENCODED}@127.0.0.1:{port}/rtmx")
    }

    /// Settings for a schema of this name.
    pub(crate) fn settings(&self, schema: &str) -> Value {
        json!({ "url": self.url(), "schema": schema, "connections": 4 })
    }
}

/// A schema's name that no other test of this program has.
pub(crate) fn fresh_schema() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("kit_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Opens the driver.
pub(crate) async fn open(settings: Value) -> Result<Arc<dyn StorageBackend>> {
    let mut drivers = Registry::<Storage>::new();
    rtmx_storage_postgres::register(&mut drivers)?;
    drivers.by_scheme("postgres")?.open(&Cx::new(), settings).await
}

/// Opens the driver and brings the schema forward.
pub(crate) async fn open_ready(settings: Value) -> Arc<dyn StorageBackend> {
    let storage = open(settings).await.expect("it opens");
    storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it migrates");
    storage
}

/// A runtime for a test.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Closes a connection politely.
pub(crate) async fn close(conn: PgConnection) {
    conn.close().await.expect("it closes");
}
