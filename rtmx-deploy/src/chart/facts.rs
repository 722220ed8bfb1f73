//! What the templates are told of the application: descriptions of components, of secrets, and of what is
//! there, each as a named template whose text is YAML.
//!
//! They are templates and not data because names of objects are known only when a release is installed.
//! What comes from the spec is written so that nothing in it is taken for a template.

use super::model::{HOST, Model, Part, dashed, setting};
use super::origins;
use super::template::flow;
use crate::app::{Delivery, HttpProbe, Image, Name, Probe, Setting};
use crate::compose::yaml::quoted;
use crate::release::{Lock, reference};
use serde_json::{Map, Value, json};

/// All descriptions, as one file of named templates.
pub(super) fn facts(model: &Model<'_>, lock: Option<&Lock>) -> String {
    let mut out =
        String::from("{{/* What this chart was made with. Rendered: changes belong into the spec. */}}\n");
    let mut define = |name: &str, value: &Value| {
        out.push_str(&format!("{{{{- define \"chart.facts.{name}\" -}}}}\n"));
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                out.push_str(&format!("{}: {}\n", quoted(key), flow(model, value)));
            }),
            other => out.push_str(&format!("{}\n", flow(model, other))),
        }
        if value.as_object().is_some_and(Map::is_empty) {
            out.push_str("{}\n");
        }
        out.push_str("{{- end }}\n\n");
    };
    for part in &model.parts {
        define(&format!("component.{}", part.name), &component(model, lock, part));
    }
    let keys: Map<String, Value> =
        model.parts.iter().map(|part| (part.key.clone(), part.name.as_str().into())).collect();
    define("keys", &Value::Object(keys));
    define("secrets", &origins::secrets(model));
    define("moved", &json!(model.chart.moved));
    let exposed = model.app.exposed.first().filter(|it| model.named(&it.component).is_some());
    define("exposed", &exposed.map_or(json!({}), |it| json!({"name": it.component})));
    let shared = model.shared().into_iter();
    let shared: Map<String, Value> = shared
        .map(|name| (dashed(name.as_str(), 40), json!({"key": super::model::camel(name.as_str())})))
        .collect();
    define("volumes", &Value::Object(shared));
    define("test", &test(model));
    let maker = model.app.secret_maker.as_ref();
    let made = maker.map_or(
        json!({}),
        |maker| json!({"image": image(model, lock, &maker.image), "command": literal_words(&maker.command)}),
    );
    define("maker", &made);
    let key = match maker_component(model) {
        Some(part) => format!("(index .Values {}).image", quoted(&part.key)),
        None => ".Values.secrets.image".to_owned(),
    };
    let used = if maker.is_some() { format!("{{{{ {key} | toJson }}}}") } else { "{}".to_owned() };
    out.push_str(&format!("{{{{- define \"chart.makerImage\" -}}}}\n{used}\n{{{{- end }}}}\n"));
    out
}

/// The component that runs the image of the secret maker.
pub(super) fn maker_component<'m, 'a>(model: &'m Model<'a>) -> Option<&'m Part<'a>> {
    let maker = model.app.secret_maker.as_ref()?;
    model
        .parts
        .iter()
        .find(|part| part.spec.image.name == maker.image.name && part.spec.image.tag == maker.image.tag)
}

fn component(model: &Model<'_>, lock: Option<&Lock>, part: &Part<'_>) -> Value {
    let spec = part.spec;
    let mut env = Map::new();
    for (key, value) in &spec.environment {
        // A variable that only an operator would set is not there.
        if !matches!(value, Setting::Open(variable) if variable.default.is_empty()) {
            env.insert(key.to_string(), model.with_hosts(setting(value)).into());
        }
    }
    let mut optional = Vec::new();
    for (path, value) in &model.chart.values {
        let own = spec.image.tag.contains("{version}");
        let wanted = if value.of.is_empty() { own } else { value.of.contains(part.name) };
        if let Some(variable) = value.variable.as_ref().filter(|_| wanted) {
            env.insert(variable.to_string(), format!("{HOST}value {path}{HOST}").into());
            optional.push(variable.to_string());
        }
    }
    let secrets_path = format!("/run/secrets/{}", part.name);
    if let Some(variable) = &spec.secrets_directory {
        env.insert(variable.to_string(), secrets_path.clone().into());
    }
    let (mut files, mut variables) = (Vec::new(), Vec::new());
    for (name, used) in &spec.secrets {
        let (object, key) = model.object(name);
        let mut fact = json!({"object": object, "key": key, "existing": model.existing(name)});
        for (key, beside) in model.place(name).beside {
            if let Some(variable) = beside.variable {
                env.remove(variable.as_str());
                let mut beside = fact.clone();
                beside["name"] = variable.as_str().into();
                beside["key"] = key.into();
                variables.push(beside);
            }
        }
        match (used.delivery, &used.variable) {
            (Delivery::Environment, Some(variable)) => {
                fact["name"] = variable.as_str().into();
                variables.push(fact);
            }
            _ => {
                let file = used.file.as_deref().unwrap_or(name.as_str());
                if let Some(variable) = &used.file_variable {
                    env.insert(variable.to_string(), format!("{secrets_path}/{file}").into());
                }
                fact["path"] = file.into();
                let is_made = model.app.secrets.get(name).is_some_and(|it| origins::is_made(model, name, it));
                fact["optional"] = (!is_made).into();
                files.push(fact);
            }
        }
    }
    let config = spec.files.iter().map(|mount| {
        let source = part.chart.files.get(&mount.path).unwrap_or(&mount.file);
        let name = mount.path.as_str().rsplit('/').next().unwrap_or_default();
        let own = part.chart.files.contains_key(&mount.path);
        json!({"path": mount.path, "name": name, "source": format!("files/{source}"), "template": own})
    });
    let claim = |claim: &super::model::Claim<'_>| {
        let mut fact = json!({"name": claim.name, "path": claim.path, "readOnly": claim.read_only});
        match claim.shared {
            true => fact["shared"] = dashed(claim.volume.as_str(), 40).into(),
            false => fact["persistence"] = claim.persistence.clone().into(),
        }
        fact
    };
    let init = part.chart.init.iter().filter_map(|name| {
        let job = model.app.jobs.get(name)?;
        Some(json!({"name": dashed(name.as_str(), 40), "command": literal_words(&job.command)}))
    });
    let scratch = part.scratch().map(|it| json!({"path": it.path, "size": super::table::amount(it.size)}));
    let mut security = json!({"readOnlyRootFilesystem": !spec.writable_root});
    if !spec.capabilities.is_empty() {
        security["capabilities"] = json!({"drop": ["ALL"], "add": spec.capabilities});
    }
    let mut fact = json!({
        "key": part.key, "suffix": part.suffix, "label": part.label, "container": part.label,
        "kind": if part.is_stateful() { "StatefulSet" } else { "Deployment" },
        "headless": part.is_stateful() && !part.chart.main,
        "single": part.is_single(),
        "naps": !part.is_stateful() && !part.is_single() && !part.ports.is_empty(),
        "image": image(model, lock, &spec.image),
        "entrypoint": literal_words(&spec.entrypoint),
        "command": literal_words(&spec.command),
        "ports": part.ports,
        "port": part.port,
        "metricsPort": "metrics",
        "exposed": part.exposed,
        "env": env,
        "optional": optional,
        "variables": variables,
        "secretFiles": files,
        "secretsPath": secrets_path,
        "configFiles": config.collect::<Vec<_>>(),
        "scratch": scratch.collect::<Vec<_>>(),
        "claims": part.claims.iter().map(claim).collect::<Vec<_>>(),
        "init": init.collect::<Vec<_>>(),
        "security": security,
        "probes": probes(part),
        "most": spec.replicas_at_most,
        "mostWhy": "",
        "mesh": part.chart.mesh.is_some(),
        "outside": part.chart.outside,
    });
    connections(model, part, &mut fact);
    fact
}

/// Whom it talks to, who talks to it, and what may stand in for whom it talks to.
fn connections(model: &Model<'_>, part: &Part<'_>, fact: &mut Value) {
    let ports = |of: &Part<'_>| -> Vec<u16> {
        of.ports.iter().filter(|(name, _)| *name != "metrics").map(|(_, port)| *port).collect()
    };
    let reached = |name: &Name| model.named(name).filter(|other| !ports(other).is_empty());
    let reaches: Vec<Value> = part
        .reaches
        .iter()
        .filter_map(reached)
        .map(|other| json!({"key": other.key, "label": other.label, "ports": ports(other)}))
        .collect();
    let own = ports(part);
    let mut clients: Vec<Value> = match own.is_empty() {
        true => Vec::new(),
        false => model
            .parts
            .iter()
            .filter(|other| other.reaches.contains(part.name))
            .map(|other| json!({"label": other.label, "ports": own}))
            .collect(),
    };
    let tested = model.chart.test.as_ref().is_some_and(|test| test.component == *part.name);
    if let Some(port) = part.port.as_ref().and_then(|name| part.ports.get(name)).filter(|_| tested) {
        clients.push(json!({"label": "test", "ports": [port]}));
    }
    let services: Vec<Value> = part
        .reaches
        .iter()
        .filter_map(reached)
        .filter_map(|other| {
            let value = model.service(other)?;
            let on = format!("{HOST}not {}{HOST}", other.key);
            Some(json!({"value": value, "ports": ports(other), "wanted": on}))
        })
        .collect();
    fact["reaches"] = reaches.into();
    fact["clients"] = clients.into();
    fact["services"] = services.into();
    let held = model.parts.iter().filter_map(|other| other.chart.queue.as_ref());
    fact["queueOf"] = held.clone().any(|queue| queue.of == *part.name).into();
    if let Some(queue) = &part.chart.queue {
        let (object, key) = model.object(&queue.password);
        let port =
            model.named(&queue.of).and_then(|of| of.ports.values().next().copied()).unwrap_or_default();
        fact["queue"] = json!({
            "host": format!("{HOST}{}{HOST}", queue.of),
            "port": port,
            "password": {"object": object, "key": key, "existing": model.existing(&queue.password)},
        });
    }
}

fn probes(part: &Part<'_>) -> Value {
    let probes = &part.spec.probes;
    let handler = |probe: &Probe| match &probe.http {
        Some(HttpProbe { path, port }) => {
            Some(json!({"httpGet": {"path": path, "port": dashed(port.as_str(), 15)}}))
        }
        None if probe.command.is_empty() => None,
        None => Some(json!({"exec": {"command": probe.command}})),
    };
    let mut map = Map::new();
    let live = probes.live.as_ref().or(probes.health.as_ref()).and_then(handler);
    let ready = probes.ready.as_ref().or(probes.health.as_ref()).and_then(handler);
    for (word, probe) in [("livenessProbe", &live), ("readinessProbe", &ready), ("startupProbe", &live)] {
        if let Some(probe) = probe {
            map.insert(word.to_owned(), probe.clone());
        }
    }
    Value::Object(map)
}

/// An image as the chart knows it before values say anything.
fn image(model: &Model<'_>, lock: Option<&Lock>, image: &Image) -> Value {
    let own = image.name.contains("{registry}");
    let registry = model.app.registry.as_ref().map_or("", |registry| registry.default.as_str());
    let versioned = image.tag.contains("{version}");
    json!({
        "repository": image.name.replace("{registry}", registry),
        "base": image.name.replace("{registry}/", ""),
        "tag": image.tag.replace("{version}", &model.app.version),
        "digest": lock.and_then(|lock| lock.images.get(&reference(model.app, image))),
        "own": own,
        "versioned": versioned,
    })
}

fn test(model: &Model<'_>) -> Value {
    let Some(test) = &model.chart.test else { return json!({}) };
    let secret = test.secret.as_ref().map(|name| {
        let (object, key) = model.object(name);
        json!({"object": object, "key": key, "existing": model.existing(name)})
    });
    json!({"component": test.component, "command": test.command, "secret": secret})
}

/// Words in which Kubernetes replaces nothing.
fn literal_words(words: &[String]) -> Vec<String> {
    words.iter().map(|word| word.replace("$(", "$$(")).collect()
}
