//! Images as Compose is told of them.

use super::lines::literal;
use crate::app::{Variable, VariableName};
use crate::release::{PlacedImage, Topology};

/// `${VARIABLE:-name@digest}`, and the comment behind it.
pub(super) fn reference(
    topology: &Topology,
    image: &PlacedImage,
    from: &str,
    seen: &mut dyn FnMut(&Variable, &str),
) -> (String, String) {
    let spec = &image.spec;
    let mut open = |variable: &VariableName, default: &str, from: &str| {
        seen(&Variable { variable: variable.clone(), default: default.to_owned() }, from);
        format!("${{{variable}:-{default}}}")
    };
    let mut name = literal(&spec.name);
    if let Some(registry) = topology.registry.as_ref().filter(|_| name.contains("{registry}")) {
        name = name.replace("{registry}", &open(&registry.variable, &registry.default, "registry"));
    }
    let mut tag = literal(&spec.tag);
    if tag.contains("{version}") {
        let version = match &topology.version_variable {
            // A digest is of one version.
            Some(variable) if image.digest.is_none() => open(variable, &topology.version, "version"),
            _ => topology.version.clone(),
        };
        tag = tag.replace("{version}", &version);
    }
    let (named, note) = match (&image.instead, &image.digest) {
        (Some(instead), _) => (literal(instead), "--set".to_owned()),
        (None, Some(digest)) => (format!("{name}@{digest}"), format!("{from}, {}", image.reference)),
        (None, None) => (format!("{name}:{tag}"), from.to_owned()),
    };
    let note = if image.is_pinned() { note } else { format!("{note}, not pinned") };
    match &spec.variable {
        None => (named, note),
        Some(variable) => {
            seen(&Variable { variable: variable.clone(), default: String::new() }, from);
            (format!("${{{variable}:-{named}}}"), note)
        }
    }
}
