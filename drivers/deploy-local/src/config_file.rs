//! The server's configuration as files: a TOML file with what everybody may see, and an environment
//! that names the files of the secrets.

use crate::layout::Layout;
use rtmx_deploy::SettingValue;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const HEADER: &str = "\
# Written by `rtmxctl deploy`, which replaces edits.
# Change a setting with `rtmxctl deploy --set key=value`.
";

/// The configuration file of these settings.
pub(crate) fn config_text(settings: &BTreeMap<String, SettingValue>, data: &Path) -> String {
    let mut sections: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let data = Value::String(data.display().to_string());
    let plain = settings.iter().filter_map(|(key, value)| match value {
        SettingValue::Plain(value) => Some((key.as_str(), value)),
        SettingValue::Secret(_) => None,
    });
    for (key, value) in plain.chain([("data.dir", &data)]) {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        sections.entry(section).or_default().push((name, toml_value(value)));
    }
    let mut text = HEADER.to_owned();
    for (section, entries) in sections {
        if !section.is_empty() {
            text.push_str(&format!("\n[{section}]\n"));
        }
        for (name, value) in entries {
            text.push_str(&format!("{name} = {value}\n"));
        }
    }
    text
}

/// The environment of the server: `RTMX_SECTION__KEY_FILE` for each secret.
pub(crate) fn environment(
    settings: &BTreeMap<String, SettingValue>,
    layout: &Layout,
) -> Vec<(String, String)> {
    let secrets = settings.iter().filter(|(_, value)| matches!(value, SettingValue::Secret(_)));
    let line = |(key, _): (&String, &SettingValue)| {
        let name = format!("RTMX_{}_FILE", key.to_ascii_uppercase().replace('.', "__"));
        (name, layout.secret(key).display().to_string())
    };
    secrets.map(line).collect()
}

/// The environment as a file that systemd and the supervisor read.
pub(crate) fn environment_text(environment: &[(String, String)]) -> String {
    environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Reads what [`environment_text`] wrote.
pub(crate) fn parse_environment(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn toml_value(value: &Value) -> String {
    match value {
        // JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
        Value::String(_) => value.to_string().replace('\u{7f}', "\\u007f"),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(_) | Value::Null => Value::String(value.to_string()).to_string(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_deploy::SecretRef;
    use serde_json::json;

    fn settings() -> BTreeMap<String, SettingValue> {
        BTreeMap::from([
            ("server.listen".into(), SettingValue::Plain(json!("127.0.0.1:18080"))),
            ("metrics.port".into(), SettingValue::Plain(json!(19090))),
            ("log.level".into(), SettingValue::Plain(json!("a \"quoted\"\nword"))),
            ("auth.admin_token".into(), SettingValue::Secret(SecretRef::Kept)),
        ])
    }

    #[test]
    fn the_file_has_every_plain_setting_and_no_secret() {
        let text = config_text(&settings(), Path::new("/srv/data"));
        let wanted = "\n[data]\ndir = \"/srv/data\"\n\n[log]\nlevel = \"a \\\"quoted\\\"\\nword\"\n\
            \n[metrics]\nport = 19090\n\n[server]\nlisten = \"127.0.0.1:18080\"\n";
        assert_eq!(text, format!("{HEADER}{wanted}"));
    }

    #[test]
    fn the_environment_names_the_file_of_each_secret() {
        let environment = environment(&settings(), &Layout::at("/srv"));
        let wanted =
            [("RTMX_AUTH__ADMIN_TOKEN_FILE".to_owned(), "/srv/config/secrets/auth.admin_token".to_owned())];
        assert_eq!(environment, wanted);
        assert_eq!(parse_environment(&environment_text(&environment)), wanted);
    }
}
