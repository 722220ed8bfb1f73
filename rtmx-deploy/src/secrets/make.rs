//! From what is there to what is to be written.

use super::duties::Duties;
use crate::app::{Encoding, Generated, Name, Piece, VariableName, pieces};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rtmx_core::{Error, Result, Secret, app as codes};
use std::collections::{BTreeMap, BTreeSet};

/// The value of a secret.
pub type SecretValue = Secret<String>;

/// What is there before.
#[derive(Debug, Default)]
pub struct FoundSecrets {
    /// The generated secrets that are kept.
    pub kept: BTreeMap<Name, SecretValue>,
    /// What the operator gave, by the secret's name.
    pub given: BTreeMap<Name, SecretValue>,
}

/// What is to be there afterwards.
#[derive(Debug)]
pub struct MadeSecrets {
    /// Generated secrets that were not there and are to be kept, before anything else is written.
    pub kept: BTreeMap<Name, SecretValue>,
    /// What each component that is on is to have, and nothing else.
    pub components: BTreeMap<Name, Delivered>,
}

/// What one component is to have.
#[derive(Debug)]
pub struct Delivered {
    /// The group that may read its files.
    pub group: u32,
    /// Its files, by name.
    pub files: BTreeMap<String, SecretValue>,
    /// Its variables.
    pub variables: BTreeMap<VariableName, SecretValue>,
}

/// What stands for itself in every part of a URL (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Duties {
    /// Decides what is to be written. `profiles` are those that are on; `random` fills what it is given.
    ///
    /// # Errors
    ///
    /// `secret_missing` with all that have to be given and were not; `secret_differs` when another value
    /// is given for a generated secret that is kept; what `random` returns.
    pub fn make(
        &self,
        found: &FoundSecrets,
        profiles: &BTreeSet<Name>,
        random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<MadeSecrets> {
        let on = |of: &[Name]| of.is_empty() || of.iter().any(|profile| profiles.contains(profile));
        let mut values: BTreeMap<&Name, SecretValue> = BTreeMap::new();
        let mut fresh = BTreeMap::new();
        for (name, secret) in self.secrets.iter().filter(|(_, secret)| on(&secret.profiles)) {
            let Some(generated) = &secret.generated else { continue };
            let value = match (found.kept.get(name), found.given.get(name)) {
                (Some(kept), Some(given)) if kept.expose() != given.expose() => {
                    let message = format!("cannot take the given secret `{name}`: another one is in use");
                    return Err(Error::new(codes::SECRET_DIFFERS, message)
                        .with("secret", name)
                        .with_state("nothing was changed"));
                }
                (Some(value), _) => value.clone(),
                (None, given) => {
                    let value = match given {
                        Some(given) => given.clone(),
                        None => generate(generated, random)?,
                    };
                    fresh.insert(name.clone(), value.clone());
                    value
                }
            };
            values.insert(name, value);
        }
        let mut missing = Vec::new();
        for (name, secret) in self.secrets.iter().filter(|(_, secret)| secret.generated.is_none()) {
            if let Some(given) = found.given.get(name) {
                values.insert(name, given.clone());
            } else if on(&secret.profiles) && secret.given.as_ref().is_some_and(|given| !given.optional) {
                missing.push(name.as_str());
            }
        }
        if !missing.is_empty() {
            let message = format!("cannot go on without the secrets `{}`", missing.join("`, `"));
            return Err(Error::new(codes::SECRET_MISSING, message).with_state("nothing was changed"));
        }
        self.compose_all(&on, &mut values);
        let components = self
            .components
            .iter()
            .filter(|(_, duty)| on(&duty.profiles))
            .map(|(name, duty)| {
                let value = |secret: &Name| values.get(secret).cloned();
                let files = duty.files.iter().filter_map(|(file, it)| Some((file.clone(), value(it)?)));
                let variables = duty.variables.iter().filter_map(|(key, it)| Some((key.clone(), value(it)?)));
                let group = duty.group;
                (name.clone(), Delivered { group, files: files.collect(), variables: variables.collect() })
            })
            .collect();
        Ok(MadeSecrets { kept: fresh, components })
    }

    /// Adds what is composed of what there is. A secret one of whose parts is not there is not there either.
    fn compose_all<'d>(&'d self, on: &dyn Fn(&[Name]) -> bool, values: &mut BTreeMap<&'d Name, SecretValue>) {
        // Each round adds at least one, or it is the last one.
        loop {
            let mut added = Vec::new();
            for (name, secret) in self.secrets.iter().filter(|(_, secret)| on(&secret.profiles)) {
                let Some(template) = &secret.composed else { continue };
                if !values.contains_key(name)
                    && let Some(value) = composed(template, values)
                {
                    added.push((name, value));
                }
            }
            if added.is_empty() {
                return;
            }
            values.extend(added);
        }
    }
}

fn composed(template: &str, values: &BTreeMap<&Name, SecretValue>) -> Option<SecretValue> {
    let mut text = String::new();
    for piece in pieces(template).ok()? {
        let value = |name: &str| values.iter().find(|(known, _)| known.as_str() == name).map(|(_, it)| it);
        let found = piece.secret().and_then(value);
        text.push_str(&written(&piece, found)?);
    }
    Some(Secret::new(text))
}

/// A piece of a composed secret as it is written; `None` if it is a secret that is not there.
pub(super) fn written(piece: &Piece, found: Option<&SecretValue>) -> Option<String> {
    let found = found.map(|value| value.expose().as_str());
    match piece {
        Piece::Text(text) => Some(text.clone()),
        Piece::Plain(_) => found.map(str::to_owned),
        Piece::InUrl(_) => found.map(|value| utf8_percent_encode(value, RESERVED).to_string()),
    }
}

pub(super) fn generate(
    how: &Generated,
    random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<SecretValue> {
    let mut bytes = vec![0; usize::from(how.bytes)];
    random(&mut bytes)?;
    let text = match how.encoding {
        Encoding::Base64 => STANDARD.encode(&bytes),
        Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUTIES: &str = "\
application: x
secrets:
  password: {generated: {}}
  key: {generated: {bytes: 16, encoding: hex}}
  url: {composed: \"db://u:{password:url}@db\", profiles: [db]}
  license: {given: {optional: true}}
components:
  server: {group: 7, files: {URL: url, LICENSE: license}}
  db: {group: 8, profiles: [db], files: {PASSWORD: password}, variables: {KEY: key}}
";

    fn name(text: &str) -> Name {
        Name::new(text).expect("it is a name")
    }

    fn secret(text: &str) -> SecretValue {
        Secret::new(text.to_owned())
    }

    fn made(found: &FoundSecrets, profiles: &[&str]) -> Result<MadeSecrets> {
        let duties = Duties::read(DUTIES, "duties").expect("they have no fault");
        let profiles = profiles.iter().map(|profile| name(profile)).collect();
        duties.make(found, &profiles, &mut |bytes| {
            bytes.fill(0xfb);
            Ok(())
        })
    }

    #[test]
    fn missing_secrets_are_made_composed_and_handed_out() {
        let made = made(&FoundSecrets::default(), &["db"]).expect("nothing is missing");
        let password = "+/v7".repeat(10) + "+/s=";
        assert_eq!(made.kept[&name("password")].expose(), &password);
        assert_eq!(made.kept[&name("key")].expose(), &"fb".repeat(16));
        let server = &made.components[&name("server")];
        let encoded = password.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        assert_eq!(server.files["URL"].expose(), &format!("db://u:{encoded}@db"));
        assert!(!server.files.contains_key("LICENSE"), "an optional secret that was not given");
        assert_eq!(server.group, 7);
        assert!(made.components[&name("db")].variables.len() == 1);
    }

    #[test]
    fn what_is_kept_stays_and_what_is_off_is_not_handed_out() {
        let mut found = FoundSecrets::default();
        found.kept.insert(name("password"), secret("old"));
        found.kept.insert(name("key"), secret("old key"));
        let on = made(&found, &["db"]).expect("nothing is missing");
        assert!(on.kept.is_empty());
        assert_eq!(on.components[&name("server")].files["URL"].expose(), "db://u:old@db");
        let off = made(&found, &[]).expect("nothing is missing");
        assert!(!off.components.contains_key(&name("db")));
        assert!(off.components[&name("server")].files.is_empty());
    }

    #[test]
    fn what_is_given_goes_first_but_never_over_what_is_in_use() {
        let mut found = FoundSecrets::default();
        found.given.insert(name("url"), secret("db://mine"));
        found.given.insert(name("license"), secret("L"));
        found.given.insert(name("password"), secret("chosen"));
        let first = made(&found, &[]).expect("nothing is missing");
        assert_eq!(first.kept[&name("password")].expose(), "chosen");
        let server = &first.components[&name("server")];
        assert_eq!(
            (server.files["URL"].expose().as_str(), server.files["LICENSE"].expose().as_str()),
            ("db://mine", "L")
        );
        found.kept.insert(name("password"), secret("in use"));
        let error = made(&found, &[]).expect_err("it is in use");
        assert!(!format!("{error:?}").contains("in use\""), "no value is told");
        rtmx_core::assert_code(error, codes::SECRET_DIFFERS);
    }

    #[test]
    fn what_has_to_be_given_and_is_not_is_named() {
        let text = "application: x\nsecrets:\n  a: {given: {}}\n  b: {given: {}}\ncomponents:\n  c: {group: 1, files: {A: a, B: b}}\n";
        let duties = Duties::read(text, "duties").expect("they have no fault");
        let made = duties.make(&FoundSecrets::default(), &BTreeSet::new(), &mut |_| Ok(()));
        let error = made.expect_err("two are missing");
        assert!(error.message().contains("`a`, `b`"), "{error}");
        rtmx_core::assert_code(error, codes::SECRET_MISSING);
    }
}
