//! Embedded SQLite storage for RTMX.
