//! Wrong configurations, with the exact messages.
//!
//! `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-config-file --test bad` writes the messages into
//! `tests/bad.txt`; a person reads the diff.

use rtmx_config::{Faults, Layer, Provenance, Strictness, Table, flag_layer, resolve};
use rtmx_config_file::read_document;
use rtmx_core::{Error, Secret};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What no message may hold.
const CANARY: &str = "canary";
const SAYS: &str = "--- says ";

/// One wrong configuration: its text without what is said about it, and its parts.
struct Case {
    text: String,
    name: String,
    parts: Vec<(String, String)>,
}

impl Case {
    fn read(text: &str) -> Case {
        let text = text.split(SAYS).next().unwrap_or_default();
        let text = format!("{}\n", text.trim_end_matches('\n'));
        let (name, rest) = text.split_once('\n').unwrap_or_default();
        let parts = rest.split("--- ").skip(1);
        let parts = parts.map(|part| part.split_once('\n').unwrap_or((part, "")));
        let parts = parts.map(|(head, body)| (head.trim().to_owned(), body.to_owned())).collect();
        Case { name: name.to_owned(), text, parts }
    }

    fn bodies(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter().map(|(head, body)| (head.as_str(), body.as_str()));
        parts.filter_map(move |(head, body)| Some((head.strip_prefix(kind)?.trim(), body)))
    }

    /// The layers in their order: files, variables, files of variables, flags.
    fn layers(&self) -> Vec<Layer> {
        let mut read = |path: &Path| {
            let found = self.bodies("file ").find(|(name, _)| Path::new(name) == path);
            found.map(|(_, body)| Secret::new(body.to_owned())).ok_or_else(|| "it does not exist".to_owned())
        };
        let mut layers = Vec::new();
        for (name, body) in self.parts.iter().filter(|(head, _)| head.ends_with(".toml")) {
            let mut layer = Layer::new(Provenance::new("file", name));
            read_document(&PathBuf::from(name), body, &mut layer);
            layers.push(layer);
        }
        for (_, body) in self.bodies("variables") {
            let pairs = body.lines().filter_map(|line| line.split_once('='));
            let pairs = pairs.map(|(name, value)| (OsString::from(name), OsString::from(value)));
            layers.push(Table::RTMX.environment_layer(pairs, &mut read));
        }
        for (name, body) in self.bodies("lines ") {
            layers.push(rtmx_config::environment_file(&Table::RTMX, Path::new(name), body, &mut read));
        }
        layers.extend(self.bodies("flags").map(|(_, body)| flag_layer(body.lines())));
        layers
    }

    /// What is said: the code, whether a server starts all the same, and each fault.
    fn said(&self) -> String {
        let layers = self.layers();
        let error = resolve(&layers, Strictness::Check).err();
        let error = error.unwrap_or_else(|| panic!("nothing is wrong with {}", self.name));
        let start = resolve(&layers, Strictness::Start);
        let starts = if start.is_ok() { "a server starts, with warnings" } else { "no server starts" };
        let mut lines = format!("{SAYS}{}; {starts}\n", error.code());
        lines.push_str(&faults(&error));
        // Whatever a log or a report could hold of it.
        let seen = format!("{lines}{error:?}{:?}{:?}{start:?}", error.causes(), layers);
        assert!(!seen.contains(CANARY), "{}: {seen}", self.name);
        lines
    }
}

fn faults(error: &Error) -> String {
    let faults = Faults::of(error).expect("its source is the list");
    faults.list().iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn every_fault_of_a_wrong_configuration_is_told_exactly_and_none_tells_a_secret() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad.txt");
    let golden = std::fs::read_to_string(&path).expect("it is committed");
    let mut parts = golden.split("\n## ");
    let mut made = parts.next().unwrap_or_default().to_owned();
    let cases: Vec<Case> = parts.map(Case::read).collect();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for case in &cases {
        made.push_str(&format!("\n## {}{}", case.text, case.said()));
    }
    if std::env::var_os("RTMX_UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &made).expect("it is writable");
        return;
    }
    for (made, golden) in made.split("\n## ").zip(golden.split("\n## ")) {
        assert_eq!(made, golden);
    }
    assert_eq!(made, golden);
}
