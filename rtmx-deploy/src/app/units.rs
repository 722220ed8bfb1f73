//! Names and amounts as they are written in a spec.
//!
//! Each is a text with a pattern in the published schema. The patterns are a closed list here, each with
//! the function that decides it, so that no regular expression has to be run on what people write.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::{Borrow, Cow};
use std::fmt;

/// A pattern of the schema: its text, what decides it, and what is said about it.
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) fits: fn(&str) -> bool,
    pub(crate) what: &'static str,
}

const NAME: Pattern = Pattern {
    text: "^[a-z][a-z0-9_-]{0,62}$",
    fits: |text| {
        let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(rest)
    },
    what: "a name: lower-case letters, digits, `-` and `_`, a letter first, at most 63 of them",
};

const VARIABLE: Pattern = Pattern {
    text: "^[A-Z_][A-Z0-9_]*$",
    fits: |text| {
        let rest = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(rest)
    },
    what: "the name of a variable: upper-case letters, digits and `_`",
};

const AMOUNT: Pattern = Pattern {
    text: "^[1-9][0-9]{0,6}(MiB|GiB|TiB)$",
    fits: |text| read_bytes(text).is_some(),
    what: "an amount such as `512MiB`, `4GiB` or `1TiB`",
};

const INSIDE: Pattern = Pattern {
    text: "^/",
    fits: |text| text.starts_with('/'),
    what: "a path inside the container, which begins with `/`",
};

const BESIDE: Pattern = Pattern {
    text: "^[A-Za-z0-9_][A-Za-z0-9._/-]*$",
    fits: |text| {
        let known = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.chars().all(known)
            && text.split('/').all(|part| !part.is_empty() && part != "..")
    },
    what: "the path of a file or folder beside the spec, without `..`",
};

const DIGEST: Pattern = Pattern {
    text: "^sha256:[0-9a-f]{64}$",
    fits: |text| {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.chars().all(hex))
    },
    what: "a digest: `sha256:` and 64 hexadecimal digits",
};

/// Every pattern that the schema uses.
pub(crate) const PATTERNS: &[Pattern] = &[NAME, VARIABLE, AMOUNT, INSIDE, BESIDE, DIGEST];

/// Makes a type of texts that fit a pattern.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text, if it fits.
            pub fn new(text: impl Into<String>) -> Option<Self> {
                let text = text.into();
                ($pattern.fits)(&text).then_some($name(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::new(text).ok_or_else(|| D::Error::custom(format!("{} is wanted", $pattern.what)))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern.text})
            }

            fn inline_schema() -> bool {
                true
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type! {
    /// A name: lower-case letters, digits, `-` and `_`, a letter first, at most 63 of them.
    Name, NAME
}
text_type! {
    /// The name of an environment variable: upper-case letters, digits and `_`.
    VariableName, VARIABLE
}
text_type! {
    /// A path inside a container.
    Inside, INSIDE
}
text_type! {
    /// The path of a file or folder beside the spec, and beside what is rendered.
    Beside, BESIDE
}
text_type! {
    /// `sha256:` and 64 hexadecimal digits.
    ImageDigest, DIGEST
}

/// An amount of memory or storage, in bytes; written as `512MiB`, `4GiB` or `1TiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 3] = [("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

fn read_bytes(text: &str) -> Option<u64> {
    let (unit, of) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = text.strip_suffix(unit)?;
    let plain = digits.len() <= 7 && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()).flatten().map(|number| number * of)
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = UNITS.iter().rev().find(|(_, of)| self.0 != 0 && self.0.is_multiple_of(*of));
        match fitting {
            Some((unit, of)) => write!(f, "{}{unit}", self.0 / of),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        read_bytes(&text).map(Bytes).ok_or_else(|| D::Error::custom(format!("{} is wanted", AMOUNT.what)))
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": AMOUNT.text})
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Processor time in thousandths of a core; written in cores, such as `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cores(pub u32);

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

impl Serialize for Cores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cores = f64::deserialize(deserializer)?;
        if !(0.01..=1024.0).contains(&cores) {
            return Err(D::Error::custom("from 0.01 to 1024 cores are wanted"));
        }
        // At most 1,024,000, checked above.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Cores((cores * 1000.0).round() as u32))
    }
}

impl JsonSchema for Cores {
    fn schema_name() -> Cow<'static, str> {
        "Cores".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0.01, "maximum": 1024})
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let cases = [
            ("512MiB", Some(512 << 20)),
            ("4GiB", Some(4 << 30)),
            ("1TiB", Some(1 << 40)),
            ("0GiB", None),
            ("4GB", None),
            ("4 GiB", None),
            ("-1GiB", None),
            ("99999999GiB", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(read_bytes(text), want, "{text}");
            if let Some(bytes) = want {
                assert_eq!(Bytes(bytes).to_string(), text);
            }
        }
        assert_eq!(Bytes(1536 << 20).to_string(), "1536MiB");
    }

    #[test]
    fn each_pattern_takes_what_it_describes_and_nothing_near_it() {
        // pattern, fits, does not
        let cases: [(&Pattern, &[&str], &[&str]); 5] = [
            (&NAME, &["api", "worker_beat", "a-1"], &["", "A", "1a", "a b", "-a"]),
            (&VARIABLE, &["A", "_X1"], &["", "a", "1A", "A-B"]),
            (&INSIDE, &["/data"], &["data", ""]),
            (&BESIDE, &["hyyve/nginx.conf", "a"], &["/etc/x", "../x", "a/../b", "a//b", "", ".env"]),
            (&DIGEST, &[&format!("sha256:{}", "0".repeat(64))], &["sha256:0", "latest"]),
        ];
        for (pattern, fits, does_not) in cases {
            fits.iter().for_each(|text| assert!((pattern.fits)(text), "{} {text}", pattern.text));
            does_not.iter().for_each(|text| assert!(!(pattern.fits)(text), "{} {text}", pattern.text));
        }
    }
}
