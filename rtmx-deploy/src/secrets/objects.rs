//! Secrets as objects of a cluster, each with its keys: the file that a chart's job reads.
//!
//! The decision to know: an object is made whole or not at all, and one that is there is never touched. So
//! whoever made it, the job, an operator or another controller, nothing overwrites it.

use super::make::{SecretValue, generate, written};
use crate::app::{AppFaults, Fault, Generated, Piece, pieces, read_shaped};
use rtmx_core::{Error, Result, Secret, app as codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The Secrets that an installation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretObjects {
    /// The objects, in any order.
    pub objects: Vec<SecretObject>,
}

/// One Secret, which is made if it is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretObject {
    /// Its name in the namespace.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Where the value of each key comes from.
    pub keys: BTreeMap<String, KeyOrigin>,
}

/// Where a value comes from: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyOrigin {
    /// It is this, and no secret, such as the name of a user.
    pub value: Option<String>,
    /// It is random.
    pub generated: Option<Generated>,
    /// It is made of others: `{object/key}` is a value as it stands, `{object/key:url}` percent-encoded.
    pub composed: Option<String>,
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath {
    /// The object's name.
    pub object: String,
    /// The key.
    pub key: String,
}

impl KeyPath {
    fn parse(text: &str) -> Option<KeyPath> {
        let (object, key) = text.split_once('/')?;
        let whole = !object.is_empty() && !key.is_empty();
        whole.then(|| KeyPath { object: object.to_owned(), key: key.to_owned() })
    }
}

impl SecretObjects {
    /// Reads the file; `file` is how its faults name it. The objects are put in an order in which each
    /// stands behind those that it is composed of.
    ///
    /// # Errors
    ///
    /// All faults together, as [`AppFaults`].
    pub fn read(text: &str, file: &str) -> Result<SecretObjects> {
        let (mut objects, node) = read_shaped::<SecretObjects>(text, file)?;
        let mut faults = Vec::new();
        let mut names = BTreeSet::new();
        for (at, object) in objects.objects.iter().enumerate() {
            let at = at.to_string();
            let mut fault = |code, key: &[&str], text: String| {
                let path = [&["objects", at.as_str()], key].concat();
                faults.push(Fault::at(code, node.place_of(&path), path.join("."), text));
            };
            if !names.insert(object.name.as_str()) {
                fault(codes::APP_INVALID_VALUE, &["name"], format!("`{}` stands twice", object.name));
            }
            for (key, origin) in &object.keys {
                let ways = [origin.value.is_some(), origin.generated.is_some(), origin.composed.is_some()];
                if ways.iter().filter(|way| **way).count() != 1 {
                    let text = format!("`{key}` wants one of `value`, `generated`, `composed`");
                    fault(codes::APP_INVALID_VALUE, &["keys", key], text);
                }
                for piece in origin.composed.as_deref().map(pieces).into_iter().flatten().flatten() {
                    if piece.secret().is_some_and(|path| KeyPath::parse(path).is_none()) {
                        let text = format!("`{key}` wants `{{object/key}}`");
                        fault(codes::APP_INVALID_VALUE, &["keys", key], text);
                    }
                }
                if let Some(Err(why)) = origin.composed.as_deref().map(pieces) {
                    fault(codes::APP_INVALID_VALUE, &["keys", key], why);
                }
            }
        }
        if faults.is_empty() {
            match in_order(std::mem::take(&mut objects.objects)) {
                Ok(ordered) => objects.objects = ordered,
                Err(circle) => {
                    let text = format!("`{}` are made of each other", circle.join("`, `"));
                    faults.push(Fault::at(codes::APP_CYCLE, node.place_of(&["objects"]), "objects", text));
                }
            }
        }
        if faults.is_empty() {
            return Ok(objects);
        }
        faults.iter_mut().for_each(|fault| file.clone_into(&mut fault.file));
        Err(AppFaults::into_error(faults))
    }
}

impl SecretObject {
    /// What has to be known of other objects before this one can be made.
    pub fn needs(&self) -> BTreeSet<KeyPath> {
        let templates = self.keys.values().filter_map(|origin| origin.composed.as_deref());
        let pieces = templates.flat_map(|template| pieces(template).unwrap_or_default());
        let paths = pieces.filter_map(|piece| KeyPath::parse(piece.secret()?));
        paths.filter(|path| path.object != self.name).collect()
    }

    /// Its values. `others` are those that it [needs](Self::needs); `random` fills what it is given.
    ///
    /// # Errors
    ///
    /// `secret_missing` when one that it is composed of is not there; what `random` returns.
    pub fn make(
        &self,
        others: &BTreeMap<KeyPath, SecretValue>,
        random: &mut dyn FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<BTreeMap<String, SecretValue>> {
        let mut values: BTreeMap<String, SecretValue> = BTreeMap::new();
        for (key, origin) in &self.keys {
            if let Some(value) = &origin.value {
                values.insert(key.clone(), Secret::new(value.clone()));
            } else if let Some(generated) = &origin.generated {
                values.insert(key.clone(), generate(generated, random)?);
            }
        }
        for (key, template) in self.keys.iter().filter_map(|(key, it)| Some((key, it.composed.as_ref()?))) {
            let mut text = String::new();
            for piece in pieces(template).unwrap_or_default() {
                let path = piece.secret().and_then(KeyPath::parse);
                let found = path.as_ref().and_then(|path| match path.object == self.name {
                    true => values.get(&path.key),
                    false => others.get(path),
                });
                match written(&piece, found) {
                    Some(piece) => text.push_str(&piece),
                    None => return Err(self.lacks(key, &piece)),
                }
            }
            values.insert(key.clone(), Secret::new(text));
        }
        Ok(values)
    }

    fn lacks(&self, key: &str, piece: &Piece) -> Error {
        let part = piece.secret().unwrap_or_default();
        let message = format!("cannot make `{}/{key}`: there is no `{part}`", self.name);
        Error::new(codes::SECRET_MISSING, message)
            .with("secret", part)
            .with_state("this object was not made")
            .with_next("Give that Secret the key, or remove it so that it is made anew with all its keys.")
    }
}

/// Each behind those that it needs; the error is the names that are left in a circle.
fn in_order(mut left: Vec<SecretObject>) -> std::result::Result<Vec<SecretObject>, Vec<String>> {
    let mut ordered: Vec<SecretObject> = Vec::new();
    while !left.is_empty() {
        let names: BTreeSet<String> = left.iter().map(|object| object.name.clone()).collect();
        let waits = |object: &SecretObject| object.needs().iter().any(|path| names.contains(&path.object));
        let (waiting, ready): (Vec<_>, Vec<_>) = left.into_iter().partition(waits);
        if ready.is_empty() {
            return Err(names.into_iter().collect());
        }
        ordered.extend(ready);
        left = waiting;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    const OBJECTS: &str = "
objects:
  - name: x-database
    keys:
      url: {composed: \"postgresql://{x-postgresql/username}:{x-postgresql/password:url}@db:5432/x\"}
  - name: x-postgresql
    labels: {a: b}
    keys:
      username: {value: x}
      password: {generated: {}}
      line: {composed: \"{x-postgresql/username}:{x-postgresql/password}\"}
";

    fn made(object: &SecretObject, others: &BTreeMap<KeyPath, SecretValue>) -> BTreeMap<String, SecretValue> {
        let random = &mut |bytes: &mut [u8]| {
            bytes.fill(0xfb);
            Ok(())
        };
        object.make(others, random).expect("nothing is missing")
    }

    #[test]
    fn objects_are_made_behind_what_they_are_composed_of() {
        let objects = SecretObjects::read(OBJECTS, "objects").expect("they have no fault").objects;
        let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names, ["x-postgresql", "x-database"]);
        let first = made(&objects[0], &BTreeMap::new());
        let password = "+/v7".repeat(10) + "+/s=";
        assert_eq!(first["line"].expose(), &format!("x:{password}"));
        let others = objects[1].needs().into_iter().map(|path| {
            let value = first[&path.key].clone();
            (path, value)
        });
        let encoded = password.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let second = made(&objects[1], &others.collect());
        assert_eq!(second["url"].expose(), &format!("postgresql://x:{encoded}@db:5432/x"));
    }

    #[test]
    fn a_part_that_is_not_there_is_named() {
        let objects = SecretObjects::read(OBJECTS, "objects").expect("they have no fault").objects;
        let error = objects[1].make(&BTreeMap::new(), &mut |_| Ok(())).expect_err("the password is missing");
        assert!(error.message().contains("x-postgresql/username"), "{error}");
        assert_code(error, codes::SECRET_MISSING);
    }

    #[test]
    fn faults_are_told_together() {
        let text = "objects:\n- name: a\n  keys:\n    k: {composed: \"{b}\"}\n    l: {}\n- name: a\n  keys: {m: {composed: \"{\"}}\n";
        let error = SecretObjects::read(text, "objects").expect_err("it has four");
        let faults = AppFaults::of(&error).expect("they are the cause").list().to_vec();
        assert_eq!(faults.len(), 4, "{faults:?}");
        let circle = "objects:\n- name: a\n  keys: {k: {composed: \"{b/k}\"}}\n- name: b\n  keys: {k: {composed: \"{a/k}\"}}\n";
        let error = SecretObjects::read(circle, "objects").expect_err("they wait for each other");
        assert_eq!(AppFaults::of(&error).expect("they are the cause").list()[0].code, codes::APP_CYCLE);
    }
}
