//! The driver keeps the laws of storage, on every version of PostgreSQL that this run has.

mod support;

use libtest_mimic::{Arguments, Completion, Trial};
use rtmx_conformance::storage::{self, CASE_FLOOR, Instance};
use rtmx_containers::{Postgres, versions};
use std::process::ExitCode;
use std::sync::Arc;
use support::{Server, fresh_schema, open, runtime};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let versions = versions().expect("RTMX_TEST_POSTGRES names versions");
    if let Err(reason) = Postgres::available() {
        let ignored = |version: &u16| {
            let reason = reason.clone();
            Trial::ignorable_test(format!("postgres-{version}"), move || Ok(Completion::ignored_with(reason)))
        };
        return libtest_mimic::run(&arguments, versions.iter().map(ignored).collect()).exit_code();
    }
    let mut trials = Vec::new();
    let mut servers = Vec::new();
    for version in versions {
        let server = Arc::new(runtime().block_on(Server::start(version)));
        servers.push(Arc::clone(&server));
        let cases = storage::cases(move || {
            let server = Arc::clone(&server);
            async move {
                let settings = server.settings(&fresh_schema());
                let backend = open(settings.clone()).await?;
                let reopen = move || {
                    let settings = settings.clone();
                    async move { open(settings).await }
                };
                Ok(Instance::new(backend).reopened_by(reopen))
            }
        });
        assert!(cases.len() >= CASE_FLOOR, "only {} cases", cases.len());
        trials.extend(cases.into_iter().map(|case| case.with_kind(format!("postgres-{version}"))));
    }
    let code = libtest_mimic::run(&arguments, trials).exit_code();
    drop(servers);
    code
}
