//! What the vendor of the cases signs: its keys, licenses, lists and keysets, and the times they tell.

use rtmx_core::{Secret, Timestamp};
use rtmx_license::{
    Checker, Community, Enforcement, Entitlement, KeyId, KeyRing, Keyset, KeysetKey, License, Profile,
    PublicKey, Reach, RevocationList, SigningKey, Usage, sign, sign_keyset,
};
use std::collections::BTreeMap;

/// The product of the cases.
pub(crate) const PRODUCT: &str = "KIT";

/// Its entitlements: one feature, one limit.
pub(crate) const ENTITLEMENTS: &[Entitlement] = &[
    Entitlement {
        name: "lamps",
        noun: "lamps",
        meaning: "lamps that may burn",
        enforcement: Enforcement::Enforced,
        community: Community::AtMost { most: 3, unlimited: "unlimited_lamps" },
    },
    Entitlement {
        name: "colour",
        noun: "colour",
        meaning: "coloured light",
        enforcement: Enforcement::Enforced,
        community: Community::Excluded,
    },
];

/// A time of the cases: a day and seconds after the licenses of the cases begin.
pub(crate) fn at(day: i64, second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
    Timestamp::from_second(start.as_second() + day * 86_400 + second).expect("the cases' times are in range")
}

/// When the program of the cases was built.
pub(crate) fn built_at() -> Timestamp {
    at(-31, 0)
}

/// The vendor's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    RootA,
    RootB,
    License,
    NextLicense,
    Lease,
    NextLease,
    Revocation,
    /// A key that nobody was told of.
    Stranger,
}

impl Whose {
    pub(crate) fn key(self) -> SigningKey {
        SigningKey::from_seed(&Secret::new([0xa0 + self as u8; 32]))
    }

    pub(crate) fn kid(self) -> KeyId {
        let name = match self {
            Whose::RootA => "root-a",
            Whose::RootB => "root-b",
            Whose::License => "license-1",
            Whose::NextLicense => "license-2",
            Whose::Lease => "lease-1",
            Whose::NextLease => "lease-2",
            Whose::Revocation => "revocation-1",
            Whose::Stranger => "stranger-1",
        };
        KeyId::parse(name).expect("a name of a key")
    }

    fn usage(self) -> Usage {
        match self {
            Whose::RootA | Whose::RootB => Usage::Root,
            Whose::License | Whose::NextLicense | Whose::Stranger => Usage::License,
            Whose::Lease | Whose::NextLease => Usage::Lease,
            Whose::Revocation => Usage::Revocation,
        }
    }
}

const FIRST_KEYS: [Whose; 5] = [Whose::RootA, Whose::RootB, Whose::License, Whose::Lease, Whose::Revocation];

/// What a mode of the cases trusts, and for which program it asks.
pub(crate) fn checker() -> Checker {
    let mut ring = KeyRing::builder(PRODUCT).threshold(2);
    for whose in FIRST_KEYS {
        let key = whose.key().public();
        ring = ring.pin(whose.kid().as_str(), whose.usage(), key.as_bytes()).expect("good keys");
    }
    let ring = ring.build().expect("a sound ring");
    Checker::new(ring, Profile::new(PRODUCT, built_at(), ENTITLEMENTS))
}

/// The claims of a license of a year that may use everything.
pub(crate) fn claims() -> License {
    let license = License::new("LIC-1", "Lamps Inc.", PRODUCT, "enterprise", at(0, 0), at(365, 0));
    license.with_feature("colour").with_limit("lamps", 10)
}

/// The same, to be confirmed every 14 days.
pub(crate) fn online_claims() -> License {
    License { mode: Reach::Online, max_offline_days: 14, ..claims() }
}

pub(crate) fn signed(license: &License) -> Vec<u8> {
    signed_by(Whose::License, license)
}

pub(crate) fn signed_by(whose: Whose, license: &License) -> Vec<u8> {
    sign(&whose.key(), &whose.kid(), license).expect("claims that are valid").as_str().as_bytes().to_vec()
}

/// A revocation list that revokes these licenses.
pub(crate) fn revocations(seq: u64, licenses: &[&str]) -> RevocationList {
    RevocationList {
        product: PRODUCT.to_owned(),
        seq,
        issued_at: at(1, 0),
        next_update: at(31, 0),
        licenses: licenses.iter().map(|id| (*id).to_owned()).collect(),
        tokens: Vec::new(),
        min_seq: BTreeMap::new(),
    }
}

pub(crate) fn signed_list(whose: Whose, list: &RevocationList) -> Vec<u8> {
    sign(&whose.key(), &whose.kid(), list).expect("claims that are valid").as_str().as_bytes().to_vec()
}

/// The second keyset: the next keys for licenses and leases in place of the first lease key.
pub(crate) fn next_keyset(signers: &[Whose]) -> String {
    let keys =
        [Whose::RootA, Whose::RootB, Whose::License, Whose::NextLicense, Whose::NextLease, Whose::Revocation];
    let entry = |whose: Whose| KeysetKey::new(whose.kid(), whose.usage(), whose.key().public());
    let keyset = Keyset {
        product: PRODUCT.to_owned(),
        version: 2,
        issued_at: at(0, 0),
        expires_at: at(700, 0),
        threshold: 2,
        keys: keys.into_iter().map(entry).collect(),
    };
    let signers: Vec<_> = signers.iter().map(|whose| (whose.kid(), whose.key())).collect();
    let signers: Vec<_> = signers.iter().map(|(kid, key)| (kid, key)).collect();
    sign_keyset(&keyset, &signers).expect("a keyset that is valid")
}

/// The public half of a key of the vendor.
pub(crate) fn public(whose: Whose) -> PublicKey {
    whose.key().public()
}
