#![doc = include_str!("../README.md")]

mod certificates;
mod client;
mod connect;
mod server;
mod trouble;

pub use client::{Answer, Attempt, Client, Limits, Way};
pub use server::Server;
pub use trouble::{Cause, Trouble, in_words};
