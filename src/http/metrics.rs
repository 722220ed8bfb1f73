//! Counters and histograms, in the text format of Prometheus.
//!
//! The recorder is a value of the application, not the process-wide one, so that several
//! applications in one process (tests, embedders) do not mix their numbers.

use super::Certificate;
use crate::licensing::LicenseFigures;
use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use rtmx_core::Timestamp;
use rtmx_storage::Condition;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Every state of a license that is told.
const LICENSE_STATES: [&str; 6] = ["unknown", "valid", "expiring_soon", "grace", "restricted", "terminated"];

/// What is told in seconds; `NaN` without a license, or without a license server.
const LICENSE_SECONDS: [(&str, &str); 3] = [
    ("rtmx_license_expires_seconds", "Seconds until the license ends; negative afterwards."),
    ("rtmx_license_checked_seconds", "Seconds since the license was looked at."),
    ("rtmx_license_confirmed_seconds", "Seconds since the license server confirmed the license."),
];

static METADATA: Metadata<'static> = Metadata::new("rtmx", Level::INFO, None);

/// The application's metrics.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// The release of the database that was told last.
    release: Mutex<Option<String>>,
    certificate: OnceLock<Arc<Certificate>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// Empty metrics.
    pub fn new() -> Self {
        let latency = Matcher::Full("http_request_duration_seconds".into());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(latency, &LATENCY_BUCKETS);
        let recorder = builder.expect("the buckets are not empty").build_recorder();
        let handle = recorder.handle();
        let metrics = Metrics { recorder, handle, release: Mutex::default(), certificate: OnceLock::new() };
        metrics.describe();
        let version = vec![Label::new("version", env!("CARGO_PKG_VERSION"))];
        let build = Key::from_parts("rtmx_build_info", version);
        metrics.recorder.register_gauge(&build, &METADATA).set(1.0);
        metrics
    }

    fn describe(&self) {
        let text = |name: &'static str, help: &'static str| (name.into(), None, help.into());
        let (name, unit, help) =
            text("http_requests_total", "HTTP requests answered, by method, route and status.");
        self.recorder.describe_counter(name, unit, help);
        let (name, unit, help) = text("http_request_duration_seconds", "Time to answer an HTTP request.");
        self.recorder.describe_histogram(name, unit, help);
        let (name, unit, help) = text("http_requests_in_flight", "HTTP requests being answered.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("http_event_streams", "Open streams of changes.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("http_connections", "Open HTTP connections.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("rtmx_build_info", "The running version; always 1.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) =
            text("rtmx_storage_info", "The database's engine and version; 1 for the present one.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text(
            "rtmx_storage_connections",
            "Connections to the database: open, idle, the limit; and calls waiting for one.",
        );
        self.recorder.describe_gauge(name, unit, help);
        for (name, help) in LICENSE_SECONDS {
            self.recorder.describe_gauge(name.into(), None, help.into());
        }
        let (name, unit, help) =
            text("rtmx_license_state", "The state of the license; 1 for the present one.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text(
            "rtmx_tls_certificate_expires_seconds",
            "Seconds until the TLS certificate in use ends; negative afterwards.",
        );
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text(
            "rtmx_config_reloads_total",
            "Times the configuration was read again: taken over, unchanged, or refused.",
        );
        self.recorder.describe_counter(name, unit, help);
        let (name, unit, help) =
            text("rtmx_config_waiting_settings", "Changed settings that wait for a restart.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("process_resident_memory_bytes", "Resident memory of the server.");
        self.recorder.describe_gauge(name, unit, help);
    }

    /// A gauge of the application's own.
    pub fn gauge(&self, name: &'static str) -> metrics::Gauge {
        self.recorder.register_gauge(&Key::from_static_name(name), &METADATA)
    }

    /// A counter of the application's own, with one label.
    pub fn counter(&self, name: &'static str, label: &'static str, value: &'static str) -> metrics::Counter {
        let key = Key::from_parts(name, vec![Label::new(label, value)]);
        self.recorder.register_counter(&key, &METADATA)
    }

    /// Counts an answered request.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = Label::new("method", method.to_owned());
        let route = Label::new("route", route.to_owned());
        let status = Label::new("status", status.to_string());
        let total = Key::from_parts("http_requests_total", vec![method.clone(), route.clone(), status]);
        self.recorder.register_counter(&total, &METADATA).increment(1);
        let duration = Key::from_parts("http_request_duration_seconds", vec![method, route]);
        self.recorder.register_histogram(&duration, &METADATA).record(took.as_secs_f64());
    }

    /// The certificate whose end is told.
    pub(crate) fn watch_certificate(&self, certificate: Arc<Certificate>) {
        let _ = self.certificate.set(certificate);
    }

    /// Takes over when the certificate in use ends.
    pub(crate) fn observe_certificate(&self, now: Timestamp) {
        if let Some(certificate) = self.certificate.get() {
            let left_s = certificate.ends_at_s() - now.as_second();
            self.gauge("rtmx_tls_certificate_expires_seconds").set(left_s as f64);
        }
    }

    /// Takes over what is known of the license.
    pub(crate) fn observe_license(&self, license: LicenseFigures) {
        let seconds = [license.expires_in_s, license.checked_ago_s, license.confirmed_ago_s];
        for ((name, _), seconds) in LICENSE_SECONDS.into_iter().zip(seconds) {
            // A gauge cannot be taken back: one that has no value any more is no number, and no comparison
            // with it holds.
            self.gauge(name).set(seconds.unwrap_or(f64::NAN));
        }
        for state in LICENSE_STATES {
            let key = Key::from_parts("rtmx_license_state", vec![Label::new("state", state)]);
            self.recorder.register_gauge(&key, &METADATA).set(f64::from(u8::from(license.state == state)));
        }
    }

    /// Takes over how the storage is doing.
    pub fn observe_storage(&self, engine: &'static str, condition: &Condition) {
        if let Some(connections) = condition.connections {
            let states = [
                ("open", connections.open),
                ("idle", connections.idle),
                ("limit", connections.limit),
                ("waiting", connections.waiting),
            ];
            for (state, count) in states {
                let key = Key::from_parts("rtmx_storage_connections", vec![Label::new("state", state)]);
                self.recorder.register_gauge(&key, &METADATA).set(count as f64);
            }
        }
        let Some(said) = &condition.engine else { return };
        let release = said.rsplit(' ').next().unwrap_or_default().to_owned();
        let mut last = self.release.lock().unwrap_or_else(PoisonError::into_inner);
        let info = |release: &str| {
            let labels = vec![Label::new("engine", engine), Label::new("version", release.to_owned())];
            self.recorder.register_gauge(&Key::from_parts("rtmx_storage_info", labels), &METADATA)
        };
        if let Some(before) = last.as_ref().filter(|before| **before != release) {
            info(before).set(0.0);
        }
        info(&release).set(1.0);
        *last = Some(release);
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        if let Some(bytes) = resident_memory() {
            self.gauge("process_resident_memory_bytes").set(bytes);
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// The second field of `/proc/self/statm`, in bytes (proc(5)).
fn resident_memory() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as f64)
}
