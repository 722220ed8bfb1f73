//! The chart on a real Kubernetes, as a platform team uses it: installed, upgraded, drained, taken away.
//!
//! `cargo xtask test helm` brings up the cluster, makes the image, loads it and says in variables where all is;
//! without them every trial reports itself ignored. Each trial has a namespace of its own that enforces the Pod
//! Security standard `restricted`, and removes it.

#[path = "../support/asking.rs"]
mod asking;
mod cell;
#[allow(dead_code, reason = "the trials of the image use more of it")]
#[path = "../image/engine.rs"]
mod engine;
mod failures;
mod forward;
#[allow(dead_code, reason = "the trials of the image use more of it")]
#[path = "../image/given.rs"]
mod given;
mod ground;
mod hyyve;
mod instead;
mod licensed;
mod life;
mod load;
mod lost_node;
mod namespace;
mod own_database;
mod policy;
mod probe;
mod releases;
mod rolling;
mod scaling;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;
#[path = "../support/vendor.rs"]
mod vendor;
mod written;

use ground::Ground;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Why a trial did not run.
type Ignored = String;

/// One major version of Helm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helm {
    Three,
    Four,
}

type Claim = (&'static str, fn(&Ground) -> Result<(), Ignored>);
type ClaimWithHelm = (&'static str, fn(&Ground, Helm) -> Result<(), Ignored>);

/// Asks for the trials of the long form, too.
const LONG: &str = "RTMX_TEST_LONG";
/// On either major; in a short run on the newer one, but for the first.
const WITH_HELM: [ClaimWithHelm; 4] = [
    ("t1_the_chart_deploys_to_a_clean_cluster", own_database::with_the_values_as_given),
    ("t5_a_database_with_the_customers_credentials_is_used", own_database::with_credentials),
    ("t6_an_upgrade_from_the_previous_version_preserves_data", upgrade::preserves_data),
    ("t7_a_rollback_restores_the_previous_version", upgrade::is_rolled_back),
];
const CLAIMS: [Claim; 7] = [
    ("a_bare_install_runs_on_sqlite_and_finds_its_data_after_an_uninstall", life::on_sqlite),
    ("missing_secrets_are_made_once_and_never_again", life::secrets_are_made_once),
    ("no_request_fails_while_servers_are_upgraded_scaled_drained_and_deleted", rolling::no_request_fails),
    ("with_a_database_outside_servers_reach_it_alone", policy::of_the_customers_database),
    ("a_wrong_secret_is_named_and_the_old_servers_go_on", failures::a_wrong_secret),
    ("a_secret_without_an_address_makes_no_database_of_its_own", failures::a_secret_without_an_address),
    ("the_infrastructure_of_the_second_application_runs_on_the_cluster", hyyve::infrastructure),
];
const LONG_WITH_HELM: [ClaimWithHelm; 2] = [
    ("an_image_that_is_not_there_stops_an_upgrade_before_any_server", failures::an_image_that_is_not_there),
    ("an_upgrade_that_a_webhook_or_a_policy_refuses_says_so_and_changes_nothing", failures::a_webhook),
];
const LONG_CLAIMS: [Claim; 8] = [
    ("a_bundled_database_is_brought_and_kept", life::on_bundled_postgres),
    ("a_bundled_database_of_the_newest_version_is_brought_and_kept", life::on_newest_postgres),
    (
        "no_request_fails_where_the_server_waits_before_it_stops",
        rolling::no_request_fails_where_the_server_waits,
    ),
    ("the_number_of_servers_follows_the_load_and_never_falls_below_the_least", scaling::follows_the_load),
    ("with_a_bundled_database_the_network_lets_through_what_is_needed_alone", policy::of_a_bundled_database),
    ("a_migration_that_fails_takes_nothing_away", upgrade::takes_nothing_away),
    ("a_quota_that_is_exceeded_is_named_and_the_old_servers_go_on", failures::a_quota),
    ("a_claim_that_cannot_be_bound_says_why_and_is_bound_later", failures::a_claim_of_no_class),
];
/// What takes a node away from everybody.
const ALONE: Claim =
    ("a_lost_node_costs_no_write_and_after_its_loss_is_noticed_no_request", lost_node::loses_no_write);

fn main() {
    let mut arguments = Arguments::from_args();
    let in_a_combination = Trial::ignorable_test(cell::NAME, || on_ground(cell::works));
    if cell::is_asked_for() {
        libtest_mimic::run(&arguments, vec![in_a_combination]).exit();
    }
    // Two cores, and each trial has a server and perhaps a database.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let alone = Trial::ignorable_test(ALONE.0, || on_ground(ALONE.1));
    if lost_node::is_asked_for() {
        libtest_mimic::run(&arguments, vec![alone]).exit();
    }
    let is_long = std::env::var_os(LONG).is_some();
    let when = |is_there: bool| if is_there { Ok(()) } else { Err(format!("{LONG} asks for it")) };
    let one = |(name, prove): Claim, is_there| {
        Trial::ignorable_test(name, move || on_ground(|ground| when(is_there).and_then(|()| prove(ground))))
    };
    let with = |(name, prove): ClaimWithHelm, helm: Helm, is_there| {
        let test = move || on_ground(|ground| when(is_there).and_then(|()| prove(ground, helm)));
        Trial::ignorable_test(name, test).with_kind(if helm == Helm::Three { "helm-3" } else { "helm-4" })
    };
    let mut trials = vec![in_a_combination, alone];
    trials.extend(CLAIMS.map(|claim| one(claim, true)));
    trials.extend(LONG_CLAIMS.map(|claim| one(claim, is_long)));
    trials.extend(WITH_HELM.map(|claim| with(claim, Helm::Four, true)));
    let on_older = (0..).zip(WITH_HELM).map(|(at, claim)| with(claim, Helm::Three, at == 0 || is_long));
    trials.extend(on_older);
    for helm in [Helm::Three, Helm::Four] {
        trials.extend(LONG_WITH_HELM.map(|claim| with(claim, helm, is_long)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn on_ground(prove: impl FnOnce(&Ground) -> Result<(), Ignored>) -> Result<Completion, Failed> {
    let outcome = Ground::read().and_then(|ground| prove(&ground));
    Ok(match outcome {
        Ok(()) => Completion::Completed,
        Err(reason) => Completion::ignored_with(reason),
    })
}
