//! Laws of layers and of every kind of value, on a table that is not RTMX's.

use proptest::prelude::*;
use rtmx_config::units::{format_duration, format_size};
use rtmx_config::{
    About, Configuration, Faults, Finding, KeySpec, Kind, Layer, Origin, Provenance, Strictness, Table, Value,
};
use rtmx_core::Secret;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

const KINDS: &[KeySpec] = &[
    KeySpec::new("a.switch", Kind::Switch, Some("false"), "A switch."),
    KeySpec::new("a.number", Kind::Integer { min: 0, max: u64::MAX }, Some("1"), "A number."),
    KeySpec::new("a.size", Kind::Size { min: 0, max: u64::MAX }, Some("1KiB"), "A size."),
    KeySpec::new("a.list", Kind::List { most: 9 }, Some("one,two"), "A list."),
    KeySpec::new(
        "b.time",
        Kind::Duration { min: Duration::ZERO, max: Duration::from_millis(u64::MAX) },
        Some("1s"),
        "A time.",
    ),
    KeySpec::new("b.address", Kind::Address, Some("127.0.0.1:1"), "An address."),
    KeySpec::new("b.path", Kind::Path, Some("/tmp"), "A path."),
    KeySpec::new(
        "b.choice",
        Kind::Choice { names: &["red", "blue"], also: &[("rot", "red")] },
        None,
        "A hue.",
    ),
    KeySpec::new("b.url", Kind::Url { schemes: &["https"], login: false }, None, "A place."),
    KeySpec { secret: true, ..KeySpec::new("b.token", Kind::Token { min: 2, max: 64 }, None, "A secret.") },
    KeySpec::new("b.text", Kind::Text { max: 100 }, None, "A text."),
    KeySpec { secret: true, ..KeySpec::new("b.password", Kind::Password { max: 100 }, None, "A secret.") },
];

const TABLE: Table = Table::new("SHOP", KINDS);

fn layer(name: &str, values: &[(&str, Value)]) -> Layer {
    let mut layer = Layer::new(Provenance::new("file", name));
    for (key, value) in values {
        let origin = Origin::File { path: name.into(), line: 1, column: 1 };
        layer.push(*key, value.clone(), origin);
    }
    layer
}

fn shown(found: &Configuration) -> BTreeMap<&'static str, String> {
    found.effective().into_iter().filter_map(|line| Some((line.key, line.value?))).collect()
}

#[test]
fn an_embedder_has_layers_names_and_faults_of_its_own() {
    let variables = [("SHOP_A__NUMBER", "7"), ("SHOP_B__TOKEN_FILE", "/token"), ("SHOP_A__LISTS", "x")];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut read = |_: &std::path::Path| Ok(Secret::new("hunter2\n".to_owned()));
    let environment = TABLE.environment_layer(variables, &mut read);
    let flags = TABLE.flag_layer(["b.time=5s"]);
    let file = layer("shop.toml", &[("a.number", Value::Integer(3)), ("a.switch", Value::Switch(true))]);
    let found = TABLE.resolve([&file, &environment, &flags], Strictness::Start).unwrap();
    assert!(found.switch("a.switch"));
    assert_eq!(found.integer("a.number"), 7);
    assert_eq!(found.origins["a.number"].origin.to_string(), "variable SHOP_A__NUMBER");
    assert_eq!(found.origins["a.number"].overrode.len(), 1);
    assert_eq!(found.duration("b.time"), Duration::from_secs(5));
    assert_eq!(found.list("a.list"), ["one", "two"]);
    assert_eq!(found.size("a.size"), 1024);
    assert_eq!(found.choice_if_any("b.choice"), None);
    assert_eq!(found.secret("b.token").unwrap().expose(), "hunter2");
    assert!(!format!("{found:?}").contains("hunter2"));
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    assert_eq!(found.warnings[0].nearest.as_deref(), Some("SHOP_A__LIST"));
    let none: [Layer; 0] = [];
    let defaults = TABLE.resolve(&none, Strictness::Check).unwrap();
    let changed: Vec<_> = found.changed_since(&defaults).iter().map(|spec| spec.path).collect();
    assert_eq!(changed, ["a.switch", "a.number", "b.time", "b.token"]);
    let wrong = TABLE.flag_layer(["a.size=much", "b.token=hunter2", "c=1"]);
    let error = TABLE.resolve([&wrong], Strictness::Check).unwrap_err();
    assert_eq!(Faults::of(&error).unwrap().list().len(), 3, "{error:?}");
}

#[test]
fn nothing_of_rtmx_is_in_a_table_of_others() {
    let variables = [("POSTGRES_HOST", "db"), ("RTMX_LOG__LEVEL", "loud"), ("DATABASE_URL", "x")];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let layer = TABLE.environment_layer(variables, &mut |_| unreachable!("no variable names a file"));
    assert!(layer.entries.is_empty() && layer.warnings.is_empty() && layer.faults.is_empty(), "{layer:?}");
}

#[test]
fn what_an_embedder_finds_between_settings_is_a_fault_beside_none() {
    const fn table() -> Table {
        TABLE.with_check(|found| {
            let odd = !found.integer("a.number").is_multiple_of(2);
            let origin = found.origins["a.number"].origin.clone();
            odd.then(|| Finding::new(About::Contradiction, origin, "it is odd")).into_iter().collect()
        })
    }
    let check = |assignment: &str| table().resolve([&TABLE.flag_layer([assignment])], Strictness::Start);
    assert!(check("a.number=2").is_ok());
    assert!(check("a.number=3").is_err());
    let wrong = check("a.number=x").unwrap_err();
    assert_eq!(Faults::of(&wrong).unwrap().list().len(), 1, "it is not asked about what cannot be read");
}

/// A value of the kind of the key, as a source could hold it.
fn value_for(key: &'static str) -> BoxedStrategy<Value> {
    let word = || "[a-z]{1,8}";
    match key {
        "a.switch" => any::<bool>().prop_map(Value::Switch).boxed(),
        "a.number" => (0..i64::MAX).prop_map(Value::Integer).boxed(),
        "a.size" => any::<u64>().prop_map(|bytes| Value::text(format_size(bytes))).boxed(),
        "a.list" => {
            let items = prop::collection::vec(word().prop_map(Value::text), 1..9);
            items.prop_map(Value::List).boxed()
        }
        "b.time" => {
            any::<u32>().prop_map(|ms| Value::text(format_duration(Duration::from_millis(ms.into())))).boxed()
        }
        "b.address" => {
            let address = (any::<std::net::IpAddr>(), any::<u16>());
            address
                .prop_map(|(ip, port)| Value::text(std::net::SocketAddr::new(ip, port).to_string()))
                .boxed()
        }
        "b.path" => word().prop_map(|name| Value::text(format!("/{name}"))).boxed(),
        "b.choice" => prop::sample::select(vec!["red", "blue", "ROT"]).prop_map(Value::text).boxed(),
        "b.url" => word().prop_map(|name| Value::text(format!("https://{name}/x"))).boxed(),
        "b.token" => "[!-~]{2,64}".prop_map(Value::text).boxed(),
        "b.text" => "[a-z][ -~]{0,20}[a-z]".prop_map(Value::text).boxed(),
        _ => "[ -~]{1,20}".prop_map(Value::text).boxed(),
    }
}

/// Some settings, each at most once.
fn any_file() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let setting = |spec: &KeySpec| {
        let key = spec.path;
        prop::option::of(value_for(key).prop_map(move |value| (key, value)))
    };
    let settings: Vec<_> = KINDS.iter().map(setting).collect();
    settings.prop_map(|settings| settings.into_iter().flatten().collect())
}

proptest! {
    #[test]
    fn later_layers_win_tables_merge_and_lists_are_replaced(files in prop::collection::vec(any_file(), 0..5)) {
        let layers: Vec<Layer> =
            files.iter().enumerate().map(|(at, file)| layer(&format!("{at}.toml"), file)).collect();
        let found = TABLE.resolve(&layers, Strictness::Check).unwrap();
        // The model: key by key the last file that has it, so sections are merged and lists are not.
        let mut last: BTreeMap<&str, (usize, &Value)> = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            last.extend(file.iter().map(|(key, value)| (*key, (at, value))));
        }
        let alone: Vec<(&str, Value)> = last.iter().map(|(key, (_, value))| (*key, (*value).clone())).collect();
        let merged = TABLE.resolve([&layer("one.toml", &alone)], Strictness::Check).unwrap();
        prop_assert!(found.changed_since(&merged).is_empty());
        for spec in KINDS {
            let trace = &found.origins[spec.path];
            let having: Vec<usize> = files
                .iter()
                .enumerate()
                .filter(|(_, file)| file.iter().any(|(key, _)| *key == spec.path))
                .map(|(at, _)| at)
                .collect();
            let told: Vec<String> = std::iter::once(&trace.origin)
                .chain(&trace.overrode)
                .map(ToString::to_string)
                .collect();
            let mut wanted: Vec<String> = having.iter().rev().map(|at| format!("{at}.toml:1:1")).collect();
            if wanted.is_empty() {
                wanted.push("the default".into());
            }
            prop_assert_eq!(told, wanted, "{}", spec.path);
        }
        if let Some((_, Value::List(items))) = last.get("a.list") {
            prop_assert_eq!(found.list("a.list").len(), items.len());
        }
    }

    #[test]
    fn every_kind_of_value_reads_back_as_it_is_written(file in any_file()) {
        let first = TABLE.resolve([&layer("a.toml", &file)], Strictness::Check).unwrap();
        let mut written: Vec<(&str, Value)> =
            shown(&first).into_iter().map(|(key, text)| (key, Value::text(text))).collect();
        // Secrets are not written anywhere; they are given again as they were.
        written.retain(|(key, _)| !["b.token", "b.password"].contains(key));
        for key in ["b.token", "b.password"] {
            written.extend(first.secret(key).map(|text| (key, Value::text(text.expose().clone()))));
        }
        let again = TABLE.resolve([&layer("b.toml", &written)], Strictness::Check).unwrap();
        let differ: Vec<_> = again.changed_since(&first).iter().map(|spec| spec.path).collect();
        prop_assert!(differ.is_empty(), "{differ:?}");
        prop_assert_eq!(shown(&again), shown(&first));
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_a_file(order in 0usize..3) {
        let file = layer("a.toml", &[("a.number", Value::Integer(1))]);
        let variable = [(OsString::from("SHOP_A__NUMBER"), OsString::from("2"))];
        let environment = TABLE.environment_layer(variable, &mut |_| unreachable!("it names no file"));
        let flags = TABLE.flag_layer(["a.number=3"]);
        let layers = [&file, &environment, &flags];
        let found = TABLE.resolve(layers.into_iter().take(order + 1), Strictness::Check).unwrap();
        prop_assert_eq!(found.integer("a.number"), order as u64 + 1);
    }
}
