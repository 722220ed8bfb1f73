//! The database into an archive and back, each in one transaction.
//!
//! Files are read and written on a thread of their own, a few portions ahead of the database and no
//! more, so that memory does not grow with the archive.

mod back_up;
mod restore;

pub(crate) use back_up::back_up;
pub(crate) use restore::{Onto, restore};

use crate::connect::Connector;
use crate::error::Outcome;
use crate::session::Session;
use rtmx_core::{Error, storage};
use rtmx_storage::archive::ArchiveItem;
use std::sync::Arc;

/// How many items pass between the two at a time, and how many such portions wait.
const PORTION: usize = 1_000;
const PORTIONS_AHEAD: usize = 4;

/// Items in the order of the archive.
type Portion = Vec<ArchiveItem>;

/// An archive takes as long as the disk and the network do: a limit for statements, which counts while
/// the server waits for us, must not end it, and neither must the limit of the session.
async fn take_any_time(session: &mut Session, connector: &Arc<Connector>) -> Outcome<()> {
    session.script("SET LOCAL statement_timeout = 0".into()).await?;
    session.take_any_time(connector).await
}

fn panicked(source: tokio::task::JoinError) -> Error {
    Error::new(storage::INTERNAL, "the thread that reads and writes archives ended with a panic")
        .with_source(source)
}
