//! Names that are used and have to be declared.

use super::Found;
use crate::app::spec::{App, Component, TaskPlace};
use crate::app::units::Name;
use rtmx_core::app as codes;
use std::collections::BTreeMap;

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    for (name, component) in &app.components {
        check_component(app, name, component, found);
    }
    for (name, job) in &app.jobs {
        let path = ["jobs", name.as_str(), "component"];
        declared(found, &path, "component", &job.component, &app.components);
        if app.components.contains_key(name) {
            let text = format!("the job `{name}` is named like a component, and both would be one service");
            found.add(codes::APP_INVALID_VALUE, &["jobs", name.as_str()], text);
        }
    }
    for (name, part) in &app.state {
        let within = ["state", name.as_str()];
        each(found, &[within[0], within[1], "volumes"], "volume", &part.volumes, &app.volumes);
        each(found, &[within[0], within[1], "writers"], "component", &part.writers, &app.components);
        each(found, &[within[0], within[1], "profiles"], "profile", &part.profiles, &app.profiles);
        let tasks =
            [("backup", &part.backup), ("restore", &part.restore), ("fingerprint", &part.fingerprint)];
        for (word, task) in tasks {
            let path = [within[0], within[1], word, "component"];
            match (&task.component, task.at) {
                (Some(component), _) => declared(found, &path, "component", component, &app.components),
                (None, TaskPlace::Operator) => {}
                (None, TaskPlace::Component) => {
                    let text = format!("the task `{word}` of `{name}` names no component to run in");
                    found.add(codes::APP_INVALID_VALUE, &path, text);
                }
            }
        }
    }
    for (name, profile) in &app.profiles {
        each(found, &["profiles", name.as_str(), "excludes"], "profile", &profile.excludes, &app.profiles);
    }
    for (name, secret) in &app.secrets {
        each(found, &["secrets", name.as_str(), "profiles"], "profile", &secret.profiles, &app.profiles);
    }
    for (name, external) in &app.external {
        let (replaces, secret) =
            (["external", name.as_str(), "replaces"], ["external", name.as_str(), "secret"]);
        declared(found, &replaces, "component", &external.replaces, &app.components);
        if !app.secrets.contains_key(&external.secret) {
            let text = format!("the secret `{}` is not declared", external.secret);
            let known = app.secrets.keys().map(Name::as_str);
            found.add_near(codes::APP_SECRET_UNKNOWN, &secret, text, external.secret.as_str(), known);
        }
    }
    for (at, exposed) in app.exposed.iter().enumerate() {
        let at = at.to_string();
        declared(found, &["exposed", &at, "component"], "component", &exposed.component, &app.components);
        if let Some(component) = app.components.get(&exposed.component) {
            declared(found, &["exposed", &at, "port"], "port", &exposed.port, &component.ports);
        }
    }
    for (name, size) in &app.sizes {
        for key in size.components.keys() {
            let path = ["sizes", name.as_str(), "components", key.as_str()];
            declared(found, &path, "component", key, &app.components);
        }
        for key in size.volumes.keys() {
            let path = ["sizes", name.as_str(), "volumes", key.as_str()];
            declared(found, &path, "volume", key, &app.volumes);
        }
    }
    for (name, environment) in &app.environments {
        let within = ["environments", name.as_str()];
        declared(found, &[within[0], within[1], "size"], "size", &environment.size, &app.sizes);
        each(found, &[within[0], within[1], "profiles"], "profile", &environment.profiles, &app.profiles);
        for (key, overlay) in &environment.components {
            let path = [within[0], within[1], "components", key.as_str()];
            declared(found, &path, "component", key, &app.components);
            let Some(component) = app.components.get(key) else { continue };
            for port in overlay.publish.keys() {
                let path = [path[0], path[1], path[2], path[3], "publish", port.as_str()];
                declared(found, &path, "port", port, &component.ports);
            }
        }
    }
}

fn check_component(app: &App, name: &Name, component: &Component, found: &mut Found<'_>) {
    let within = ["components", name.as_str()];
    each(found, &[within[0], within[1], "profiles"], "profile", &component.profiles, &app.profiles);
    each(found, &[within[0], within[1], "networks"], "network", &component.networks, &app.networks);
    for (at, mount) in component.volumes.iter().enumerate() {
        let path = [within[0], within[1], "volumes", &at.to_string(), "volume"];
        declared(found, &path, "volume", &mount.volume, &app.volumes);
    }
    for key in component.after.keys() {
        declared(found, &[within[0], within[1], "after", key.as_str()], "component", key, &app.components);
    }
    for secret in component.secrets.keys().filter(|secret| !app.secrets.contains_key(*secret)) {
        let path = [within[0], within[1], "secrets", secret.as_str()];
        let text = format!("`{name}` asks for the secret `{secret}`, which is not declared");
        let known = app.secrets.keys().map(Name::as_str);
        found.add_near(codes::APP_SECRET_UNKNOWN, &path, text, secret.as_str(), known);
    }
    let probes = &component.probes;
    let asked = [("health", &probes.health), ("ready", &probes.ready), ("live", &probes.live)];
    for (word, probe) in asked.into_iter().filter_map(|(word, probe)| Some((word, probe.as_ref()?))) {
        if let Some(http) = &probe.http {
            let path = [within[0], within[1], "probes", word, "http", "port"];
            declared(found, &path, "port", &http.port, &component.ports);
        }
    }
}

fn each<T>(found: &mut Found<'_>, path: &[&str], what: &str, names: &[Name], known: &BTreeMap<Name, T>) {
    for (at, name) in names.iter().enumerate() {
        let at = at.to_string();
        let path: Vec<&str> = path.iter().copied().chain([at.as_str()]).collect();
        declared(found, &path, what, name, known);
    }
}

fn declared<T>(found: &mut Found<'_>, path: &[&str], what: &str, name: &Name, known: &BTreeMap<Name, T>) {
    if !known.contains_key(name) {
        let text = format!("the {what} `{name}` is not declared");
        found.add_near(codes::APP_UNKNOWN_NAME, path, text, name.as_str(), known.keys().map(Name::as_str));
    }
}
