//! The source: reads, remembers what was there, and waits for changes.

use crate::MountSettings;
use crate::snapshot::{Content, Snapshot};
use async_trait::async_trait;
use rtmx_config::{
    About, ConfigCapability, ConfigSource, Finding, Layer, Named, Origin, Provenance, named_layer,
};
use rtmx_core::{Cx, Error, Result, Secret, storage};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A folder in which each file is one value, as a config source.
pub struct MountSource {
    settings: MountSettings,
    memory: Mutex<Memory>,
}

/// What the last load saw.
#[derive(Default)]
struct Memory {
    /// Stands for the content; `None` before the first load.
    digest: Option<[u8; 32]>,
    /// The values that were there, by name.
    values: BTreeMap<String, Secret<String>>,
}

impl MountSource {
    /// A source with these settings. Reads nothing yet.
    pub fn new(settings: MountSettings) -> MountSource {
        MountSource { settings, memory: Mutex::default() }
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        // A mount that hangs must not hold up the runtime.
        let dir = self.settings.dir.clone();
        tokio::task::spawn_blocking(move || Snapshot::take(&dir)).await.map_err(|cause| {
            Error::new(storage::INTERNAL, "could not read the mounted secrets").with_source(cause)
        })
    }

    /// Makes the layer, and remembers the values in it.
    fn layer(&self, snapshot: Snapshot, memory: &mut Memory) -> Layer {
        let dir = &self.settings.dir;
        let names = match snapshot {
            // An unmounted volume leaves its folder, and nothing in it.
            Snapshot::Read(names) if names.is_empty() && !memory.values.is_empty() => {
                return self.kept(memory);
            }
            Snapshot::Gone if !memory.values.is_empty() => return self.kept(memory),
            Snapshot::Read(names) => names,
            Snapshot::Gone if !self.settings.required => BTreeMap::new(),
            Snapshot::Gone => return self.unreadable("it does not exist"),
            Snapshot::Unusable(why) => return self.unreadable(&why),
        };
        let mut before = std::mem::take(&mut memory.values);
        let (mut named, mut kept) = (Vec::new(), Vec::new());
        for (name, content) in names {
            let origin = Origin::Mounted { path: dir.join(&name) };
            let remembered = before.remove(&name);
            let text = match content {
                Content::Value(text) => {
                    memory.values.insert(name.clone(), text.clone());
                    Ok(text)
                }
                Content::Gone => remembered.ok_or_else(|| "it does not exist".to_owned()).inspect(|text| {
                    kept.push(vanished(origin.clone()));
                    memory.values.insert(name.clone(), text.clone());
                }),
                Content::Unusable(why) => {
                    memory.values.extend(remembered.map(|text| (name.clone(), text)));
                    Err(why)
                }
                Content::Foreign => Err(String::new()),
            };
            named.push(Named { name, text, origin });
        }
        let mut layer = named_layer(self.provenance(), named);
        layer.warnings.extend(kept);
        layer
    }

    /// The layer of what was there when the folder still was.
    fn kept(&self, memory: &Memory) -> Layer {
        let named = memory.values.iter().map(|(name, text)| Named {
            name: name.clone(),
            text: Ok(text.clone()),
            origin: Origin::Mounted { path: self.settings.dir.join(name) },
        });
        let mut layer = named_layer(self.provenance(), named);
        layer.warnings.push(vanished(whole(self.settings.dir.clone())));
        layer
    }

    fn unreadable(&self, why: &str) -> Layer {
        let mut layer = Layer::new(self.provenance());
        let text = format!("could not read the folder of mounted secrets: {why}");
        layer.faults.push(Finding::new(About::Unreadable, whole(self.settings.dir.clone()), text));
        layer
    }
}

fn vanished(origin: Origin) -> Finding {
    let text = "it vanished after it was read; what it held is kept until the next start";
    Finding::new(About::Kept, origin, text)
}

fn whole(path: PathBuf) -> Origin {
    Origin::File { path, line: 0, column: 0 }
}

impl fmt::Debug for MountSource {
    /// The settings only: the values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MountSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl ConfigSource for MountSource {
    fn capability(&self) -> ConfigCapability {
        let mut capability = ConfigCapability::NONE;
        capability.watch = true;
        capability.secrets = true;
        capability
    }

    fn provenance(&self) -> Provenance {
        Provenance::new("mount", self.settings.dir.display().to_string())
    }

    async fn load(&self, _: &Cx) -> Result<Layer> {
        let snapshot = self.snapshot().await?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.digest = Some(snapshot.digest());
        Ok(self.layer(snapshot, &mut memory))
    }

    /// Returns when content that differs from the last load's has held still for one interval, so that
    /// a value is not taken while it is being written.
    async fn changed(&self, _: &Cx) -> Result<()> {
        let mut last = None;
        loop {
            let digest = Some(self.snapshot().await?.digest());
            let seen = self.memory.lock().unwrap_or_else(PoisonError::into_inner).digest;
            if digest != seen && digest == last {
                return Ok(());
            }
            last = digest;
            tokio::time::sleep(self.settings.poll).await;
        }
    }
}
