//! Fingerprints: what an installation is recognised by, if its license is bound.
//!
//! `fp1:<kind>:` and 160 bits of HMAC-SHA256 keyed by the id itself, in base 32. Nothing can be read
//! back from one, and two products cannot compare theirs. What is missing, or a placeholder that
//! thousands of machines have, is *absent*; it is never hashed as if it were an id. Deliberately
//! absent: addresses, host names and container ids, which change whenever a container does.

use crate::{Binding, BindingPolicy, PublicKey, base32, files};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::path::Path;

/// The kinds of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The installation's own key: it lives in the database and follows backup and restore.
    Installation,
    /// The cluster: the id of the namespace `kube-system`.
    Cluster,
    /// The machine.
    Host,
}

impl Kind {
    /// Every kind, the steadiest first.
    pub const ALL: [Kind; 3] = [Kind::Installation, Kind::Cluster, Kind::Host];

    /// The name in fingerprints.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Installation => "installation",
            Kind::Cluster => "cluster",
            Kind::Host => "host",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint {
    kind: Kind,
    text: String,
}

/// 160 bits.
const DIGEST_BYTES: usize = 20;
/// The longest id that is taken.
const ID_LIMIT_BYTES: usize = 256;

impl Fingerprint {
    /// The fingerprint of an id; `None` if the id is empty, too long or a known placeholder.
    ///
    /// Case and the spaces around are no part of an id: `/sys` and tools write the same id in both.
    pub fn derive(kind: Kind, id: &str) -> Option<Fingerprint> {
        let id = id.trim().to_ascii_lowercase();
        if id.len() > ID_LIMIT_BYTES || is_placeholder(&id) {
            return None;
        }
        Some(Fingerprint::hashed(kind, id.as_bytes()))
    }

    /// The fingerprint of an installation's key.
    pub fn of_installation(key: &PublicKey) -> Fingerprint {
        Fingerprint::hashed(Kind::Installation, key.as_bytes())
    }

    fn hashed(kind: Kind, id: &[u8]) -> Fingerprint {
        let mut mac = Hmac::<Sha256>::new_from_slice(id).expect("HMAC takes keys of any length");
        mac.update(b"rtmx-license/fp/v1/");
        mac.update(kind.name().as_bytes());
        let digest = mac.finalize().into_bytes();
        let text = format!("fp1:{kind}:{}", base32::encode(&digest[..DIGEST_BYTES]));
        Fingerprint { kind, text }
    }

    /// Parses `fp1:<kind>:<32 characters>`.
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let (kind, digest) = text.strip_prefix("fp1:")?.split_once(':')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        (base32::decode(digest)?.len() == DIGEST_BYTES).then(|| Fingerprint { kind, text: text.to_owned() })
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Fingerprint, &'static str> {
        Fingerprint::parse(&text).ok_or("a fingerprint has the form fp1:<kind>:<32 characters>")
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.text
    }
}

/// What vendors write where an id should be; compared in lower case.
const PLACEHOLDERS: [&str; 13] = [
    "uninitialized",
    "unknown",
    "none",
    "n/a",
    "not settable",
    "not specified",
    "not applicable",
    "default string",
    "system serial number",
    "to be filled by o.e.m.",
    "to be filled by oem",
    "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
];

fn is_placeholder(id: &str) -> bool {
    let digits = || id.bytes().filter(|b| !matches!(b, b'-' | b':' | b' ' | b'.'));
    let one = digits().next();
    // Nothing, or one character over and over: zeros, F, x.
    one.is_none_or(|first| digits().all(|b| b == first)) || PLACEHOLDERS.contains(&id)
}

/// The fingerprints that can be read in one place, and why others cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Readings {
    /// What is there.
    pub found: Vec<Fingerprint>,
    /// What is not, and why.
    pub absent: Vec<Absent>,
}

/// A kind that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// The kind.
    pub kind: Kind,
    /// Why, for people.
    pub why: String,
}

impl Readings {
    /// With one more kind: its id, or why there is none.
    #[must_use]
    pub fn with(mut self, kind: Kind, id: Result<&str, &str>) -> Readings {
        match id.map(|id| Fingerprint::derive(kind, id)) {
            Ok(Some(fingerprint)) => self.found.push(fingerprint),
            Ok(None) => self.absent.push(Absent { kind, why: "its id is empty or a placeholder".to_owned() }),
            Err(why) => self.absent.push(Absent { kind, why: why.to_owned() }),
        }
        self
    }

    /// With the installation's key.
    #[must_use]
    pub fn with_installation(mut self, key: &PublicKey) -> Readings {
        self.found.push(Fingerprint::of_installation(key));
        self
    }

    /// Without the installation's key, and why.
    #[must_use]
    pub fn without_installation(self, why: &str) -> Readings {
        self.with(Kind::Installation, Err(why))
    }

    /// With the cluster, which only the operator can say (`RTMX_CLUSTER_ID`): reading the id of a namespace
    /// of the system is a right that a server should not have.
    #[must_use]
    pub fn with_cluster(self, set: Option<&str>) -> Readings {
        self.with(Kind::Cluster, set.ok_or("`license.cluster_id` does not say which cluster this is"))
    }

    /// With the machine: what the operator set (`RTMX_MACHINE_ID`), else what the files under `root`
    /// say. `root` is `/`, but in tests and where the host's files are mounted elsewhere.
    ///
    /// Reads at most three small files, needs no privilege and starts no process.
    #[must_use]
    pub fn with_host(self, root: &Path, set: Option<&str>) -> Readings {
        if let Some(set) = set {
            return self.with(Kind::Host, Ok(set));
        }
        let ids = HOST_FILES.iter().filter_map(|file| files::read(&root.join(file), ID_LIMIT_BYTES).ok());
        let usable = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).ok()?;
            Fingerprint::derive(Kind::Host, &text).map(|_| text)
        };
        match ids.filter_map(usable).next() {
            Some(id) => self.with(Kind::Host, Ok(&id)),
            None => self.with(Kind::Host, Err("no machine-id and no product_uuid can be read here")),
        }
    }

    /// The texts, sorted, for an activation request.
    pub fn components(&self) -> Vec<String> {
        let mut texts: Vec<_> = self.found.iter().map(|one| one.text.clone()).collect();
        texts.sort();
        texts.dedup();
        texts
    }
}

/// In this order: the first is what a container is given when the host's is mounted.
const HOST_FILES: [&str; 3] = ["etc/machine-id", "var/lib/dbus/machine-id", "sys/class/dmi/id/product_uuid"];

/// Whether a binding fits a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The license is not bound.
    Unbound,
    /// Enough kinds match.
    Matches,
    /// Too few kinds match.
    Mismatch,
    /// Nothing of the named kinds can be read, which is another thing than a mismatch.
    Unreadable,
}

impl Binding {
    /// Compares with what can be read. Several fingerprints of one kind are alternatives, and each
    /// kind counts once.
    pub fn fit(&self, readings: &Readings) -> Fit {
        let kinds = self.kinds();
        if self.policy == BindingPolicy::Off {
            return Fit::Unbound;
        }
        if !readings.found.iter().any(|one| kinds.contains(&one.kind)) {
            return Fit::Unreadable;
        }
        let named = |one: &&Fingerprint| self.components.contains(&one.text);
        let matched: std::collections::BTreeSet<Kind> =
            readings.found.iter().filter(named).map(Fingerprint::kind).collect();
        let (matched, all) = (matched.len(), kinds.len());
        let enough = match self.policy {
            BindingPolicy::Off => true,
            BindingPolicy::Any => matched >= 1,
            BindingPolicy::Two => matched >= 2,
            BindingPolicy::Most => 2 * matched > all,
            BindingPolicy::All => matched == all,
        };
        if enough { Fit::Matches } else { Fit::Mismatch }
    }
}
