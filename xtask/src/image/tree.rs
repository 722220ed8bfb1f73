//! The files of a layer, and the one archive that they make.
//!
//! Entries are in the order of their names, belong to the owner that was said, have no time and no names of
//! users, so the same files always make the same bytes. Folders that lead to an entry are there by
//! themselves. Deliberately absent: devices, hard links and extended attributes, which no image of ours needs.

use crate::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::Write;

/// Whom an entry belongs to: user and group have the same number.
pub(super) const ROOT: u64 = 0;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A folder.
    Folder,
    /// A file with its content.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Link(String),
}

/// A node with its mode and owner.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    node: Node,
    mode: u32,
    owner: u64,
}

/// Files by their paths, which have no slash in front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Puts a node at a path, with mode and owner; what was there is replaced.
    pub(super) fn put(&mut self, path: &str, node: Node, mode: u32, owner: u64) {
        let path = path.trim_matches('/');
        for (at, _) in path.match_indices('/') {
            let folder = Entry { node: Node::Folder, mode: 0o755, owner: ROOT };
            self.entries.entry(path[..at].to_owned()).or_insert(folder);
        }
        self.entries.insert(path.to_owned(), Entry { node, mode, owner });
    }

    /// Puts a file that everybody may read.
    pub(super) fn file(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.put(path, Node::File(content.into()), 0o644, ROOT);
    }

    /// Puts a program or a library.
    pub(super) fn program(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.put(path, Node::File(content.into()), 0o755, ROOT);
    }

    /// The paths, in their order.
    #[cfg(test)]
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The content of a file.
    #[cfg(test)]
    pub(super) fn content(&self, path: &str) -> Option<&[u8]> {
        match &self.entries.get(path)?.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// The archive.
    ///
    /// # Errors
    ///
    /// If a path is longer than the format can say.
    pub(super) fn archive(&self) -> Result<Vec<u8>> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let told = |error: std::io::Error| format!("could not put `{path}` into a layer: {error}");
            let mut header = tar::Header::new_ustar();
            let (kind, content, name) = match &entry.node {
                Node::Folder => (tar::EntryType::Directory, &[][..], format!("{path}/")),
                Node::File(content) => (tar::EntryType::Regular, content.as_slice(), path.clone()),
                Node::Link(target) => {
                    header.set_link_name(target).map_err(told)?;
                    (tar::EntryType::Symlink, &[][..], path.clone())
                }
            };
            header.set_path(name).map_err(told)?;
            header.set_entry_type(kind);
            header.set_mode(entry.mode);
            header.set_uid(entry.owner);
            header.set_gid(entry.owner);
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content).map_err(told)?;
        }
        builder.into_inner().map_err(|error| format!("could not end a layer: {error}"))
    }
}

/// Bytes under gzip, without a time and a name.
///
/// # Errors
///
/// None that memory does not give.
pub(super) fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map_err(|error| format!("could not compress a layer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            tree.file(path, path.as_bytes());
        }
        tree.put("data", Node::Folder, 0o700, 1000);
        tree.put("lib64/loader", Node::Link("/lib/loader".into()), 0o777, ROOT);
        tree
    }

    #[test]
    fn the_same_files_make_the_same_archive_in_whatever_order_they_came() {
        let (one, other) = (tree(&["a/b", "a/c", "z"]), tree(&["z", "a/c", "a/b"]));
        assert_eq!(one.archive(), other.archive());
        assert_ne!(one.archive(), tree(&["a/b", "a/d", "z"]).archive());
        let archive = one.archive().expect("short paths");
        assert_eq!(compressed(&archive), compressed(&archive));
    }

    #[test]
    fn entries_come_in_order_with_their_folders_and_say_nothing_of_who_made_them() {
        let archive = tree(&["a/b"]).archive().expect("short paths");
        let mut reader = tar::Archive::new(archive.as_slice());
        let mut found = Vec::new();
        for entry in reader.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("text");
            let header = entry.header();
            assert_eq!((header.mtime().ok(), header.username()), (Some(0), Ok(Some(""))));
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            found.push((path, header.mode().expect("a mode"), header.uid().expect("an owner"), content));
        }
        let wanted = [
            ("a/", 0o755, 0, ""),
            ("a/b", 0o644, 0, "a/b"),
            ("data/", 0o700, 1000, ""),
            ("lib64/", 0o755, 0, ""),
            ("lib64/loader", 0o777, 0, ""),
        ];
        let wanted: Vec<_> =
            wanted.map(|(path, mode, owner, text)| (path.to_owned(), mode, owner, text.to_owned())).into();
        assert_eq!(found, wanted);
    }
}
