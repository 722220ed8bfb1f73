//! From a text to a value of the spec, or to all faults of the text.

use super::check;
use super::fault::{AppFaults, Fault};
use super::shape;
use super::spec::App;
use super::tree::Node;
use rtmx_core::{Result, app};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The JSON Schema of a spec, as it is published.
pub fn app_schema() -> Value {
    let mut schema = schemars::schema_for!(App).to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".into(), "Application".into());
    }
    schema
}

/// Reads a spec; `file` is how its faults name it.
///
/// # Errors
///
/// All faults of the text together, as [`AppFaults`]; see the codes of `rtmx_core::app`.
pub fn read_app(text: &str, file: &str) -> Result<App> {
    let (spec, node) = read_shaped::<App>(text, file)?;
    let faults = check::faults(&spec, &node);
    if faults.is_empty() { Ok(spec) } else { Err(AppFaults::into_error(placed(faults, file))) }
}

/// Reads a value whose schema its type makes, and keeps the places.
pub(crate) fn read_shaped<T: DeserializeOwned + JsonSchema>(text: &str, file: &str) -> Result<(T, Node)> {
    let fail = |faults| AppFaults::into_error(placed(faults, file));
    let node = Node::parse(text).map_err(|error| {
        fail(vec![Fault::at(app::APP_SYNTAX, error.place, "", format!("this is not YAML: {}", error.why))])
    })?;
    let schema = schemars::schema_for!(T).to_value();
    let faults = shape::faults(&node, &schema);
    if !faults.is_empty() {
        return Err(fail(faults));
    }
    match serde_json::from_value(node.to_value()) {
        Ok(value) => Ok((value, node)),
        // What the schema cannot say; it has no place of its own.
        Err(error) => {
            let text = format!("the file cannot be used: {error}");
            Err(fail(vec![Fault::at(app::APP_INVALID_VALUE, node.place, "", text)]))
        }
    }
}

fn placed(mut faults: Vec<Fault>, file: &str) -> Vec<Fault> {
    faults.iter_mut().for_each(|fault| file.clone_into(&mut fault.file));
    faults
}

/// A YAML text as a plain value, for tests that read back what was written.
#[cfg(test)]
pub(crate) fn parse_value(text: &str) -> std::result::Result<Value, String> {
    Node::parse(text).map(|node| node.to_value()).map_err(|error| error.why)
}
