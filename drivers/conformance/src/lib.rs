//! The laws that every RTMX driver keeps, as a test kit.
