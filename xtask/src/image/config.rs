//! What the image says of itself: how it is run, and its labels.
//!
//! Nothing here changes from one build to the next but the version. The commit and the time are in the
//! provenance, which names the image; the image names neither.

use super::system::{DATA, SERVER, USER};
use super::tree::Tree;
use crate::Result;
use crate::release::Target;
use oci_spec::image::{ConfigBuilder, HistoryBuilder, ImageConfigurationBuilder, RootFsBuilder};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// All times in the image: they say nothing, and must be the same in every build.
const NO_TIME: &str = "1970-01-01T00:00:00Z";
/// Where the server listens and keeps its data in a container. The database is left to its default, a file
/// in the data folder, so that any variable that names another one is the only one that does.
const ENVIRONMENT: [&str; 3] = ["PATH=/usr/bin", "RTMX_DATA__DIR=/data", "RTMX_SERVER__LISTEN=0.0.0.0:8080"];
const PORTS: [&str; 2] = ["8080/tcp", "9090/tcp"];

/// What the image says of itself.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct About {
    /// The version, without a letter in front.
    pub(crate) version: String,
    /// The terms, as an SPDX expression.
    pub(crate) license: String,
    /// Where the sources are.
    pub(crate) source: String,
    /// What it is, in a sentence.
    pub(crate) description: String,
}

/// The configuration of an image of these layers, whose archives have these digests.
///
/// # Errors
///
/// If it cannot be said in JSON.
pub(super) fn configuration(
    about: &About,
    target: Target,
    layers: &[(&str, Tree)],
    diffs: Vec<String>,
) -> Result<Value> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let labels = [
        ("title", "RTMX"),
        ("description", &about.description),
        ("version", &about.version),
        ("licenses", &about.license),
        ("source", &about.source),
    ];
    let labels: HashMap<_, _> =
        labels.map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.to_owned())).into();
    let config = ConfigBuilder::default()
        .user(format!("{USER}:{USER}"))
        .exposed_ports(words(&PORTS))
        .env(words(&ENVIRONMENT))
        .entrypoint(words(&[SERVER]))
        .volumes(words(&[DATA]))
        .labels(labels)
        .build();
    let history = layers.iter().map(|(what, _)| {
        HistoryBuilder::default().created(NO_TIME).created_by(*what).build().map_err(|error| unmade(&error))
    });
    let rootfs =
        RootFsBuilder::default().typ("layers").diff_ids(diffs).build().map_err(|error| unmade(&error))?;
    let image = ImageConfigurationBuilder::default()
        .created(NO_TIME)
        .architecture(target.architecture)
        .os("linux")
        .config(config.map_err(|error| unmade(&error))?)
        .rootfs(rootfs)
        .history(history.collect::<Result<Vec<_>>>()?)
        .build()
        .map_err(|error| unmade(&error))?;
    let mut image = serde_json::to_value(image).map_err(|error| unmade(&error))?;
    // Engines know it and the specification does not; those that do not know it leave it aside. In nanoseconds.
    image["config"]["Healthcheck"] = json!({
        "Test": ["CMD", SERVER, "healthcheck"],
        "Interval": 30_000_000_000_u64,
        "Timeout": 10_000_000_000_u64,
        "StartPeriod": 40_000_000_000_u64,
        "StartInterval": 1_000_000_000_u64,
        "Retries": 3,
    });
    Ok(image)
}

/// A document with the members of every object in order.
///
/// # Errors
///
/// If it cannot be said in JSON.
pub(super) fn canonical(document: &impl Serialize) -> Result<Vec<u8>> {
    fn in_order(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<_, _> =
                    members.into_iter().map(|(name, value)| (name, in_order(value))).collect();
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
            other => other,
        }
    }
    let value = serde_json::to_value(document).map_err(|error| unmade(&error))?;
    serde_json::to_vec(&in_order(value)).map_err(|error| unmade(&error))
}

/// Why a document was not made.
pub(super) fn unmade(error: &dyn std::fmt::Display) -> String {
    format!("could not make a document of the image: {error}")
}
