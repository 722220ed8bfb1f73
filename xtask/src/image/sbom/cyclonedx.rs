//! CycloneDX 1.6, in JSON.

use super::Subject;
use crate::image::inventory::Part;
use crate::image::layout::NAME;
use serde_json::{Value, json};

const IMAGE: &str = "image";
const SERVER: &str = "server";

/// The inventory.
pub(in crate::image) fn cyclonedx(subject: &Subject<'_>) -> Value {
    let about = subject.about;
    let hashes = |sha256: &str| json!([{"alg": "SHA-256", "content": sha256}]);
    let server = json!({
        "type": "application",
        "bom-ref": SERVER,
        "name": "rtmx-server",
        "version": about.version,
        "hashes": hashes(subject.server),
        "licenses": [{"expression": about.license}],
    });
    let first = subject.parts.first().map(|part| part.id.clone());
    let of_the_image: Vec<_> = subject
        .parts
        .iter()
        .filter(|part| part.purl.starts_with("pkg:deb/"))
        .map(|part| part.id.clone())
        .chain([SERVER.to_owned()])
        .collect();
    let uses = |part: &Part| json!({"ref": part.id, "dependsOn": part.uses});
    let components: Vec<_> = std::iter::once(server).chain(subject.parts.iter().map(component)).collect();
    let from_the_server = first.into_iter().collect::<Vec<_>>();
    let mut dependencies = vec![
        json!({"ref": IMAGE, "dependsOn": of_the_image}),
        json!({"ref": SERVER, "dependsOn": from_the_server}),
    ];
    dependencies.extend(subject.parts.iter().map(uses));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(subject.hex()),
        "version": 1,
        "metadata": {
            "timestamp": subject.committed,
            "component": {
                "type": "container",
                "bom-ref": IMAGE,
                "name": NAME,
                "version": format!("v{}", about.version),
                "description": about.description,
                "purl": subject.purl(),
                "licenses": [{"expression": about.license}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": part.id,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    });
    if let Some(license) = &part.license {
        component["licenses"] = json!([{"expression": license}]);
    }
    if let Some(sha256) = &part.sha256 {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sha256}]);
    }
    if let Some(location) = &part.location {
        component["externalReferences"] = json!([{"type": "distribution", "url": location}]);
    }
    let feature = |feature: &String| json!({"name": "cargo:feature", "value": feature});
    if !part.features.is_empty() {
        component["properties"] = part.features.iter().map(feature).collect();
    }
    component
}

/// A UUID of the form that is free for any use (version 8), made from the image's digest.
fn serial(hex: &str) -> String {
    let at = |from: usize, to: usize| hex.get(from..to).unwrap_or("0");
    format!("urn:uuid:{}-{}-8{}-8{}-{}", at(0, 8), at(8, 12), at(12, 15), at(15, 18), at(18, 30))
}
