//! Registries: values that hold the drivers of one family.
//!
//! Registration is explicit. There is no global and no life before `main`: a reader finds every
//! driver from the function that builds the registry, tests and embedders build their own, and a
//! driver that was left out of a build says which feature would add it.

use crate::{Driver, Error, Family, Result, storage};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The drivers of one family, by name.
#[derive(Debug)]
pub struct Registry<F: Family> {
    entries: BTreeMap<&'static str, Entry<F>>,
}

#[derive(Debug)]
enum Entry<F: Family> {
    Present(Arc<dyn Driver<F>>),
    Absent { why: &'static str, schemes: &'static [&'static str] },
}

/// One line of [`Registry::list`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listing {
    /// The driver's name.
    pub name: &'static str,
    /// The driver's one-line summary, or why it is absent.
    pub summary: &'static str,
    /// Whether it can be opened in this build.
    pub present: bool,
}

impl<F: Family> Default for Registry<F> {
    fn default() -> Self {
        Registry { entries: BTreeMap::new() }
    }
}

impl<F: Family> Registry<F> {
    /// An empty registry.
    pub fn new() -> Self {
        Registry::default()
    }

    /// Adds a driver.
    ///
    /// # Errors
    ///
    /// `record_exists` if the name is taken.
    pub fn register(&mut self, driver: Arc<dyn Driver<F>>) -> Result<()> {
        let name = driver.info().name;
        if let Some(Entry::Present(_)) = self.entries.get(name) {
            let message = format!("could not register a second {} driver named `{name}`", F::NAME);
            return Err(Error::new(storage::RECORD_EXISTS, message));
        }
        self.entries.insert(name, Entry::Present(driver));
        Ok(())
    }

    /// Records that a driver was left out of this build, and why; a present driver stays.
    pub fn mark_absent(&mut self, name: &'static str, schemes: &'static [&'static str], why: &'static str) {
        self.entries.entry(name).or_insert(Entry::Absent { why, schemes });
    }

    /// The driver of this name.
    ///
    /// # Errors
    ///
    /// `driver_absent` with the feature that would add it; `driver_unknown` with the names there are.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Driver<F>>> {
        match self.entries.get(name) {
            Some(Entry::Present(driver)) => Ok(Arc::clone(driver)),
            Some(Entry::Absent { why, .. }) => Err(Self::absent(name, why)),
            None => Err(self.unknown("named", name)),
        }
    }

    /// The driver that answers to a URL scheme.
    ///
    /// # Errors
    ///
    /// As [`Registry::get`].
    pub fn by_scheme(&self, scheme: &str) -> Result<Arc<dyn Driver<F>>> {
        for (name, entry) in &self.entries {
            match entry {
                Entry::Present(driver) if driver.schemes().contains(&scheme) => {
                    return Ok(Arc::clone(driver));
                }
                Entry::Absent { why, schemes } if schemes.contains(&scheme) => {
                    return Err(Self::absent(name, why));
                }
                _ => {}
            }
        }
        Err(self.unknown("for the scheme", scheme))
    }

    /// Every entry, by name.
    pub fn list(&self) -> Vec<Listing> {
        let line = |(name, entry): (&&'static str, &Entry<F>)| match entry {
            Entry::Present(driver) => Listing { name, summary: driver.info().summary, present: true },
            Entry::Absent { why, .. } => Listing { name, summary: why, present: false },
        };
        self.entries.iter().map(line).collect()
    }

    fn absent(name: &str, why: &str) -> Error {
        let message = format!("could not open the {} driver `{name}`: {why}", F::NAME);
        Error::new(storage::DRIVER_ABSENT, message).with("driver", name)
    }

    fn unknown(&self, how: &str, what: &str) -> Error {
        let present = self.list().into_iter().filter(|listing| listing.present).map(|listing| listing.name);
        let present: Vec<_> = present.collect();
        let message = format!("no {} driver {how} `{what}`: this build has {}", F::NAME, present.join(", "));
        Error::new(storage::DRIVER_UNKNOWN, message).with("driver", what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Contract, Cx, DriverInfo, assert_code};
    use async_trait::async_trait;

    #[derive(Debug)]
    enum Lamps {}

    impl Family for Lamps {
        type Object = str;
        const NAME: &'static str = "lamp";
        const CONTRACT: Contract = Contract { major: 1, minor: 0 };
    }

    #[derive(Debug)]
    struct Lamp(DriverInfo);

    #[async_trait]
    impl Driver<Lamps> for Lamp {
        fn info(&self) -> &DriverInfo {
            &self.0
        }

        fn schemes(&self) -> &[&str] {
            &["oil"]
        }

        fn settings_schema(&self) -> serde_json::Value {
            serde_json::Value::Bool(true)
        }

        async fn open(&self, _: &Cx, _: serde_json::Value) -> Result<Arc<str>> {
            Ok(self.0.name.into())
        }
    }

    fn lamp(name: &'static str) -> Arc<Lamp> {
        Arc::new(Lamp(DriverInfo { name, version: "1", summary: "burns", contract: Lamps::CONTRACT }))
    }

    #[test]
    fn a_driver_left_out_says_which_feature_would_add_it() {
        let mut registry = Registry::<Lamps>::new();
        registry.register(lamp("oil")).unwrap();
        registry.mark_absent("oil", &["oil"], "built without feature `lamp-oil`");
        registry.mark_absent("gas", &["gas"], "built without feature `lamp-gas`");
        assert_eq!(registry.get("oil").unwrap().info().name, "oil");
        assert_eq!(registry.by_scheme("oil").unwrap().info().name, "oil");
        for absent in [registry.get("gas"), registry.by_scheme("gas")] {
            let error = absent.unwrap_err();
            assert!(error.message().contains("lamp-gas"), "{error}");
            assert_code(&error, storage::DRIVER_ABSENT);
        }
        let present: Vec<_> = registry.list().into_iter().map(|line| (line.name, line.present)).collect();
        assert_eq!(present, [("gas", false), ("oil", true)]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_that_there_are() {
        let mut registry = Registry::<Lamps>::new();
        registry.register(lamp("oil")).unwrap();
        let error = registry.get("whale").unwrap_err();
        assert!(error.message().contains("oil"), "{error}");
        assert_code(&error, storage::DRIVER_UNKNOWN);
        assert_code(registry.by_scheme("whale").unwrap_err(), storage::DRIVER_UNKNOWN);
        assert_code(registry.register(lamp("oil")).unwrap_err(), storage::RECORD_EXISTS);
    }
}
