//! What the driver's tests share: opening through the registry, and small matrices.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

pub mod statements;

use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Kind, Registry, Requirement, Result, Space, Timestamp,
};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{MigrationPlan, Query, Storage, StorageBackend};
use std::path::Path;
use std::sync::Arc;

/// Opens a database as a host does: by the URL's scheme.
pub async fn open(file: &Path) -> Result<Arc<dyn StorageBackend>> {
    let mut drivers = Registry::<Storage>::new();
    rtmx_storage_sqlite::register(&mut drivers)?;
    let settings = serde_json::json!({ "url": format!("sqlite:{}", file.display()) });
    drivers.by_scheme("sqlite")?.open(&Cx::new(), settings).await
}

/// The error that opening meets.
pub async fn refusal(file: &Path) -> Error {
    match open(file).await {
        Ok(_) => panic!("`{}` was opened", file.display()),
        Err(error) => error,
    }
}

/// Opens a database and brings its schema forward.
pub async fn open_ready(file: &Path) -> Arc<dyn StorageBackend> {
    let storage = open(file).await.expect("the database opens");
    storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("the migrations run");
    storage
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

pub fn space() -> Space {
    Space::Project("p".into())
}

pub fn requirement(category: &str, text: &str) -> Requirement {
    Requirement { category: category.into(), requirement_text: text.into(), ..Requirement::default() }
}

/// A change set of the project `p` whose id is `number`.
pub fn change_set(number: u128, changes: Vec<Change>) -> ChangeSet {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    let mut set = ChangeSet::new(ChangeSetId(uuid::Uuid::from_u128(number)), space(), "ann", at);
    set.changes = changes;
    set
}

/// A change set that creates one requirement, whose id is `REQ-<number>`.
pub fn create(number: u128) -> ChangeSet {
    let body = Body::Requirement(requirement("CORE", "shall be kept"));
    change_set(number, vec![Change::create(format!("REQ-{number}"), body)])
}

/// The ids of the requirements of the project `p`.
pub async fn ids(storage: &dyn StorageBackend) -> Vec<String> {
    let mut query = RecordQuery::all(space(), Kind::Requirement);
    let mut ids = Vec::new();
    loop {
        let page = storage.fetch(&Cx::new(), &Query::Records(query.clone())).await.expect("a page");
        query.cursor = page.next.clone();
        ids.extend(page.into_records().into_iter().map(|record| record.id));
        if query.cursor.is_none() {
            return ids;
        }
    }
}
