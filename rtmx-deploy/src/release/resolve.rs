//! From a spec, a lock and what an operator chose to a release. Pure: the same inputs give the same release.

use super::lock::{Lock, nowhere, reference};
use super::topology::{Placed, PlacedImage, Sourced, Topology};
use super::{Release, SettingValue, summary};
use crate::app::{
    App, AppFaults, Component, Fault, Image, Name, Publish, Setting, SizedComponent, VariableName,
};
use rtmx_core::{Error, Result, app as codes};
use std::collections::BTreeMap;

/// What an operator chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The environment, such as `prod`.
    pub environment: String,
    /// The size; without it, that of the environment.
    pub size: Option<String>,
    /// Settings by key; see [`Choice::KEYS`].
    pub settings: BTreeMap<String, String>,
}

/// A release, and what its reader should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The release.
    pub release: Release,
    /// What is remarkable, such as images without a digest.
    pub warnings: Vec<String>,
}

impl Choice {
    /// The forms of the keys of settings.
    pub const KEYS: &'static str = "`profiles`, `registry`, `version`, `COMPONENT.replicas`, `COMPONENT.image`, `COMPONENT.environment.VARIABLE`, `COMPONENT.publish.PORT`";

    /// An environment with nothing else chosen.
    pub fn of(environment: impl Into<String>) -> Choice {
        Choice { environment: environment.into(), size: None, settings: BTreeMap::new() }
    }
}

impl Release {
    /// Applies environment, size, profiles, lock and settings to a spec.
    ///
    /// # Errors
    ///
    /// All faults of the choice together, as [`AppFaults`]: names that there are not, values that are
    /// none, ports of the machine that two would take.
    pub fn resolve(app: &App, lock: Option<&Lock>, choice: &Choice) -> Result<Resolved> {
        let mut resolver = Resolver { app, lock, choice, faults: Vec::new() };
        let topology = resolver.topology();
        resolver.unknown_settings();
        let faults = resolver.faults;
        let Some(topology) = topology.filter(|_| faults.is_empty()) else {
            return Err(AppFaults::into_error(faults));
        };
        let warnings = summary::warnings(&topology);
        let release = Release {
            application: app.application.to_string(),
            version: app.version.clone(),
            settings: choice
                .settings
                .iter()
                .map(|(key, value)| (key.clone(), SettingValue::Plain(value.clone().into())))
                .collect(),
            artifacts: summary::artifacts(&topology),
            ports: summary::ports(&topology),
            topology: Some(Box::new(topology)),
        };
        Ok(Resolved { release, warnings })
    }

    /// Refuses a release whose environment wants every image pinned, and that has one that is not.
    ///
    /// # Errors
    ///
    /// `image_unpinned`, with the images.
    pub fn require_pinned(&self) -> Result<()> {
        let Some(topology) = self.topology.as_deref().filter(|topology| !topology.unpinned_allowed) else {
            return Ok(());
        };
        let loose = topology.unpinned();
        if loose.is_empty() {
            return Ok(());
        }
        let message = format!(
            "cannot deploy `{}` in `{}`: these images have no digest: {}",
            self.application,
            topology.environment,
            loose.join(", ")
        );
        Err(Error::new(codes::IMAGE_UNPINNED, message).with_state("nothing was changed"))
    }
}

struct Resolver<'a> {
    app: &'a App,
    lock: Option<&'a Lock>,
    choice: &'a Choice,
    faults: Vec<Fault>,
}

impl Resolver<'_> {
    fn topology(&mut self) -> Option<Topology> {
        let app = self.app;
        let environments = app.environments.keys().map(Name::as_str);
        let Some((name, environment)) = app.environments.get_key_value(self.choice.environment.as_str())
        else {
            self.unknown("--env", "environment", &self.choice.environment, environments);
            return None;
        };
        let size = match &self.choice.size {
            Some(size) => Sourced::new(size.as_str(), "--size"),
            None => Sourced::new(environment.size.as_str(), format!("environments.{name}.size")),
        };
        let Some((size_name, sized)) = app.sizes.get_key_value(size.value) else {
            self.unknown("--size", "size", size.value, app.sizes.keys().map(Name::as_str));
            return None;
        };
        let profiles = self.profiles(name, &environment.profiles);
        let mut components = BTreeMap::new();
        for (key, component) in &app.components {
            let within = format!("sizes.{size_name}.components.{key}");
            let empty = SizedComponent::default();
            let in_size = (within.as_str(), sized.components.get(key).unwrap_or(&empty));
            components.insert(key.clone(), self.placed(name, key, component, in_size));
        }
        self.clashes(&components, &profiles.value);
        let volume = |(key, volume): (&Name, &crate::app::Volume)| {
            let size = match sized.volumes.get(key) {
                Some(size) => Sourced::new(*size, format!("sizes.{size_name}.volumes.{key}")),
                None => Sourced::new(volume.size, format!("volumes.{key}.size")),
            };
            (key.clone(), size)
        };
        let mut registry = app.registry.clone();
        if let (Some(registry), Some(chosen)) = (&mut registry, self.setting("registry")) {
            registry.default.clone_from(chosen);
        }
        Some(Topology {
            summary: app.summary.clone(),
            environment: name.clone(),
            environment_summary: environment.summary.clone(),
            size: Sourced::new(size_name.clone(), size.from),
            size_summary: sized.summary.clone(),
            profiles,
            known_profiles: app.profiles.clone(),
            pull: environment.pull,
            unpinned_allowed: environment.unpinned,
            registry,
            version: self.setting("version").unwrap_or(&app.version).clone(),
            version_variable: app.version_variable.clone(),
            components,
            jobs: app.jobs.clone(),
            networks: app.networks.clone(),
            volumes: app.volumes.iter().map(volume).collect(),
            volume_summaries: app.volumes.iter().map(|(key, it)| (key.clone(), it.summary.clone())).collect(),
            secrets: app.secrets.clone(),
            secret_maker: app
                .secret_maker
                .as_ref()
                .map(|maker| (self.image(&maker.image, None), maker.command.clone())),
            state: app.state.clone(),
            external: app.external.clone(),
            exposed: app.exposed.clone(),
        })
    }

    fn profiles(&mut self, environment: &Name, own: &[Name]) -> Sourced<Vec<Name>> {
        let Some(chosen) = self.setting("profiles").cloned() else {
            return Sourced::new(own.to_vec(), format!("environments.{environment}.profiles"));
        };
        let mut profiles = Vec::new();
        for word in chosen.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match self.app.profiles.get_key_value(word) {
                Some((name, _)) => profiles.push(name.clone()),
                None => {
                    let known: Vec<&str> = self.app.profiles.keys().map(Name::as_str).collect();
                    self.unknown("--set profiles", "profile", word, known);
                }
            }
        }
        for profile in &profiles {
            let excluded = self.app.profiles.get(profile).into_iter().flat_map(|it| &it.excludes);
            for other in excluded.filter(|other| profiles.contains(other)) {
                let text = format!("the profiles `{profile}` and `{other}` exclude each other");
                self.faults.push(Fault::at(codes::APP_INVALID_VALUE, nowhere(), "--set profiles", text));
            }
        }
        Sourced::new(profiles, "--set profiles")
    }

    fn placed(
        &mut self,
        environment: &Name,
        name: &Name,
        component: &Component,
        (within, sized): (&str, &SizedComponent),
    ) -> Placed {
        let own = format!("components.{name}");
        let over = self.app.environments.get(environment).and_then(|it| it.components.get(name));
        let there = format!("environments.{environment}.components.{name}");
        let mut variables: BTreeMap<VariableName, Sourced<Setting>> = BTreeMap::new();
        let mut publish: BTreeMap<Name, Sourced<Publish>> = BTreeMap::new();
        for (key, value) in &component.environment {
            let from = format!("{own}.environment.{key}");
            variables.insert(key.clone(), Sourced::new(value.clone(), from));
        }
        for (key, port) in &component.ports {
            if let Some(it) = &port.publish {
                publish.insert(key.clone(), Sourced::new(it.clone(), format!("{own}.ports.{key}.publish")));
            }
        }
        for (key, value) in over.into_iter().flat_map(|over| &over.environment) {
            let from = format!("{there}.environment.{key}");
            variables.insert(key.clone(), Sourced::new(value.clone(), from));
        }
        for (key, it) in over.into_iter().flat_map(|over| &over.publish) {
            publish.insert(key.clone(), Sourced::new(it.clone(), format!("{there}.publish.{key}")));
        }
        let mut replicas = match (over.and_then(|over| over.replicas), sized.replicas) {
            (Some(replicas), _) => Sourced::new(replicas, format!("{there}.replicas")),
            (None, Some(replicas)) => Sourced::new(replicas, format!("{within}.replicas")),
            (None, None) => Sourced::new(component.replicas, format!("{own}.replicas")),
        };
        self.set_replicas(name, component, &mut replicas);
        self.set_variables(name, &mut variables);
        self.set_ports(name, &mut publish);
        let amounts = |sized: Option<_>, own: Option<_>, word: &str| match (sized, own) {
            (Some(amounts), _) => Some(Sourced::new(amounts, format!("{within}.{word}"))),
            (None, Some(amounts)) => {
                Some(Sourced::new(amounts, format!("components.{name}.resources.{word}")))
            }
            (None, None) => None,
        };
        Placed {
            image: self.image(&component.image, Some(name)),
            replicas,
            request: amounts(sized.request, component.resources.request, "request"),
            limit: amounts(sized.limit, component.resources.limit, "limit"),
            environment: variables,
            publish,
            spec: component.clone(),
        }
    }

    fn set_replicas(&mut self, name: &Name, component: &Component, replicas: &mut Sourced<u32>) {
        let key = format!("{name}.replicas");
        if let Some(text) = self.setting(&key) {
            match text.parse::<u32>() {
                Ok(number) => *replicas = Sourced::new(number, format!("--set {key}")),
                Err(_) => self.invalid(&key, format!("`{key}` is `{text}`, and a whole number is wanted")),
            }
        }
        let most = component.replicas_at_most.unwrap_or(u32::MAX);
        if replicas.value > most {
            let text = format!("`{name}` would have {} replicas, and at most {most} may run", replicas.value);
            let from = replicas.from.clone();
            self.faults.push(Fault::at(codes::APP_SIZE_MISFIT, nowhere(), from, text));
        }
    }

    fn set_variables(&mut self, name: &Name, variables: &mut BTreeMap<VariableName, Sourced<Setting>>) {
        let prefix = format!("{name}.environment.");
        let settings = self.choice.settings.iter();
        for (key, value) in settings.filter(|(key, _)| key.starts_with(&prefix)) {
            match VariableName::new(&key[prefix.len()..]) {
                Some(variable) => {
                    let value = Sourced::new(Setting::Fixed(value.clone()), format!("--set {key}"));
                    variables.insert(variable, value);
                }
                None => self.invalid(key, format!("`{}` is no name of a variable", &key[prefix.len()..])),
            }
        }
    }

    fn set_ports(&mut self, name: &Name, publish: &mut BTreeMap<Name, Sourced<Publish>>) {
        let prefix = format!("{name}.publish.");
        let settings = self.choice.settings.iter();
        for (key, value) in settings.filter(|(key, _)| key.starts_with(&prefix)) {
            let number = value.parse::<u16>().ok().filter(|number| *number > 0);
            match (publish.get_mut(&key[prefix.len()..]), number) {
                (Some(port), Some(number)) => {
                    port.value.port = number;
                    port.from = format!("--set {key}");
                }
                (None, _) => {
                    let known: Vec<&str> = publish.keys().map(Name::as_str).collect();
                    self.unknown(&format!("--set {key}"), "published port", &key[prefix.len()..], known);
                }
                (Some(_), None) => {
                    self.invalid(key, format!("`{key}` is `{value}`, and a port from 1 to 65535 is wanted"));
                }
            }
        }
    }

    fn image(&self, image: &Image, component: Option<&Name>) -> PlacedImage {
        let instead = component.and_then(|name| self.setting(&format!("{name}.image"))).cloned();
        // Another version has other digests.
        let other_version = image.tag.contains("{version}")
            && self.setting("version").is_some_and(|version| *version != self.app.version);
        let digest = self.lock.filter(|_| !other_version).and_then(|lock| lock.digest(self.app, image));
        PlacedImage {
            spec: image.clone(),
            digest: digest.cloned(),
            reference: reference(self.app, image),
            instead,
        }
    }

    fn clashes(&mut self, components: &BTreeMap<Name, Placed>, profiles: &[Name]) {
        let mut taken: BTreeMap<u16, &Name> = BTreeMap::new();
        for (name, placed) in components {
            let of = &placed.spec.profiles;
            if !of.is_empty() && !of.iter().any(|profile| profiles.contains(profile)) {
                continue;
            }
            for publish in placed.publish.values() {
                if let Some(other) = taken.insert(publish.value.port, name) {
                    let port = publish.value.port;
                    let text = format!("`{other}` and `{name}` are both on the port {port} of the machine");
                    self.faults.push(Fault::at(codes::APP_PORT_CLASH, nowhere(), &publish.from, text));
                }
            }
        }
    }

    /// Settings that nothing above took.
    fn unknown_settings(&mut self) {
        let app = self.app;
        for key in self.choice.settings.keys() {
            let (first, rest) = key.split_once('.').unwrap_or((key, ""));
            let known = match (first, rest) {
                ("profiles" | "version", "") => true,
                ("registry", "") => app.registry.is_some(),
                (_, "replicas" | "image") => app.components.contains_key(first),
                (_, rest) => {
                    let word = rest.starts_with("environment.") || rest.starts_with("publish.");
                    word && app.components.contains_key(first)
                }
            };
            if !known {
                let names = ["profiles", "registry", "version"].into_iter();
                let names: Vec<&str> = names.chain(app.components.keys().map(Name::as_str)).collect();
                let text = format!("there is no setting `{key}`; there are {}", Choice::KEYS);
                let fault = Fault::at(codes::APP_UNKNOWN_NAME, nowhere(), format!("--set {key}"), text);
                self.faults.push(fault.with_nearest(first, names));
            }
        }
    }

    fn setting(&self, key: &str) -> Option<&String> {
        self.choice.settings.get(key)
    }

    fn unknown<'k>(&mut self, key: &str, what: &str, word: &str, known: impl IntoIterator<Item = &'k str>) {
        let known: Vec<&str> = known.into_iter().collect();
        let text = format!("there is no {what} `{word}`; there are `{}`", known.join("`, `"));
        let fault = Fault::at(codes::APP_UNKNOWN_NAME, nowhere(), key, text);
        self.faults.push(fault.with_nearest(word, known));
    }

    fn invalid(&mut self, key: &str, text: String) {
        self.faults.push(Fault::at(codes::APP_INVALID_VALUE, nowhere(), format!("--set {key}"), text));
    }
}
