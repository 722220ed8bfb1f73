//! The dashboard, from the outside: pages as a browser without scripts gets them.

mod backlog;
#[path = "../api/client.rs"]
#[allow(dead_code, reason = "the pages' tests use a part of the API's client")]
mod client;
mod conflict;
mod document;
mod edit;
mod files;
mod gaps;
mod graph;
mod health;
mod history;
mod page;
mod requirement;
mod requirements;
mod sheet;
mod trace;
