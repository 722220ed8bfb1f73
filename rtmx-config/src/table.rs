//! A table of settings: RTMX's own, or that of a service that embeds this library.
//!
//! Everything that is known of a setting stands in its [`KeySpec`]. A table adds what holds for all of
//! them: the prefix of their variables, and checks between them. The rest of the library takes a table,
//! so that an embedder has the same layers, messages, reference and templates as RTMX itself.

use crate::{
    Configuration, FOREIGN_VARIABLES, Finding, KEYS, KeySpec, Kind, Layer, Origin, Strictness, crosscheck,
    environment, flags, keys, resolve,
};
use rtmx_core::{Result, Secret};
use std::ffi::OsString;
use std::path::Path;

/// Settings that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// What a setting's own variable begins with, before `_`.
    pub(crate) prefix: &'static str,
    keys: &'static [KeySpec],
    /// Variables of that prefix that others read, and what for.
    pub(crate) foreign: &'static [(&'static str, &'static str)],
    pub(crate) composed: Composed,
    checks: Checks,
}

/// Whether a setting is made from several variables where nothing says it whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Composed {
    Nothing,
    /// `database.url`, from `POSTGRES_HOST` and its companions.
    DatabaseUrl,
}

/// Checks between settings.
#[derive(Debug, Clone, Copy)]
enum Checks {
    Rtmx,
    Own(fn(&Configuration) -> Vec<Finding>),
}

impl KeySpec {
    /// A setting that is not secret, has no other names and needs a restart; the struct's other fields
    /// can be set beside it: `KeySpec { secret: true, ..KeySpec::new(...) }`.
    pub const fn new(
        path: &'static str,
        kind: Kind,
        default: Option<&'static str>,
        doc: &'static str,
    ) -> KeySpec {
        keys::key(path, kind, default, doc)
    }
}

impl Table {
    /// The settings of RTMX.
    pub const RTMX: Table = Table {
        prefix: "RTMX",
        keys: KEYS,
        foreign: FOREIGN_VARIABLES,
        composed: Composed::DatabaseUrl,
        checks: Checks::Rtmx,
    };

    /// A table whose variables are `PREFIX_SECTION__KEY`.
    ///
    /// Paths have the form `section.key`, in lower case; a default must be a value of its kind. Where
    /// one is not, resolving panics, so a test that resolves no layers at all proves a table.
    pub const fn new(prefix: &'static str, keys: &'static [KeySpec]) -> Table {
        const NONE: fn(&Configuration) -> Vec<Finding> = |_| Vec::new();
        Table { prefix, keys, foreign: &[], composed: Composed::Nothing, checks: Checks::Own(NONE) }
    }

    /// Names variables of the prefix that other programs read, and what each is for: no warning is given
    /// for them.
    #[must_use]
    pub const fn with_foreign(mut self, foreign: &'static [(&'static str, &'static str)]) -> Table {
        self.foreign = foreign;
        self
    }

    /// Adds a check between settings that are right one by one. It is asked where every value could be
    /// read, and what it finds is a fault.
    #[must_use]
    pub const fn with_check(mut self, check: fn(&Configuration) -> Vec<Finding>) -> Table {
        self.checks = Checks::Own(check);
        self
    }

    /// The settings, in the order of the reference.
    pub fn keys(&self) -> &'static [KeySpec] {
        self.keys
    }

    /// The setting of a path; a former one counts.
    pub fn find(&self, path: &str) -> Option<&'static KeySpec> {
        keys::find(self.keys, path).map(|(spec, _)| spec)
    }

    /// The path that is most like one that is not known.
    pub fn nearest(&self, path: &str) -> Option<String> {
        keys::nearest(self.keys, path)
    }

    /// A setting's own variable: `PREFIX_SECTION__KEY`.
    pub fn variable(&self, spec: &KeySpec) -> String {
        format!("{}_{}", self.prefix, spec.path.replace('.', "__").to_ascii_uppercase())
    }

    /// Every variable that sets it, in the order of precedence.
    pub fn names(&self, spec: &KeySpec) -> Vec<String> {
        let own = std::iter::once(self.variable(spec));
        own.chain(spec.variables.iter().map(|name| (*name).to_owned())).collect()
    }

    /// The layer of environment variables, as [`crate::environment_layer`] makes it for RTMX.
    pub fn environment_layer(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        read: &mut dyn FnMut(&Path) -> std::result::Result<Secret<String>, String>,
    ) -> Layer {
        environment::layer_of(self, variables, read)
    }

    /// The layer of assignments `key=value`, as [`crate::flag_layer`] makes it for RTMX.
    pub fn flag_layer<S: AsRef<str>>(&self, assignments: impl IntoIterator<Item = S>) -> Layer {
        flags::layer_of(self, assignments)
    }

    /// Resolves layers, of which later ones win, over the defaults.
    ///
    /// # Errors
    ///
    /// One error for everything that is wrong in all layers; see [`crate::resolve`].
    pub fn resolve<'a>(
        &self,
        layers: impl IntoIterator<Item = &'a Layer>,
        strictness: Strictness,
    ) -> Result<Configuration> {
        resolve::configure(self, layers, strictness)
    }

    /// Looks at the settings together: adds faults, and warnings where there are none.
    pub(crate) fn check(&self, found: &mut Configuration, faults: &mut Vec<Finding>) {
        match self.checks {
            Checks::Own(check) => {
                if faults.is_empty() {
                    faults.extend(check(found));
                }
            }
            Checks::Rtmx => {
                let elsewhere = ["database.host", "database.service"];
                let elsewhere = elsewhere.iter().any(|path| found.values.get(path).is_some());
                if elsewhere && found.origins["database.url"].origin == Origin::Default {
                    // The default is a file, and these keys mean a PostgreSQL server.
                    found.values.remove("database.url");
                }
                faults.extend(crosscheck::contradictions(&found.values, &found.origins));
                if faults.is_empty() {
                    found.warnings.extend(crosscheck::idle(&found.values, &found.origins));
                }
            }
        }
    }
}
