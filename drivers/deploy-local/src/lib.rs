//! Deployment of RTMX to this machine.
