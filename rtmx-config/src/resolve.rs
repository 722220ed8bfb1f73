//! Resolving: from layers of plain values to settings, or to the list of everything that is wrong.

use crate::effective::{self, Values};
use crate::keys::{self, KeySpec};
use crate::{
    About, Configuration, Effective, Entry, Faults, Finding, KEYS, Kind, Layer, Origin, SecretTokens,
    Settings, Table, Trace, Value, postgres,
};
use rtmx_core::Result;
use std::collections::BTreeMap;

/// How findings that do not prevent a start are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// For checks and plans: an unknown key, and a wrong value that a later layer replaces, are faults.
    Check,
    /// For a server that starts: they are warnings, because a rolled-back version meets the keys of a
    /// newer one.
    Start,
}

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The typed settings.
    pub settings: Settings,
    /// Where the value of each key came from.
    pub origins: BTreeMap<&'static str, Trace>,
    /// What the operator should know.
    pub warnings: Vec<Finding>,
    pub(crate) values: Values,
}

impl Resolved {
    /// Every setting as it holds, in the order of the table, secrets redacted.
    pub fn effective(&self) -> Vec<Effective> {
        effective::lines(KEYS, &self.values, &self.origins, None)
    }

    /// The same with a token in place of each secret that was given, by which equal ones are recognized.
    pub fn effective_with(&self, tokens: &SecretTokens) -> Vec<Effective> {
        effective::lines(KEYS, &self.values, &self.origins, Some(tokens))
    }

    /// The settings whose values differ from an older configuration's, in the order of the table.
    pub fn changed_since(&self, older: &Resolved) -> Vec<&'static KeySpec> {
        KEYS.iter().filter(|spec| !self.values.same(&older.values, spec.path)).collect()
    }
}

/// Resolves layers, of which later ones win, over the built-in defaults.
///
/// # Errors
///
/// One error for everything that is wrong in all layers, with the single [`Finding`]s in
/// [`Faults`]: `config_invalid`, or `config_syntax`, `config_unreadable` or `config_unknown_key` where
/// all faults are of that one sort.
pub fn resolve<'a>(layers: impl IntoIterator<Item = &'a Layer>, strictness: Strictness) -> Result<Resolved> {
    let Configuration { values, origins, warnings, .. } = configure(&Table::RTMX, layers, strictness)?;
    Ok(finish(values, origins, warnings))
}

/// Makes settings of values that contradict neither themselves nor the table.
pub(crate) fn finish(
    values: Values,
    origins: BTreeMap<&'static str, Trace>,
    warnings: Vec<Finding>,
) -> Resolved {
    let mut settings = Settings::from_values(&values);
    // Whoever rotates a file replaces it, so the driver reads these itself.
    if let Origin::VariableFile { path, .. } | Origin::Mounted { path } = &origins["database.url"].origin {
        settings.database.url_file = Some(path.clone());
    }
    if let Origin::VariableFile { path, .. } | Origin::Mounted { path } =
        &origins["database.direct_url"].origin
    {
        settings.database.direct_url_file = Some(path.clone());
    }
    let in_the_url = values.text("database.url").is_some_and(|url| postgres::has_password(url.expose()));
    if let (Origin::Mounted { path }, false) = (&origins["database.password"].origin, in_the_url) {
        settings.database.password_read_from = Some(path.clone());
    }
    Resolved { settings, origins, warnings, values }
}

/// Resolves layers by any table.
pub(crate) fn configure<'a>(
    table: &Table,
    layers: impl IntoIterator<Item = &'a Layer>,
    strictness: Strictness,
) -> Result<Configuration> {
    let mut read = Read::default();
    for layer in layers {
        read.add(table.keys(), layer, strictness);
    }
    let (values, origins) = read.choose(table.keys(), strictness);
    let mut configuration = Configuration { table: *table, values, origins, warnings: read.warnings };
    table.check(&mut configuration, &mut read.faults);
    if read.faults.is_empty() { Ok(configuration) } else { Err(Faults::into_error(read.faults)) }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Read {
    candidates: BTreeMap<&'static str, Vec<(Value, Origin)>>,
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Read {
    fn add(&mut self, keys: &'static [KeySpec], layer: &Layer, strictness: Strictness) {
        for fault in &layer.faults {
            let spec = fault.key.as_deref().and_then(|key| keys::find(keys, key));
            match spec {
                Some((spec, _)) if spec.lenient && strictness == Strictness::Start => {
                    self.leave_out(fault.clone());
                }
                _ => self.faults.push(fault.clone()),
            }
        }
        self.warnings.extend_from_slice(&layer.warnings);
        let found = layer.entries.iter().map(|entry| (entry, keys::find(keys, &entry.key)));
        // Within a layer, the present name of a key wins over a former one, wherever the two stand.
        let mut present = Vec::new();
        for (entry, found) in found {
            match found {
                Some((spec, false)) => present.push((spec, entry)),
                Some((spec, true)) => {
                    let text = format!("`{}` is now called `{}`", entry.key, spec.path);
                    self.warnings
                        .push(Finding::new(About::Renamed, entry.origin.clone(), text).with_key(&entry.key));
                    self.push(spec, entry);
                }
                None => {
                    let unknown = unknown(keys, entry);
                    match strictness {
                        Strictness::Check => self.faults.push(unknown),
                        Strictness::Start => self.warnings.push(unknown),
                    }
                }
            }
        }
        for (spec, entry) in present {
            self.push(spec, entry);
        }
    }

    fn leave_out(&mut self, mut finding: Finding) {
        finding.about = About::LeftOut;
        finding.text.push_str("; the server starts without it");
        self.warnings.push(finding);
    }

    fn push(&mut self, spec: &KeySpec, entry: &Entry) {
        // The path from the table outlives the entry.
        let candidates = self.candidates.entry(spec.path).or_default();
        candidates.push((entry.value.clone(), entry.origin.clone()));
    }

    /// Takes the last value of each key, or the default.
    fn choose(
        &mut self,
        keys: &'static [KeySpec],
        strictness: Strictness,
    ) -> (Values, BTreeMap<&'static str, Trace>) {
        let mut values = Values::default();
        let mut origins = BTreeMap::new();
        for spec in keys {
            let mut candidates = self.candidates.remove(spec.path).unwrap_or_default().into_iter().rev();
            let origin = match candidates.next() {
                None => {
                    values.insert_default(spec);
                    Origin::Default
                }
                Some((value, origin)) => match spec.kind.read(&value) {
                    Ok(value) => {
                        values.insert(spec.path, value);
                        origin
                    }
                    Err(wanted) => {
                        let finding = wrong(spec, &value, &origin, About::Value, &wanted);
                        if spec.lenient && strictness == Strictness::Start {
                            self.leave_out(finding);
                            values.insert_default(spec);
                        } else {
                            self.faults.push(finding);
                        }
                        origin
                    }
                },
            };
            let mut overrode = Vec::new();
            for (value, origin) in candidates {
                if let Err(wanted) = spec.kind.read(&value) {
                    let finding = wrong(spec, &value, &origin, About::Overridden, &wanted);
                    match strictness {
                        Strictness::Check => self.faults.push(finding),
                        Strictness::Start => self.warnings.push(finding),
                    }
                }
                overrode.push(origin);
            }
            origins.insert(spec.path, Trace { origin, overrode });
        }
        (values, origins)
    }
}

fn wrong(spec: &KeySpec, value: &Value, origin: &Origin, about: About, wanted: &str) -> Finding {
    // A URL may hold a password even where the setting is not meant for one.
    let hidden = spec.secret || matches!(spec.kind, Kind::Url { .. });
    let found = if hidden { value.shape().to_owned() } else { value.quoted() };
    let mut text = format!("`{}` is {found}, and must be {wanted}", spec.path);
    if about == About::Overridden {
        text.push_str(" (replaced by a later source)");
    }
    Finding::new(about, origin.clone(), text).with_key(spec.path)
}

fn unknown(keys: &[KeySpec], entry: &Entry) -> Finding {
    let key = crate::value::plain(&entry.key);
    let section = format!("{}.", entry.key);
    let inside: Vec<_> = keys.iter().filter_map(|spec| spec.path.strip_prefix(&section)).collect();
    let outer =
        keys.iter().find(|spec| entry.key.strip_prefix(spec.path).is_some_and(|rest| rest.starts_with('.')));
    let (text, nearest) = if !inside.is_empty() {
        (format!("`{key}` is a section, with the settings `{}`", inside.join("`, `")), None)
    } else if let Some(spec) = outer {
        (format!("`{}` is a setting, and not a section that could hold `{key}`", spec.path), None)
    } else {
        (format!("`{key}` is not a setting of this version"), keys::nearest(keys, &entry.key))
    };
    Finding::new(About::UnknownKey, entry.origin.clone(), text).with_key(key).with_nearest(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Provenance, Reload};

    const TABLE: &[KeySpec] = &[KeySpec {
        path: "server.drain",
        kind: Kind::Switch,
        default: None,
        secret: false,
        variables: &[],
        reload: Reload::Restart,
        formerly: &["server.grace", "shutdown"],
        lenient: false,
        doc: "",
    }];

    /// Keys and values.
    type Entries<'a> = &'a [(&'a str, bool)];

    #[test]
    fn a_former_name_still_works_warns_and_gives_way_to_the_present_one() {
        // name, entries, the value that holds, number of warnings
        let cases: [(&str, Entries<'_>, bool, usize); 3] = [
            ("only the former", &[("server.grace", true)], true, 1),
            ("both, the former last", &[("server.drain", false), ("server.grace", true)], false, 1),
            ("two former ones", &[("shutdown", false), ("server.grace", true)], true, 2),
        ];
        for (name, entries, want, warnings) in cases {
            let mut layer = Layer::new(Provenance::new("file", "a.toml"));
            for (key, on) in entries {
                layer.push(*key, Value::Switch(*on), Origin::Flag { name: "--set".into() });
            }
            let mut read = Read::default();
            read.add(TABLE, &layer, Strictness::Check);
            let (values, _) = read.choose(TABLE, Strictness::Check);
            assert_eq!(values.switch("server.drain"), want, "{name}");
            assert_eq!(read.faults, [], "{name}");
            assert_eq!(read.warnings.len(), warnings, "{name}");
            assert_eq!(read.warnings[0].about, About::Renamed, "{name}");
            assert!(read.warnings[0].text.ends_with("is now called `server.drain`"), "{name}");
        }
    }
}
