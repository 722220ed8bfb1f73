//! What follows from a topology: artifacts, ports, and what its reader should know.

use super::topology::{Placed, PlacedImage, Topology};
use super::{Artifact, Port};
use crate::app::Name;

pub(super) fn warnings(topology: &Topology) -> Vec<String> {
    let mut warnings = Vec::new();
    for image in topology.unpinned() {
        let refused = if topology.unpinned_allowed { "" } else { "; `deploy` refuses it here" };
        warnings.push(format!("the image {image} is not pinned: the lock has no digest of it{refused}"));
    }
    let kept: Vec<&Name> = topology.state.values().flat_map(|part| &part.volumes).collect();
    for volume in topology.volumes.keys().filter(|volume| !kept.contains(volume)) {
        warnings.push(format!(
            "the volume {volume} belongs to no part of `state`: an upgrade could not bring its data back"
        ));
    }
    warnings
}

pub(super) fn artifacts(topology: &Topology) -> Vec<Artifact> {
    let makers = topology.secret_maker.iter().map(|(image, _)| image);
    let images = topology.components.values().map(|placed| &placed.image).chain(makers);
    let artifact = |image: &PlacedImage| {
        let digest = image.digest.as_ref()?.to_string();
        Some(Artifact { name: image.reference.clone(), digest, bytes: 0 })
    };
    let mut artifacts: Vec<Artifact> = images.filter_map(artifact).collect();
    artifacts.sort_by(|a, b| a.name.cmp(&b.name));
    artifacts.dedup_by(|a, b| a.name == b.name);
    artifacts
}

pub(super) fn ports(topology: &Topology) -> Vec<Port> {
    let on = topology.components.iter().filter(|(_, placed)| topology.is_on(&placed.spec.profiles));
    let of = |(component, placed): (&Name, &Placed)| -> Vec<Port> {
        let published = placed.publish.iter();
        published
            .map(|(name, publish)| Port {
                name: format!("{component}.{name}"),
                address: publish.value.address.as_ref().map_or("0.0.0.0", |it| &it.default).to_owned(),
                port: publish.value.port,
            })
            .collect()
    };
    on.flat_map(of).collect()
}
