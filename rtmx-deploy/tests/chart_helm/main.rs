//! The committed charts as Helm sees them, on both of its majors, and what they render as the schemas of
//! Kubernetes and of custom resources see it.
//!
//! Told where things are by variables: `RTMX_HELM_3` and `RTMX_HELM_4` name the programs,
//! `RTMX_KUBERNETES_VALIDATE` a folder with that Python package, `RTMX_CUSTOM_RESOURCES` one with the definitions
//! of custom resources; `RTMX_CHECKOV` and `RTMX_KUBE_SCORE` are static checkers. A trial that lacks one reports
//! itself ignored.

#![allow(clippy::disallowed_methods, reason = "runs Helm on what is committed")]

mod checks;
mod custom;
mod effects;
mod figures;
mod helm;
mod promises;
#[path = "../random/mod.rs"]
mod random;
mod refusals;
mod schemas;
mod second;
mod variants;

use helm::Helms;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What a trial needs.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    Helm,
    Validator,
    Definitions,
    Checkov,
    KubeScore,
}

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("both_majors_lint_every_preset_without_a_word", Needs::Helm, variants::lint),
        trial("both_majors_render_the_same", Needs::Helm, variants::same),
        trial("rendering_three_times_gives_the_same_bytes_and_no_secret", Needs::Helm, variants::stable),
        trial("every_variant_fits_the_schemas_of_kubernetes", Needs::Validator, schemas::kubernetes),
        trial("every_custom_resource_fits_its_schema", Needs::Definitions, custom::custom),
        trial("values_that_cannot_be_meant_are_refused_with_advice", Needs::Helm, refusals::refused),
        trial("notes_tell_what_is_risky_first", Needs::Helm, refusals::notes),
        trial("what_is_rendered_by_default_is_restricted", Needs::Helm, promises::restricted),
        trial("every_pod_is_found_by_its_service_and_policy", Needs::Helm, promises::selected),
        trial("secrets_are_made_with_the_narrowest_rights", Needs::Helm, promises::secrets),
        trial("an_application_with_random_names_installs", Needs::Validator, promises::random_names),
        trial("the_values_of_the_requirements_do_what_they_say", Needs::Helm, figures::rtmx),
        trial("images_are_named_as_registry_tag_and_digest_say", Needs::Helm, figures::images),
        trial("servers_are_told_their_engine_and_wait_for_its_address", Needs::Helm, effects::database),
        trial("what_changes_starts_its_own_pods_again_and_no_others", Needs::Helm, effects::restarts),
        trial("names_that_yaml_would_take_for_something_else_are_texts", Needs::Helm, effects::names),
        trial("routes_metrics_and_alerts_follow_the_values", Needs::Helm, effects::edges),
        trial("the_network_opens_what_the_values_name", Needs::Helm, effects::network),
        trial("what_external_secrets_bring_is_complete", Needs::Helm, effects::brought),
        trial("a_probe_of_the_values_takes_the_place_of_the_charts", Needs::Helm, effects::probes),
        trial("the_second_application_has_the_figures_of_the_requirements", Needs::Helm, second::hyyve),
        trial("checkov_finds_nothing_that_is_not_explained", Needs::Checkov, checks::checkov),
        trial("kube_score_finds_nothing_that_is_not_explained", Needs::KubeScore, checks::kube_score),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, needs: Needs, prove: fn(&Helms)) -> Trial {
    Trial::ignorable_test(name, move || -> Result<Completion, Failed> {
        let helms = Helms::found();
        let lacking = match needs {
            _ if helms.all.is_empty() => Some("RTMX_HELM_3 and RTMX_HELM_4 name no Helm"),
            Needs::Validator if helms.validator.is_none() => {
                Some("RTMX_KUBERNETES_VALIDATE names no package")
            }
            Needs::Checkov if helms.checkov.is_none() => Some("RTMX_CHECKOV names no package"),
            Needs::KubeScore if helms.kube_score.is_none() => Some("RTMX_KUBE_SCORE names no program"),
            Needs::Definitions if helms.definitions.is_none() => {
                Some("RTMX_CUSTOM_RESOURCES names no definitions")
            }
            _ => None,
        };
        match lacking {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                prove(&helms);
                Ok(Completion::Completed)
            }
        }
    })
}
