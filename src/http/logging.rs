//! Structured logs on standard error.

use rtmx_config::{LogFormat, LogLevel};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Installs the process's logger: JSON lines, or text for people. Called once by a binary's `main`;
/// a second call changes nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
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
    if outcome.is_err() {
        tracing::debug!("a logger is installed already");
    }
}
