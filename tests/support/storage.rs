//! The backend of tests in process: in memory, or a real database where one is asked for.

#![allow(unreachable_pub, reason = "a module of each test binary that uses it")]

#[path = "postgres.rs"]
mod postgres;

use rtmx::core::{Cx, Epoch};
use rtmx::storage::{MemoryBackend, MigrationPlan, StorageBackend};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A backend in memory, or the one that `RTMX_TEST_STORAGE` asks for; migrated, with an epoch of its own.
pub async fn memory() -> Arc<dyn StorageBackend> {
    match std::env::var("RTMX_TEST_STORAGE").as_deref() {
        Err(_) | Ok("memory") => {}
        Ok("sqlite") => return in_a_file().await,
        Ok(asked) => {
            let version = asked.strip_prefix("postgres-").and_then(|version| version.parse().ok());
            let version = version.unwrap_or_else(|| {
                panic!("RTMX_TEST_STORAGE is `{asked}`, and must be such as `postgres-18`")
            });
            return on_postgres(version).await;
        }
    }
    static NEXT: AtomicU64 = AtomicU64::new(0x1234_5678);
    let epoch = || Epoch(uuid::Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 96));
    let backend = MemoryBackend::new(epoch);
    backend.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("an empty database can be migrated");
    Arc::new(backend)
}

/// A file of its own, in a folder that the next program that needs one takes away.
async fn in_a_file() -> Arc<dyn StorageBackend> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = FOLDER.get_or_init(|| {
        let name = concat!(env!("CARGO_CRATE_NAME"), "-on-sqlite");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // There is none the first time.
        let _ = std::fs::remove_dir_all(&folder);
        folder
    });
    let mut settings = rtmx::config::Settings::default();
    settings.data.dir = folder.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    std::fs::create_dir_all(&settings.data.dir).expect("nobody else makes folders there");
    migrated(&settings).await
}

/// A schema of its own on the one server of this program, which the next program that needs one takes away.
async fn on_postgres(version: u16) -> Arc<dyn StorageBackend> {
    static SERVER: OnceLock<postgres::Customer> = OnceLock::new();
    let server = SERVER.get_or_init(|| postgres::Customer::start(version));
    let mut settings = rtmx::config::Settings::default();
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    settings.data.dir = folder.path().to_owned();
    settings.database.url = Some(rtmx::core::Secret::new(server.url()));
    settings.database.schema = Some(postgres::fresh_schema());
    settings.database.connections = Some(6);
    migrated(&settings).await
}

async fn migrated(settings: &rtmx::config::Settings) -> Arc<dyn StorageBackend> {
    let drivers = rtmx::standard_drivers().expect("the names of drivers are unique");
    let opened = rtmx::http::open_storage(settings, &drivers).await.expect("the database can be opened");
    let migrated = opened.storage.migrate(&Cx::new(), &MigrationPlan::Expand).await;
    migrated.expect("an empty database can be migrated");
    opened.storage
}
