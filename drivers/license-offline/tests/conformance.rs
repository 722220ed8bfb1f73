//! The driver keeps the laws of license modes.

use rtmx_conformance::license;
use rtmx_core::{Cx, Registry};
use std::process::ExitCode;

fn main() -> ExitCode {
    license::run(|place| async move {
        let mut modes = Registry::new();
        rtmx_license_offline::register(&mut modes, place.checker)?;
        modes.get("offline")?.open(&Cx::new(), serde_json::json!({})).await
    })
}
