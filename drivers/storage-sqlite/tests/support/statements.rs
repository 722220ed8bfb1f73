//! The driver's statements, as its log tells them.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

/// Collects the text of every statement that this process runs, each once.
#[derive(Debug, Clone, Default)]
pub struct StatementLog {
    recent: Arc<Mutex<BTreeSet<String>>>,
    ever: Arc<Mutex<BTreeSet<String>>>,
}

impl StatementLog {
    /// Begins to collect, on all threads; a second call gives the same log.
    pub fn install() -> StatementLog {
        static LOG: OnceLock<StatementLog> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = StatementLog::default();
            tracing::subscriber::set_global_default(Registry::default().with(log.clone()))
                .expect("no other subscriber");
            log
        });
        log.clone()
    }

    /// Forgets what was collected since the last call; not what [`StatementLog::everything`] answers.
    pub fn clear(&self) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The statements since [`StatementLog::clear`].
    pub fn statements(&self) -> Vec<String> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Every statement since the process began.
    pub fn everything(&self) -> Vec<String> {
        self.ever.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl<S: tracing::Subscriber> Layer<S> for StatementLog {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "rtmx::sql" {
            let mut text = Text(None);
            event.record(&mut text);
            if let Text(Some(text)) = text {
                self.ever.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone());
                self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
            }
        }
    }
}

struct Text(Option<String>);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
