//! RTMX.
