//! Values that contradict each other, or that a renderer could do nothing with.

use super::Found;
use crate::app::spec::{App, Component, Condition, SecretUse, Setting};
use crate::app::units::Name;
use rtmx_core::app as codes;

/// The name of what makes and keeps secrets.
const OWN: &str = "secrets";

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    if app.components.is_empty() {
        found.add(codes::APP_INVALID_VALUE, &["components"], "an application has at least one component");
    }
    if app.networks.is_empty() {
        found.add(codes::APP_INVALID_VALUE, &["networks"], "an application has at least one network");
    }
    let uses_secrets = app.components.values().any(|component| !component.secrets.is_empty());
    if uses_secrets && app.secret_maker.is_none() {
        let text = "there are secrets, and no `secret_maker` says which program makes missing ones";
        found.add(codes::APP_MISSING_KEY, &["secrets"], text);
    }
    for (name, component) in &app.components {
        check_image(app, name, component, found);
        check_replicas(name, component, found);
        let probes = &component.probes;
        let asked = [("health", &probes.health), ("ready", &probes.ready), ("live", &probes.live)];
        for (word, probe) in asked.into_iter().filter_map(|(word, probe)| Some((word, probe.as_ref()?))) {
            if probe.http.is_none() && probe.command.is_empty() {
                let path = ["components", name.as_str(), "probes", word];
                found.add(
                    codes::APP_MISSING_KEY,
                    &path,
                    format!("the probe `{word}` of `{name}` asks nothing"),
                );
            }
        }
        for (other, condition) in &component.after {
            let health = app.components.get(other).is_some_and(|other| other.probes.health.is_some());
            if *condition == Condition::Healthy && app.components.contains_key(other) && !health {
                let path = ["components", name.as_str(), "after", other.as_str()];
                let text = format!("`{name}` waits for the health of `{other}`, which has no probe `health`");
                found.add(codes::APP_INVALID_VALUE, &path, text);
            }
        }
        for (key, value) in &component.environment {
            let path = ["components", name.as_str(), "environment", key.as_str(), "default"];
            check_setting(value, &path, found);
        }
        for (secret, used) in &component.secrets {
            check_use(name, secret, used, found);
        }
    }
    if let Some(registry) = &app.registry {
        check_default(&registry.default, &["registry", "default"], found);
    }
    for (name, network) in &app.networks {
        if let Some(subnet) = &network.subnet {
            check_default(&subnet.default, &["networks", name.as_str(), "subnet", "default"], found);
        }
    }
    // The service, volume and folder that a renderer adds.
    let taken = [("components", app.components.contains_key(OWN)), ("jobs", app.jobs.contains_key(OWN))];
    let taken = taken.into_iter().chain([("volumes", app.volumes.contains_key(OWN))]);
    for (key, _) in taken.filter(|(_, taken)| *taken) {
        let text = format!("the name `{OWN}` is that of what makes and keeps the secrets");
        found.add(codes::APP_INVALID_VALUE, &[key, OWN], text);
    }
    for (name, environment) in &app.environments {
        for (key, component) in &environment.components {
            for (variable, value) in &component.environment {
                let within = ["environments", name.as_str(), "components", key.as_str()];
                let path =
                    [within[0], within[1], within[2], within[3], "environment", variable.as_str(), "default"];
                check_setting(value, &path, found);
            }
        }
        for profile in &environment.profiles {
            let excluded = app.profiles.get(profile).into_iter().flat_map(|profile| &profile.excludes);
            for other in excluded.filter(|other| environment.profiles.contains(other)) {
                let text = format!("the profiles `{profile}` and `{other}` of `{name}` exclude each other");
                found.add(codes::APP_INVALID_VALUE, &["environments", name.as_str(), "profiles"], text);
            }
        }
    }
}

fn check_setting(value: &Setting, path: &[&str], found: &mut Found<'_>) {
    if let Setting::Open(variable) = value {
        check_default(&variable.default, path, found);
    }
}

/// What stands between braces of a variable, and would end it.
fn check_default(text: &str, path: &[&str], found: &mut Found<'_>) {
    if text.contains(['{', '}', '$']) || text.chars().any(char::is_control) {
        let text =
            format!("the default `{}` has one of `{{`, `}}`, `$` or a line end", text.escape_default());
        found.add(codes::APP_INVALID_VALUE, path, text);
    }
}

fn check_image(app: &App, name: &Name, component: &Component, found: &mut Found<'_>) {
    let path = ["components", name.as_str(), "image", "name"];
    let image = component.image.name.replace("{registry}", "registry");
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    let tag_in_name = image.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if image.is_empty() || !image.chars().all(fine) || tag_in_name {
        let text = format!("`{}` is no name of an image without its tag", component.image.name);
        found.add(codes::APP_INVALID_VALUE, &path, text);
    }
    let tag = component.image.tag.replace("{version}", &app.version);
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if tag.is_empty() || tag.len() > 128 || !tag.chars().all(fine) {
        let path = ["components", name.as_str(), "image", "tag"];
        found.add(
            codes::APP_INVALID_VALUE,
            &path,
            format!("`{}` is no tag of an image", component.image.tag),
        );
    }
    if component.image.name.contains("{registry}") && app.registry.is_none() {
        let text = format!("the image of `{name}` is in `{{registry}}`, and there is no `registry`");
        found.add(codes::APP_MISSING_KEY, &path, text);
    }
}

fn check_replicas(name: &Name, component: &Component, found: &mut Found<'_>) {
    let most = component.replicas_at_most.unwrap_or(u32::MAX);
    if component.replicas > most {
        let text = format!("`{name}` has {} replicas, and at most {most} may run", component.replicas);
        found.add(codes::APP_INVALID_VALUE, &["components", name.as_str(), "replicas"], text);
    }
    if let Some(scaling) = &component.autoscaling
        && (scaling.least > scaling.most || scaling.most > most || scaling.least == 0)
    {
        let text = format!(
            "`{name}` is scaled from {} to {} replicas, which is no range that it may have",
            scaling.least, scaling.most
        );
        found.add(codes::APP_INVALID_VALUE, &["components", name.as_str(), "autoscaling"], text);
    }
}

fn check_use(name: &Name, secret: &Name, used: &SecretUse, found: &mut Found<'_>) {
    let path = ["components", name.as_str(), "secrets", secret.as_str()];
    let environment = used.delivery == crate::app::Delivery::Environment;
    if environment && used.variable.is_none() {
        let text = format!("`{secret}` reaches `{name}` as a variable, and `variable` does not say which");
        found.add(codes::APP_MISSING_KEY, &path, text);
    }
    if environment && (used.file.is_some() || used.file_variable.is_some()) {
        let text = format!("`{secret}` reaches `{name}` as a variable, and not as a file");
        found.add(codes::APP_INVALID_VALUE, &path, text);
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if used
        .file
        .as_deref()
        .is_some_and(|file| file.is_empty() || file.starts_with('.') || !file.chars().all(fine))
    {
        let text = format!("the file of `{secret}` is no plain name of a file");
        found.add(codes::APP_INVALID_VALUE, &[path[0], path[1], path[2], path[3], "file"], text);
    }
}
