//! Secrets that are made if they are absent.

use crate::Cluster;
use crate::cluster::Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use rtmx_core::{Error, Result, Secret, deploy};
use rtmx_deploy::secrets::{KeyPath, SecretObject, SecretObjects, SecretValue};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// What was found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// The object of this name was made.
    New(String),
    /// It was there and has all keys.
    Kept(String),
    /// It was there and lacks these keys.
    Lacking(String, Vec<String>),
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    data: BTreeMap<String, Secret<String>>,
}

type Data = BTreeMap<String, SecretValue>;

impl Cluster {
    /// Makes each object that is absent, in order, and tells of each what came of it to `told`, so that what
    /// was done is known when a later one fails. `random` fills what it is given.
    ///
    /// # Errors
    ///
    /// `secret_missing` when one is composed of what is not there; `cluster_refused` when the API server
    /// does not let this pod; `cluster_unreachable` when it does not answer for a minute.
    pub async fn make_secrets(
        &self,
        objects: &SecretObjects,
        random: &mut (dyn FnMut(&mut [u8]) -> Result<()> + Send),
        told: &mut (dyn FnMut(Made) + Send),
    ) -> Result<()> {
        let mut known: BTreeMap<String, Option<Data>> = BTreeMap::new();
        for object in &objects.objects {
            if let Some(found) = self.find(&object.name).await? {
                told(kept(object, &found));
                known.insert(object.name.clone(), Some(found));
                continue;
            }
            let mut others = BTreeMap::new();
            for path in object.needs() {
                if !known.contains_key(&path.object) {
                    let found = self.find(&path.object).await?;
                    known.insert(path.object.clone(), found);
                }
                let value = known.get(&path.object).and_then(Option::as_ref).and_then(|it| it.get(&path.key));
                others.extend(value.cloned().map(|value| (path, value)));
            }
            let (made, values) = self.make(object, &others, random).await?;
            told(made);
            known.insert(object.name.clone(), Some(values));
        }
        Ok(())
    }

    async fn make(
        &self,
        object: &SecretObject,
        others: &BTreeMap<KeyPath, SecretValue>,
        random: &mut (dyn FnMut(&mut [u8]) -> Result<()> + Send),
    ) -> Result<(Made, Data)> {
        let values = object.make(others, random)?;
        let data: BTreeMap<&String, String> =
            values.iter().map(|(key, value)| (key, STANDARD.encode(value.expose()))).collect();
        let body = Secret::new(
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": object.name, "labels": object.labels, "annotations": object.annotations},
                "data": data,
            })
            .to_string(),
        );
        let path = format!("/api/v1/namespaces/{}/secrets", self.namespace);
        let answer = self.ask(&Method::POST, &path, Some(body.expose().as_bytes())).await?;
        match answer.status {
            StatusCode::CREATED => Ok((Made::New(object.name.clone()), values)),
            // Another one was faster, or an answer got lost on its way here: what is there counts.
            StatusCode::CONFLICT => match self.find(&object.name).await? {
                Some(found) => Ok((kept(object, &found), found)),
                None => Err(self.refused("make", &object.name, &answer)),
            },
            _ => Err(self.refused("make", &object.name, &answer)),
        }
    }

    /// The values of an object; `None` if there is none.
    async fn find(&self, name: &str) -> Result<Option<Data>> {
        let path = format!("/api/v1/namespaces/{}/secrets/{name}", self.namespace);
        let answer = self.ask(&Method::GET, &path, None).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let read: Option<Read> = serde_json::from_slice(answer.body.expose()).ok();
                let read = read.ok_or_else(|| self.refused("read", name, &answer))?;
                // A value that is no text cannot be a part of one; it is there all the same.
                let text = |value: &Secret<String>| {
                    let bytes = STANDARD.decode(value.expose()).unwrap_or_default();
                    Secret::new(String::from_utf8(bytes).unwrap_or_default())
                };
                Ok(Some(read.data.iter().map(|(key, value)| (key.clone(), text(value))).collect()))
            }
            _ => Err(self.refused("read", name, &answer)),
        }
    }

    fn refused(&self, what: &str, name: &str, answer: &Answer) -> Error {
        let message = format!("could not {what} the Secret `{name}` in the namespace `{}`", self.namespace);
        Error::new(deploy::CLUSTER_REFUSED, message)
            .with("secret", name)
            .with_state("Secrets that are there are as they were")
            .with_source(format!("the API server answered {}: {}", answer.status, answer.said()))
    }
}

fn kept(object: &SecretObject, found: &Data) -> Made {
    let lacking: Vec<_> = object.keys.keys().filter(|key| !found.contains_key(*key)).cloned().collect();
    if lacking.is_empty() {
        Made::Kept(object.name.clone())
    } else {
        Made::Lacking(object.name.clone(), lacking)
    }
}
