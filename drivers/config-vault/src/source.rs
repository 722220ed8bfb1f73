//! The source: reads the secrets, remembers what was there, and looks for newer versions.

use crate::VaultSettings;
use crate::document::Document;
use crate::failure::Failure;
use crate::pause::pause;
use crate::session::Session;
use crate::wire::{Newest, Wire};
use async_trait::async_trait;
use rtmx_config::{
    About, ConfigCapability, ConfigSource, Finding, Layer, Named, Origin, Provenance, named_key, named_layer,
};
use rtmx_core::{Cx, Result, Secret};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::{Instant, sleep};

/// Secrets of one server as a config source.
pub struct VaultSource {
    settings: VaultSettings,
    wire: Wire,
    session: Session,
    memory: Mutex<Option<Memory>>,
}

/// What the last load that succeeded gave.
struct Memory {
    newest: Vec<Newest>,
    layer: Layer,
}

impl VaultSource {
    /// A source with these settings. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// `config_invalid` for an address that is none.
    pub fn new(settings: VaultSettings) -> Result<VaultSource> {
        let (wire, session) = (Wire::new(&settings)?, Session::new(settings.auth.clone()));
        Ok(VaultSource { settings, wire, session, memory: Mutex::default() })
    }

    fn memory(&self) -> MutexGuard<'_, Option<Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, cx: &Cx) -> Instant {
        let end = Instant::now() + self.settings.timeout;
        cx.deadline().map_or(end, |deadline| end.min(Instant::from_std(deadline)))
    }

    /// Reads all secrets, trying again for as long as there is time and what is wrong may pass.
    async fn read(&self, cx: &Cx) -> Result<Vec<Document>, Failure> {
        let end = self.end(cx);
        // Whoever has values already need not wait for others.
        let patient = self.memory().is_none();
        let mut failures = 0;
        loop {
            let failure = match self.documents(end).await {
                Ok(documents) => return Ok(documents),
                Err(failure) => failure,
            };
            failures += 1;
            let wait = pause(failures);
            let in_time = Instant::now() + wait < end && !cx.is_cancelled();
            if !(patient && in_time && failure.is_passing()) {
                return Err(failure);
            }
            sleep(wait).await;
        }
    }

    async fn documents(&self, end: Instant) -> Result<Vec<Document>, Failure> {
        let token = self.session.token(&self.wire, end).await?;
        match self.documents_with(end, &token).await {
            // Somebody revoked it; a new login says whether that was meant.
            Err(Failure::Denied { .. }) if self.session.forget(&token).await => {
                let token = self.session.token(&self.wire, end).await?;
                self.documents_with(end, &token).await
            }
            read => read,
        }
    }

    async fn documents_with(&self, end: Instant, token: &Secret<String>) -> Result<Vec<Document>, Failure> {
        let mut documents = Vec::with_capacity(self.settings.paths.len());
        for path in &self.settings.paths {
            documents.push(self.wire.read(end, token, path).await?);
        }
        Ok(documents)
    }

    /// The newest versions, as well as this token may know them.
    async fn newest(&self, end: Instant) -> Result<Vec<Newest>, Failure> {
        let token = self.session.token(&self.wire, end).await?;
        let mut newest = Vec::with_capacity(self.settings.paths.len());
        for path in &self.settings.paths {
            newest.push(match self.wire.newest(end, &token, path).await? {
                Newest::Unknown => match self.wire.read(end, &token, path).await {
                    Ok(document) => Newest::Version(document.version),
                    Err(Failure::Missing { .. } | Failure::Deleted { .. }) => Newest::None,
                    Err(failure) => {
                        if matches!(failure, Failure::Denied { .. }) {
                            self.session.forget(&token).await;
                        }
                        return Err(failure);
                    }
                },
                known => known,
            });
        }
        Ok(newest)
    }

    fn place(&self, path: &str) -> String {
        format!("vault {} {}/{path}", self.wire.server(), self.settings.mount)
    }

    fn layer(&self, documents: Vec<Document>) -> Layer {
        let mut layer = Layer::new(self.provenance());
        for (path, document) in self.settings.paths.iter().zip(documents) {
            let place = self.place(path);
            let mut named = Vec::new();
            for (name, entry) in document.entries {
                let origin = Origin::Remote { place: place.clone(), name: Some(name.clone()) };
                match named_key(&name) {
                    Some(key) if key.starts_with("vault.") => {
                        let text = format!("`{key}` has no effect here: it says how to get here");
                        layer.warnings.push(Finding::new(About::Unused, origin, text).with_key(key));
                    }
                    _ => named.push(Named { name, text: entry.0, origin }),
                }
            }
            let of_this = named_layer(self.provenance(), named);
            layer.entries.extend(of_this.entries);
            layer.faults.extend(of_this.faults);
            layer.warnings.extend(of_this.warnings);
        }
        layer
    }
}

impl fmt::Debug for VaultSource {
    /// The settings only, in which secrets do not show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl ConfigSource for VaultSource {
    fn capability(&self) -> ConfigCapability {
        let mut capability = ConfigCapability::NONE;
        capability.watch = true;
        capability.secrets = true;
        capability
    }

    fn provenance(&self) -> Provenance {
        let paths = self.settings.paths.join(",");
        Provenance::new("vault", format!("{} {}/{paths}", self.wire.server(), self.settings.mount))
    }

    /// Once it has given values it goes on to give them, with a warning, while the server gives none.
    ///
    /// # Errors
    ///
    /// `vault_unavailable`, `vault_sealed`, `vault_login_refused`, `vault_denied`,
    /// `vault_secret_missing`, `vault_mount_unfit`; `config_unreadable` for a file of the login.
    async fn load(&self, cx: &Cx) -> Result<Layer> {
        match self.read(cx).await {
            Ok(documents) => {
                let version = |document: &Document| Newest::Version(document.version.clone());
                let newest = documents.iter().map(version).collect();
                let layer = self.layer(documents);
                *self.memory() = Some(Memory { newest, layer: layer.clone() });
                Ok(layer)
            }
            Err(failure) => {
                let Some(mut layer) = self.memory().as_ref().map(|memory| memory.layer.clone()) else {
                    return Err(failure.into_error(self.wire.server()));
                };
                let origin = Origin::Remote { place: self.provenance().to_string(), name: None };
                let text = format!("{}; what it held is kept", failure.in_words());
                layer.warnings.push(Finding::new(About::Kept, origin, text));
                Ok(layer)
            }
        }
    }

    /// Looks at the versions, and after the token's lease. A server that does not answer, or refuses, has
    /// not changed.
    async fn changed(&self, cx: &Cx) -> Result<()> {
        loop {
            let seen = self.memory().as_ref().map(|memory| memory.newest.clone());
            if let Ok(newest) = self.newest(self.end(cx)).await
                && seen != Some(newest)
            {
                return Ok(());
            }
            let next = Instant::now() + self.settings.poll;
            let due = self.session.due().await.filter(|due| *due > Instant::now());
            tokio::time::sleep_until(due.map_or(next, |due| due.min(next))).await;
        }
    }
}
