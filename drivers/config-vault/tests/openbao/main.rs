//! The driver against a real OpenBao: what is read, how it logs in, what each refusal is called, and what
//! is noticed. Only the Kubernetes API behind one login is a stand-in (`kubernetes.rs`).

#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

mod kubernetes;
mod logins;
mod outages;
mod reading;
mod refusals;
mod support;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_containers::{Error, OpenBao};
use support::{Bench, Proof};

/// What is proven on one server that all share, each proof with secrets, roles and mounts of its own.
const SHARED: [(&str, Proof<Bench>); 13] = [
    ("entries_become_settings_with_their_place_and_show_nowhere", reading::entries),
    ("several_secrets_are_read_and_later_ones_win", reading::several),
    ("a_namespace_is_asked_where_one_is_named", reading::namespace),
    ("a_new_version_is_noticed_and_read", reading::new_version),
    ("a_new_version_is_noticed_without_the_right_to_see_metadata", reading::new_version_by_data),
    ("a_secret_that_is_deleted_and_written_again_is_noticed", reading::deleted),
    ("a_token_in_a_file_is_renewed_before_it_ends_and_followed_when_replaced", logins::token),
    ("an_approle_logs_in_again_when_its_token_cannot_be_renewed", logins::approle),
    ("a_revoked_token_is_replaced_by_a_new_login", logins::revoked),
    ("a_service_account_of_kubernetes_logs_in", logins::kubernetes),
    ("each_refusal_has_a_code_and_says_what_to_change", refusals::all),
    ("a_file_of_the_login_that_cannot_be_read_is_named", refusals::files),
    ("the_driver_opens_by_name_and_asks_nobody", reading::opens),
];
/// What is proven on a server of its own.
const ALONE: [(&str, fn()); 3] = [
    ("a_sealed_server_is_waited_for_and_then_named", outages::sealed),
    ("a_server_that_is_gone_ends_a_start_in_time_and_takes_nothing_from_a_running_one", outages::gone),
    ("tls_trusts_the_ca_file_and_nobody_else", outages::tls),
];

fn main() {
    let arguments = Arguments::from_args();
    let shared = SHARED.map(|(name, prove)| trial(name, move || support::on_shared(prove)));
    let alone = ALONE.map(|(name, prove)| trial(name, prove));
    libtest_mimic::run(&arguments, shared.into_iter().chain(alone).collect()).exit();
}

fn trial(name: &str, prove: impl FnOnce() + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || match OpenBao::available() {
        Ok(()) => {
            prove();
            Ok(Completion::Completed)
        }
        Err(Error::Unavailable(reason)) => Ok(Completion::ignored_with(reason)),
        Err(error) => Err(Failed::from(error.to_string())),
    })
}
