//! Docker Compose files of a release, that an operator reads, reviews and can run without us.
//!
//! The decision to know: what is rendered is a folder that stands alone. `docker compose up -d --wait` in
//! it needs nothing else: a container of the secret maker's image makes what is missing before the others
//! start, and profiles are chosen in `.env`. So nothing is decided when it is started that could have been
//! decided when it was rendered, but what the operator says in variables. Pure: the same release and
//! files give the same bytes. Deliberately absent: the engine, and the knowledge of any application.

mod beside;
mod image;
mod lines;
mod service;
pub(crate) mod yaml;

use crate::app::{Beside, Name};
use crate::release::{Release, Topology};
use crate::secrets::Duties;
use crate::target::{FileKind, Rendered, RenderedFile};
use lines::literal;
use rtmx_core::{Error, Result, deploy};
use service::Renderer;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use yaml::{Map, Yaml};

/// The content of an application's own files, by their path beside the spec.
pub type AppFiles = BTreeMap<Beside, String>;

/// The file that lists what was rendered, with the SHA-256 of each.
pub const CHECKSUMS: &str = "checksums.sha256";

/// What was rendered, and what its reader should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// The files.
    pub rendered: Rendered,
    /// What is different from what the spec says, because the target cannot do it, or else remarkable.
    pub warnings: Vec<String>,
}

/// The files that a release's components read, by their path beside the spec.
pub fn files_of(topology: &Topology) -> Vec<Beside> {
    let files = topology.components.values().flat_map(|placed| &placed.spec.files);
    let mut paths: Vec<Beside> = files.map(|mount| mount.file.clone()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Renders a release.
///
/// # Errors
///
/// `target_settings_invalid` for a release without a topology, or without a file that [`files_of`] names.
pub fn render_compose(release: &Release, files: &AppFiles) -> Result<Composition> {
    let unusable = |why: String| {
        let message = format!("could not render `{}` for Compose", release.application);
        Error::new(deploy::TARGET_SETTINGS_INVALID, message).with_source(why)
    };
    let topology =
        release.topology.as_deref().ok_or_else(|| unusable("the release does not say what it is".into()))?;
    let application = Name::new(release.application.as_str())
        .ok_or_else(|| unusable(format!("`{}` is no name of an application", release.application)))?;
    let duties = Duties::of(&application, topology);
    let mut renderer = Renderer::new(&application, topology, duties.as_ref());
    let document = document(&application, topology, &mut renderer);
    let mut rendered = Vec::new();
    let mut add = |path: &str, content: String, kind| {
        rendered.push(RenderedFile { path: path.to_owned(), content, kind });
    };
    add("compose.yaml", header(release, topology) + &document, FileKind::Ours);
    add(".env", beside::env_file(topology, &renderer.variables, &application), FileKind::Start);
    add("install.sh", beside::installer(&application, topology, duties.as_ref()), FileKind::Program);
    if let Some(duties) = &duties {
        add("secrets.yaml", beside::duties_file(duties), FileKind::Ours);
        add("secrets/.gitignore", beside::secrets_folder(topology), FileKind::Ours);
    }
    for path in files_of(topology) {
        let content = files.get(&path).cloned();
        let content = content.ok_or_else(|| unusable(format!("the file {path} is not there")))?;
        add(&format!("files/{path}"), content, FileKind::Ours);
    }
    for (folder, summary) in beside::folders(topology) {
        add(&format!("{folder}/.gitignore"), beside::folder_note(&summary), FileKind::Ours);
    }
    rendered.sort_by(|a, b| a.path.cmp(&b.path));
    rendered.push(checksums(&rendered));
    Ok(Composition { rendered: Rendered { files: rendered }, warnings: renderer.warnings })
}

/// The list of what was rendered, without what is the operator's.
pub(crate) fn checksums(rendered: &[RenderedFile]) -> RenderedFile {
    let sums = rendered.iter().filter(|file| file.kind != FileKind::Start);
    let sums: String = sums.map(|file| format!("{}  {}\n", sha256(&file.content), file.path)).collect();
    RenderedFile { path: CHECKSUMS.to_owned(), content: sums, kind: FileKind::Ours }
}

/// SHA-256 in hexadecimal digits, as [`CHECKSUMS`] has it.
pub fn sha256(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(release: &Release, topology: &Topology) -> String {
    let Topology { summary, environment, environment_summary, size, size_summary, .. } = topology;
    format!(
        "# {summary}\n#\n\
         # {application} {version}, environment {environment} ({environment_summary}),\n\
         # size {size} ({size_summary}).\n\
         # Rendered from {application}.yaml; behind each line stands the key of it that the line comes from.\n\
         # Changes of your own belong into .env and compose.override.yml: both are used, and neither is touched.\n\
         #\n\
         #   docker compose up -d --wait     start, and wait until it is healthy\n\
         #   ./install.sh                    the same, after a look at the machine\n\
         #   docker compose down             stop; the data stays\n\n",
        application = release.application,
        version = release.version,
        size = size.value,
    )
}

fn document(application: &Name, topology: &Topology, renderer: &mut Renderer<'_>) -> String {
    let mut document = Map::new();
    // Two environments of one application can be on one machine.
    let project = match topology.environment.as_str() {
        "prod" => application.to_string(),
        environment => format!("{application}-{environment}"),
    };
    document.text("name", literal(&project), "application, environment; COMPOSE_PROJECT_NAME goes before it");
    let mut services = Map::new();
    for name in topology.components.keys() {
        let service = renderer.component(name);
        services.map(name.as_str(), service, format!("components.{name}"));
    }
    for name in topology.jobs.keys() {
        let service = renderer.job(name);
        services.map(name.as_str(), service, format!("jobs.{name}"));
    }
    if let Some(service) = renderer.secret_maker() {
        services.map("secrets", service, "secret_maker");
    }
    document.map("services", services, "");
    let mut networks = Map::new();
    for (name, network) in &topology.networks {
        let from = format!("networks.{name}");
        let mut map = Map::new();
        map.text("driver", "bridge", from.as_str());
        if network.internal {
            map.plain("internal", true, format!("{from}.internal"));
        }
        if let Some(subnet) = &network.subnet {
            let mut range = Map::new();
            range.text(
                "subnet",
                renderer.variable(subnet, &format!("{from}.subnet")),
                format!("{from}.subnet"),
            );
            let mut ipam = Map::new();
            ipam.list("config", vec![yaml::Line::new(Yaml::Map(range), "")], "");
            map.map("ipam", ipam, "");
        }
        networks.map(name.as_str(), map, network.summary.clone().unwrap_or(from));
    }
    document.map("networks", networks, "");
    let mut volumes = Map::new();
    for (name, size) in &topology.volumes {
        let summary = topology.volume_summaries.get(name).map_or("", String::as_str);
        let note = format!("volumes.{name}: {summary}; {} in {}", size.value, size.from);
        volumes.put(name.as_str(), Yaml::Map(Map::new()), note);
    }
    if renderer.makes_secrets() {
        volumes.put("secrets", Yaml::Map(Map::new()), "secrets: made once, and kept here");
    }
    document.map("volumes", volumes, "");
    document.to_document(&["services"])
}
