//! Secrets: where each comes from, and how a component gets it. There is no place for a value here.

use super::Image;
use crate::app::units::{Name, VariableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret. Exactly one of `generated`, `given` and `composed` says where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Secret {
    /// What it is for, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// It is made once, at random, unless the operator gives it, and never changes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// The operator gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// It is made of others, unless the operator gives it: `{name}` stands for a secret as it is,
    /// `{name:url}` for one as a part of a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composed: Option<String>,
    /// It is there only where one of these profiles is on; always, if there are none.
    pub profiles: Vec<Name>,
}

/// How a secret is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Generated {
    /// How many random bytes. Default: 32.
    #[schemars(range(min = 16, max = 64))]
    pub bytes: u8,
    /// How they are written. Default: `base64`.
    pub encoding: Encoding,
}

impl Default for Generated {
    fn default() -> Self {
        Generated { bytes: 32, encoding: Encoding::Base64 }
    }
}

/// How random bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Base64 with padding.
    #[default]
    Base64,
    /// Hexadecimal digits, for what takes no other signs.
    Hex,
}

/// That the operator gives a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// Whether the application works without it. Default: false.
    pub optional: bool,
}

/// How a component gets a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretUse {
    /// How it is handed over. Default: `file`.
    pub delivery: Delivery,
    /// The name of its file. Default: the secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The variable that is told where the file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_variable: Option<VariableName>,
    /// With `environment`, the variable that holds it. With `file`, a variable that the component also
    /// understands and by which an operator can give it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<VariableName>,
}

/// How a secret is handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// As a file that only this component can read.
    #[default]
    File,
    /// As an environment variable, because the component can read no file.
    Environment,
}

/// What makes missing secrets, where nobody else does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretMaker {
    /// The image that holds the program.
    pub image: Image,
    /// The program and its first arguments, before those that say what to make and where.
    pub command: Vec<String>,
}
