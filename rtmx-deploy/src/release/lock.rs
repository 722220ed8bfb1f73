//! The lock: which digest each image of a version has.
//!
//! It lies beside the spec as `<application>.lock`, is YAML, and is written in one order, so that a change
//! of it is a change of a digest. An image cannot hold its own digest, which is why this is a file apart.

use crate::app::{App, AppFaults, Fault, Image, ImageDigest, Name, Place, read_shaped};
use rtmx_core::{Result, app as codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The digests of an application's images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The application.
    pub application: Name,
    /// The version whose images these are.
    pub version: String,
    /// The digest of each image, by name and tag.
    #[serde(default)]
    pub images: BTreeMap<String, ImageDigest>,
}

impl Lock {
    /// Reads a lock and holds it to the application; `file` is how its faults name it.
    ///
    /// # Errors
    ///
    /// All faults together, as [`AppFaults`]: `lock_mismatch` for another application or version,
    /// `app_unknown_name` for an image that the application does not have.
    pub fn read(text: &str, file: &str, app: &App) -> Result<Lock> {
        let (lock, node) = read_shaped::<Lock>(text, file)?;
        let mut faults = Vec::new();
        let mut add = |code, path: &[&str], text: String| {
            faults.push(Fault::at(code, node.place_of(path), path.join("."), text));
        };
        if lock.application != app.application {
            let text = format!("the lock is of `{}`, and this is `{}`", lock.application, app.application);
            add(codes::LOCK_MISMATCH, &["application"], text);
        }
        if lock.version != app.version {
            let text = format!("the lock is of version {}, and this is {}", lock.version, app.version);
            add(codes::LOCK_MISMATCH, &["version"], text);
        }
        let known: BTreeSet<String> = images(app).map(|image| reference(app, image)).collect();
        for image in lock.images.keys().filter(|image| !known.contains(*image)) {
            let text = format!("no component runs the image `{image}`");
            let fault = Fault::at(codes::APP_UNKNOWN_NAME, node.place_of(&["images", image]), image, text);
            faults.push(fault.with_nearest(image, known.iter().map(String::as_str)));
        }
        if faults.is_empty() {
            return Ok(lock);
        }
        faults.iter_mut().for_each(|fault| file.clone_into(&mut fault.file));
        Err(AppFaults::into_error(faults))
    }

    /// The lock with these digests, each as `NAME:TAG@sha256:...`. Those of the lock before stay, if it is of
    /// this version; a digest that is given replaces the one that was there.
    ///
    /// # Errors
    ///
    /// All faults together, as [`AppFaults`]: `app_invalid_value` for a text without a digest, and
    /// `app_unknown_name` for an image that the application does not have.
    pub fn pinned(app: &App, before: Option<Lock>, given: &[String]) -> Result<Lock> {
        let fresh = Lock {
            application: app.application.clone(),
            version: app.version.clone(),
            images: BTreeMap::new(),
        };
        let of_this = |lock: &Lock| lock.application == app.application && lock.version == app.version;
        let mut lock = before.filter(of_this).unwrap_or(fresh);
        let known: BTreeSet<String> = images(app).map(|image| reference(app, image)).collect();
        let mut faults = Vec::new();
        for text in given {
            let Some((image, digest)) = text.split_once('@') else {
                let why = format!("`{text}` is not NAME:TAG@sha256:...");
                faults.push(Fault::at(codes::APP_INVALID_VALUE, nowhere(), text, why));
                continue;
            };
            let Some(digest) = ImageDigest::new(digest) else {
                let why = format!("`{digest}` is not `sha256:` and 64 hexadecimal digits");
                faults.push(Fault::at(codes::APP_INVALID_VALUE, nowhere(), image, why));
                continue;
            };
            if known.contains(image) {
                lock.images.insert(image.to_owned(), digest);
                continue;
            }
            let why = format!("no component runs the image `{image}`");
            let fault = Fault::at(codes::APP_UNKNOWN_NAME, nowhere(), image, why);
            faults.push(fault.with_nearest(image, known.iter().map(String::as_str)));
        }
        if faults.is_empty() { Ok(lock) } else { Err(AppFaults::into_error(faults)) }
    }

    /// The lock as it is written: the same content gives the same bytes.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "# The digests of the images of {}. Written by a release; see docs/handbook/compose.md.\n\
             application: {}\nversion: \"{}\"\n",
            self.application, self.application, self.version
        );
        text.push_str(if self.images.is_empty() { "images: {}\n" } else { "images:\n" });
        for (image, digest) in &self.images {
            text.push_str(&format!("  \"{image}\": {digest}\n"));
        }
        text
    }

    /// The images of the application whose digest it does not have.
    pub fn missing(&self, app: &App) -> BTreeSet<String> {
        let all = images(app).map(|image| reference(app, image));
        all.filter(|image| !self.images.contains_key(image)).collect()
    }

    /// The digest of an image, if the lock has one.
    pub(crate) fn digest(&self, app: &App, image: &Image) -> Option<&ImageDigest> {
        self.images.get(&reference(app, image))
    }
}

/// Every image of an application, that of its secret maker included; some of them several times.
pub(crate) fn images(app: &App) -> impl Iterator<Item = &Image> {
    let makers = app.secret_maker.iter().map(|maker| &maker.image);
    app.components.values().map(|component| &component.image).chain(makers)
}

/// Name and tag of an image as a lock names it: with the registry and version of the spec.
pub(crate) fn reference(app: &App, image: &Image) -> String {
    let registry = app.registry.as_ref().map_or("", |registry| registry.default.as_str());
    let name = image.name.replace("{registry}", registry);
    format!("{name}:{}", image.tag.replace("{version}", &app.version))
}

/// A place for faults that no file has.
pub(crate) fn nowhere() -> Place {
    Place::default()
}
