//! What is rendered as a Helm chart: compared with what is committed under `deploy/`, and with promises that
//! hold for every application. Helm itself is asked in `chart_helm.rs`.
//!
//! `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-deploy --test chart` writes the files; a person reads the
//! difference.

#![allow(clippy::disallowed_methods, reason = "reads the specs, and writes what is made of them on demand")]

use rtmx_deploy::app::{App, read_app};
use rtmx_deploy::{AppFiles, Composition, Lock, chart_files_of, render_chart};
use std::path::{Path, PathBuf};

const APPS: [&str; 2] = ["rtmx", "hyyve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn app(name: &str) -> App {
    read_app(&read(&format!("apps/{name}.yaml")), name).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn render(app: &App) -> Composition {
    let name = format!("apps/{}.lock", app.application);
    let lock = Lock::read(&read(&name), &name, app).expect("the shipped lock has no fault");
    let files = chart_files_of(app).into_iter().map(|path| {
        let content = read(&format!("apps/{path}"));
        (path, content)
    });
    render_chart(app, Some(&lock), &files.collect::<AppFiles>()).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn what_is_committed_is_what_is_rendered() {
    let update = std::env::var_os("RTMX_UPDATE_GOLDENS").is_some();
    let mut differing = Vec::new();
    for name in APPS {
        let composition = render(&app(name));
        let folder = root().join("deploy").join(name).join("chart");
        if update {
            // What is no longer rendered is not left behind.
            let _ = std::fs::remove_dir_all(&folder);
        }
        for file in &composition.rendered.files {
            let path = folder.join(&file.path);
            if update {
                std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
                std::fs::write(&path, &file.content).expect("it can be written");
            }
            if std::fs::read_to_string(&path).unwrap_or_default() != file.content {
                differing.push(format!("deploy/{name}/chart/{}", file.path));
            }
        }
        let mut left = Vec::new();
        below(&folder, &mut left);
        let known =
            |path: &PathBuf| composition.rendered.files.iter().any(|file| folder.join(&file.path) == *path);
        differing.extend(left.iter().filter(|path| !known(path)).map(|path| path.display().to_string()));
    }
    assert!(differing.is_empty(), "run the test with RTMX_UPDATE_GOLDENS=1, and read: {differing:#?}");
}

fn below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => below(&path, into),
            path => into.push(path),
        }
    }
}
