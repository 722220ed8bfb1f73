//! The licenses that are being asked about, in memory; the register is the truth.
//!
//! A license is read with its installations when it is asked about first, and forgotten again when
//! there are too many, the one that nobody asked about for the longest time first.

use super::super::register::{
    self, Activation, Issued, LicenseRecord, Register, RevocationRecord, StoredKeyset,
};
use super::seats::{Member, Seats};
use rtmx_core::{Cx, Error, Result, vendor};
use rtmx_license::KeyId;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Licenses in memory at once.
const LICENSE_LIMIT: usize = 10_000;
/// Installations of all of them together: some 150 MB.
const MEMBER_LIMIT: usize = 250_000;

/// One license, shared by the requests about it.
pub(super) type Shared = Arc<Mutex<Seats>>;

#[derive(Debug)]
struct Slot {
    seats: Shared,
    used: u64,
}

/// What is remembered of the register.
#[derive(Debug)]
pub(super) struct Books {
    register: Register,
    product: String,
    slots: Mutex<HashMap<String, Slot>>,
    tick: AtomicU64,
    revocations: RwLock<Option<Arc<RevocationRecord>>>,
    keysets: RwLock<Arc<Vec<StoredKeyset>>>,
}

/// The lock of a license. Who held it and failed left it as it was: each change is one insert.
pub(super) fn lock(seats: &Shared) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    /// Reads what every answer needs.
    ///
    /// # Errors
    ///
    /// What reading the register meets.
    pub(super) async fn open(cx: &Cx, register: Register, product: String) -> Result<Books> {
        let books = Books {
            register,
            product,
            slots: Mutex::default(),
            tick: AtomicU64::new(0),
            revocations: RwLock::default(),
            keysets: RwLock::default(),
        };
        books.reread(cx).await?;
        Ok(books)
    }

    pub(super) fn register(&self) -> &Register {
        &self.register
    }

    /// Reads the revocation list and the keysets again.
    pub(super) async fn reread(&self, cx: &Cx) -> Result<()> {
        let revocations =
            self.register.revocations(cx, &self.product).await?.map(|(record, _)| Arc::new(record));
        let prefix = register::keyset_key(&self.product, 0);
        let prefix = prefix.trim_end_matches('0');
        let keysets = self.register.scan::<StoredKeyset>(cx, prefix, None, 64).await?;
        *self.revocations.write().unwrap_or_else(PoisonError::into_inner) = revocations;
        *self.keysets.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(keysets.into_iter().map(|(_, keyset)| keyset).collect());
        Ok(())
    }

    /// The revocation list in force.
    pub(super) fn revocations(&self) -> Option<Arc<RevocationRecord>> {
        self.revocations.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keysets, oldest first.
    pub(super) fn keysets(&self) -> Arc<Vec<StoredKeyset>> {
        Arc::clone(&self.keysets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A license with its installations.
    ///
    /// # Errors
    ///
    /// `license_unknown`, also for a license of another product; what reading meets.
    pub(super) async fn seats(&self, cx: &Cx, id: &str) -> Result<Shared> {
        let used = self.tick.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = self.slots().get_mut(id) {
            slot.used = used;
            return Ok(Arc::clone(&slot.seats));
        }
        let seats = self.load(cx, id).await?;
        let mut slots = self.slots();
        self.make_room(&mut slots);
        // Somebody else may have read it meanwhile, and changed it since.
        let slot =
            slots.entry(id.to_owned()).or_insert_with(|| Slot { seats: Arc::new(Mutex::new(seats)), used });
        Ok(Arc::clone(&slot.seats))
    }

    /// Reads what the vendor says of a license again, where it is in memory.
    pub(super) async fn refresh(&self, cx: &Cx, id: &str) -> Result<()> {
        let Some(seats) = self.slots().get(id).map(|slot| Arc::clone(&slot.seats)) else { return Ok(()) };
        match self.license(cx, id).await {
            Ok((license, hashes)) => {
                let mut seats = lock(&seats);
                (seats.license, seats.hashes) = (license, hashes);
                Ok(())
            }
            Err(error) if error.code() == vendor::LICENSE_UNKNOWN => {
                self.slots().remove(id);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets everything, after another life of the database began or another server wrote.
    pub(super) fn forget(&self) {
        self.slots().clear();
    }

    async fn load(&self, cx: &Cx, id: &str) -> Result<Seats> {
        let (license, hashes) = self.license(cx, id).await?;
        let prefix = register::activation_key(id, "");
        let mut members = BTreeMap::new();
        for (key, activation) in self.register.scan::<Activation>(cx, &prefix, None, usize::MAX).await? {
            let kid = key.strip_prefix(&prefix).and_then(KeyId::parse);
            let kid = kid.ok_or_else(|| {
                Error::new(vendor::REGISTER_INVALID, format!("the record `{key}` names no installation"))
            })?;
            let saved_at = activation.seen_at;
            members.insert(kid, Member { activation, saved_at });
        }
        Ok(Seats { license, hashes, members })
    }

    async fn license(&self, cx: &Cx, id: &str) -> Result<(LicenseRecord, BTreeMap<u64, String>)> {
        let (license, _) = self.register.license(cx, id).await?;
        if license.claims.product != self.product {
            return Err(register::unknown_license(id));
        }
        let issued = self.register.scan::<Issued>(cx, &format!("issue/{id}/"), None, usize::MAX).await?;
        Ok((license, issued.into_iter().map(|(_, issued)| (issued.seq, issued.hash)).collect()))
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a quarter, if there are too many; those in use stay.
    fn make_room(&self, slots: &mut HashMap<String, Slot>) {
        let members: usize = slots.values().map(|slot| lock(&slot.seats).members.len()).sum();
        if slots.len() < LICENSE_LIMIT && members < MEMBER_LIMIT {
            return;
        }
        let mut ages: Vec<u64> = slots.values().map(|slot| slot.used).collect();
        ages.sort_unstable();
        let young = ages[ages.len() / 4];
        slots.retain(|_, slot| slot.used > young || Arc::strong_count(&slot.seats) > 1);
    }
}
