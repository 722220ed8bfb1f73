//! The server's binary: loads the configuration, opens the storage, serves.

use std::process::ExitCode;

fn main() -> ExitCode {
    rtmx::server_main()
}
