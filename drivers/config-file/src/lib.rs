//! Configuration of RTMX from TOML files.
