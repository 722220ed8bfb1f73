//! What lies beside the Compose file: settings, the secret maker's duties, and a script that looks at the
//! machine and starts.

use super::yaml::Yaml;
use crate::app::{Name, TaskPlace};
use crate::release::Topology;
use crate::secrets::Duties;
use std::collections::BTreeMap;
use std::fmt::Write;

const INSTALLER: &str = include_str!("install.sh");

/// The settings that an operator can make, each with its default.
pub(super) fn env_file(
    topology: &Topology,
    variables: &BTreeMap<String, (String, String)>,
    application: &Name,
) -> String {
    let mut text = format!(
        "# Settings of this installation of {application}. This file is yours: it is written once, and no\n\
         # rendering touches it again. `docker compose config` shows what comes of it.\n"
    );
    if !topology.known_profiles.is_empty() {
        text.push_str("\n# What is switched on, with commas between:\n");
        for (name, profile) in &topology.known_profiles {
            writeln!(text, "#   {name}: {}", profile.summary).expect(WRITES);
        }
        for (name, external) in &topology.external {
            let (replaces, secret) = (&external.replaces, &external.secret);
            let profiles = topology.components.get(replaces).map_or(&[][..], |it| &it.spec.profiles[..]);
            let off: Vec<&str> = profiles.iter().map(Name::as_str).collect();
            writeln!(
                text,
                "# {name} of your own ({}): leave out `{}`, and put where it is into secrets/{secret}",
                external.summary,
                off.join("`, `")
            )
            .expect(WRITES);
        }
        let on: Vec<&str> = topology.profiles.value.iter().map(Name::as_str).collect();
        writeln!(text, "COMPOSE_PROFILES={}", on.join(",")).expect(WRITES);
    }
    text.push_str("\n# The name of the installation: another one for a second one on this machine.\n");
    text.push_str("#COMPOSE_PROJECT_NAME=\n");
    let mut last = "";
    for (name, (default, from)) in variables {
        let group = from.split('.').take(2).last().unwrap_or_default();
        if group != last {
            text.push('\n');
            last = group;
        }
        writeln!(text, "# {from}\n#{name}={default}").expect(WRITES);
    }
    text
}

/// What the secret maker reads.
pub(super) fn duties_file(duties: &Duties) -> String {
    let value = serde_json::to_value(duties).expect("duties are a plain value");
    let Yaml::Map(map) = Yaml::from_value(&value) else { return String::new() };
    "# Which secrets there are, where each comes from, and who gets which. No value stands here.\n\n"
        .to_owned()
        + &map.to_document(&["secrets", "components"])
}

/// The folder of given secrets, and of files with variables.
pub(super) fn secrets_folder(topology: &Topology) -> String {
    let mut text =
        "# Secrets that you give, each in a file of its name; nothing here is for a repository.\n".to_owned();
    for (name, secret) in &topology.secrets {
        let what = secret.summary.clone().unwrap_or_default();
        let how = match (&secret.given, &secret.composed) {
            (Some(given), _) if given.optional => "optional",
            (Some(_), _) => "needed",
            (None, Some(_)) => "made of others, unless you give it",
            (None, None) => "made at random, unless you give it before the first start",
        };
        let colon = if what.is_empty() { "" } else { ": " };
        writeln!(text, "#   {name} ({how}){colon}{what}").expect(WRITES);
    }
    text + "*\n!.gitignore\n"
}

/// The operator's folders, with what belongs there.
pub(super) fn folders(topology: &Topology) -> BTreeMap<String, String> {
    let folders = topology.components.values().flat_map(|placed| &placed.spec.folders);
    folders.map(|folder| (folder.folder.to_string(), folder.summary.clone())).collect()
}

/// What an operator's folder says about itself.
pub(super) fn folder_note(summary: &str) -> String {
    format!("# Put here: {}\n*\n!.gitignore\n", summary.replace('\n', " "))
}

/// The script, with the numbers of the release.
pub(super) fn installer(application: &Name, topology: &Topology, duties: Option<&Duties>) -> String {
    let on: Vec<_> =
        topology.components.values().filter(|placed| topology.is_on(&placed.spec.profiles)).collect();
    let cores = on.iter().filter_map(|placed| placed.limit.as_ref()).map(|limit| limit.value.cpu.0).max();
    let memory: u64 = on
        .iter()
        .filter_map(|placed| Some(placed.request.as_ref()?.value.memory.0 * u64::from(placed.replicas.value)))
        .sum();
    let used: Vec<&Name> =
        on.iter().flat_map(|placed| &placed.spec.volumes).map(|mount| &mount.volume).collect();
    let storage: u64 =
        topology.volumes.iter().filter(|(name, _)| used.contains(name)).map(|(_, size)| size.value.0).sum();
    let variables =
        duties.is_some_and(|duties| duties.components.values().any(|it| !it.variables.is_empty()));
    // `required` of a file with variables came with 2.24.0, that of a dependency with 2.20.2.
    let compose = if variables { "24" } else { "20" };
    let operator = topology.state.values().any(|part| part.backup.at == TaskPlace::Operator);
    let backup = if operator { "rtmxctl" } else { "the commands that stand under state in its spec" };
    INSTALLER
        .replace("@APPLICATION@", application.as_str())
        .replace("@CORES@", &cores.unwrap_or(1000).div_ceil(1000).to_string())
        .replace("@MEMORY_MIB@", &(memory >> 20).to_string())
        .replace("@STORAGE_MIB@", &(storage >> 20).to_string())
        .replace("@COMPOSE_MINOR@", compose)
        .replace("@VARIABLES@", if variables { "yes" } else { "no" })
        .replace("@BACKUP@", backup)
}

const WRITES: &str = "writing to a string cannot fail";
