//! `config reference` and `config template`: the table of settings in four forms.

use super::super::args::{ReferenceFormat, word};
use super::super::output::{Outcome, Output};
use rtmx_config::Table;
use serde_json::json;

/// The product in the heads of what is printed.
const PRODUCT: &str = "RTMX";

/// Prints the settings.
pub(super) fn run_reference(format: ReferenceFormat, out: &Output) -> Outcome {
    let table = Table::RTMX;
    let text = match format {
        ReferenceFormat::Markdown => table.markdown(),
        ReferenceFormat::JsonSchema => format!("{:#}\n", table.json_schema(PRODUCT)),
        ReferenceFormat::Toml => table.template(PRODUCT),
        ReferenceFormat::Env => table.environment_template(PRODUCT),
    };
    if out.is_json() {
        let settings = table.reference();
        out.object(&json!({"type": "config", "format": word(&format), "settings": settings, "text": text}));
    } else {
        out.bytes(text.as_bytes());
    }
    Ok(0)
}
