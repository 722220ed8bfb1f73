//! Custom resources, held to the definitions that their makers publish.

use super::helm::{Helms, parsed, template};
use super::schemas::is_built_in;
use super::variants::{all, words};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The kinds that the charts have, where they are asked for.
const KINDS: [&str; 10] = [
    "Certificate",
    "DestinationRule",
    "ExternalSecret",
    "HTTPRoute",
    "PrometheusRule",
    "ScaledObject",
    "SecretStore",
    "ServiceMonitor",
    "TriggerAuthentication",
    "VirtualService",
];

/// A kind as an object names it: `apiVersion` and `kind`.
type Named = (String, String);

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The schema of each kind, from the definitions in a folder. A key that it does not name is refused, as a
/// server does that validates strictly.
fn definitions(folder: &Path) -> BTreeMap<Named, Value> {
    let mut found = BTreeMap::new();
    for file in std::fs::read_dir(folder).expect("it can be listed").flatten() {
        let content = std::fs::read_to_string(file.path()).expect("it can be read");
        for definition in parsed(&content).iter().filter(|it| it["kind"] == "CustomResourceDefinition") {
            let (group, kind) = (&definition["spec"]["group"], &definition["spec"]["names"]["kind"]);
            for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
                let mut schema = version["schema"]["openAPIV3Schema"].clone();
                // Kubernetes has its own schema for what every object has.
                for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
                    schema["properties"][key] = json!({"type": kind});
                }
                close(&mut schema);
                let group = format!("{}/{}", text(group), text(&version["name"]));
                found.insert((group, text(kind)), schema);
            }
        }
    }
    found
}

fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        schema.as_array_mut().into_iter().flatten().for_each(close);
        return;
    };
    let is_open = map.get("x-kubernetes-preserve-unknown-fields").is_some_and(|it| it == true);
    if map.get("properties").is_some_and(Value::is_object) && !is_open && map.contains_key("type") {
        map.entry("additionalProperties").or_insert(false.into());
    }
    map.values_mut().for_each(close);
}

/// Every custom resource of every variant.
pub(crate) fn custom(helms: &Helms) {
    let scratch = tempfile::tempdir().expect("there is a folder for temporary files");
    let folder = helms.definitions.as_deref().expect("a trial without them does not begin");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let compile = |(named, schema): (Named, Value)| {
        let place = format!("definition:{}/{}", named.0, named.1);
        compiler.add_resource(&place, schema).expect("a definition is a schema");
        let index = compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{place}: {error}"));
        (named, index)
    };
    let known = definitions(folder).into_iter().filter(|((_, kind), _)| KINDS.contains(&kind.as_str()));
    let known: BTreeMap<Named, SchemaIndex> = known.map(compile).collect();
    let (mut kinds, mut faults) = (BTreeSet::new(), Vec::new());
    for (name, chart, arguments) in all(scratch.path()) {
        let rendered =
            template(helms.newest(), &chart, "1.34.0", &words(&arguments)).expect("it is rendered");
        for object in parsed(&rendered).into_iter().filter(|object| !is_built_in(object)) {
            let named = (text(&object["apiVersion"]), text(&object["kind"]));
            let index = known.get(&named).unwrap_or_else(|| panic!("{name}: {named:?} is not defined"));
            if let Err(error) = schemas.validate(&object, *index) {
                faults.push(format!("{name}: {named:?}: {error}"));
            }
            // What is not defined is seen.
            let mut strange = object;
            strange["spec"]["strange"] = true.into();
            assert!(schemas.validate(&strange, *index).is_err(), "{named:?} takes any key");
            kinds.insert(named.1);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), KINDS);
}
