//! The register: what was issued, revoked and activated, on the product's own storage drivers.
//!
//! The decision to know (decision record 0027): every record is a `Setting` of the licensing space with
//! a key that says what it is, so that no engine needs a table for the vendor's side, and a register is
//! backed up, moved and restored like everything else. A key's first part is its type.

mod records;

pub use records::{Activation, AuditEntry, Issued, LicenseRecord, RevocationRecord, Standing, StoredKeyset};

use super::args::RegisterArgs;
use super::random;
use crate::Drivers;
use crate::ctl::database::{Given, here};
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Expect, Key, Kind, Record, Result, Revision, Setting,
    Space, Timestamp, vendor,
};
use rtmx_license::{License, Token};
use rtmx_storage::query::{Cursor, PAGE_LIMIT, RecordQuery};
use rtmx_storage::{Query, StorageBackend, StorageBackendExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An open register.
#[derive(Debug, Clone)]
pub struct Register {
    storage: Arc<dyn StorageBackend>,
}

/// One write.
pub(super) type Write = Change;

impl Register {
    /// A register over an open, migrated storage.
    pub fn over(storage: Arc<dyn StorageBackend>) -> Register {
        Register { storage }
    }

    /// Opens the register that the command line names, and makes one where there is none.
    pub(super) async fn open(drivers: &Drivers, args: &RegisterArgs) -> Result<Register> {
        let given = Given {
            flag: "--register",
            url: args.register.as_deref(),
            env: args.register_env.as_deref(),
            file: args.register_file.as_deref(),
            schema: None,
        };
        let address = given.address()?.expect("the command line asks for one of the three");
        let target = address.open_target(drivers, &here()?).await?;
        Ok(Register { storage: target.storage })
    }

    /// The storage.
    pub fn storage(&self) -> &Arc<dyn StorageBackend> {
        &self.storage
    }

    /// Lets go of the database.
    pub(super) async fn close(self) -> Result<()> {
        self.storage.close(&Cx::new()).await
    }

    /// The record under a key, with its revision.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        key: &str,
    ) -> Result<Option<(T, Revision)>> {
        let found = self.storage.find(cx, &Space::Licensing, &Key::new(Kind::Setting, key)).await?;
        found.map(|record| decode(record).map(|(_, value, revision)| (value, revision))).transpose()
    }

    /// The revisions of those of these keys that exist.
    pub(super) async fn revisions(&self, cx: &Cx, keys: Vec<String>) -> Result<Vec<(String, Revision)>> {
        let page = self.storage.fetch(cx, &Query::ids(Space::Licensing, Kind::Setting, keys)).await?;
        Ok(page.into_records().into_iter().map(|record| (record.id, record.revision)).collect())
    }

    /// At most `limit` records whose keys begin with `prefix`, by key, after the key `after`.
    pub(super) async fn scan<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, T)>> {
        let mut found = Vec::new();
        let mut last = after.unwrap_or(prefix).to_owned();
        let epoch = self.storage.head(cx, &Space::Licensing).await?.epoch;
        while found.len() < limit {
            let mut query = RecordQuery::all(Space::Licensing, Kind::Setting);
            query.limit = PAGE_LIMIT.min(limit - found.len());
            // A cursor is a place behind a key, also where no record has that key.
            query.cursor = Some(Cursor::new(&query, epoch, Vec::new(), last).encode());
            let asked = query.limit;
            let records = self.storage.fetch(cx, &Query::Records(query)).await?.into_records();
            let more = records.len() == asked;
            last = records.last().map(|record| record.id.clone()).unwrap_or_default();
            let before = found.len();
            let fitting = records.into_iter().take_while(|record| record.id.starts_with(prefix));
            for record in fitting {
                let (key, value, _) = decode(record)?;
                found.push((key, value));
            }
            if !more || found.len() - before < asked {
                break;
            }
        }
        Ok(found)
    }

    /// Writes all or nothing.
    pub(super) async fn apply(&self, cx: &Cx, actor: &str, note: &str, writes: Vec<Write>) -> Result<()> {
        let id = ChangeSetId(uuid::Builder::from_random_bytes(random()).into_uuid());
        let mut set = ChangeSet::new(id, Space::Licensing, actor, Timestamp::now());
        note.clone_into(&mut set.note);
        set.changes = writes;
        self.storage.apply_owned(cx, set).await.map(|_| ())
    }

    /// The newest license of an id.
    ///
    /// # Errors
    ///
    /// `license_unknown`.
    pub(super) async fn license(&self, cx: &Cx, id: &str) -> Result<(LicenseRecord, Revision)> {
        // An id that no license can have is not asked for.
        let fits = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let found = if fits { self.find(cx, &license_key(id)).await? } else { None };
        found.ok_or_else(|| unknown_license(id))
    }

    /// The revocation list of a product.
    pub(super) async fn revocations(
        &self,
        cx: &Cx,
        product: &str,
    ) -> Result<Option<(RevocationRecord, Revision)>> {
        self.find(cx, &revocations_key(product)).await
    }
}

/// That there is no such license.
pub(super) fn unknown_license(id: &str) -> Error {
    let shown: String = super::escaped(id).chars().take(80).collect();
    Error::new(vendor::LICENSE_UNKNOWN, format!("the register has no license `{shown}`"))
}

/// The writes that record a license: its id's newest state, and the token for ever.
pub(super) fn record_license(
    license: &License,
    token: &Token,
    before: Option<(&LicenseRecord, Revision)>,
    now: Timestamp,
) -> Vec<Write> {
    let hash = token.hash().to_string();
    let issued = Issued {
        license_id: license.license_id.clone(),
        seq: license.seq,
        kid: token.kid().clone(),
        hash: hash.clone(),
        issued_at: license.issued_at,
        expires_at: license.expires_at,
        token: token.as_str().to_owned(),
    };
    let record = LicenseRecord {
        claims: license.clone(),
        kid: token.kid().clone(),
        hash,
        token: token.as_str().to_owned(),
        standing: before.map_or(Standing::Active, |(before, _)| before.standing),
        limits: before.map(|(before, _)| before.limits.clone()).unwrap_or_default(),
        recorded_at: now,
    };
    vec![
        put(&license_key(&license.license_id), &record, before.map(|(_, revision)| revision)),
        put(&issue_key(&license.license_id, license.seq), &issued, None),
    ]
}

/// A write: over what was read at a revision, or where nothing is.
pub(super) fn put<T: Serialize>(key: &str, value: &T, over: Option<Revision>) -> Write {
    let value = serde_json::to_value(value).expect("a record of the register is plain data");
    Change {
        key: Key::new(Kind::Setting, key),
        expect: over.map_or(Expect::Absent, Expect::At),
        put: Some(Body::Setting(Setting { value })),
    }
}

/// The write of a line of the audit.
pub(super) fn audit(entry: &AuditEntry) -> Write {
    put(&audit_key(entry.at), entry, None)
}

pub(super) fn license_key(id: &str) -> String {
    format!("license/{id}")
}

pub(super) fn issue_key(id: &str, seq: u64) -> String {
    format!("issue/{id}/{seq:016}")
}

pub(super) fn activation_key(license: &str, installation: &str) -> String {
    format!("activation/{license}/{installation}")
}

pub(super) fn revocations_key(product: &str) -> String {
    format!("revocations/{product}")
}

pub(super) fn keyset_key(product: &str, version: u64) -> String {
    format!("keyset/{product}/{version:08}")
}

pub(super) fn audit_key(at: Timestamp) -> String {
    // Lines of one moment stay in their order; two programs at once never have one name.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let random = u32::from_le_bytes(random());
    format!("audit/{:013}-{next:012}-{random:08x}", at.as_millisecond().max(0))
}

fn decode<T: DeserializeOwned>(record: Record) -> Result<(String, T, Revision)> {
    let invalid = |key: &str| {
        Error::new(vendor::REGISTER_INVALID, format!("the record `{key}` of the register cannot be read"))
    };
    let Body::Setting(Setting { value }) = record.body else { return Err(invalid(&record.id)) };
    match serde_json::from_value(value) {
        Ok(value) => Ok((record.id, value, record.revision)),
        Err(source) => Err(invalid(&record.id).with_source(source)),
    }
}
