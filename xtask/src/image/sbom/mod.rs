//! The inventory in the two formats that are asked for.
//!
//! Both say the same of the same parts; they name the image by its digest, so they are made after it and are
//! no part of it. Neither holds the time of its making: the same image and the same commit make the same
//! documents.

mod cyclonedx;
mod spdx;

use super::config::About;
use super::inventory::Part;
use super::layout::NAME;

pub(super) use cyclonedx::cyclonedx;
pub(super) use spdx::spdx;

/// The media type of an inventory in CycloneDX.
pub(super) const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
/// The media type of an inventory in SPDX.
pub(super) const SPDX: &str = "application/spdx+json";

/// What an inventory is of.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The image's digest.
    pub(super) digest: &'a str,
    /// What the image says of itself.
    pub(super) about: &'a About,
    /// Its architecture, such as `amd64`.
    pub(super) architecture: &'a str,
    /// When the sources were committed, such as `2026-01-02T03:04:05Z`.
    pub(super) committed: &'a str,
    /// The SHA-256 of the server's file.
    pub(super) server: &'a str,
    /// The parts; the first is the server's own crate.
    pub(super) parts: &'a [Part],
}

impl Subject<'_> {
    /// The digest without its algorithm.
    fn hex(&self) -> &str {
        self.digest.trim_start_matches("sha256:")
    }

    /// Where the image is looked up: a package URL.
    fn purl(&self) -> String {
        let name = NAME.rsplit('/').next().unwrap_or(NAME);
        format!("pkg:oci/{name}@sha256%3A{}?arch={}&repository_url={NAME}", self.hex(), self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boon::{Compiler, Schemas};
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn parts() -> Vec<Part> {
        let part = |id: &str, purl: &str, license: Option<&str>, uses: &[&str]| Part {
            id: id.into(),
            name: id.into(),
            version: "1.2.3".into(),
            purl: purl.into(),
            license: license.map(Into::into),
            sha256: Some("a".repeat(64)),
            location: license.map(|_| "https://example.com/x.crate".into()),
            features: BTreeSet::from(["std".to_owned()]),
            uses: uses.iter().map(|id| (*id).to_owned()).collect(),
        };
        vec![
            part("crate-rtmx-1.2.3", "pkg:cargo/rtmx@1.2.3", Some("Apache-2.0"), &["crate-used-1.2.3"]),
            part(
                "crate-used-1.2.3",
                "pkg:cargo/used@1.2.3",
                Some("(MIT OR Apache-2.0) AND Unicode-3.0"),
                &[],
            ),
            part("package-libc6-2.36-9-deb12u14", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14", None, &[]),
        ]
    }

    fn both(parts: &[Part]) -> [(&'static str, Value); 2] {
        let about = About {
            version: "1.2.3".into(),
            license: "Apache-2.0".into(),
            source: "https://example.com/rtmx".into(),
            description: "an example".into(),
        };
        let digest = format!("sha256:{}", "b".repeat(64));
        let subject = Subject {
            digest: &digest,
            about: &about,
            architecture: "amd64",
            committed: "2026-01-02T03:04:05Z",
            server: &"c".repeat(64),
            parts,
        };
        [("spdx-2.3", spdx(&subject)), ("bom-1.6", cyclonedx(&subject))]
    }

    /// Why a document is not as the published schema wants it.
    fn judged(schema: &str, document: &Value) -> Result<(), String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let read = |name: &str| {
            let text =
                std::fs::read_to_string(folder.join(format!("{name}.schema.json"))).expect("it is committed");
            serde_json::from_str::<Value>(&text).expect("a schema is JSON")
        };
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        for name in ["spdx-2.3", "bom-1.6", "spdx", "jsf-0.82"] {
            // Where each is published, as the schemas name each other.
            let place = format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json");
            compiler.add_resource(&place, read(name)).expect("a schema");
        }
        let mut schemas = Schemas::new();
        let place = format!("http://cyclonedx.org/schema/{schema}.SNAPSHOT.schema.json");
        let index = compiler.compile(&place, &mut schemas).map_err(|error| format!("{error:#}"))?;
        schemas.validate(document, index).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn both_inventories_are_as_their_published_schemas_want_them() {
        for (schema, document) in both(&parts()) {
            assert_eq!(judged(schema, &document), Ok(()), "{schema}");
        }
    }

    #[test]
    fn the_schemas_would_refuse_what_is_wrong() {
        for (schema, document) in both(&parts()) {
            let list = if schema == "spdx-2.3" { "packages" } else { "components" };
            let mut without_a_name = document.clone();
            without_a_name[list][0].as_object_mut().expect("an object").remove("name");
            let mut unknown = document;
            unknown[list][0]["colour"] = Value::from("green");
            for (what, document) in
                [("a part without a name", without_a_name), ("an unknown member", unknown)]
            {
                assert!(judged(schema, &document).is_err(), "{schema}: {what}");
            }
        }
    }

    #[test]
    fn both_say_the_same_of_the_same_parts() {
        let mut parts = parts();
        let [(_, spdx), (_, cyclonedx)] = both(&parts);
        for part in &parts {
            for (name, document) in [("SPDX", spdx.to_string()), ("CycloneDX", cyclonedx.to_string())] {
                let missing =
                    [&part.purl, &part.version].into_iter().find(|text| !document.contains(text.as_str()));
                assert_eq!(missing, None, "{name}: {}", part.id);
            }
        }
        let removed = parts.pop().expect("there are three");
        let after = both(&parts);
        assert!(after.iter().all(|(_, document)| !document.to_string().contains(&removed.purl)));
    }
}
