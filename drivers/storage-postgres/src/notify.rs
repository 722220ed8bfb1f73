//! Who waits for changes is woken: by this server's own writes, and by those of others.
//!
//! Every write notifies the channel [`CHANNEL`] in its transaction. One connection of each server
//! listens there. What is missed while it is being made anew, or because a pooler is in between, costs
//! time and nothing else: whoever is woken, or has waited long enough, reads the feed, and the feed has
//! no gap.

use crate::connect::Connector;
use sqlx::Executor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The channel; the message is the schema, because several may share a database.
pub(crate) const CHANNEL: &str = "rtmx_changes";

/// How long a waiting reader trusts in being woken, and how long where nothing wakes it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const LOOK_OFTEN: Duration = Duration::from_millis(500);
/// The first pause before the listening connection is made anew, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_LIMIT: Duration = Duration::from_secs(5);
/// After how long a silence the listening connection is asked whether it still leads to the server, and
/// how long the answer may take.
const ASK_AFTER: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Tells that something was written.
#[derive(Debug)]
pub(crate) struct Bell {
    rings: watch::Sender<u64>,
    listening: AtomicBool,
}

impl Bell {
    /// A bell that nobody else rings yet.
    pub(crate) fn new() -> Arc<Bell> {
        Arc::new(Bell { rings: watch::Sender::new(0), listening: AtomicBool::new(false) })
    }

    /// Wakes all who wait.
    pub(crate) fn ring(&self) {
        self.rings.send_modify(|rings| *rings += 1);
    }

    /// Changes whenever it rings.
    pub(crate) fn rings(&self) -> watch::Receiver<u64> {
        self.rings.subscribe()
    }

    /// After how long a waiting reader looks again although nobody rang.
    pub(crate) fn look_again(&self) -> Duration {
        if self.listening.load(Ordering::Relaxed) { LOOK_AGAIN } else { LOOK_OFTEN }
    }

    /// Listens for the writes of others until the task is ended.
    pub(crate) fn listen(self: &Arc<Self>, connector: Arc<Connector>) -> JoinHandle<()> {
        let bell = Arc::clone(self);
        tokio::spawn(async move {
            let mut pause = PAUSE;
            loop {
                let heard = bell.hear(&connector).await;
                if bell.listening.swap(false, Ordering::Relaxed) {
                    pause = PAUSE;
                    // What was written since the connection was lost was not told.
                    bell.ring();
                }
                if let Err(error) = heard {
                    tracing::debug!(%error, "not listening for the writes of other servers");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_LIMIT);
            }
        })
    }

    /// Listens on one connection until it is lost.
    async fn hear(&self, connector: &Connector) -> rtmx_core::Result<()> {
        let lost = |error| connector.lost(error);
        let silent = || lost(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        let mut listener = connector.listener().await?;
        let listens = timeout(ANSWER_LIMIT, listener.listen(CHANNEL)).await;
        listens.map_err(|_| silent())?.map_err(lost)?;
        self.listening.store(true, Ordering::Relaxed);
        self.ring();
        loop {
            match timeout(ASK_AFTER, listener.try_recv()).await {
                Ok(told) => match told.map_err(lost)? {
                    Some(told) if told.payload() == connector.schema() => self.ring(),
                    Some(_) => {}
                    None => return Ok(()),
                },
                // Nobody writes, or the connection leads nowhere; the server is asked which it is.
                Err(_) => {
                    let answer = timeout(ANSWER_LIMIT, listener.execute(sqlx::raw_sql("SELECT 1"))).await;
                    answer.map_err(|_| silent())?.map_err(lost)?;
                }
            }
        }
    }
}
