//! What loading a configuration costs beside bare reading and parsing of its files, in one run:
//! `cargo bench -p rtmx-bench-libraries --bench config`.
//!
//! Twenty files of a `conf.d` and three hundred variables, of which thirty are settings, become typed
//! settings with their origins. Beside them stand the same files read once and parsed by `toml_edit`,
//! which is what no loader can leave out. Files are read twice on our side, so that a swapped mount is
//! not seen half. `cargo xtask bench` names a file for the figures (`RTMX_BENCH_OUT`) and judges them.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use rtmx_config::{KEYS, KeySpec, Kind, Strictness, Table, resolve};
use rtmx_config_file::{FileSettings, FileSource, Place};
use serde_json::json;
use std::ffi::OsString;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Turns of each side, and loads in a turn.
const TURNS: usize = 60;
const LOADS: u32 = 10;
const FILES: usize = 20;
const VARIABLES: usize = 300;
/// Settings in each file.
const IN_A_FILE: usize = 12;

fn main() {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    for number in 0..FILES {
        let name = folder.path().join(format!("{number:02}-site.toml"));
        std::fs::write(name, file(number)).expect("the folder is writable");
    }
    let variables = variables();
    assert_eq!(variables.len(), VARIABLES);
    let load = || {
        let files = FileSource::new(FileSettings::new(Place::Dir(folder.path().to_owned()))).read();
        let mut read = |_: &Path| Err("no variable names a file".to_owned());
        let environment = Table::RTMX.environment_layer(black_box(variables.clone()), &mut read);
        let resolved =
            resolve([&files, &environment], Strictness::Start).expect("it is a good configuration");
        assert!(resolved.warnings.is_empty(), "{:?}", resolved.warnings);
        resolved.origins.values().map(|trace| trace.overrode.len()).sum::<usize>() > FILES
    };
    let bare = || {
        let files = std::fs::read_dir(folder.path()).expect("it is a folder");
        let texts = files.map(|file| std::fs::read_to_string(file.expect("it is there").path()));
        let parse = |text: String| toml_edit::Document::parse(text).expect("it is TOML").iter().count();
        texts.map(|text| parse(text.expect("it is text"))).sum::<usize>() > FILES
    };
    let [load, bare] = fastest([&load, &bare]);
    println!(
        "{FILES} files and {VARIABLES} variables to settings  {load:>7.3} ms  {:.2} of the other",
        load / bare
    );
    println!("the files read and parsed by toml_edit  {bare:>7.3} ms");
    if let Ok(out) = std::env::var("RTMX_BENCH_OUT") {
        let beside = json!([{ "work": "configuration loaded", "ours_ms": load, "raw_ms": bare }]);
        std::fs::write(&out, json!({ "beside": beside }).to_string()).expect("the file can be written");
    }
}

/// A file as somebody would write it: some settings in their sections, each with a comment.
fn file(number: usize) -> String {
    let mut text = format!("# Site settings, part {number}\n");
    let mut open = "";
    let some = KEYS.iter().cycle().skip(number * 5).filter(|spec| spec.default.is_some() && !spec.secret);
    let mut some: Vec<&KeySpec> = some.take(IN_A_FILE).collect();
    some.sort_unstable_by_key(|spec| spec.path);
    some.dedup_by_key(|spec| spec.path);
    for spec in some {
        let (section, name) = spec.path.split_once('.').expect("a section and a key");
        if section != open {
            open = section;
            text.push_str(&format!("\n[{section}]\n"));
        }
        let default = spec.default.expect("it has one");
        let value = match spec.kind {
            Kind::Switch | Kind::Integer { .. } => default.to_owned(),
            _ => format!("{default:?}"),
        };
        text.push_str(&format!("# {}\n{name} = {value}\n", spec.doc));
    }
    text
}

/// The environment of a container in a cluster: settings, what orchestrators add, and everybody else's.
fn variables() -> Vec<(OsString, OsString)> {
    let settings = KEYS.iter().filter(|spec| spec.default.is_some() && !spec.secret).take(30);
    let mut pairs: Vec<(String, String)> =
        settings.map(|spec| (spec.variable(), spec.default.unwrap_or_default().to_owned())).collect();
    for service in 0..20 {
        pairs.push((format!("RTMX_{service}_PORT"), "tcp://10.0.0.1:80".into()));
        pairs.push((format!("RTMX_{service}_SERVICE_HOST"), "10.0.0.1".into()));
    }
    let others = VARIABLES - pairs.len();
    pairs.extend((0..others).map(|number| (format!("SOMEBODY_ELSE_{number}"), format!("value {number}"))));
    pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Milliseconds a load of each side: the fastest turn, the sides in alternation.
fn fastest(sides: [&dyn Fn() -> bool; 2]) -> [f64; 2] {
    let mut best = [Duration::MAX; 2];
    for _ in 0..TURNS {
        for (side, best) in sides.iter().zip(&mut best) {
            let begin = Instant::now();
            for _ in 0..LOADS {
                assert!(side(), "what is measured works");
            }
            *best = begin.elapsed().min(*best);
        }
    }
    best.map(|turn| turn.as_secs_f64() * 1e3 / f64::from(LOADS))
}
