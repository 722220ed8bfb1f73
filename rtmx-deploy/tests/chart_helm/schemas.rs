//! What is rendered, held to the schemas of Kubernetes.

use super::helm::{Helms, parsed, template};
use super::variants::{all, words};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The versions of Kubernetes that RTMX is for; the second application begins later.
const VERSIONS: std::ops::RangeInclusive<u32> = 27..=37;
const SECOND_FROM: u32 = 30;

const CHECK: &str = r#"
import json, sys
import kubernetes_validate as kubernetes
count = 0
for line in sys.stdin:
    name, version, thing = json.loads(line)
    try:
        kubernetes.validate(thing, version, strict=True)
        count += 1
    except kubernetes.SchemaNotFoundError:
        print(json.dumps([name, version, thing["kind"], "there is no schema"]))
    except kubernetes.ValidationError as error:
        where = ".".join(str(part) for part in error.path)
        print(json.dumps([name, version, thing["kind"] + " " + thing["metadata"]["name"], where + ": " + error.message]))
print(count)
"#;

/// Whether an object is of a kind that Kubernetes itself has.
pub(crate) fn is_built_in(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().unwrap_or_default().split('/').next().unwrap_or_default();
    !group.contains('.') || (group.ends_with(".k8s.io") && !group.starts_with("gateway."))
}

/// Holds objects to the schemas; the faults, and how many were fine.
pub(crate) fn faults(package: &Path, objects: &[(String, u32, Value)]) -> (Vec<String>, usize) {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", package).args(["-c", CHECK]);
    let lines: Vec<String> = objects
        .iter()
        .map(|(name, minor, object)| serde_json::json!([name, format!("1.{minor}"), object]).to_string())
        .collect();
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut input = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("it reads");
        }
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("everything was written");
    assert!(output.status.success(), "the checker failed");
    let text = String::from_utf8(output.stdout).expect("it is text");
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let count = lines.pop().and_then(|line| line.parse().ok()).expect("it says how many were fine");
    (lines, count)
}

/// Every variant on every version that it is for.
pub(crate) fn kubernetes(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let (mut objects, mut seen, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for (name, chart, arguments) in all(scratch.path()) {
        for minor in VERSIONS.filter(|minor| name.starts_with("rtmx") || *minor >= SECOND_FROM) {
            let text = template(helms.newest(), &chart, &format!("1.{minor}.0"), &words(&arguments));
            let text = text.unwrap_or_else(|said| panic!("{name} on 1.{minor}: {said}"));
            for object in parsed(&text).into_iter().filter(is_built_in) {
                count += 1;
                // Most variants differ in a few objects.
                if seen.insert((minor, object.to_string())) {
                    objects.push((name.clone(), minor, object));
                }
            }
        }
    }
    let package = helms.validator.as_deref().expect("a trial without it does not begin");
    let (faults, fine) = faults(package, &objects);
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(count > 5_000 && fine > 2_000, "only {count} objects were looked at, {fine} of them different");
}
