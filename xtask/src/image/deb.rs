//! Distribution packages: their files, and what they say of themselves.
//!
//! A package is an archive of two archives. Everything is read in memory, nothing is unpacked to a disk and
//! no script of a package runs, so a package cannot do more than be read.

use super::tree::Node;
use crate::Result;
use object::read::archive::ArchiveFile;
use std::collections::BTreeMap;
use std::io::Read;

/// What is in a package.
#[derive(Debug)]
pub(super) struct Package {
    /// Its files and links by their paths, which have no slash in front; folders are left out.
    pub(super) files: BTreeMap<String, Node>,
    /// What it says of itself: name, version, dependencies.
    pub(super) control: String,
}

impl Package {
    /// Reads a package.
    ///
    /// # Errors
    ///
    /// If it is none, or packed in a way that is not known.
    pub(super) fn read(bytes: &[u8]) -> Result<Package> {
        let files = members(bytes, "data.tar")?;
        let mut control = members(bytes, "control.tar")?;
        let control = match control.remove("control") {
            Some(Node::File(text)) => String::from_utf8(text).map_err(|_| "the control file is no UTF-8")?,
            _ => return Err("the package has no control file".into()),
        };
        Ok(Package { files, control })
    }

    /// A file's content; a link that stays inside of the package is followed once.
    pub(super) fn content(&self, path: &str) -> Option<&[u8]> {
        match self.files.get(path)? {
            Node::File(content) => Some(content),
            Node::Link(target) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let at = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None => format!("{folder}/{target}"),
                };
                match self.files.get(&at)? {
                    Node::File(content) => Some(content),
                    _ => None,
                }
            }
            Node::Folder => None,
        }
    }
}

/// The value of a field in the distribution's form, from its own line.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim());
    text.lines().find_map(value)
}

/// The files of one of the two archives, whose name begins like this.
fn members(bytes: &[u8], name: &str) -> Result<BTreeMap<String, Node>> {
    let unreadable = |error: object::Error| format!("this is no distribution package: {error}");
    let archive = ArchiveFile::parse(bytes).map_err(unreadable)?;
    for member in archive.members() {
        let member = member.map_err(unreadable)?;
        let found = String::from_utf8_lossy(member.name()).into_owned();
        let Some(packed) = found.strip_prefix(name) else { continue };
        let content = member.data(bytes).map_err(unreadable)?;
        return files(&unpacked(packed, content)?);
    }
    Err(format!("this is no distribution package: it has no `{name}`"))
}

fn unpacked(packed: &str, content: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match packed {
        "" => return Ok(content.to_owned()),
        ".xz" => lzma_rust2::XzReader::new(content, true).read_to_end(&mut bytes),
        ".gz" => flate2::read::GzDecoder::new(content).read_to_end(&mut bytes),
        other => return Err(format!("a package is packed as `{other}`, which is not known here")),
    };
    read.map_err(|error| format!("a package is damaged: {error}"))?;
    Ok(bytes)
}

fn files(archive: &[u8]) -> Result<BTreeMap<String, Node>> {
    let damaged = |error: std::io::Error| format!("a package is damaged: {error}");
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.to_string_lossy().into_owned();
        let path = path.trim_start_matches("./").trim_matches('/').to_owned();
        let node = match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(damaged)?;
                Node::File(content)
            }
            tar::EntryType::Symlink | tar::EntryType::Link => {
                let target = entry.link_name().map_err(damaged)?.unwrap_or_default();
                let target = target.to_string_lossy().into_owned();
                // A hard link names its file from the archive's root.
                let is_hard = entry.header().entry_type() == tar::EntryType::Link;
                Node::Link(if is_hard { format!("/{}", target.trim_start_matches("./")) } else { target })
            }
            _ => continue,
        };
        files.insert(path, node);
    }
    Ok(files)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::image::tree::{ROOT, Tree, compressed};

    /// A package with these files and links, as the distribution packs it.
    pub(crate) fn package(control: &str, files: &[(&str, &str)], links: &[(&str, &str)]) -> Vec<u8> {
        let mut data = Tree::default();
        for (path, content) in files {
            data.file(path, *content);
        }
        for (path, target) in links {
            data.put(path, Node::Link((*target).to_owned()), 0o777, ROOT);
        }
        let mut about = Tree::default();
        about.file("control", control);
        let packed = |tree: &Tree| compressed(&tree.archive().expect("short paths")).expect("memory");
        let mut bytes = b"!<arch>\n".to_vec();
        let members = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", packed(&about)),
            ("data.tar.gz", packed(&data)),
        ];
        for (name, content) in members {
            let length = content.len();
            bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{length:<10}`\n", 0, 0, 0, 100_644).bytes());
            bytes.extend(content);
            if length % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    #[test]
    fn a_package_tells_its_files_and_follows_its_own_links() {
        let bytes = package(
            "Package: libexample\nVersion: 1.2-3\n",
            &[("usr/lib/libexample.so.1.2", "library")],
            &[("usr/lib/libexample.so.1", "libexample.so.1.2"), ("usr/lib/out", "/etc/passwd")],
        );
        let package = Package::read(&bytes).expect("a package");
        assert_eq!(field(&package.control, "Version"), Some("1.2-3"));
        assert_eq!(package.content("usr/lib/libexample.so.1"), Some(&b"library"[..]));
        assert_eq!(
            package.content("usr/lib/out"),
            None,
            "what a link outside names is no file of the package"
        );
    }

    #[test]
    fn what_is_no_package_is_refused() {
        // name, bytes
        let whole = package("Package: x\n", &[("a", "b")], &[]);
        let cases: [(&str, Vec<u8>); 4] = [
            ("empty", Vec::new()),
            ("text", b"<html>not found</html>".to_vec()),
            ("an archive of nothing", b"!<arch>\n".to_vec()),
            ("cut off", whole[..whole.len() - 40].to_vec()),
        ];
        for (name, bytes) in cases {
            assert!(Package::read(&bytes).is_err(), "{name}");
        }
    }
}
