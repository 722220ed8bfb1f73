//! The connections of this server, opened as they are needed and kept for the next call.
//!
//! A connection is given back only by whoever knows that it is between two transactions; else it is
//! closed. Writers queue at the head of their space, each with its connection, so at most half of the
//! connections write and the others stay for readers.

use crate::connect::{Connector, Route};
use crate::error::{Fault, Outcome};
use crate::run::Access;
use crate::session::Session;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleResult};
use rtmx_core::{Error, storage};
use rtmx_storage::Connections;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that is older is replaced: passwords, addresses and servers change.
const AGE_LIMIT: Duration = Duration::from_secs(30 * 60);

#[derive(Debug)]
struct Opener {
    connector: Arc<Connector>,
}

impl managed::Manager for Opener {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session, Error> {
        let conn = self.connector.connect(Route::Pooled).await?;
        Ok(Session::new(conn, !self.connector.behind_pooler(), self.connector.silence_limit()))
    }

    async fn recycle(&self, _: &mut Session, metrics: &Metrics) -> RecycleResult<Error> {
        if metrics.age() > AGE_LIMIT {
            return Err(managed::RecycleError::message("it is old"));
        }
        Ok(())
    }
}

/// The connections.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: managed::Pool<Opener>,
    writers: Arc<Semaphore>,
    connector: Arc<Connector>,
}

impl Pool {
    /// A pool of at most `size` connections, none of them open yet.
    pub(crate) fn new(connector: Arc<Connector>, size: usize) -> Result<Self, Error> {
        let opener = Opener { connector: Arc::clone(&connector) };
        let connections = managed::Pool::builder(opener).max_size(size).build().map_err(|source| {
            Error::new(storage::INTERNAL, "could not make the pool of connections").with_source(source)
        })?;
        Ok(Pool { connections, writers: Arc::new(Semaphore::new((size / 2).max(1))), connector })
    }

    /// A connection between two transactions.
    pub(crate) async fn get(&self, access: Access) -> Outcome<Held> {
        let turn = match access {
            Access::Read => None,
            Access::Write | Access::WriteOnce => {
                Some(Arc::clone(&self.writers).acquire_owned().await.map_err(|_| self.closed())?)
            }
        };
        let session = self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::Decided(error),
            _ => self.closed(),
        })?;
        Ok(Held { session: Some(session), _turn: turn })
    }

    /// Closes those that wait to be used.
    pub(crate) fn forget_waiting(&self) {
        self.connections.retain(|_, _| false);
    }

    /// Closes all as they are given back, and refuses whoever asks.
    pub(crate) fn close(&self) {
        self.writers.close();
        self.connections.close();
    }

    /// How it is used.
    pub(crate) fn connections(&self) -> Connections {
        let status = self.connections.status();
        Connections {
            limit: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    fn closed(&self) -> Fault {
        let message = format!("{} was closed", self.connector.place());
        Error::new(storage::STORAGE_UNAVAILABLE, message).into()
    }
}

/// A connection in use; closed when it is dropped without [`Held::give_back`].
#[derive(Debug)]
pub(crate) struct Held {
    session: Option<Object<Opener>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The connection.
    pub(crate) fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("it is held until it is given back")
    }

    /// Gives it back for the next call.
    pub(crate) fn give_back(mut self) {
        drop(self.session.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            drop(Object::take(session));
        }
    }
}
