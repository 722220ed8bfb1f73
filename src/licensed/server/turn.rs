//! The turn: of several servers over one register, one answers and the others wait.
//!
//! Places are counted in memory, so two servers that both answer would give each place twice. The
//! register's own lease decides; it ends by itself, so that a server that is gone is replaced within half
//! a minute. A server that has lost its register keeps its turn: without it, it can only renew what it
//! knows, which takes no place from anybody. Where other programs can write too (PostgreSQL), what they
//! write is followed in the feed.

use super::LicenseServer;
use rtmx_core::{Cx, Space, storage};
use rtmx_storage::{FeedPosition, LeaseCall, LeaseRequest};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const NAME: &str = "license-server";
/// How long the turn lasts without a word.
const TTL: Duration = Duration::from_secs(30);
/// How often it is renewed, or asked for.
const RENEW: Duration = Duration::from_secs(10);
/// How often it is asked for while another server has it.
const ASK: Duration = Duration::from_secs(2);
/// How long the feed waits for news.
const FEED_WAIT: Duration = Duration::from_secs(5);
const FEED_LIMIT: usize = 1_000;
/// How often the counts of refusals are recorded.
const FLUSH: Duration = Duration::from_secs(10);

/// Asks for the turn once.
pub(super) async fn take(server: &LicenseServer, holder: &str) {
    let cx = server.cx();
    let request = call(server, holder, LeaseCall::Acquire);
    let outcome = server.books.register().storage().lease(&cx, &request).await;
    let had = !server.standing_by.load(Ordering::Relaxed);
    match outcome {
        Ok(_) if had => {}
        Ok(_) => {
            // Whatever the other one wrote.
            server.books.forget();
            if server.books.reread(&cx).await.is_ok() {
                server.standing_by.store(false, Ordering::Relaxed);
                tracing::info!("this server has the turn");
            }
        }
        Err(error) if error.code() == storage::LEASE_HELD => {
            server.standing_by.store(true, Ordering::Relaxed);
            if had {
                tracing::warn!("another license server has this register: waiting for its end");
            }
        }
        // A register that does not answer says nothing about turns; `/ready` says it.
        Err(error) => tracing::debug!(code = %error.code(), "the turn could not be renewed"),
    }
}

/// Keeps the turn, or waits for it, for ever.
pub(super) async fn keep(server: LicenseServer, holder: String) {
    loop {
        let waiting = server.standing_by.load(Ordering::Relaxed);
        tokio::time::sleep(if waiting { ASK } else { RENEW }).await;
        take(&server, &holder).await;
    }
}

/// Gives the turn back, so that another need not wait for its end.
pub(super) async fn give_back(server: &LicenseServer, holder: &str) {
    let request = call(server, holder, LeaseCall::Release);
    if let Err(error) = server.books.register().storage().lease(&server.cx(), &request).await {
        tracing::debug!(code = %error.code(), "the turn was not given back");
    }
}

fn call(server: &LicenseServer, holder: &str, call: LeaseCall) -> LeaseRequest {
    let now = server.clock.now();
    LeaseRequest { name: NAME.to_owned(), holder: holder.to_owned(), call, ttl: TTL, now }
}

/// Follows what other programs write, for ever.
pub(super) async fn follow(server: LicenseServer) {
    let mut after: Option<FeedPosition> = None;
    loop {
        if let Err(error) = follow_once(&server, &mut after).await {
            tracing::debug!(code = %error.code(), "the register's feed: {}", error.message());
            if error.code() == storage::EPOCH_CHANGED {
                server.books.forget();
                let _ = server.books.reread(&server.cx()).await;
                after = None;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn follow_once(server: &LicenseServer, after: &mut Option<FeedPosition>) -> rtmx_core::Result<()> {
    let storage = server.books.register().storage();
    let cx = Cx::new().with_deadline(Instant::now() + FEED_WAIT * 3);
    let position = match after.take() {
        Some(position) => position,
        None => FeedPosition::after(storage.head(&cx, &Space::Licensing).await?),
    };
    let feed = storage.changes(&cx, &Space::Licensing, position, FEED_LIMIT, Some(FEED_WAIT)).await?;
    let mut shared = false;
    for event in &feed.events {
        let mut parts = event.key.id.split('/');
        match (parts.next(), parts.next()) {
            (Some("license" | "issue"), Some(id)) => server.books.refresh(&cx, id).await?,
            (Some("revocations" | "keyset"), _) => shared = true,
            _ => {}
        }
    }
    if shared {
        server.books.reread(&cx).await?;
    }
    *after = Some(feed.next);
    Ok(())
}

/// Records the counts of refusals from time to time, for ever.
pub(super) async fn tally(server: LicenseServer) {
    loop {
        tokio::time::sleep(FLUSH).await;
        if let Ok(writer) = server.writer() {
            server.refusals.flush(&writer, server.now(), false).await;
        }
    }
}
