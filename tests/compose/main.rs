//! The committed Compose files as an operator gets them: copied, started, killed, taken down and started again.
//!
//! `cargo xtask test compose` makes the image and says in variables where it is; without them every trial
//! reports itself ignored. Each trial has a project of its own, on ports that the kernel chose, and removes
//! it. PostgreSQL, nginx and Redis are official images where they can be pulled, else ones made of packages.

#[path = "../support/asking.rs"]
mod asking;
mod edge;
#[allow(dead_code, reason = "the trials of the image use more of it")]
#[path = "../image/engine.rs"]
mod engine;
#[allow(dead_code, clippy::print_stdout, reason = "the trials of the image use more of it")]
#[path = "../image/given.rs"]
mod given;
mod life;
mod other;
mod places;
mod project;
mod random;
mod secrecy;
#[path = "../support/mod.rs"]
mod support;

use engine::Engine;
use given::Given;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_containers::versions;

/// Why a trial did not run.
type Ignored = String;

/// What a trial has.
pub(crate) struct Ground {
    pub(crate) engine: Engine,
    pub(crate) given: Given,
}

type Claim = (&'static str, fn(&Ground) -> Result<(), Ignored>);
type ClaimOnDatabase = (&'static str, fn(&Ground, u16) -> Result<(), Ignored>);

const CLAIMS: [Claim; 8] = [
    ("the_files_for_one_node_with_sqlite_come_up_and_keep_what_is_written", life::on_sqlite),
    ("two_installations_live_on_one_host", places::two_on_one_host),
    ("what_is_given_as_files_is_used_and_never_shown", secrecy::files_are_used),
    ("a_running_installation_has_no_right_that_it_does_not_need", secrecy::is_confined),
    ("nothing_is_pulled_when_the_images_are_there", places::nothing_is_pulled),
    ("the_proxy_speaks_tls_and_finds_a_server_that_was_made_anew", edge::behind_the_proxy),
    ("an_application_with_random_names_starts", random::application_starts),
    ("the_infrastructure_of_the_second_application_is_healthy", other::infrastructure),
];
/// It takes every container of the machine away for a moment, so it runs alone.
const ALONE: Claim = ("an_engine_that_is_started_again_brings_everything_back", edge::survives_the_engine);
const ON_DATABASES: [ClaimOnDatabase; 2] = [
    ("t2_compose_starts_all_services_correctly", life::on_bundled_postgres),
    ("a_database_of_the_customers_own_is_used_by_an_override", places::on_own_postgres),
];

fn main() {
    let arguments = Arguments::from_args();
    let plain = CLAIMS.into_iter().map(|(name, prove)| Trial::ignorable_test(name, move || on_ground(prove)));
    let alone = Trial::ignorable_test(ALONE.0, || on_ground(ALONE.1));
    if std::env::var_os(edge::RESTART).is_some() {
        libtest_mimic::run(&arguments, vec![alone]).exit();
    }
    let versions = versions().expect("RTMX_TEST_POSTGRES names versions");
    let on_databases = ON_DATABASES.into_iter().flat_map(|(name, prove)| {
        versions.clone().into_iter().map(move |version| {
            let test = move || on_ground(|ground| prove(ground, version));
            Trial::ignorable_test(name, test).with_kind(format!("postgres-{version}"))
        })
    });
    libtest_mimic::run(&arguments, plain.chain(on_databases).chain([alone]).collect()).exit();
}

fn on_ground(prove: impl FnOnce(&Ground) -> Result<(), Ignored>) -> Result<Completion, Failed> {
    let ground = || Ok(Ground { given: Given::read()?, engine: Engine::find()? });
    let outcome = ground().and_then(|ground: Ground| {
        ground.engine.load(&ground.given);
        prove(&ground)
    });
    Ok(match outcome {
        Ok(()) => Completion::Completed,
        Err(reason) => Completion::ignored_with(reason),
    })
}
