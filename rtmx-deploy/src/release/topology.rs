//! What a release consists of: a spec with environment, size, profiles and settings applied.
//!
//! The decision to know: every value that could have come from more than one place carries the key that
//! it came from, because a reader of what is rendered asks exactly that. There is no secret here, only
//! where each comes from.

use crate::app::{
    Amounts, Bytes, Component, Exposed, External, Image, ImageDigest, Job, Name, Network, Profile, Publish,
    Pull, Secret, Setting, StatePart, Variable, VariableName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value, and the key that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The key of the spec, such as `sizes.small.components.api.replicas`, or `--set api.replicas`.
    pub from: String,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, from: impl Into<String>) -> Self {
        Sourced { value, from: from.into() }
    }
}

/// What a release consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// What the application is, in one line.
    pub summary: String,
    /// What the installation is for.
    pub environment: Name,
    /// What that is, in one line.
    pub environment_summary: String,
    /// How large it is.
    pub size: Sourced<Name>,
    /// For whom that is.
    pub size_summary: String,
    /// The profiles that are on.
    pub profiles: Sourced<Vec<Name>>,
    /// Every profile that there is.
    pub known_profiles: BTreeMap<Name, Profile>,
    /// When images are pulled.
    pub pull: Pull,
    /// Whether images without a digest may be deployed.
    pub unpinned_allowed: bool,
    /// The registry of the application's own images.
    pub registry: Option<Variable>,
    /// The version of the application's own images, and the variable that changes it.
    pub version: String,
    /// That variable.
    pub version_variable: Option<VariableName>,
    /// What runs all the time, whatever profile it belongs to.
    pub components: BTreeMap<Name, Placed>,
    /// What runs once.
    pub jobs: BTreeMap<Name, Job>,
    /// Who can reach whom.
    pub networks: BTreeMap<Name, Network>,
    /// What outlives the components, and how large it is.
    pub volumes: BTreeMap<Name, Sourced<Bytes>>,
    /// What is in them.
    pub volume_summaries: BTreeMap<Name, String>,
    /// Where each secret comes from.
    pub secrets: BTreeMap<Name, Secret>,
    /// What makes missing ones: the image, and the program with its first arguments.
    pub secret_maker: Option<(PlacedImage, Vec<String>)>,
    /// What holds data.
    pub state: BTreeMap<Name, StatePart>,
    /// Services of the customer's own that can take the place of a component.
    pub external: BTreeMap<Name, External>,
    /// What is reached from outside.
    pub exposed: Vec<Exposed>,
}

/// A component with what environment, size and settings make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// As it is described; the members below go before its own.
    pub spec: Component,
    /// What it runs.
    pub image: PlacedImage,
    /// How many run.
    pub replicas: Sourced<u32>,
    /// What is kept for each.
    pub request: Option<Sourced<Amounts>>,
    /// What each cannot exceed.
    pub limit: Option<Sourced<Amounts>>,
    /// Its variables.
    pub environment: BTreeMap<VariableName, Sourced<Setting>>,
    /// The ports that the machine hands on.
    pub publish: BTreeMap<Name, Sourced<Publish>>,
}

/// An image, and its digest if the lock has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedImage {
    /// As it is described.
    pub spec: Image,
    /// Its digest.
    pub digest: Option<ImageDigest>,
    /// Name and tag, as the lock names it.
    pub reference: String,
    /// The image that was put in its place with `--set`.
    pub instead: Option<String>,
}

impl PlacedImage {
    /// Whether it can only be this image.
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some() || self.instead.as_deref().is_some_and(|image| image.contains("@sha256:"))
    }

    /// How messages name it.
    pub fn shown(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.reference)
    }
}

impl Topology {
    /// Whether what belongs to these profiles is on.
    pub fn is_on(&self, profiles: &[Name]) -> bool {
        profiles.is_empty() || profiles.iter().any(|profile| self.profiles.value.contains(profile))
    }

    /// The images that are on and not pinned, each once.
    pub fn unpinned(&self) -> Vec<&str> {
        let on = self.components.values().filter(|placed| self.is_on(&placed.spec.profiles));
        let images = on.map(|placed| &placed.image);
        let makers = self.secret_maker.iter().map(|(image, _)| image);
        let loose = images.chain(makers).filter(|image| !image.is_pinned());
        let mut names: Vec<&str> = loose.map(PlacedImage::shown).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
