//! Counters and histograms, in the text format of Prometheus.
//!
//! The recorder is a value of the application, not the process-wide one, so that several
//! applications in one process (tests, embedders) do not mix their numbers.

use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt;
use std::time::Duration;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

static METADATA: Metadata<'static> = Metadata::new("rtmx", Level::INFO, None);

/// The application's metrics.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
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
        let metrics = Metrics { recorder, handle };
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
        let (name, unit, help) = text("http_connections", "Open HTTP connections.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("rtmx_build_info", "The running version; always 1.");
        self.recorder.describe_gauge(name, unit, help);
        let (name, unit, help) = text("process_resident_memory_bytes", "Resident memory of the server.");
        self.recorder.describe_gauge(name, unit, help);
    }

    /// A gauge of the application's own.
    pub fn gauge(&self, name: &'static str) -> metrics::Gauge {
        self.recorder.register_gauge(&Key::from_static_name(name), &METADATA)
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
