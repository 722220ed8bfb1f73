//! What a program or a library asks of others: the loader, libraries by name, and versions of what is in
//! them.
//!
//! All of it is read from the file, so an image holds what its program says, not what somebody remembered to
//! list. What a program opens by name while it runs is not seen here.

use crate::Result;
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, elf};
use std::collections::{BTreeMap, BTreeSet};

/// What one file asks for, and what it gives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The loader's path, in programs.
    pub(super) loader: Option<String>,
    /// The libraries that it names.
    pub(super) libraries: BTreeSet<String>,
    /// The versions that it wants of each library.
    pub(super) versions: BTreeMap<String, BTreeSet<String>>,
    /// The versions that it has, as a library.
    pub(super) has: BTreeSet<String>,
    /// The machine that it is for.
    pub(super) machine: u16,
}

/// The machine of a target's files.
pub(super) fn machine_of(architecture: &str) -> u16 {
    if architecture == "arm64" { elf::EM_AARCH64.0 } else { elf::EM_X86_64.0 }
}

impl Needs {
    /// Reads them from a file.
    ///
    /// # Errors
    ///
    /// If it is no program or library for machines of 64 bits.
    pub(super) fn read(bytes: &[u8]) -> Result<Needs> {
        needs(bytes).map_err(|error| format!("no program and no library: {error}"))
    }
}

fn needs(bytes: &[u8]) -> object::read::Result<Needs> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let mut needs = Needs { machine: header.e_machine(endian).0, ..Needs::default() };
    for segment in header.program_headers(endian, bytes)? {
        if let Some(loader) = segment.interpreter(endian, bytes)? {
            needs.loader = Some(text(loader));
        }
    }
    let sections = header.sections(endian, bytes)?;
    if let Some((dynamic, link)) = sections.dynamic(endian, bytes)? {
        let names = sections.strings(endian, bytes, link)?;
        for entry in dynamic.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
            needs.libraries.insert(text(entry.string(endian, names)?));
        }
    }
    if let Some((mut wanted, link)) = sections.gnu_verneed(endian, bytes)? {
        let names = sections.strings(endian, bytes, link)?;
        while let Some((library, mut versions)) = wanted.next()? {
            let of = needs.versions.entry(text(library.file(endian, names)?)).or_default();
            while let Some(version) = versions.next()? {
                of.insert(text(version.name(endian, names)?));
            }
        }
    }
    if let Some((mut defined, link)) = sections.gnu_verdef(endian, bytes)? {
        let names = sections.strings(endian, bytes, link)?;
        while let Some((_, mut versions)) = defined.next()? {
            // The first is its own name; those after it are what it builds on.
            if let Some(version) = versions.next()? {
                needs.has.insert(text(version.name(endian, names)?));
            }
        }
    }
    Ok(needs)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_names_its_loader_and_the_c_library_with_versions() {
        let own = std::env::current_exe().and_then(std::fs::read).expect("tests are programs");
        let needs = Needs::read(&own).expect("a program");
        assert!(needs.loader.is_some_and(|loader| loader.contains("ld-linux")));
        assert!(needs.libraries.contains("libc.so.6"), "{:?}", needs.libraries);
        let versions = &needs.versions["libc.so.6"];
        assert!(versions.iter().all(|version| version.starts_with("GLIBC_")), "{versions:?}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(Needs::read(b"#!/bin/sh\n").is_err());
        assert!(Needs::read(b"\x7fELF").is_err());
    }
}
