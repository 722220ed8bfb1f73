//! The driver keeps the laws of license modes, against a license server on a loopback address.

use rtmx_conformance::license;
use rtmx_core::{Cx, Registry};
use std::process::ExitCode;

fn main() -> ExitCode {
    license::run(|place| async move {
        let settings = serde_json::json!({
            "server_url": place.server_url,
            "revalidate_interval_s": place.interval.as_secs(),
            "connect_timeout_ms": place.patience.as_millis(),
            "answer_timeout_ms": place.patience.as_millis(),
        });
        let mut modes = Registry::new();
        rtmx_license_online::register(&mut modes, place.checker)?;
        modes.get("online")?.open(&Cx::new(), settings).await
    })
}
