//! Configuration of RTMX from environment variables.
