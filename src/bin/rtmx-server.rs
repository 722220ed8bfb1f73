//! The server's binary: loads the configuration, opens the storage, serves.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A page of requirements is a thousand small texts, which the system's allocator takes a quarter of the
/// time for, and what an import leaves it keeps in pieces.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rtmx::server_main()
}
