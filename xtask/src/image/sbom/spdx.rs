//! SPDX 2.3, in JSON.

use super::Subject;
use crate::image::inventory::Part;
use crate::image::layout::NAME;
use serde_json::{Value, json};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-image";
const SERVER: &str = "SPDXRef-server";
const UNKNOWN: &str = "NOASSERTION";

/// The inventory.
pub(in crate::image) fn spdx(subject: &Subject<'_>) -> Value {
    let about = subject.about;
    let image = json!({
        "SPDXID": IMAGE,
        "name": NAME,
        "versionInfo": format!("v{}", about.version),
        "summary": about.description,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": about.license,
        "copyrightText": UNKNOWN,
        "checksums": [{"algorithm": "SHA256", "checksumValue": subject.hex()}],
        "externalRefs": [reference(&subject.purl())],
    });
    let server = json!({
        "SPDXID": SERVER,
        "name": "rtmx-server",
        "versionInfo": about.version,
        "primaryPackagePurpose": "APPLICATION",
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": about.license,
        "copyrightText": UNKNOWN,
        "checksums": [{"algorithm": "SHA256", "checksumValue": subject.server}],
    });
    let mut relations = vec![relation(DOCUMENT, "DESCRIBES", IMAGE), relation(IMAGE, "CONTAINS", SERVER)];
    for (at, part) in subject.parts.iter().enumerate() {
        if part.purl.starts_with("pkg:deb/") {
            relations.push(relation(IMAGE, "CONTAINS", &id(&part.id)));
        } else if at == 0 {
            relations.push(relation(SERVER, "GENERATED_FROM", &id(&part.id)));
        }
        relations.extend(part.uses.iter().map(|used| relation(&id(&part.id), "DEPENDS_ON", &id(used))));
    }
    let packages: Vec<_> = [image, server].into_iter().chain(subject.parts.iter().map(package)).collect();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": format!("{NAME}:v{}", about.version),
        "documentNamespace": format!("{}/sbom/{}", about.source, subject.hex()),
        "creationInfo": {"created": subject.committed, "creators": ["Tool: cargo-xtask-image"]},
        "packages": packages,
        "relationships": relations,
    })
}

fn package(part: &Part) -> Value {
    let mut package = json!({
        "SPDXID": id(&part.id),
        "name": part.name,
        "versionInfo": part.version,
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": part.location.as_deref().unwrap_or(UNKNOWN),
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": part.license.as_deref().unwrap_or(UNKNOWN),
        "copyrightText": UNKNOWN,
        "externalRefs": [reference(&part.purl)],
    });
    if let Some(sha256) = &part.sha256 {
        package["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": sha256}]);
    }
    if !part.features.is_empty() {
        let features: Vec<_> = part.features.iter().map(String::as_str).collect();
        package["comment"] = Value::from(format!("features: {}", features.join(", ")));
    }
    package
}

fn id(part: &str) -> String {
    format!("SPDXRef-{part}")
}

fn reference(purl: &str) -> Value {
    json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl})
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
