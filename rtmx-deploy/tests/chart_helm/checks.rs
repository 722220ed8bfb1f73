//! Static checkers at their strictest, with the exceptions of `deploy/checks.yaml`.

use super::helm::{Helms, chart, template};
use super::variants::{pins, presets, words};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that is found and meant so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    check: String,
    #[serde(default)]
    of: Vec<String>,
    why: String,
}

/// A check, and the object in which it found something.
type Finding = (String, String);

/// Default and every preset of both charts, as files.
fn rendered(helms: &Helms, scratch: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for app in ["rtmx", "hyyve"] {
        for preset in std::iter::once(None).chain(presets(app).into_iter().map(Some)) {
            let values = preset.as_ref().map(|file| file.display().to_string());
            let mut arguments = values.as_deref().map_or_else(Vec::new, |file| vec!["--values", file]);
            let pins = pins(app);
            if values.is_some() {
                arguments.extend(words(&pins));
            }
            let text = template(helms.newest(), &chart(app), "1.34.0", &arguments).expect("it is rendered");
            let name = preset
                .as_deref()
                .and_then(Path::file_name)
                .map_or("values.yaml".into(), |name| name.to_string_lossy());
            let path = scratch.join(format!("{app}-{name}"));
            std::fs::write(&path, text).expect("the folder is ours");
            files.push(path);
        }
    }
    files
}

fn judged(checker: &str, found: &BTreeSet<Finding>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/checks.yaml");
    let text = std::fs::read_to_string(file).expect("the exceptions are there");
    let mut all: BTreeMap<String, Vec<Exception>> = serde_saphyr::from_str(&text).expect("they can be read");
    let exceptions = all.remove(checker).unwrap_or_default();
    let covers = |exception: &Exception, (check, object): &Finding| {
        let ends = |end: &String| object.ends_with(&format!("-{end}"));
        exception.check == *check && (exception.of.is_empty() || exception.of.iter().any(ends))
    };
    let new: Vec<&Finding> =
        found.iter().filter(|it| !exceptions.iter().any(|one| covers(one, it))).collect();
    assert!(new.is_empty(), "{checker} finds what no exception explains: {new:#?}");
    for exception in &exceptions {
        assert!(exception.why.len() > 8, "{exception:?}");
        assert!(found.iter().any(|it| covers(exception, it)), "it explains nothing any more: {exception:?}");
    }
}

fn json(command: &mut Command) -> Value {
    let output = command.output().expect("it can be started");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

pub(crate) fn checkov(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let package = helms.checkov.as_deref().expect("a trial without it does not begin");
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", package).arg(package.join("bin/checkov"));
    python.args(["--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "-o", "json"]);
    for file in rendered(helms, scratch.path()) {
        python.arg("-f").arg(file);
    }
    let report = json(python.current_dir(scratch.path()));
    let passed = report["summary"]["passed"].as_u64().unwrap_or_default();
    assert!(passed > 3_000 && report["summary"]["parsing_errors"] == 0, "{}", report["summary"]);
    let failed = report["results"]["failed_checks"].as_array().into_iter().flatten();
    let found = failed.map(|it| (text(&it["check_id"]), last(&text(&it["resource"]))));
    judged("checkov", &found.collect());
}

pub(crate) fn kube_score(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let program = helms.kube_score.as_deref().expect("a trial without it does not begin");
    let mut found = BTreeSet::new();
    let mut count = 0;
    for file in rendered(helms, scratch.path()) {
        let mut score = Command::new(program);
        score.args([
            "score",
            "--kubernetes-version",
            "v1.34",
            "--all-default-optional",
            "--output-format",
            "json",
        ]);
        let report = json(score.arg(file));
        for object in report.as_array().into_iter().flatten() {
            for check in object["checks"].as_array().into_iter().flatten().filter(|it| it["skipped"] == false)
            {
                count += 1;
                if check["grade"].as_u64() < Some(10) {
                    let name = text(&object["object_meta"]["name"]);
                    found.insert((text(&check["check"]["id"]), name));
                }
            }
        }
    }
    assert!(count > 1_000, "{count}");
    judged("kube-score", &found);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name at the end of `Kind.namespace.name`.
fn last(resource: &str) -> String {
    resource.rsplit('.').next().unwrap_or_default().to_owned()
}
