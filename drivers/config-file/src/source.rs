//! The source: reads, remembers what was good, and waits for changes.

use crate::document::read_document;
use crate::snapshot::{Missing, Snapshot};
use crate::{FileSettings, Place};
use async_trait::async_trait;
use rtmx_config::{About, ConfigCapability, ConfigSource, Finding, Layer, Origin, Provenance};
use rtmx_core::{Cx, Error, Result, storage};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file or a folder of files as a config source.
pub struct FileSource {
    settings: FileSettings,
    memory: Mutex<Memory>,
}

/// What the last load saw.
#[derive(Default)]
struct Memory {
    /// Stands for the content; `None` before the first load.
    digest: Option<[u8; 32]>,
    /// The texts that could be read as TOML, by path.
    good: BTreeMap<PathBuf, String>,
}

impl FileSource {
    /// A source with these settings. Reads nothing yet.
    pub fn new(settings: FileSettings) -> FileSource {
        FileSource { settings, memory: Mutex::default() }
    }

    /// Reads the files as they are now, without a runtime: what is wrong with them stands in the layer.
    pub fn read(&self) -> Layer {
        let snapshot = Snapshot::take(&self.settings.place);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.digest = Some(snapshot.digest());
        self.layer(snapshot, &mut memory)
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        // A mount that hangs must not hold up the runtime.
        let place = self.settings.place.clone();
        tokio::task::spawn_blocking(move || Snapshot::take(&place)).await.map_err(|cause| {
            Error::new(storage::INTERNAL, "could not read the configuration files").with_source(cause)
        })
    }

    /// Makes the layer, and remembers what was good in it.
    fn layer(&self, snapshot: Snapshot, memory: &mut Memory) -> Layer {
        let mut layer = Layer::new(self.provenance());
        let mut good = BTreeMap::new();
        match snapshot.files {
            Ok(files) => {
                for (path, content) in files {
                    match content {
                        Ok(text) => {
                            if read_good(&path, &text, &mut layer) {
                                good.insert(path, text);
                            } else if let Some(text) = memory.good.remove(&path) {
                                good.insert(path, text);
                            }
                        }
                        Err(why) => match memory.good.remove(&path) {
                            Some(text) if why == Missing::Gone => {
                                layer.warnings.push(kept(&path));
                                read_document(&path, &text, &mut layer);
                                good.insert(path, text);
                            }
                            remembered => {
                                good.extend(remembered.map(|text| (path.clone(), text)));
                                self.report(&path, why, &mut layer);
                            }
                        },
                    }
                }
            }
            Err(why) => {
                good = std::mem::take(&mut memory.good);
                if why == Missing::Gone && !good.is_empty() {
                    layer.warnings.push(kept(self.settings.place.path()));
                    for (path, text) in &good {
                        read_document(path, text, &mut layer);
                    }
                } else {
                    self.report(self.settings.place.path(), why, &mut layer);
                }
            }
        }
        memory.good = good;
        layer
    }

    /// Adds the fault that a path gives nothing, unless it need not exist.
    fn report(&self, path: &Path, why: Missing, layer: &mut Layer) {
        let why = match why {
            // A link to nothing inside a folder was put there, so it is a fault in any case.
            Missing::Gone if !self.settings.required && path == self.settings.place.path() => return,
            Missing::Gone => "it does not exist".to_owned(),
            Missing::Unusable(why) => why,
        };
        let what = match &self.settings.place {
            Place::Dir(dir) if path == dir => "folder",
            _ => "file",
        };
        let text = format!("could not read the configuration {what}: {why}");
        layer.faults.push(Finding::new(About::Unreadable, whole(path), text));
    }
}

/// Adds a file to the layer; whether it is TOML.
fn read_good(path: &Path, text: &str, layer: &mut Layer) -> bool {
    let faults = layer.faults.len();
    read_document(path, text, layer);
    layer.faults.len() == faults
}

fn kept(path: &Path) -> Finding {
    let text = "it vanished after it was read; its last content is kept until the next start";
    Finding::new(About::Kept, whole(path), text)
}

fn whole(path: &Path) -> Origin {
    Origin::File { path: path.to_owned(), line: 0, column: 0 }
}

impl fmt::Debug for FileSource {
    /// The settings only: the texts may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl ConfigSource for FileSource {
    fn capability(&self) -> ConfigCapability {
        let mut capability = ConfigCapability::NONE;
        capability.watch = true;
        capability.secrets = true;
        capability
    }

    fn provenance(&self) -> Provenance {
        Provenance::new("file", self.settings.place.path().display().to_string())
    }

    async fn load(&self, _: &Cx) -> Result<Layer> {
        let snapshot = self.snapshot().await?;
        let digest = snapshot.digest();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.digest = Some(digest);
        Ok(self.layer(snapshot, &mut memory))
    }

    /// Returns when content that differs from the last load's has held still for one interval, so that
    /// a file is not taken while it is being written.
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
