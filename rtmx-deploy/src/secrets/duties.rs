//! Which secrets an installation needs and who gets which: the file that the secret maker reads.
//!
//! It holds names and origins, and no value, so it can lie beside the rendered files.

use crate::app::{AppFaults, Fault, Name, Secret, VariableName, read_shaped};
use crate::app::{Delivery, Place, pieces};
use crate::release::Topology;
use rtmx_core::{Result, app as codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What the secret maker has to see to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// The application.
    pub application: Name,
    /// Where each secret comes from.
    #[serde(default)]
    pub secrets: BTreeMap<Name, Secret>,
    /// Who gets which.
    #[serde(default)]
    pub components: BTreeMap<Name, Duty>,
}

/// The secrets of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The group that may read its files, and that nobody else is in.
    pub group: u32,
    /// It is there only where one of these profiles is on; always, if there are none.
    #[serde(default)]
    pub profiles: Vec<Name>,
    /// Its files, by name, with the secret that each holds.
    #[serde(default)]
    pub files: BTreeMap<String, Name>,
    /// Its variables, by name, with the secret that each holds.
    #[serde(default)]
    pub variables: BTreeMap<VariableName, Name>,
}

impl Duties {
    /// The first group of components, above those that systems give out.
    const FIRST_GROUP: u32 = 200_000;
    /// How many groups there are.
    const GROUPS: u32 = 60_000;

    /// What a release needs; `None` if no component is given a secret.
    pub fn of(application: &Name, topology: &Topology) -> Option<Duties> {
        let groups = groups(topology.components.keys());
        let mut components = BTreeMap::new();
        for (name, placed) in &topology.components {
            let mut duty = Duty {
                group: groups.get(name).copied().unwrap_or(Self::FIRST_GROUP),
                profiles: placed.spec.profiles.clone(),
                files: BTreeMap::new(),
                variables: BTreeMap::new(),
            };
            for (secret, used) in &placed.spec.secrets {
                match (used.delivery, &used.variable) {
                    (Delivery::Environment, Some(variable)) => {
                        duty.variables.insert(variable.clone(), secret.clone());
                    }
                    _ => {
                        let file = used.file.clone().unwrap_or_else(|| secret.to_string());
                        duty.files.insert(file, secret.clone());
                    }
                }
            }
            if !duty.files.is_empty() || !duty.variables.is_empty() {
                components.insert(name.clone(), duty);
            }
        }
        let secrets = topology.secrets.clone();
        (!components.is_empty()).then(|| Duties { application: application.clone(), secrets, components })
    }

    /// Reads the file that the secret maker is given; `file` is how its faults name it.
    ///
    /// # Errors
    ///
    /// All faults together, as [`AppFaults`].
    pub fn read(text: &str, file: &str) -> Result<Duties> {
        let (duties, node) = read_shaped::<Duties>(text, file)?;
        let mut faults = Vec::new();
        let mut unknown = |path: &[&str], secret: &str| {
            let known = duties.secrets.keys().map(Name::as_str);
            let text = format!("the secret `{secret}` is not declared");
            let place: Place = node.place_of(path);
            faults.push(
                Fault::at(codes::APP_SECRET_UNKNOWN, place, path.join("."), text).with_nearest(secret, known),
            );
        };
        for (name, duty) in &duties.components {
            let used = duty.files.values().chain(duty.variables.values());
            for secret in used.filter(|secret| !duties.secrets.contains_key(*secret)) {
                unknown(&["components", name.as_str()], secret.as_str());
            }
        }
        for (name, secret) in &duties.secrets {
            let parts = secret.composed.as_deref().map(pieces).and_then(std::result::Result::ok);
            for piece in parts.iter().flatten() {
                if let Some(part) = piece.secret().filter(|part| !duties.secrets.contains_key(*part)) {
                    unknown(&["secrets", name.as_str(), "composed"], part);
                }
            }
        }
        if faults.is_empty() {
            return Ok(duties);
        }
        faults.iter_mut().for_each(|fault| file.clone_into(&mut fault.file));
        Err(AppFaults::into_error(faults))
    }
}

/// A group for each component. It depends on the name alone, but for names that fall together, so that
/// another component does not move the groups of files that are there.
fn groups<'n>(names: impl Iterator<Item = &'n Name>) -> BTreeMap<&'n Name, u32> {
    let mut taken = BTreeSet::new();
    let mut groups = BTreeMap::new();
    for name in names {
        let digest = Sha256::digest(name.as_str().as_bytes());
        let start = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % Duties::GROUPS;
        let free = (0..Duties::GROUPS).map(|step| (start + step) % Duties::GROUPS);
        let group = free.into_iter().find(|group| !taken.contains(group)).unwrap_or(start);
        taken.insert(group);
        groups.insert(name, Duties::FIRST_GROUP + group);
    }
    groups
}
