//! The driver on real servers that restart, fill up, freeze, stand by, or have no connection left.
//!
//! What can be tried again safely is; for the rest the caller gets the code that says what to do. Each
//! test has a server or a schema of its own. `RTMX_EDITORS_S` lets the fifty editors work for longer.

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod limits;
mod network;
mod pooler;
mod restarts;
mod rights;
mod standby;
mod together;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_containers::{Error, Postgres, versions};
use std::process::ExitCode;
use std::sync::Arc;
use support::{Server, runtime};

/// A test that has a server to itself.
type Alone = fn(u16) -> Result<Completion, Failed>;
/// A test that shares its server, and has a schema to itself.
type Shared = fn(&Server) -> Result<Completion, Failed>;

const ALONE: [(&str, Alone); 10] = [
    ("connections_that_the_administrator_ends_are_made_anew", restarts::terminated),
    ("a_fast_restart_loses_no_acknowledged_write", restarts::fast),
    ("an_immediate_restart_loses_no_acknowledged_write", restarts::immediate),
    ("a_server_that_stands_still_is_waited_for_no_longer_than_asked", restarts::pause),
    ("a_server_without_a_free_connection_is_named_as_that", limits::connections),
    ("a_full_disk_is_named_and_stops_no_reader", limits::disk),
    ("a_frozen_server_answers_reads_and_refuses_writes", standby::frozen),
    ("a_database_that_somebody_froze_is_known_for_it", standby::frozen_database),
    ("a_standby_answers_reads_until_it_is_promoted", standby::promoted),
    ("writes_go_to_the_other_host_when_the_first_is_gone", standby::other_host),
];

/// All laws take a minute, so each way has one version: the newest, and the oldest.
const POOLED: [(&str, Alone); 4] = [
    ("the_laws_hold_behind_a_pooler", pooler::without_direct_url),
    ("the_laws_hold_behind_a_pooler_with_a_way_around_it", pooler::with_direct_url),
    ("a_write_wakes_who_waits_behind_a_pooler_and_listens_around_it", pooler::woken),
    ("a_write_is_found_by_looking_where_nobody_listens", pooler::looking),
];

const SHARED: [(&str, Shared); 19] = [
    ("a_statement_that_takes_too_long_is_ended", limits::statement_timeout),
    ("a_deadlock_is_tried_again", limits::deadlock),
    ("waiting_writers_leave_connections_to_readers", limits::readers),
    ("fifty_editors_on_two_servers_have_one_history", together::editors),
    ("opposite_links_do_not_both_succeed", together::opposite_links),
    ("a_write_wakes_who_waits_on_another_server", together::woken),
    ("a_lost_notification_loses_no_change", together::not_told),
    ("a_server_whose_clock_is_wrong_steals_no_lease", together::clocks),
    ("a_call_without_a_deadline_ends_too", network::no_deadline),
    ("a_dropped_call_leaves_no_transaction", together::dropped),
    ("a_writer_that_vanished_blocks_its_space_for_seconds", network::vanished),
    ("a_schema_that_may_not_be_used_is_not_taken_for_an_empty_one", rights::usage),
    ("a_right_that_is_lacking_on_a_table_is_named", rights::tables),
    ("tables_of_others_stay_as_they_are", rights::among_others),
    ("a_restore_waits_longer_than_any_statement_may_take", limits::restore),
    ("a_migration_ends_at_its_deadline", limits::migration),
    ("a_backup_whose_connection_leads_nowhere_ends", network::back_up),
    ("a_migration_whose_connection_leads_nowhere_ends", network::migration),
    ("kept_connections_that_lead_nowhere_are_replaced", network::nowhere),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let versions = versions().expect("RTMX_TEST_POSTGRES names versions");
    let available = Postgres::available();
    let mut trials = Vec::new();
    let mut servers = Vec::new();
    let ends = [versions.iter().max().copied(), versions.iter().min().copied()];
    for version in versions {
        let kind = format!("postgres-{version}");
        let pooled =
            POOLED.into_iter().zip(ends.into_iter().cycle()).filter(|(_, end)| *end == Some(version));
        let alone: Vec<_> = ALONE.into_iter().chain(pooled.map(|(test, _)| test)).collect();
        if let Err(reason) = &available {
            for name in alone.iter().map(|(name, _)| name).chain(SHARED.iter().map(|(name, _)| name)) {
                let reason = reason.clone();
                let ignored = move || Ok(Completion::ignored_with(reason));
                trials.push(Trial::ignorable_test(*name, ignored).with_kind(&kind));
            }
            continue;
        }
        for (name, test) in alone {
            trials.push(Trial::ignorable_test(name, move || test(version)).with_kind(&kind));
        }
        let server = Arc::new(Shareable { version, server: std::sync::OnceLock::new() });
        servers.push(Arc::clone(&server));
        for (name, test) in SHARED {
            let server = Arc::clone(&server);
            trials.push(Trial::ignorable_test(name, move || test(server.get())).with_kind(&kind));
        }
    }
    let code = libtest_mimic::run(&arguments, trials).exit_code();
    drop(servers);
    code
}

/// A server that the first test starts that needs it.
struct Shareable {
    version: u16,
    server: std::sync::OnceLock<Server>,
}

impl Shareable {
    fn get(&self) -> &Server {
        self.server.get_or_init(|| runtime().block_on(Server::start(self.version)))
    }
}

/// A server with these settings, with the product's role and database.
fn start(version: u16, settings: &[(&str, &str)]) -> Server {
    let options = settings
        .iter()
        .fold(Postgres::options(version), |options, (name, value)| options.setting(*name, *value));
    runtime().block_on(Server::prepared(options.start().expect("a server starts")))
}

/// Runs a test to its end.
fn finish(test: impl Future<Output = ()>) -> Result<Completion, Failed> {
    runtime().block_on(test);
    Ok(Completion::Completed)
}

/// Ignored where this machine lacks something, and failed for every other reason.
fn ignored(error: Error) -> Result<Completion, Failed> {
    match error {
        Error::Unavailable(reason) => Ok(Completion::ignored_with(reason)),
        error => Err(error.to_string().into()),
    }
}
