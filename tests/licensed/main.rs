//! The vendor's side: the tool as a process, and the license server through its router and as one.

#[path = "../support/mod.rs"]
mod support;

mod customer;
mod http_api;
mod load;
mod process;
mod register;
mod rotation;
mod server;
mod tool;
mod vendor_tool;
