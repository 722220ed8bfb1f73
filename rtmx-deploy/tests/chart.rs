//! What is rendered as a Helm chart: compared with what is committed under `deploy/`, and with promises that
//! hold for every application. Helm itself is asked in `chart_helm.rs`.
//!
//! `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-deploy --test chart` writes the files; a person reads the
//! difference.

#![allow(clippy::disallowed_methods, reason = "reads the specs, and writes what is made of them on demand")]

use proptest::prelude::*;
use rtmx_core::{assert_code, deploy};
use rtmx_deploy::app::{App, AppFaults, Name, read_app};
use rtmx_deploy::{AppFiles, Composition, Lock, chart_files_of, render_chart};
use serde_json::Value;
use std::path::{Path, PathBuf};

mod random;

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

fn file<'c>(composition: &'c Composition, path: &str) -> &'c str {
    let found = composition.rendered.files.iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("{path} is not rendered")).content
}

/// Every value by its path, with its schema.
fn leaves(schema: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    match schema["properties"].as_object() {
        Some(properties) => properties.iter().for_each(|(name, inner)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leaves(inner, &path, into);
        }),
        None => into.push((path.to_owned(), schema.clone())),
    }
}

/// What holds for the values of every chart.
fn promises(app: &App, composition: &Composition) -> Result<(), String> {
    let ensure = |holds: bool, what: String| if holds { Ok(()) } else { Err(what) };
    let values = file(composition, "values.yaml");
    let defaults: Value = serde_saphyr::from_str(values).map_err(|error| format!("{error}\n{values}"))?;
    let schema: Value =
        serde_json::from_str(file(composition, "values.schema.json")).map_err(|it| it.to_string())?;
    let mut all = Vec::new();
    leaves(&schema, "", &mut all);
    let moved: Vec<&String> = app.chart.moved.keys().collect();
    all.retain(|(path, _)| !moved.iter().any(|old| path == *old || old.starts_with(&format!("{path}."))));
    ensure(all.len() > 60, format!("only {} values", all.len()))?;
    let readme = file(composition, "README.md");
    let templates: String = composition
        .rendered
        .files
        .iter()
        .filter(|file| file.path.starts_with("templates/") || file.path.starts_with("files/"))
        .map(|file| file.content.as_str())
        .collect();
    for (path, schema) in &all {
        let said = schema["description"].as_str().unwrap_or_default();
        ensure(said.len() > 4, format!("{path} is not described"))?;
        ensure(readme.contains(&format!("| `{path}` |")), format!("{path} is not in the README"))?;
        let pointer = format!("/{}", path.replace('.', "/"));
        ensure(defaults.pointer(&pointer).is_some(), format!("{path} has no default"))?;
        let last = path.rsplit('.').next().unwrap_or_default();
        let used = path == "enabled"
            || templates.contains(&format!("\"{path}\""))
            || templates.match_indices(&format!(".{last}")).any(|(at, found)| {
                let next = templates[at + found.len()..].chars().next();
                !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            })
            // Asked for by its name.
            || ["startupProbe", "livenessProbe", "readinessProbe"].contains(&last);
        ensure(used, format!("no template uses {path}"))?;
    }
    // Each line that begins a value or a mapping stands under a comment.
    let mut before = "";
    for line in values.lines() {
        let (trimmed, depth) = (line.trim_start(), line.len() - line.trim_start().len());
        let path_starts = depth == 0 && !trimmed.is_empty() && !trimmed.starts_with('#');
        ensure(!path_starts || before.starts_with('#'), format!("no comment above: {line}"))?;
        before = line;
    }
    for word in ["/home/", "/root/", "\t"] {
        ensure(!values.contains(word), format!("{word} is in the values"))?;
    }
    Ok(())
}

#[test]
fn every_value_is_described_has_a_default_and_is_used() {
    for name in APPS {
        let app = app(name);
        promises(&app, &render(&app)).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

#[test]
fn the_chart_of_a_release_names_the_digests_of_its_lock() {
    let app = app("rtmx");
    let digest = format!("sha256:{}", "cd".repeat(32));
    let text = format!("application: rtmx\nversion: 0.1.0\nimages:\n  postgres:16-alpine: {digest}\n");
    let lock = Lock::read(&text, "rtmx.lock", &app).expect("it has no fault");
    let files = chart_files_of(&app).into_iter().map(|path| {
        let content = read(&format!("apps/{path}"));
        (path, content)
    });
    let composition = render_chart(&app, Some(&lock), &files.collect::<AppFiles>()).expect("it is rendered");
    assert!(file(&composition, "templates/_facts.tpl").contains(&digest));
    assert_eq!(composition.warnings.len(), 1, "{:?}", composition.warnings);
    let error = render_chart(&app, None, &AppFiles::new()).expect_err("its files are not there");
    assert_code(error, deploy::TARGET_SETTINGS_INVALID);
}

#[test]
fn names_under_chart_that_lead_nowhere_are_told_together() {
    let mut app = app("hyyve");
    let name = |word: &str| Name::new(word).expect("it is a name");
    app.chart.components.insert(name("wrker"), Default::default());
    app.chart.secrets.insert(name("redis_pasword"), Default::default());
    let error = render_chart(&app, None, &AppFiles::new()).expect_err("there are two faults");
    let faults = AppFaults::of(&error).expect("they are the cause").list().to_vec();
    let nearest: Vec<_> = faults.iter().map(|fault| fault.nearest.as_deref().unwrap_or_default()).collect();
    assert_eq!(nearest, ["worker", "redis_password"], "{faults:?}");
    app.chart = self::app("hyyve").chart;
    app.chart
        .presets
        .values_mut()
        .next()
        .expect("it has some")
        .values
        .insert("api.replicas".into(), 2.into());
    let error = render_chart(&app, None, &AppFiles::new()).expect_err("there is no such value");
    assert!(error.message().contains("api.replicas"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_application_with_random_names_has_a_chart_that_keeps_the_promises(text in random::any_app()) {
        let app = read_app(&text, "random").map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        let render = || render_chart(&app, None, &AppFiles::new());
        let composition = render().map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        prop_assert_eq!(Some(composition.clone()), render().ok());
        promises(&app, &composition).map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    }
}
