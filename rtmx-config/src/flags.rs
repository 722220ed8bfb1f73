//! The layer of `--set KEY=VALUE` flags.

use crate::{About, Finding, Layer, Origin, Provenance, Table, Value, keys};

/// Makes a layer from assignments `key=value`, in the order in which they stand on the command line.
///
/// Flags with names of their own, such as `--port`, are added with [`Layer::push`]. A secret is refused,
/// because every user of the machine can read a command line.
pub fn flag_layer<S: AsRef<str>>(assignments: impl IntoIterator<Item = S>) -> Layer {
    layer_of(&Table::RTMX, assignments)
}

/// Makes a layer by any table.
pub(crate) fn layer_of<S: AsRef<str>>(table: &Table, assignments: impl IntoIterator<Item = S>) -> Layer {
    let mut layer = Layer::new(Provenance::new("flags", "--set"));
    for assignment in assignments {
        let origin = Origin::Flag { name: "--set".into() };
        let Some((key, value)) = assignment.as_ref().split_once('=') else {
            let text = "an assignment must be written `key=value`, such as `log.level=debug`";
            layer.faults.push(Finding::new(About::Value, origin, text));
            continue;
        };
        let key = key.trim();
        match keys::find(table.keys(), key) {
            Some((spec, _)) if spec.secret => {
                let variable = table.variable(spec);
                let text = format!(
                    "`{key}` is secret, and a command line is not; set it in a file, in `{variable}` or in a file that `{variable}_FILE` names"
                );
                layer.faults.push(Finding::new(About::Value, origin, text).with_key(key));
            }
            _ => layer.push(key, Value::text(value), origin),
        }
    }
    layer
}
