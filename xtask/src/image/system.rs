//! What is in the image: the files of the base layer, and those of the server's.
//!
//! Two layers, because they change at different times: the base with each update of the distribution, the
//! server with each release. Libraries are those that the server names and those that they name, nothing
//! else. There is no shell, no package manager and no second program; authorities and time zones are data.
//! With each package come its terms and what it says of itself, in the place where scanners of images look,
//! because else they would take the image for empty and call it safe.

use super::deb::Package;
use super::elf::{Needs, machine_of};
use super::pins::Pins;
use super::tree::{Node, ROOT, Tree};
use crate::Result;
use crate::release::Target;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where the server is.
pub(super) const SERVER: &str = "/usr/bin/rtmx-server";
/// Where the data is.
pub(super) const DATA: &str = "/data";
/// The user and the group of the server.
pub(super) const USER: u64 = 1000;

const PASSWD: &str = "rtmx:x:1000:1000:RTMX:/data:/nonexistent\n";
const GROUP: &str = "rtmx:x:1000:\n";
/// Names from the machine's own file first; without this file the C library would ask the network first.
const NAME_SERVICES: &str = "passwd: files\ngroup: files\nhosts: files dns\n";
const AUTHORITIES: &str = "usr/share/ca-certificates/";
const ZONES: &str = "usr/share/zoneinfo/";
/// The same zones once more, with and without leap seconds.
const ZONES_AGAIN: [&str; 2] = ["usr/share/zoneinfo/posix/", "usr/share/zoneinfo/right/"];

/// Packages by name.
pub(super) type Packages = BTreeMap<String, Package>;

/// The base layer: what this server needs of the distribution.
///
/// # Errors
///
/// If a library that is needed is in none of the packages, or is there in an older version than the server
/// was linked with.
pub(super) fn base(pins: &Pins, packages: &Packages, server: &[u8], target: Target) -> Result<Tree> {
    let mut tree = Tree::default();
    libraries(&mut tree, packages, server, target)?;
    authorities(&mut tree, packages)?;
    zones(&mut tree, packages)?;
    for (name, package) in packages {
        let terms = terms(packages, name).ok_or_else(|| format!("no package has the terms of `{name}`"))?;
        tree.file(&format!("usr/share/doc/{name}/copyright"), terms);
        tree.file(&format!("var/lib/dpkg/status.d/{name}"), package.control.as_bytes());
    }
    let (id, version) = pins.distribution.split_once('-').unwrap_or((&pins.distribution, ""));
    tree.file(
        "etc/os-release",
        format!("ID={id}\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{id} {version} (libraries)\"\n"),
    );
    tree.file("etc/passwd", PASSWD);
    tree.file("etc/group", GROUP);
    tree.file("etc/nsswitch.conf", NAME_SERVICES);
    tree.put(DATA, Node::Folder, 0o700, USER);
    Ok(tree)
}

/// The layer of the server.
pub(super) fn server(server: &[u8], license: &[u8]) -> Tree {
    let mut tree = Tree::default();
    tree.program(SERVER, server);
    tree.file("usr/share/doc/rtmx/copyright", license);
    tree
}

/// The loader, and every library that the server or one of them names.
fn libraries(tree: &mut Tree, packages: &Packages, server: &[u8], target: Target) -> Result<()> {
    let folders = [format!("lib/{}/", target.multiarch), format!("usr/lib/{}/", target.multiarch)];
    let find = |library: &str| {
        let named = folders.iter().map(|folder| format!("{folder}{library}"));
        named
            .into_iter()
            .find_map(|path| packages.values().find_map(|it| Some((path.clone(), it.content(&path)?))))
    };
    let program = Needs::read(server)?;
    let loader = program
        .loader
        .clone()
        .ok_or("the server names no loader: it is linked in a way that is not known")?;
    let link = loader.trim_start_matches('/');
    let linked = packages.values().find_map(|package| package.files.get(link));
    match linked.ok_or_else(|| format!("no pinned package has the loader `{loader}`"))? {
        Node::Link(to) => {
            let library = to.rsplit('/').next().unwrap_or_default();
            let (path, content) = find(library).ok_or_else(|| format!("no pinned package has `{to}`"))?;
            tree.put(link, Node::Link(to.clone()), 0o777, ROOT);
            tree.program(&path, content);
        }
        Node::File(content) => tree.program(link, content.clone()),
        Node::Folder => return Err(format!("`{loader}` is a folder")),
    }
    let mut seen = BTreeMap::new();
    let mut open: VecDeque<(String, Needs)> = [("the server".to_owned(), program)].into();
    let mut wanted: Vec<(String, String, BTreeSet<String>)> = Vec::new();
    while let Some((who, needs)) = open.pop_front() {
        if needs.machine != machine_of(target.architecture) {
            return Err(format!("{who} is not for {}", target.platform()));
        }
        for library in &needs.libraries {
            if !seen.contains_key(library) {
                let found = find(library);
                let (path, content) =
                    found.ok_or_else(|| format!("{who} needs `{library}`, which no pinned package has"))?;
                let its = Needs::read(content).map_err(|error| format!("`{library}` is {error}"))?;
                seen.insert(library.clone(), its.has.clone());
                tree.program(&path, content);
                open.push_back((format!("`{library}`"), its));
            }
        }
        wanted.extend(needs.versions.into_iter().map(|(library, versions)| (who.clone(), library, versions)));
    }
    for (who, library, versions) in wanted {
        let has = seen.get(&library).into_iter().flatten().collect::<BTreeSet<_>>();
        if let Some(missing) = versions.iter().find(|version| !has.contains(version)) {
            return Err(format!(
                "{who} needs `{missing}` of `{library}`, and the pinned package is older: build on the \
                 distribution that is pinned, or run `cargo xtask image --repin` here"
            ));
        }
    }
    Ok(())
}

/// The bundle of authorities, as the distribution's own tool makes it: all of them, one after the other.
fn authorities(tree: &mut Tree, packages: &Packages) -> Result<()> {
    let mut bundle = Vec::new();
    for (path, node) in packages.values().flat_map(|package| &package.files) {
        if let (true, true, Node::File(content)) =
            (path.starts_with(AUTHORITIES), path.ends_with(".crt"), node)
        {
            bundle.extend_from_slice(content);
            if !content.ends_with(b"\n") {
                bundle.push(b'\n');
            }
        }
    }
    if bundle.is_empty() {
        return Err("no pinned package has certificates of authorities".into());
    }
    tree.file("etc/ssl/certs/ca-certificates.crt", bundle);
    Ok(())
}

fn zones(tree: &mut Tree, packages: &Packages) -> Result<()> {
    let once =
        |path: &str| path.starts_with(ZONES) && !ZONES_AGAIN.iter().any(|folder| path.starts_with(folder));
    let mut count = 0;
    for (path, node) in packages.values().flat_map(|package| &package.files).filter(|(path, _)| once(path)) {
        let mode = if matches!(node, Node::Link(_)) { 0o777 } else { 0o644 };
        tree.put(path, node.clone(), mode, ROOT);
        count += 1;
    }
    if count == 0 { Err("no pinned package has time zones".into()) } else { Ok(()) }
}

/// The terms of a package, which another one may hold for it.
fn terms<'a>(packages: &'a Packages, name: &str) -> Option<&'a [u8]> {
    let package = packages.get(name)?;
    if let Some(terms) = package.content(&format!("usr/share/doc/{name}/copyright")) {
        return Some(terms);
    }
    match package.files.get(&format!("usr/share/doc/{name}"))? {
        Node::Link(other) if other != name => {
            packages.get(other)?.content(&format!("usr/share/doc/{other}/copyright"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::deb::tests::package;
    use std::process::Command;

    const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

    fn read(control: &str, files: &[(&str, &str)], links: &[(&str, &str)]) -> Package {
        Package::read(&package(control, files, links)).expect("a package")
    }

    /// The machine's own libraries in packages of the distribution's shape, but for those that are left out.
    fn packages(without: &[&str]) -> Packages {
        let mut libc = read(
            "Package: libc6\n",
            &[("usr/share/doc/libc6/copyright", "LGPL")],
            &[("lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")],
        );
        for name in ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"] {
            let content =
                std::fs::read(format!("/lib/x86_64-linux-gnu/{name}")).expect("this machine has it");
            if !without.contains(&name) {
                libc.files.insert(format!("lib/x86_64-linux-gnu/{name}"), Node::File(content));
            }
        }
        let data = read(
            "Package: data\n",
            &[
                ("usr/share/ca-certificates/mozilla/B.crt", "second"),
                ("usr/share/ca-certificates/mozilla/A.crt", "first\n"),
                ("usr/share/zoneinfo/Europe/Berlin", "TZif2"),
                ("usr/share/zoneinfo/right/Europe/Berlin", "TZif2"),
                ("usr/share/man/man1/data.1", "not in an image"),
            ],
            &[("usr/share/doc/data", "libc6")],
        );
        [("libc6".to_owned(), libc), ("data".to_owned(), data)].into()
    }

    fn made(packages: &Packages) -> Result<Tree> {
        let own = std::env::current_exe().and_then(std::fs::read).expect("tests are programs");
        let pins = Pins { distribution: "debian-12".into(), packages: Vec::new() };
        base(&pins, packages, &own, Target::of_platform("linux/amd64").expect("it is known"))
    }

    fn is_amd64() -> bool {
        std::path::Path::new(LOADER).exists()
    }

    #[test]
    fn the_base_holds_what_the_program_names_and_nothing_else() {
        if !is_amd64() {
            return;
        }
        let tree = made(&packages(&[])).expect("all of it is there");
        let bundle = tree.content("etc/ssl/certs/ca-certificates.crt");
        assert_eq!(bundle, Some(&b"first\nsecond\n"[..]), "sorted, each with its own line");
        assert_eq!(tree.content("usr/share/doc/data/copyright"), Some(&b"LGPL"[..]));
        let folders = ["lib/", "usr/share/doc/", "usr/share/zoneinfo/", "var/lib/dpkg/"];
        let found: Vec<_> =
            tree.paths().filter(|path| !folders.iter().any(|it| path.starts_with(it))).collect();
        let wanted = "data etc etc/group etc/nsswitch.conf etc/os-release etc/passwd etc/ssl etc/ssl/certs \
            etc/ssl/certs/ca-certificates.crt lib lib64 lib64/ld-linux-x86-64.so.2 usr usr/share usr/share/doc \
            usr/share/zoneinfo var var/lib var/lib/dpkg";
        assert_eq!(found.join(" "), wanted);
        assert!(tree.content("usr/share/zoneinfo/right/Europe/Berlin").is_none());
        assert!(tree.content("lib/x86_64-linux-gnu/libc.so.6").is_some());
    }

    #[test]
    fn a_library_that_no_package_has_is_named_with_who_needs_it() {
        if !is_amd64() {
            return;
        }
        // what is left out, what the message names
        let cases = [("libc.so.6", "`libc.so.6`"), ("ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2")];
        for (left_out, named) in cases {
            let error = made(&packages(&[left_out])).expect_err("it is needed");
            assert!(error.contains(named), "{left_out}: {error}");
        }
    }

    #[test]
    fn a_library_that_is_too_old_is_refused_with_the_version() {
        if !is_amd64() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-x", "c", "-o", "libc.so.6", "/dev/null"]).current_dir(&folder);
        assert!(cc.status().expect("this workspace is linked with cc").success());
        let mut packages = packages(&[]);
        let old = std::fs::read(folder.path().join("libc.so.6")).expect("it was just made");
        let libc = packages.get_mut("libc6").expect("it was just made");
        libc.files.insert("lib/x86_64-linux-gnu/libc.so.6".into(), Node::File(old));
        let error = made(&packages).expect_err("it has no version");
        assert!(error.contains("GLIBC_") && error.contains("--repin"), "{error}");
    }
}
