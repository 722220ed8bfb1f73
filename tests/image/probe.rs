//! A program that opens a library while it runs, and small looks at files.
//!
//! The server has no such driver yet. The program stands in: it is linked against the same C library, and
//! runs on the image's root, by the image's loader.

use crate::Ignored;
use crate::engine::{Engine, has, must};
use crate::given::Given;
use sha2::{Digest, Sha256};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a driver's entry would answer.
const LIBRARY: &str = "#include <math.h>\nint answer(double x) { return (int)cbrt(x); }\n";
const PROGRAM: &str = r#"#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *library = dlopen("/probe/libanswer.so", RTLD_NOW);
    if (!library) { fprintf(stderr, "%s\n", dlerror()); return 1; }
    int (*answer)(double) = (int (*)(double))dlsym(library, "answer");
    if (!answer) { fprintf(stderr, "%s\n", dlerror()); return 2; }
    printf("%d\n", answer(74088.0));
    return 0;
}
"#;

/// A library that needs another one of the image is opened by a program on the image's root.
pub(crate) fn opens_a_library(given: &Given) -> Result<(), Ignored> {
    let engine = Engine::find()?;
    has("cc")?;
    engine.load(given);
    let folder = folder_that_all_may_read();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("answer.c"), LIBRARY).expect("a folder of ours");
    std::fs::write(at("probe.c"), PROGRAM).expect("a folder of ours");
    must(Command::new("cc").args(["-shared", "-fPIC", "-o", &at("libanswer.so"), &at("answer.c"), "-lm"]));
    must(Command::new("cc").args(["-o", &at("probe"), &at("probe.c"), "-ldl"]));
    let mount = format!("{}:/probe:ro", folder.path().display());
    let options = ["run", "--rm", "--read-only", "--cap-drop", "ALL", "--volume", &mount];
    let said = engine.run(&[&options[..], &["--entrypoint", "/probe/probe", &engine.id(given)]].concat());
    assert_eq!(said, "42");
    Ok(())
}

/// A new folder that every user may look into.
pub(crate) fn folder_that_all_may_read() -> TempDir {
    folder(0o755)
}

/// A new folder that every user may write into.
pub(crate) fn folder_that_all_may_write() -> TempDir {
    folder(0o777)
}

fn folder(mode: u32) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(mode)).expect("it is ours");
    folder
}

/// A port of this machine that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it is bound").port()
}

/// The regular files of this name below a folder.
pub(crate) fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("the kind of an entry");
        if kind.is_dir() {
            found.extend(find(&path, name));
        } else if kind.is_file() && entry.file_name() == name {
            found.push(path);
        }
    }
    found
}

/// The SHA-256 of a file.
pub(crate) fn sha256(file: &Path) -> String {
    let bytes = std::fs::read(file).expect("it can be read");
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
