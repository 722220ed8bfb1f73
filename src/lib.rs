//! RTMX: requirements traceability on your own machines.
//!
//! This crate is the facade over the libraries and drivers of the workspace. An embedder takes
//! [`standard_drivers`] and opens what it needs; the binaries, `rtmx-server`, `rtmxctl` and the vendor's
//! `rtmx-licensed`, are thin compositions of what is here.
//!
//! The decision to know: nothing registers itself. Every driver of this build is named in one
//! function, and one that was left out says which feature would add it.

#[cfg(feature = "ctl")]
pub mod ctl;
mod database;
mod drivers;
#[cfg(feature = "server")]
mod healthcheck;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod index;
#[cfg(feature = "licensed")]
pub mod licensed;
#[cfg(feature = "server")]
mod licensing;
#[cfg(feature = "server")]
mod reload;
#[cfg(feature = "ctl")]
mod remote;
#[cfg(feature = "server")]
mod secrets;
#[cfg(feature = "server")]
mod server_main;
pub mod settings;
mod trusted_keys;
mod wall_clock;

pub use drivers::{Drivers, standard_drivers};
pub use rtmx_config as config;
pub use rtmx_core as core;
pub use rtmx_deploy as deploy;
#[cfg(feature = "licensed")]
pub use rtmx_license as license;
pub use rtmx_storage as storage;
#[cfg(feature = "server")]
pub use server_main::{server_main, server_main_with};
