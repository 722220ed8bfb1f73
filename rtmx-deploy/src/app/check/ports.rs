//! Ports that two would take.

use super::Found;
use crate::app::spec::{App, Publish};
use rtmx_core::app as codes;
use std::collections::BTreeMap;

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    for (name, component) in &app.components {
        let mut numbers: BTreeMap<u16, &str> = BTreeMap::new();
        for (port, spec) in &component.ports {
            if let Some(other) = numbers.insert(spec.port, port.as_str()) {
                let path = ["components", name.as_str(), "ports", port.as_str()];
                let text = format!("the ports `{other}` and `{port}` of `{name}` are both {}", spec.port);
                found.add(codes::APP_PORT_CLASH, &path, text);
            }
        }
    }
    published(app, None, found);
    for environment in app.environments.keys() {
        published(app, Some(environment.as_str()), found);
    }
}

/// The machine's ports, as the components have them, or as they are in an environment. What is the same
/// in both is told once.
fn published(app: &App, environment: Option<&str>, found: &mut Found<'_>) {
    let overlay = environment.and_then(|name| app.environments.get(name));
    let mut taken: BTreeMap<u16, (&str, bool)> = BTreeMap::new();
    let mut variables: BTreeMap<&str, (&str, u16)> = BTreeMap::new();
    for (name, component) in &app.components {
        for (port, spec) in &component.ports {
            let over = overlay.and_then(|it| it.components.get(name)).and_then(|it| it.publish.get(port));
            let Some(publish) = over.or(spec.publish.as_ref()) else { continue };
            let path: Vec<&str> = match environment.filter(|_| over.is_some()) {
                Some(within) => {
                    vec!["environments", within, "components", name.as_str(), "publish", port.as_str()]
                }
                None => vec!["components", name.as_str(), "ports", port.as_str(), "publish"],
            };
            let Publish { port: number, variable, .. } = publish;
            let here = environment.is_none() || over.is_some();
            if let Some((other, told)) = taken.insert(*number, (name.as_str(), here))
                && (here || told)
            {
                let text = format!("`{other}` and `{name}` are both on the port {number} of the machine");
                found.add(codes::APP_PORT_CLASH, &path, text);
            }
            if let Some((other, _)) = variables.insert(variable.as_str(), (name.as_str(), *number))
                && here
            {
                let text = format!("`{other}` and `{name}` both take their port from `{variable}`");
                found.add(codes::APP_PORT_CLASH, &path, text);
            }
        }
    }
}
