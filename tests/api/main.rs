//! The REST API, from the outside: requests go in and answers come out of the router itself.
//!
//! Every answer in these tests is also held against the OpenAPI document: a status that the document
//! does not have for the path and method fails the test that met it.

mod access;
mod analysis;
mod baselines;
mod client;
mod document;
mod documents;
mod feed;
mod files;
mod gaps;
mod index;
mod paging;
mod races;
mod refusals;
mod remembered;
mod requirements;
mod retries;
mod sessions;
mod sign_in;
mod texts;
mod upstream;
