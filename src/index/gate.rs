//! The gate before edits of a project.
//!
//! An edit that adds a link is checked against the whole graph, and must not be overtaken between
//! check and write. The expected head alone would do, but under many plain edits it would move
//! before each retry; so within one process plain edits step aside while links are edited.

use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The right to edit without touching a link.
#[derive(Debug)]
pub struct PlainGuard {
    _held: OwnedRwLockReadGuard<()>,
}

/// The right to add links.
#[derive(Debug)]
pub struct LinkGuard {
    _held: OwnedRwLockWriteGuard<()>,
}

impl PlainGuard {
    pub(super) async fn new(gate: Arc<RwLock<()>>) -> Self {
        PlainGuard { _held: gate.read_owned().await }
    }
}

impl LinkGuard {
    pub(super) async fn new(gate: Arc<RwLock<()>>) -> Self {
        LinkGuard { _held: gate.write_owned().await }
    }
}
