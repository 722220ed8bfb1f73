//! The OCI image layout: blobs by their digests, the documents that name them, and the index.
//!
//! The image's digest is that of its manifest, which names configuration and layers and nothing that changes
//! when neither changes: no time, no commit, no inventory. Inventories and provenance are artifacts of their
//! own that name the image as their subject, as registries and their clients expect it. `manifest.json` is
//! for engines that read only their own older form: there the image is known by its configuration's digest.
//! Every document is written with its members in order, because the same content must be the same bytes.

use super::config::{About, canonical, configuration, unmade};
use super::hash::digest;
use super::tree::{Tree, compressed};
use crate::Result;
use crate::release::Target;
use oci_spec::image::{
    Descriptor, Digest, ImageIndexBuilder, ImageManifestBuilder, MediaType, PlatformBuilder,
};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The name that the image has in deployments.
pub(super) const NAME: &str = "ghcr.io/iotactical/rtmx";
/// The file by which a layout is known.
const MARK: &str = "oci-layout";

/// A document that belongs to the image and is not in it.
#[derive(Debug, Clone)]
pub(super) struct Attachment {
    /// The media type of the document.
    pub(super) kind: &'static str,
    /// The document.
    pub(super) content: Vec<u8>,
}

/// An image in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Every blob by its digest.
    blobs: BTreeMap<String, Vec<u8>>,
    /// What the index lists.
    listed: Vec<Descriptor>,
    manifest: Descriptor,
    reference: String,
    config: String,
    layers: Vec<String>,
}

impl Layout {
    /// The image of these layers, the lowest first, each with what it holds in words.
    ///
    /// # Errors
    ///
    /// If a path in a layer is too long.
    pub(super) fn new(about: &About, target: Target, layers: &[(&str, Tree)]) -> Result<Layout> {
        let reference = format!("{NAME}:v{}", about.version);
        let (mut blobs, mut diffs, mut parts) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (_, tree) in layers {
            let archive = tree.archive()?;
            diffs.push(digest(&archive));
            parts.push(stored(&mut blobs, MediaType::ImageLayerGzip, compressed(&archive)?)?);
        }
        let config = configuration(about, target, layers, diffs)?;
        let config = stored(&mut blobs, MediaType::ImageConfig, canonical(&config)?)?;
        let layer_digests = parts.iter().map(|part| part.digest().to_string()).collect();
        let config_digest = config.digest().to_string();
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(parts)
            .build();
        let manifest = manifest.map_err(|error| unmade(&error))?;
        let manifest = stored(&mut blobs, MediaType::ImageManifest, canonical(&manifest)?)?;
        let platform = PlatformBuilder::default()
            .architecture(target.architecture)
            .os("linux")
            .build()
            .map_err(|error| unmade(&error))?;
        let mut listed = manifest.clone();
        listed.set_platform(Some(platform));
        let version = format!("v{}", about.version);
        listed.set_annotations(Some(HashMap::from([
            ("org.opencontainers.image.ref.name".to_owned(), version),
            ("io.containerd.image.name".to_owned(), reference.clone()),
        ])));
        let (config, layers) = (config_digest, layer_digests);
        Ok(Layout { blobs, listed: vec![listed], manifest, reference, config, layers })
    }

    /// The image's digest: that of its manifest.
    pub(crate) fn digest(&self) -> String {
        self.manifest.digest().to_string()
    }

    /// The digest of its configuration, which engines that know no manifests call the image's id.
    pub(crate) fn config_digest(&self) -> &str {
        &self.config
    }

    /// The name with its tag.
    pub(crate) fn reference(&self) -> &str {
        &self.reference
    }

    /// What a registry stores of the image itself, in bytes.
    pub(crate) fn compressed_bytes(&self) -> u64 {
        let named = self.layers.iter().chain([&self.config]).filter_map(|digest| self.blobs.get(digest));
        named.map(|blob| blob.len() as u64).sum::<u64>() + self.manifest.size()
    }

    /// Attaches a document; the image stays as it is.
    ///
    /// # Errors
    ///
    /// If its manifest cannot be made.
    pub(super) fn attach(&mut self, attachment: Attachment) -> Result<()> {
        let kind = MediaType::Other(attachment.kind.to_owned());
        let document = stored(&mut self.blobs, kind.clone(), attachment.content)?;
        let empty = stored(&mut self.blobs, MediaType::EmptyJSON, b"{}".to_vec())?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .artifact_type(kind.clone())
            .config(empty)
            .layers(vec![document])
            .subject(self.manifest.clone())
            .build();
        let manifest = manifest.map_err(|error| unmade(&error))?;
        let mut listed = stored(&mut self.blobs, MediaType::ImageManifest, canonical(&manifest)?)?;
        listed.set_artifact_type(Some(kind));
        self.listed.push(listed);
        Ok(())
    }

    /// The files of the layout, by their paths.
    ///
    /// # Errors
    ///
    /// If the index cannot be made.
    pub(crate) fn files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(self.listed.clone())
            .build();
        let index = index.map_err(|error| unmade(&error))?;
        let older = json!([{
            "Config": path(&self.config),
            "RepoTags": [self.reference],
            "Layers": self.layers.iter().map(|layer| path(layer)).collect::<Vec<_>>(),
        }]);
        let mut files: BTreeMap<_, _> =
            self.blobs.iter().map(|(digest, blob)| (path(digest), blob.clone())).collect();
        files.insert(MARK.into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        files.insert("index.json".into(), canonical(&index)?);
        files.insert("manifest.json".into(), canonical(&older)?);
        Ok(files)
    }

    /// Writes the layout into a folder, which is made. A layout that is there is replaced.
    ///
    /// # Errors
    ///
    /// If the folder holds something else, or cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let told = |error: std::io::Error| format!("could not write {}: {error}", folder.display());
        let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty && !folder.join(MARK).is_file() {
            return Err(format!(
                "{} is not empty and holds no image layout: name a folder that may be replaced",
                folder.display()
            ));
        }
        if folder.join("blobs").is_dir() {
            std::fs::remove_dir_all(folder.join("blobs")).map_err(told)?;
        }
        for (name, content) in self.files()? {
            let file = folder.join(name);
            file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(told)?;
            std::fs::write(file, content).map_err(told)?;
        }
        Ok(())
    }

    /// The image as one file, as engines load it: without what is attached, of which an engine would make
    /// images without a name.
    ///
    /// # Errors
    ///
    /// If the index cannot be made.
    pub(crate) fn archive(&self) -> Result<Vec<u8>> {
        let mut image = self.clone();
        image.listed.truncate(1);
        image.blobs.retain(|digest, _| {
            *digest == self.digest() || *digest == self.config || self.layers.contains(digest)
        });
        let mut tree = Tree::default();
        for (name, content) in image.files()? {
            tree.file(&name, content);
        }
        tree.archive()
    }
}

/// Keeps a blob and describes it.
fn stored(blobs: &mut BTreeMap<String, Vec<u8>>, kind: MediaType, content: Vec<u8>) -> Result<Descriptor> {
    let name = digest(&content);
    let parsed: Digest = name.parse().map_err(|error| unmade(&error))?;
    let descriptor = Descriptor::new(kind, content.len() as u64, parsed);
    blobs.insert(name, content);
    Ok(descriptor)
}

/// Where a blob is in a layout.
fn path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::system::SERVER;
    use serde_json::Value;

    /// A small image.
    fn small(version: &str, content: &str) -> Layout {
        let mut tree = Tree::default();
        tree.program(SERVER, content);
        let about = About {
            version: version.into(),
            license: "Apache-2.0".into(),
            source: "https://example.com/rtmx".into(),
            description: "an example".into(),
        };
        let target = Target::of_platform("linux/amd64").expect("it is known");
        Layout::new(&about, target, &[("server", tree)]).expect("short paths")
    }

    fn attached(mut layout: Layout, text: &str) -> Layout {
        let attachment = Attachment { kind: "text/plain", content: text.as_bytes().to_owned() };
        layout.attach(attachment).expect("a small document");
        layout
    }

    fn document(layout: &Layout, name: &str) -> Value {
        let files = layout.files().expect("an index");
        serde_json::from_slice(&files[name]).expect("JSON")
    }

    #[test]
    fn every_blob_is_what_its_name_says_and_every_name_leads_to_one() {
        let files = attached(small("1.2.3", "server"), "inventory").files().expect("an index");
        let mut named = 0;
        for (name, content) in &files {
            if let Some(blob) = name.strip_prefix("blobs/sha256/") {
                assert_eq!(digest(content), format!("sha256:{blob}"));
            }
            let Ok(text) = std::str::from_utf8(content) else { continue };
            for (_, after) in
                text.match_indices("\"digest\":\"sha256:").map(|(at, it)| text[at..].split_at(it.len()))
            {
                let hex: String = after.chars().take(64).collect();
                assert!(files.contains_key(&format!("blobs/sha256/{hex}")), "{name} names {hex}");
                named += 1;
            }
        }
        assert_eq!(named, 7, "image: index, config, layer; artifact: index, config, document, subject");
    }

    #[test]
    fn what_is_attached_names_the_image_and_does_not_change_it() {
        let plain = small("1.2.3", "server");
        let one = attached(plain.clone(), "first");
        let other = attached(plain.clone(), "second");
        assert_eq!(plain.digest(), one.digest());
        assert_eq!((one.digest(), one.config_digest()), (other.digest(), other.config_digest()));
        assert_ne!(one.files(), other.files());
        assert_eq!(plain.archive(), one.archive(), "what an engine loads has no attachment");
        let artifact = document(&one, "index.json")["manifests"][1]["digest"].as_str().map(path);
        let artifact = document(&one, &artifact.expect("a digest"));
        assert_eq!(artifact["subject"]["digest"], Value::from(plain.digest()));
        assert_eq!(artifact["artifactType"], "text/plain");
    }

    #[test]
    fn a_digest_moves_with_what_is_in_the_image_and_with_nothing_else() {
        assert_eq!(small("1.2.3", "server").archive(), small("1.2.3", "server").archive());
        assert_ne!(small("1.2.3", "server").digest(), small("1.2.3", "Server").digest(), "another file");
        assert_ne!(small("1.2.3", "server").digest(), small("1.2.4", "server").digest(), "another label");
    }

    #[test]
    fn older_engines_find_the_configuration_that_is_the_images_id() {
        let layout = small("1.2.3", "server");
        let older = document(&layout, "manifest.json");
        assert_eq!(older[0]["RepoTags"][0], "ghcr.io/iotactical/rtmx:v1.2.3");
        assert_eq!(older[0]["Config"], Value::from(path(layout.config_digest())));
        let config = document(&layout, older[0]["Config"].as_str().expect("a path"));
        assert_eq!(config["config"]["User"], "1000:1000");
        assert_eq!(config["config"]["Entrypoint"], json!(["/usr/bin/rtmx-server"]));
        assert_eq!(config["config"]["Volumes"], json!({"/data": {}}));
        assert_eq!(config["config"]["ExposedPorts"], json!({"8080/tcp": {}, "9090/tcp": {}}));
        assert_eq!(config["config"]["Healthcheck"]["Test"][2], "healthcheck");
    }

    #[test]
    fn a_folder_with_something_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = small("1.2.3", "server");
        layout.write(&folder.path().join("new")).expect("an empty folder");
        small("1.2.4", "server").write(&folder.path().join("new")).expect("a layout may be replaced");
        let blobs = std::fs::read_dir(folder.path().join("new/blobs/sha256")).expect("blobs").count();
        assert_eq!(blobs, 3, "what belonged to the layout before is gone");
        std::fs::write(folder.path().join("mine"), "text").expect("a writable folder");
        let error = layout.write(folder.path()).expect_err("it holds something");
        assert!(error.contains("no image layout"), "{error}");
        assert!(folder.path().join("mine").is_file());
    }
}
