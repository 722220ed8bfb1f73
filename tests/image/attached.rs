//! What is attached to the image: inventories and provenance, of this very image and held to their schemas.

use crate::Ignored;
use crate::given::Given;
use crate::probe;
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The documents by their media types.
fn documents(given: &Given) -> BTreeMap<String, Value> {
    let blob = |digest: &Value| {
        let digest = digest.as_str().expect("a digest").replace(':', "/");
        let bytes = std::fs::read(given.layout.join("blobs").join(digest)).expect("the layout is whole");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")
    };
    let index = std::fs::read(given.layout.join("index.json")).expect("a layout");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let mut documents = BTreeMap::new();
    for listed in &index["manifests"].as_array().expect("a list")[1..] {
        let artifact = blob(&listed["digest"]);
        assert_eq!(artifact["subject"]["digest"], Value::from(given.digest.clone()));
        let kind = artifact["artifactType"].as_str().expect("a kind").to_owned();
        documents.insert(kind, blob(&artifact["layers"][0]["digest"]));
    }
    documents
}

/// Both inventories of the image are valid, and provenance and inventories name it.
pub(crate) fn are_valid(given: &Given) -> Result<(), Ignored> {
    let documents = documents(given);
    let kinds: Vec<_> = documents.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        ["application/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"]
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("xtask/schemas");
    let place = |name: &str| format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json");
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    for name in ["spdx-2.3", "bom-1.6", "spdx", "jsf-0.82"] {
        let text =
            std::fs::read_to_string(folder.join(format!("{name}.schema.json"))).expect("it is committed");
        let schema = serde_json::from_str(&text).expect("a schema is JSON");
        compiler.add_resource(&place(name), schema).expect("a schema");
    }
    for (schema, kind) in [("spdx-2.3", kinds[0]), ("bom-1.6", kinds[1])] {
        let mut schemas = Schemas::new();
        let index = compiler.compile(&place(schema), &mut schemas).expect("a schema");
        let judged = schemas.validate(&documents[kind], index).map_err(|error| format!("{error:#}"));
        assert_eq!(judged, Ok(()), "{schema}");
    }
    let hex = given.digest.trim_start_matches("sha256:");
    let provenance = &documents[kinds[2]];
    assert_eq!(provenance["subject"][0]["digest"]["sha256"], hex);
    let commit =
        provenance["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"].as_str();
    assert!(commit.is_some_and(|commit| commit.len() == 40), "{provenance}");
    for kind in &kinds[..2] {
        let text = documents[*kind].to_string();
        assert!(text.contains(hex) && text.contains(&given.server), "{kind} names image and server");
    }
    Ok(())
}

/// Where a crate can fail, its program names the file: what it names so is in the inventory, in that version.
pub(crate) fn name_what_the_program_shows(given: &Given) -> Result<(), Ignored> {
    let server = given.deployer()?.with_file_name("rtmx-server");
    assert_eq!(probe::sha256(&server), given.server);
    let bytes = std::fs::read(server).expect("it can be read");
    let shown: BTreeSet<String> = bytes
        .windows(8)
        .enumerate()
        .filter(|(_, window)| window == b"/crates/")
        .filter_map(|(at, _)| {
            let name = bytes[at + 8..].split(|byte| *byte == b'/').next()?;
            String::from_utf8(name.to_vec()).ok().filter(|name| name.len() < 80)
        })
        .collect();
    assert!(shown.len() > 50, "only {} crates show themselves", shown.len());
    let inventory = &documents(given)["application/vnd.cyclonedx+json"];
    let listed: BTreeSet<String> = inventory["components"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|part| {
            format!(
                "{}-{}",
                part["name"].as_str().unwrap_or_default(),
                part["version"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let missing: Vec<_> = shown.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let carried = ["sqlite-", "mimalloc-", "rust-std-", "libc6-", "tzdata-"];
    assert!(carried.iter().all(|start| listed.iter().any(|part| part.starts_with(start))), "{listed:?}");
    Ok(())
}
