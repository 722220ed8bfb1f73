//! The reference keeps its own laws.

use rtmx_conformance::storage::{self, Instance};
use rtmx_core::Epoch;
use rtmx_storage::MemoryBackend;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn main() -> ExitCode {
    static EPOCHS: AtomicU32 = AtomicU32::new(1);
    let new_epoch = || Epoch(uuid::Uuid::from_u128(u128::from(EPOCHS.fetch_add(1, Ordering::Relaxed)) << 96));
    storage::run(move || async move { Ok(Instance::new(Arc::new(MemoryBackend::new(new_epoch)))) })
}
