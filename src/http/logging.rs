//! Structured logs on standard error.

use rtmx_config::{LogFormat, LogLevel};
use std::sync::OnceLock;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// What changes the level of the process's logger.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Installs the process's logger: JSON lines, or text for people. Called once by a binary's `main`;
/// a second call changes nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    let (level, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(level);
    let outcome = match format {
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_writer(std::io::stderr);
            registry.with(json).try_init()
        }
        LogFormat::Text => {
            let text = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
            registry.with(text).try_init()
        }
    };
    match outcome {
        Ok(()) => _ = LEVEL.set(handle),
        Err(_) => tracing::debug!("a logger is installed already"),
    }
}

/// Changes the least important messages that the process's logger still writes.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        // It fails only after the logger is gone.
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}
