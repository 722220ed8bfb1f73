//! The operator's tool; everything is in the library.

fn main() -> std::process::ExitCode {
    rtmx::ctl::main()
}
