//! A component, a job and the secret maker as services.

use super::image;
use super::lines::{amounts, literal, literals, logging, names, run, size};
use super::yaml::{Line, Map, Yaml};
use crate::app::{Condition, Delivery, JobTime, Name, Probe, Pull, Restart, Setting, Variable};
use crate::release::{Placed, Topology};
use crate::secrets::Duties;
use std::collections::BTreeMap;

/// Where a service finds its secrets.
const SECRETS: &str = "/run/secrets";
/// The profile of jobs that run when somebody asks.
const JOBS: &str = "jobs";

/// Makes services, and remembers the variables and warnings that it met.
pub(super) struct Renderer<'a> {
    topology: &'a Topology,
    duties: Option<&'a Duties>,
    application: &'a Name,
    /// The variables that an operator can set, with their default and the key that they come from.
    pub(super) variables: BTreeMap<String, (String, String)>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(application: &'a Name, topology: &'a Topology, duties: Option<&'a Duties>) -> Self {
        Renderer { topology, duties, application, variables: BTreeMap::new(), warnings: Vec::new() }
    }

    /// Whether there is a service that makes secrets.
    pub(super) fn makes_secrets(&self) -> bool {
        self.duties.is_some() && self.topology.secret_maker.is_some()
    }

    /// `${NAME:-default}`.
    pub(super) fn variable(&mut self, variable: &Variable, from: &str) -> String {
        self.seen(variable, from);
        format!("${{{}:-{}}}", variable.variable, variable.default)
    }

    fn seen(&mut self, variable: &Variable, from: &str) {
        let entry = (variable.default.clone(), from.to_owned());
        self.variables.entry(variable.variable.to_string()).or_insert(entry);
    }

    pub(super) fn component(&mut self, name: &Name) -> Map {
        let Some(placed) = self.topology.components.get(name) else { return Map::new() };
        let from = format!("components.{name}");
        let spec = &placed.spec;
        let mut service = Map::new();
        self.image(placed, &from, &mut service);
        service.words("profiles", names(&spec.profiles), format!("{from}.profiles"));
        service.words("entrypoint", literals(&spec.entrypoint), format!("{from}.entrypoint"));
        service.words("command", literals(&spec.command), format!("{from}.command"));
        self.surroundings(name, placed, &from, &mut service);
        self.dependencies(name, placed, &from, &mut service);
        self.ports(placed, &from, &mut service);
        self.confinement(placed, &from, &mut service);
        self.resources(name, placed, &from, &mut service);
        self.health(name, placed, &from, &mut service);
        let restart = match spec.restart {
            Restart::Always => "always",
            Restart::UnlessStopped => "unless-stopped",
        };
        service.text("restart", restart, format!("{from}.restart"));
        let grace = format!("{}s", spec.stop_within_s);
        service.text("stop_grace_period", grace, format!("{from}.stop_within_s"));
        logging(&mut service);
        service
    }

    pub(super) fn job(&mut self, name: &Name) -> Map {
        let Some(job) = self.topology.jobs.get(name) else { return Map::new() };
        let Some(placed) = self.topology.components.get(&job.component) else { return Map::new() };
        let (from, of) = (format!("jobs.{name}"), format!("components.{}", job.component));
        let mut service = Map::new();
        self.image(placed, &of, &mut service);
        match job.when {
            JobTime::OnDemand => {
                let note = format!("{from}.when; docker compose run --rm {name}");
                service.words("profiles", vec![JOBS.to_owned()], note);
            }
            JobTime::BeforeStart => {
                service.words("profiles", names(&placed.spec.profiles), format!("{of}.profiles"));
            }
        }
        match &placed.spec.entrypoint[..] {
            [] => run(&job.command, &[], &format!("{from}.command"), &mut service),
            entrypoint => {
                service.words("entrypoint", literals(entrypoint), format!("{of}.entrypoint"));
                service.words("command", literals(&job.command), format!("{from}.command"));
            }
        }
        self.surroundings(&job.component, placed, &of, &mut service);
        let mut after = self.after(placed, &of);
        self.after_secrets(&job.component, &mut after);
        service.map("depends_on", after, format!("{of}.after"));
        self.confinement(placed, &of, &mut service);
        service.text("restart", "no", "it runs once");
        logging(&mut service);
        service
    }

    pub(super) fn secret_maker(&mut self) -> Option<Map> {
        let (image, command) = self.topology.secret_maker.as_ref()?;
        let duties = self.duties?;
        let mut service = Map::new();
        let topology = self.topology;
        let (reference, note) =
            image::reference(topology, image, "secret_maker.image", &mut |it, from| self.seen(it, from));
        service.text("image", reference, note);
        if topology.pull == Pull::Never {
            service.text("pull_policy", "never", format!("environments.{}.pull", topology.environment));
        }
        let variables = duties.components.values().any(|duty| !duty.variables.is_empty());
        let mut arguments =
            ["--spec", "/secrets.yaml", "--to", "/secrets", "--given", "/given"].map(str::to_owned).to_vec();
        if variables {
            arguments.extend(["--variables", "/given"].map(str::to_owned));
        }
        arguments.push("--profiles=${COMPOSE_PROFILES:-}".to_owned());
        run(command, &arguments, "secret_maker.command", &mut service);
        let note = "it gives each file to the group of the one component that reads it";
        service.text("user", "0:0", note);
        let given = if variables { "./secrets:/given:z" } else { "./secrets:/given:ro,z" };
        let mount = |text: &str, note: &str| Line::new(Yaml::Text(text.to_owned()), note);
        let mounts = vec![
            mount("./secrets.yaml:/secrets.yaml:ro,z", "names and origins, no values"),
            mount(given, "what the operator gives, each in a file of the secret's name"),
            mount("secrets:/secrets", "what it makes"),
        ];
        service.list("volumes", mounts, "secrets");
        service.plain("read_only", true, "");
        service.words("cap_drop", vec!["ALL".to_owned()], "");
        let note = "CHOWN for the groups, DAC_OVERRIDE for given files that only their owner can read";
        service.words("cap_add", vec!["CHOWN".to_owned(), "DAC_OVERRIDE".to_owned()], note);
        service.words("security_opt", vec!["no-new-privileges:true".to_owned()], "");
        service.text("network_mode", "none", "");
        service.text("restart", "no", "it runs once, before the others");
        logging(&mut service);
        Some(service)
    }

    fn image(&mut self, placed: &Placed, from: &str, service: &mut Map) {
        let topology = self.topology;
        let from = format!("{from}.image");
        let (reference, note) =
            image::reference(topology, &placed.image, &from, &mut |it, from| self.seen(it, from));
        service.text("image", reference, note);
        if topology.pull == Pull::Never {
            service.text("pull_policy", "never", format!("environments.{}.pull", topology.environment));
        }
    }

    /// User, variables, networks and mounts: what a component and its jobs share.
    fn surroundings(&mut self, name: &Name, placed: &Placed, from: &str, service: &mut Map) {
        let spec = &placed.spec;
        if let Some(user) = &spec.user {
            service.text("user", literal(user), format!("{from}.user"));
        }
        let duty = self.duties.and_then(|duties| duties.components.get(name));
        let files = duty.is_some_and(|duty| !duty.files.is_empty());
        if let Some(duty) = duty.filter(|_| files) {
            let note = format!("{from}.secrets: the group that may read them");
            service.words("group_add", vec![duty.group.to_string()], note);
        }
        self.environment(name, placed, from, service);
        if duty.is_some_and(|duty| !duty.variables.is_empty()) {
            let mut file = Map::new();
            file.text("path", format!("./secrets/{name}.env"), "made by `secrets`, mode 0600");
            file.plain("required", false, "");
            let note = format!("{from}.secrets with delivery: environment");
            service.list("env_file", vec![Line::new(Yaml::Map(file), "")], note);
        }
        let all: Vec<Name> = self.topology.networks.keys().cloned().collect();
        let networks = if spec.networks.is_empty() { &all } else { &spec.networks };
        service.words("networks", names(networks), format!("{from}.networks"));
        let mut mounts = Vec::new();
        let mut mount = |text: String, note: String| mounts.push(Line::new(Yaml::Text(text), note));
        for volume in &spec.volumes {
            let mode = if volume.read_only { ":ro" } else { "" };
            let text = format!("{}:{}{mode}", volume.volume, literal(volume.path.as_str()));
            mount(text, format!("{from}.volumes"));
        }
        for file in &spec.files {
            let text = format!("./files/{}:{}:ro,z", file.file, literal(file.path.as_str()));
            mount(text, format!("{from}.files"));
        }
        for folder in &spec.folders {
            let text = format!("./{}:{}:ro,z", folder.folder, literal(folder.path.as_str()));
            mount(text, format!("{from}.folders"));
        }
        if files {
            mount(format!("secrets:{SECRETS}:ro"), format!("{from}.secrets"));
        }
        service.list("volumes", mounts, "");
        let scratch = |it: &crate::app::Scratch| {
            let text =
                format!("{}:size={},mode=1777", literal(it.path.as_str()), size(it.size).to_lowercase());
            Line::new(Yaml::Text(text), format!("{from}.scratch"))
        };
        service.list("tmpfs", spec.scratch.iter().map(scratch).collect(), "");
    }

    fn environment(&mut self, name: &Name, placed: &Placed, from: &str, service: &mut Map) {
        let mut lines: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (key, value) in &placed.environment {
            let text = match &value.value {
                Setting::Fixed(text) => literal(text),
                Setting::Open(variable) => self.variable(variable, &value.from),
            };
            lines.insert(key.to_string(), (text, value.from.clone()));
        }
        if let Some(variable) = &placed.spec.secrets_directory {
            let note = format!("{from}.secrets_directory");
            lines.insert(variable.to_string(), (format!("{SECRETS}/{name}"), note));
        }
        for (secret, used) in &placed.spec.secrets {
            if used.delivery == Delivery::Environment {
                continue;
            }
            let file = used.file.as_deref().unwrap_or(secret.as_str());
            if let Some(variable) = &used.file_variable {
                let note = format!("{from}.secrets.{secret}.file_variable");
                lines.insert(variable.to_string(), (format!("{SECRETS}/{name}/{file}"), note));
            }
            if let Some(variable) = &used.variable {
                let note = format!("{from}.secrets.{secret}.variable; goes before the file");
                let open = Variable { variable: variable.clone(), default: String::new() };
                let text = self.variable(&open, &format!("secrets.{secret}"));
                lines.insert(variable.to_string(), (text, note));
            }
        }
        let mut map = Map::new();
        lines.into_iter().for_each(|(key, (text, note))| map.text(key, text, note));
        service.map("environment", map, "");
    }

    fn dependencies(&mut self, name: &Name, placed: &Placed, from: &str, service: &mut Map) {
        let mut after = self.after(placed, from);
        self.after_secrets(name, &mut after);
        for (job, _) in self.topology.jobs.iter().filter(|(_, job)| job.component == *name) {
            if self.topology.jobs[job].when == JobTime::BeforeStart {
                let mut map = Map::new();
                map.text("condition", "service_completed_successfully", format!("jobs.{job}.when"));
                after.map(job.as_str(), map, "");
            }
        }
        service.map("depends_on", after, "");
    }

    fn after(&self, placed: &Placed, from: &str) -> Map {
        let mut after = Map::new();
        for (other, condition) in &placed.spec.after {
            let mut map = Map::new();
            let word = match condition {
                Condition::Started => "service_started",
                Condition::Healthy => "service_healthy",
            };
            map.text("condition", word, format!("{from}.after.{other}"));
            let of = self.topology.components.get(other).map_or(&[][..], |other| &other.spec.profiles[..]);
            let own = &placed.spec.profiles;
            let sure = of.is_empty() || (!own.is_empty() && own.iter().all(|profile| of.contains(profile)));
            if !sure {
                map.plain("required", false, format!("components.{other}.profiles: it may be off"));
            }
            after.map(other.as_str(), map, "");
        }
        after
    }

    fn after_secrets(&self, name: &Name, after: &mut Map) {
        let has_some = self.duties.is_some_and(|duties| duties.components.contains_key(name));
        if has_some && self.makes_secrets() {
            let mut map = Map::new();
            map.text("condition", "service_completed_successfully", "secrets");
            after.map("secrets", map, "");
        }
    }

    fn ports(&mut self, placed: &Placed, from: &str, service: &mut Map) {
        let mut ports = Vec::new();
        for (name, publish) in &placed.publish {
            let Some(port) = placed.spec.ports.get(name) else { continue };
            let it = &publish.value;
            let machine = Variable { variable: it.variable.clone(), default: it.port.to_string() };
            let mut text = self.variable(&machine, &publish.from);
            if let Some(address) = &it.address {
                text = format!("{}:{text}", self.variable(address, &publish.from));
            }
            ports.push(Line::new(Yaml::Text(format!("{text}:{}", port.port)), publish.from.clone()));
        }
        service.list("ports", ports, "");
        let inside: Vec<String> = placed
            .spec
            .ports
            .iter()
            .filter(|(name, _)| !placed.publish.contains_key(*name))
            .map(|(_, port)| port.port.to_string())
            .collect();
        service.words("expose", inside, format!("{from}.ports"));
    }

    fn confinement(&self, placed: &Placed, from: &str, service: &mut Map) {
        service.plain("read_only", !placed.spec.writable_root, format!("{from}.writable_root"));
        service.words("cap_drop", vec!["ALL".to_owned()], "");
        service.words("cap_add", literals(&placed.spec.capabilities), format!("{from}.capabilities"));
        service.words("security_opt", vec!["no-new-privileges:true".to_owned()], "");
    }

    fn resources(&mut self, name: &Name, placed: &Placed, from: &str, service: &mut Map) {
        let mut deploy = Map::new();
        let replicas = &placed.replicas;
        if replicas.value > 1 && !placed.publish.is_empty() {
            // Compose hands a port of the machine to one container.
            self.warnings.push(format!(
                "`{name}` runs once and not {} times: Compose hands a port of the machine to one container",
                replicas.value
            ));
            let note =
                format!("{} says {}; a published port is one container's", replicas.from, replicas.value);
            deploy.plain("replicas", 1, note);
        } else {
            deploy.plain("replicas", replicas.value, replicas.from.as_str());
        }
        let mut resources = Map::new();
        let mut limits = amounts(placed.limit.as_ref());
        if let Some(processes) = placed.spec.resources.processes {
            limits.plain("pids", processes, format!("{from}.resources.processes"));
        }
        resources.map("limits", limits, "");
        resources.map("reservations", amounts(placed.request.as_ref()), "");
        deploy.map("resources", resources, "");
        service.map("deploy", deploy, "");
    }

    fn health(&mut self, name: &Name, placed: &Placed, from: &str, service: &mut Map) {
        let Some(probe) = &placed.spec.probes.health else { return };
        let from = format!("{from}.probes.health");
        if probe.command.is_empty() {
            self.warnings.push(format!(
                "`{name}` has no health check in `{}`: Compose cannot ask over HTTP, and the probe has no command",
                self.application
            ));
            return;
        }
        let Probe { command, interval_s, timeout_s, retries, start_s, .. } = probe;
        let mut check = Map::new();
        let mut test = vec!["CMD".to_owned()];
        test.extend(literals(command));
        check.words("test", test, format!("{from}.command"));
        check.text("interval", format!("{interval_s}s"), format!("{from}.interval_s"));
        check.text("timeout", format!("{timeout_s}s"), format!("{from}.timeout_s"));
        check.plain("retries", retries, format!("{from}.retries"));
        check.text("start_period", format!("{start_s}s"), format!("{from}.start_s"));
        service.map("healthcheck", check, "");
    }
}
