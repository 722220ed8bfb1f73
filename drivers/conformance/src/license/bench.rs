//! What a case works with: a mode, a host that stores what it is given, and a vendor.

use super::documents::checker;
use super::server::Server;
use super::vendor::Vendor;
use rtmx_core::{Cx, Result, Secret, Timestamp};
use rtmx_license::{
    Checked, Checker, Facts, InstallationKey, LicenseMode, Limit, Renewed, Source, State, Why,
};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn LicenseMode>>> + Send>>;

/// What a mode of a case is opened with.
#[derive(Clone)]
pub struct Place {
    /// Whom it trusts, and for which program it asks.
    pub checker: Checker,
    /// The license server, on a loopback address. It has `POST /v1/leases`, `GET /v1/revocations` and
    /// `GET /v1/keysets`.
    pub server_url: String,
    /// How often a mode that renews is to ask.
    pub interval: Duration,
    /// How long it is to wait for a connection, and for an answer.
    pub patience: Duration,
    pub(crate) vendor: Arc<Vendor>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("server_url", &self.server_url).finish_non_exhaustive()
    }
}

/// Opens modes.
#[derive(Clone)]
pub(crate) struct Factory(Arc<dyn Fn(Place) -> Opening + Send + Sync>);

impl Factory {
    pub(crate) fn new<F, Fresh>(open: F) -> Self
    where
        F: Fn(Place) -> Fresh + Send + Sync + 'static,
        Fresh: Future<Output = Result<Arc<dyn LicenseMode>>> + Send + 'static,
    {
        Factory(Arc::new(move |place| Box::pin(open(place))))
    }
}

/// One case's host.
pub(crate) struct Bench {
    pub(crate) cx: Cx,
    pub(crate) mode: Arc<dyn LicenseMode>,
    pub(crate) place: Place,
    pub(crate) installation: InstallationKey,
    /// The copies of the memory, as the database and the file would hold them.
    pub(crate) stored: Vec<Vec<u8>>,
    /// What the next calls are told besides.
    pub(crate) next: Facts,
    /// The random number that a mode makes its jitter from; the middle, unless a case sets it.
    pub(crate) jitter: u64,
    factory: Factory,
    asked: u64,
    _server: Server,
}

impl Bench {
    pub(crate) async fn new(factory: &Factory) -> Result<Bench> {
        let vendor = Arc::new(Vendor::new());
        let server = Server::start(Arc::clone(&vendor)).await;
        let place = Place {
            checker: checker(),
            server_url: server.url.clone(),
            interval: Duration::from_secs(6 * 3600),
            patience: Duration::from_millis(250),
            vendor,
        };
        let mode = (factory.0)(place.clone()).await?;
        let installation = InstallationKey::from_seed(&Secret::new([0x11; 32]));
        let next = Facts::new(super::documents::at(0, 0), installation.clone());
        Ok(Bench {
            cx: Cx::new(),
            mode,
            place,
            installation,
            stored: Vec::new(),
            next,
            jitter: u64::MAX / 2,
            factory: factory.clone(),
            asked: 0,
            _server: server,
        })
    }

    pub(crate) fn vendor(&self) -> &Vendor {
        &self.place.vendor
    }

    /// Ends the process, as it were, and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.mode = (self.factory.0)(self.place.clone()).await.expect("a mode can be opened again");
    }

    /// Another installation, with nothing remembered.
    pub(crate) async fn another(&self) -> Bench {
        Bench::new(&self.factory).await.expect("a second mode can be opened")
    }

    /// What the host knows at a time.
    pub(crate) fn facts(&mut self, wall: Timestamp) -> Facts {
        self.asked += 1;
        let mut facts = Facts { wall, memory: self.stored.clone(), ..self.next.clone() };
        // Another number for each question.
        facts.random[..8].copy_from_slice(&self.asked.to_le_bytes());
        facts.random[16..24].copy_from_slice(&self.jitter.to_le_bytes());
        facts
    }

    /// Checks, and stores what is to be remembered.
    pub(crate) async fn check(&mut self, key: &[u8], wall: Timestamp) -> Checked {
        let facts = self.facts(wall);
        let checked = self.mode.check(&self.cx, key, &facts).await.expect("a license is never an error");
        self.stored = vec![checked.sealed.clone()];
        checked
    }

    /// Checks without storing anything.
    pub(crate) async fn look(&mut self, key: &[u8], wall: Timestamp) -> Checked {
        let facts = self.facts(wall);
        self.mode.check(&self.cx, key, &facts).await.expect("a license is never an error")
    }

    /// Runs for eight days up to a time, so that the clock is believed.
    pub(crate) async fn settle(&mut self, key: &[u8], wall: Timestamp) -> Checked {
        const RAN_S: i64 = 8 * 86_400;
        let before = Timestamp::from_second(wall.as_second() - RAN_S).expect("the cases' times are in range");
        self.check(key, before).await;
        self.next.elapsed = Duration::from_secs(RAN_S.unsigned_abs());
        let checked = self.check(key, wall).await;
        self.next.elapsed = Duration::ZERO;
        checked
    }

    /// Asks, and stores what is to be remembered. The server's clock is right.
    pub(crate) async fn renew(&mut self, key: &[u8], wall: Timestamp) -> Renewed {
        self.vendor().set_time(wall);
        self.renew_unset(key, wall).await
    }

    /// The same, with the server's clock as it is.
    pub(crate) async fn renew_unset(&mut self, key: &[u8], wall: Timestamp) -> Renewed {
        let facts = self.facts(wall);
        let renewed = self.mode.renew(&self.cx, key, &facts).await.expect("an outage is no error");
        if let Some(sealed) = &renewed.sealed {
            self.stored = vec![sealed.clone()];
        }
        renewed
    }
}

/// What a call answers that waits for nothing; none, if it waits.
pub(crate) fn at_once<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut waiting = Context::from_waker(Waker::noop());
    match std::pin::pin!(call).poll(&mut waiting) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// The license is in force, with what it allows.
#[track_caller]
pub(crate) fn assert_licensed(checked: &Checked, row: &str) {
    let (entitlements, verdict) = (&checked.entitlements, &checked.verdict);
    assert!(verdict.is_in_force(), "{row}: {verdict:?}");
    assert_eq!(entitlements.source, Source::License, "{row}");
    assert!(entitlements.has("colour"), "{row}");
    assert_eq!(entitlements.limit("lamps"), Limit::AtMost(10), "{row}");
}

/// The community edition's limits hold, for this reason.
#[track_caller]
pub(crate) fn assert_restricted(checked: &Checked, why: Why, row: &str) {
    let entitlements = &checked.entitlements;
    assert_eq!(checked.verdict.state, State::Restricted { why }, "{row}");
    assert_eq!(entitlements.source, Source::Community, "{row}");
    assert!(!entitlements.has("colour"), "{row}");
    assert_eq!(entitlements.limit("lamps"), Limit::AtMost(3), "{row}");
}
