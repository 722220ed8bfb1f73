//! A customer's installation, with the product's own code.

use rtmx::core::{Secret, Timestamp};
use rtmx::license::{
    ActivationPurpose, ActivationRequest, InstallationKey, Kind, Nonce, PendingLease, Profile,
    RTMX_ENTITLEMENTS, Readings, VerifiedLicense,
};
use std::collections::BTreeMap;

/// An installation.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) key: InstallationKey,
    host: String,
}

impl Customer {
    pub(crate) fn new(seed: u32) -> Customer {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        Customer { key: InstallationKey::from_seed(&Secret::new(bytes)), host: format!("host-of-{seed}") }
    }

    /// The same identity on another machine.
    pub(crate) fn cloned_to(&self, host: &str) -> Customer {
        Customer { host: host.to_owned(), ..self.clone() }
    }

    pub(crate) fn id(&self) -> &str {
        self.key.id().as_str()
    }

    fn readings(&self) -> Readings {
        Readings::default().with(Kind::Host, Ok(&self.host)).with_installation(&self.key.public())
    }

    /// Asks for a lease, as the online mode does.
    pub(crate) fn question(
        &self,
        license: &VerifiedLicense,
        nodes: u64,
        at: Timestamp,
        nonce: u128,
    ) -> PendingLease {
        let profile = Profile::new("RTMX", at, RTMX_ENTITLEMENTS);
        let counts: BTreeMap<String, u64> = [("max_nodes".to_owned(), nodes)].into();
        let nonce = Nonce::from_random(nonce.to_le_bytes());
        PendingLease::new(&self.key, license, &profile, "1.0.0", at, nonce, &self.readings(), &counts)
            .expect("the question can be asked")
    }

    /// A signed request.
    pub(crate) fn request(&self, purpose: ActivationPurpose, license: &str, at: Timestamp) -> String {
        let request = ActivationRequest {
            purpose,
            product: "RTMX".to_owned(),
            version: "1.0.0".to_owned(),
            license_id: license.to_owned(),
            seq: u64::from(!license.is_empty()),
            installation_id: self.key.id().clone(),
            nonce: Nonce::from_random(u128::from(at.as_second().unsigned_abs()).to_le_bytes()),
            issued_at: Timestamp::from_second(at.as_second()).expect("it was one"),
            components: self.readings().components(),
            counts: BTreeMap::new(),
        };
        self.key.sign(&request).expect("it is its own").as_str().to_owned()
    }

    pub(crate) fn components(&self) -> Vec<String> {
        self.readings().components()
    }
}
