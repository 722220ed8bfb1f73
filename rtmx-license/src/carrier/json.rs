//! The JSON document of a license: what it says in clear, and the token as its signature.
//!
//! People and scripts read the clear members, so each must say what the signed claims say, and all
//! must be there. Spaces and the order of members are free: nothing is signed but the token.

use crate::document::Verified;
use crate::{BindingPolicy, License, Refusal, canonical};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The document as people see it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    license_id: String,
    organization: String,
    product: String,
    edition: String,
    issued_at: String,
    expires_at: String,
    #[serde(deserialize_with = "each_once")]
    features: BTreeMap<String, Value>,
    #[serde(deserialize_with = "object")]
    hardware_binding: HardwareBinding,
    pub(crate) signature: String,
}

/// A limit or an entitlement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Entitled(bool),
    Limit(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HardwareBinding {
    enabled: bool,
    fingerprints: Vec<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Shown, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::malformed("JSON document", canonical::reason(&error, 0)))
}

impl Shown {
    pub(super) fn of(license: &License, token: &str) -> Shown {
        let entitled = license.features.iter().map(|(name, on)| (name.clone(), Value::Entitled(*on)));
        let limits = license.limits.iter().map(|(name, most)| (name.clone(), Value::Limit(*most)));
        Shown {
            license_id: license.license_id.clone(),
            organization: license.organization.clone(),
            product: license.product.clone(),
            edition: license.edition.clone(),
            issued_at: license.issued_at.to_string(),
            expires_at: license.expires_at.to_string(),
            features: limits.chain(entitled).collect(),
            hardware_binding: HardwareBinding {
                enabled: license.binding.policy != BindingPolicy::Off,
                fingerprints: license.binding.components.clone(),
            },
            signature: token.to_owned(),
        }
    }

    pub(super) fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("text, numbers and maps by text are JSON");
        text.push('\n');
        text
    }

    /// Compares what is shown with what was signed.
    pub(crate) fn check<D: crate::Document>(&self, signed: &Verified<D>) -> Result<(), Refusal> {
        // Only licenses have this carrier; `carrier::read` refuses it for all others.
        let Some(license) = (signed.claims() as &dyn std::any::Any).downcast_ref::<License>() else {
            return Err(Refusal::malformed("document", "only a license has a JSON document"));
        };
        let wanted = Shown::of(license, &self.signature);
        let members = [
            ("license_id", self.license_id == wanted.license_id),
            ("organization", self.organization == wanted.organization),
            ("product", self.product == wanted.product),
            ("edition", self.edition == wanted.edition),
            ("issued_at", self.issued_at == wanted.issued_at),
            ("expires_at", self.expires_at == wanted.expires_at),
            ("features", self.features == wanted.features),
            ("hardware_binding", self.hardware_binding == wanted.hardware_binding),
        ];
        match members.into_iter().find(|(_, agrees)| !agrees) {
            Some((member, _)) => Err(Refusal::CarrierDisagrees { member }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

/// An object; a list of values in the order of the members would be taken, too.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HardwareBinding, D::Error> {
    struct Object;

    impl<'de> Visitor<'de> for Object {
        type Value = HardwareBinding;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
            HardwareBinding::deserialize(MapAccessDeserializer::new(access))
        }
    }

    deserializer.deserialize_map(Object)
}

/// A map in which each name is there once; serde's own keeps the last.
fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Value>, D::Error> {
    struct EachOnce;

    impl<'de> Visitor<'de> for EachOnce {
        type Value = BTreeMap<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((name, value)) = access.next_entry::<String, Value>()? {
                if map.insert(name, value).is_some() {
                    return Err(A::Error::custom("a name is there twice"));
                }
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(EachOnce)
}
