//! What of a spec a chart consists of: components under their keys, who reaches whom, which volume is whose.
//!
//! The decision to know: everything here follows from the spec, and what the spec says about its chart only
//! goes before it. A host name in a setting is also a connection, so no list of them has to be kept.

use crate::app::AppFaults;
use crate::app::{
    App, Chart, ChartComponent, ChartSecret, Component, Fault, Name, Piece, Scratch, Secret, SecretUse,
    Setting, pieces,
};
use rtmx_core::{Result, app as codes};
use std::collections::{BTreeMap, BTreeSet};

/// Stands around the name of a component in a text, where its host belongs.
pub(super) const HOST: char = '\u{1}';

/// Keys of values that belong to no component.
const TAKEN: [&str; 27] = [
    "global",
    "nameOverride",
    "fullnameOverride",
    "enabled",
    "image",
    "serviceAccount",
    "podSecurityContext",
    "securityContext",
    "openshift",
    "config",
    "secrets",
    "externalSecrets",
    "ingress",
    "gateway",
    "istio",
    "certManager",
    "networkPolicy",
    "topologySpreadConstraints",
    "monitoring",
    "storageClasses",
    "volumes",
    "tests",
    "backup",
    "persistence",
    "commonLabels",
    "sandboxed",
    "extra",
];

/// A component in the chart.
pub(super) struct Part<'a> {
    pub(super) name: &'a Name,
    pub(super) spec: &'a Component,
    pub(super) chart: ChartComponent,
    /// The key of its values.
    pub(super) key: String,
    /// Its label.
    pub(super) label: String,
    /// The end of its objects' names.
    pub(super) suffix: String,
    /// Its ports, by the names that Kubernetes takes.
    pub(super) ports: BTreeMap<String, u16>,
    /// The port that is meant where only one is.
    pub(super) port: Option<String>,
    /// Ports that are reached from outside.
    pub(super) exposed: Vec<u16>,
    /// Its volumes, and whether another component has them, too.
    pub(super) claims: Vec<Claim<'a>>,
    /// Whom it talks to.
    pub(super) reaches: BTreeSet<Name>,
}

/// A volume in a component.
pub(super) struct Claim<'a> {
    pub(super) volume: &'a Name,
    pub(super) path: &'a str,
    pub(super) read_only: bool,
    pub(super) shared: bool,
    /// The claim's name in the pod.
    pub(super) name: String,
    /// The path of its values within the component's.
    pub(super) persistence: String,
}

/// The chart of an application.
pub(super) struct Model<'a> {
    pub(super) app: &'a App,
    pub(super) chart: &'a Chart,
    pub(super) parts: Vec<Part<'a>>,
}

impl Part<'_> {
    /// Whether its pods have volumes of their own.
    pub(super) fn is_stateful(&self) -> bool {
        self.claims.iter().any(|claim| !claim.shared)
    }

    /// Where it may write without keeping it.
    pub(super) fn scratch(&self) -> impl Iterator<Item = &Scratch> {
        self.spec.scratch.iter().chain(&self.chart.scratch)
    }

    /// Whether two of its pods must not run at a time.
    pub(super) fn is_single(&self) -> bool {
        self.spec.replicas_at_most == Some(1) || self.claims.iter().any(|claim| claim.shared)
    }

    /// Whether it runs unless values say otherwise.
    pub(super) fn is_on(&self) -> bool {
        self.chart.enabled.unwrap_or(self.spec.profiles.is_empty() && self.spec.capabilities.is_empty())
    }

    /// The user of its processes.
    pub(super) fn uid(&self) -> u32 {
        let number = self.spec.user.as_deref().and_then(|user| user.split(':').next()?.parse().ok());
        // What keeps capabilities begins as root, and changes its user itself.
        let other = if self.spec.capabilities.is_empty() { 1000 } else { 0 };
        self.chart.uid.or(number).unwrap_or(other)
    }

    /// Whether more than one can run.
    pub(super) fn can_grow(&self) -> bool {
        !self.is_single() && !self.is_stateful()
    }
}

impl<'a> Model<'a> {
    /// Reads a spec as a chart.
    ///
    /// # Errors
    ///
    /// Names that the spec does not have, and keys of values that two parts would take.
    pub(super) fn of(app: &'a App) -> Result<Model<'a>> {
        let chart = &app.chart;
        let mut faults = Vec::new();
        let known = |name: &Name, path: String, faults: &mut Vec<Fault>| {
            if !app.components.contains_key(name) {
                let text = format!("there is no component `{name}`");
                let fault = Fault::at(codes::APP_UNKNOWN_NAME, crate::app::Place::default(), path, text);
                faults.push(fault.with_nearest(name.as_str(), app.components.keys().map(Name::as_str)));
            }
        };
        for (name, own) in &chart.components {
            known(name, format!("chart.components.{name}"), &mut faults);
            for other in &own.reaches {
                known(other, format!("chart.components.{name}.reaches"), &mut faults);
            }
        }
        if let Some(test) = &chart.test {
            known(&test.component, "chart.test.component".to_owned(), &mut faults);
        }
        for name in chart.secrets.keys().filter(|name| !app.secrets.contains_key(*name)) {
            let text = format!("there is no secret `{name}`");
            let fault = Fault::at(
                codes::APP_SECRET_UNKNOWN,
                crate::app::Place::default(),
                format!("chart.secrets.{name}"),
                text,
            );
            faults.push(fault.with_nearest(name.as_str(), app.secrets.keys().map(Name::as_str)));
        }
        let mut model = Model { app, chart, parts: Vec::new() };
        for (name, spec) in &app.components {
            let own = chart.components.get(name).cloned().unwrap_or_default();
            if !own.omit {
                let part = model.part(name, spec, own);
                model.parts.push(part);
            }
        }
        let mut seen = BTreeSet::new();
        for part in &model.parts {
            for word in [&part.key, &part.label] {
                if !seen.insert(word.clone()) && *word != part.key {
                    let text = format!("two components of the chart are called `{word}`");
                    let path = format!("chart.components.{}", part.name);
                    faults.push(Fault::at(
                        codes::APP_INVALID_VALUE,
                        crate::app::Place::default(),
                        path,
                        text,
                    ));
                }
            }
        }
        if faults.is_empty() { Ok(model) } else { Err(AppFaults::into_error(faults)) }
    }

    fn part(&self, name: &'a Name, spec: &'a Component, chart: ChartComponent) -> Part<'a> {
        let mut key = chart.key.as_ref().map_or_else(|| camel(name.as_str()), |key| camel(key.as_str()));
        if TAKEN.contains(&key.as_str()) {
            key.push_str("Component");
        }
        let suffix = dashed(chart.key.as_ref().unwrap_or(name).as_str(), 20);
        let label = chart.label.as_ref().map_or_else(|| suffix.clone(), |label| dashed(label.as_str(), 20));
        let suffix = if chart.main { String::new() } else { suffix };
        let mut ports: BTreeMap<String, u16> =
            spec.ports.iter().map(|(name, port)| (dashed(name.as_str(), 15), port.port)).collect();
        ports.extend(chart.ports.iter().map(|(name, port)| (dashed(name.as_str(), 15), *port)));
        let exposed_names = self.app.exposed.iter().filter(|it| it.component == *name).map(|it| &it.port);
        let published = spec.ports.iter().filter(|(_, port)| port.publish.is_some()).map(|(name, _)| name);
        let names: Vec<String> =
            exposed_names.chain(published).map(|name| dashed(name.as_str(), 15)).collect();
        let mut exposed: Vec<u16> = names.iter().filter_map(|name| ports.get(name)).copied().collect();
        exposed.sort_unstable();
        exposed.dedup();
        let first = ports.keys().find(|name| *name != "metrics").or_else(|| ports.keys().next());
        let port = names.first().or(first).cloned();
        let claims = self.claims(name, spec, &chart);
        let reaches = self.reached(name, spec, &chart);
        Part { name, spec, chart, key, label, suffix, ports, port, exposed, claims, reaches }
    }

    fn claims(&self, name: &Name, spec: &'a Component, chart: &ChartComponent) -> Vec<Claim<'a>> {
        let shared = |volume: &Name| {
            let omitted = |other: &Name| self.chart.components.get(other).is_some_and(|own| own.omit);
            let others = self.app.components.iter().filter(|(other, _)| *other != name && !omitted(other));
            others.flat_map(|(_, other)| &other.volumes).any(|mount| mount.volume == *volume)
        };
        let first = chart.persistence.clone().unwrap_or_else(|| "primary.persistence".to_owned());
        let mut own = 0;
        let claim = |mount: &'a crate::app::VolumeMount| {
            let shared = shared(&mount.volume);
            let (name, persistence) = match (shared, own) {
                (true, _) => (dashed(mount.volume.as_str(), 40), String::new()),
                (false, 0) => ("data".to_owned(), first.clone()),
                (false, _) => {
                    (dashed(mount.volume.as_str(), 40), format!("primary.{}", camel(mount.volume.as_str())))
                }
            };
            own += usize::from(!shared);
            Claim {
                volume: &mount.volume,
                path: mount.path.as_str(),
                read_only: mount.read_only,
                shared,
                name,
                persistence,
            }
        };
        spec.volumes.iter().map(claim).collect()
    }

    fn reached(&self, name: &Name, spec: &Component, chart: &ChartComponent) -> BTreeSet<Name> {
        let mut reached: BTreeSet<Name> = spec.after.keys().chain(&chart.reaches).cloned().collect();
        let settings = spec.environment.values().map(setting);
        let composed =
            spec.secrets.keys().filter_map(|secret| self.app.secrets.get(secret)?.composed.as_deref());
        for text in settings.chain(composed) {
            let marked = self.with_hosts(text);
            reached.extend(marked.split(HOST).skip(1).step_by(2).filter_map(Name::new));
        }
        reached.remove(name);
        reached
    }

    /// A text with [`HOST`] around each component's name that is a host in it.
    pub(super) fn with_hosts(&self, text: &str) -> String {
        let mut text = text.replace(HOST, "");
        for name in self.app.components.keys() {
            if text == name.as_str() {
                return format!("{HOST}{name}{HOST}");
            }
            for before in ["//", "@"] {
                for after in [":", "/"] {
                    let from = format!("{before}{name}{after}");
                    text = text.replace(&from, &format!("{before}{HOST}{name}{HOST}{after}"));
                }
            }
        }
        text
    }

    /// The component of this name, if the chart has it.
    pub(super) fn named(&self, name: &Name) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Where a secret is.
    pub(super) fn place(&self, name: &Name) -> ChartSecret {
        self.chart.secrets.get(name).cloned().unwrap_or_default()
    }

    /// The end of the name of the object that holds a secret, and its key.
    pub(super) fn object(&self, name: &Name) -> (String, String) {
        let place = self.place(name);
        let object = place.object.as_ref().unwrap_or(name);
        (dashed(object.as_str(), 60), place.key.unwrap_or_else(|| "value".to_owned()))
    }

    /// The value that names an existing object with a secret.
    pub(super) fn existing(&self, name: &Name) -> String {
        self.place(name).existing.unwrap_or_else(|| format!("secrets.existing.{}", camel(name.as_str())))
    }

    /// The service of the customer's own that can take a component's place, and its name in the values.
    pub(super) fn service(&self, part: &Part<'_>) -> Option<String> {
        let replaced = self.app.external.values().any(|external| external.replaces == *part.name);
        let name =
            || part.chart.service.as_ref().map_or_else(|| part.key.clone(), |name| camel(name.as_str()));
        replaced.then(name)
    }

    /// The pieces of a secret that is composed, in the chart's own form where it has one.
    pub(super) fn composed(&self, name: &Name, secret: &Secret) -> Option<Vec<Piece>> {
        let own = self.place(name).composed;
        let text = own.as_deref().or(secret.composed.as_deref())?;
        pieces(text).ok()
    }

    /// Secrets that somebody in the chart uses, and by whom.
    pub(super) fn used(&self) -> BTreeMap<&'a Name, Vec<(&Part<'a>, &'a SecretUse)>> {
        let mut used: BTreeMap<&Name, Vec<(&Part<'_>, &SecretUse)>> = BTreeMap::new();
        for part in &self.parts {
            for (name, secret) in &part.spec.secrets {
                used.entry(name).or_default().push((part, secret));
            }
        }
        used
    }

    /// Volumes that several components mount.
    pub(super) fn shared(&self) -> BTreeSet<&'a Name> {
        let claims = self.parts.iter().flat_map(|part| &part.claims);
        claims.filter(|claim| claim.shared).map(|claim| claim.volume).collect()
    }

    /// Whether the application's own images share a prefix.
    pub(super) fn has_registry(&self) -> bool {
        self.app.registry.is_some()
    }
}

/// The text of a setting.
pub(super) fn setting(setting: &Setting) -> &str {
    match setting {
        Setting::Fixed(text) => text,
        Setting::Open(variable) => &variable.default,
    }
}

/// A name as a key of values: `worker_beat` is `workerBeat`.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' | '-' => upper = !out.is_empty(),
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// A name as Kubernetes takes it, at most so long: `worker_beat` is `worker-beat`.
pub(super) fn dashed(name: &str, most: usize) -> String {
    let text: String = name.chars().map(|c| if c == '_' { '-' } else { c }).take(most).collect();
    text.trim_matches('-').to_owned()
}
