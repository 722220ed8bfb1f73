//! The vendor's tool and license server; everything is in the library.

use mimalloc::MiMalloc;

/// A lease is a dozen small texts, which the system's allocator takes a quarter of the time for.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    rtmx::licensed::main()
}
