//! Parameters as text, before they mean anything, and how those of several places become one set.
//!
//! Every value is a secret here, also a host or a user: a URL that was cut at the wrong place would
//! otherwise show its password under another name.

use super::names::Name;
use super::{hosts, invalid};
use rtmx_core::{Result, Secret};
use std::collections::BTreeMap;

/// Parameters of one place, or of several put together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(BTreeMap<Name, Secret<String>>);

impl Parameters {
    /// The value, if it was given.
    pub(crate) fn get(&self, name: Name) -> Option<&str> {
        self.0.get(&name).map(|value| value.expose().as_str())
    }

    /// The value as a secret.
    pub(crate) fn secret(&self, name: Name) -> Option<&Secret<String>> {
        self.0.get(&name)
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` if `place` has said something else before.
    pub(crate) fn add(&mut self, name: Name, value: String, place: &str) -> Result<()> {
        if self.get(name).is_some_and(|before| before != value) {
            let message = format!("{place} gives `{}` twice, and the two differ", name.in_url());
            return Err(invalid(message));
        }
        self.0.insert(name, Secret::new(value));
        Ok(())
    }

    /// Adds what a URL or a service file says under libpq's name; an empty value says nothing.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` for a name that is not known and a value that cannot be meant.
    pub(crate) fn add_libpq(&mut self, name: &str, value: String, place: &str) -> Result<()> {
        // Older URLs, and those made for JDBC, ask for TLS in this way.
        if name == "ssl" && value == "true" {
            return self.add(Name::SslMode, "require".into(), place);
        }
        let name = Name::in_libpq(name, place)?;
        match name {
            _ if value.is_empty() => Ok(()),
            Name::Host => self.add_hosts(&value, place),
            Name::ConnectTimeout => match value.parse::<u32>() {
                Ok(seconds) => self.add(name, (u64::from(seconds) * 1_000).to_string(), place),
                Err(_) => Err(invalid(format!("`connect_timeout` in {place} is not a number of seconds"))),
            },
            name => self.add(name, value, place),
        }
    }

    /// Adds a list of hosts, each with or without its port.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`.
    pub(crate) fn add_hosts(&mut self, list: &str, place: &str) -> Result<()> {
        let (hosts, ports) = hosts::split(list).map_err(|flaw| invalid(format!("in {place}, {flaw}")))?;
        self.add(Name::Host, hosts, place)?;
        match ports {
            Some(ports) => self.add(Name::Port, ports, place),
            None => Ok(()),
        }
    }

    /// What the URL and the other settings say together.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` where they contradict each other.
    pub(crate) fn agree(mut url: Parameters, settings: Parameters) -> Result<Parameters> {
        for (name, value) in settings.0 {
            if url.get(name).is_some_and(|other| other != value.expose()) {
                let (in_url, setting) = (name.in_url(), name.in_settings());
                let message =
                    format!("`url` says one thing for `{in_url}` and the setting `{setting}` another");
                return Err(invalid(message).with_next(format!("Keep it in `url` or in `{setting}`.")));
            }
            url.0.insert(name, value);
        }
        Ok(url)
    }

    /// Takes from `other` what is not given here, `left_out` excepted.
    pub(crate) fn fill(&mut self, other: &Parameters, left_out: &[Name]) {
        for (name, value) in &other.0 {
            if !left_out.contains(name) {
                self.0.entry(*name).or_insert_with(|| value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(values: &[(Name, &str)]) -> Parameters {
        let mut parameters = Parameters::default();
        for (name, value) in values {
            parameters.add(*name, (*value).into(), "`url`").expect("each is given once");
        }
        parameters
    }

    #[test]
    fn two_places_agree_or_are_named_both() {
        let url = parameters(&[(Name::User, "app"), (Name::Host, "db")]);
        let same = parameters(&[(Name::User, "app"), (Name::Password, "hunter2")]);
        let both = Parameters::agree(url.clone(), same).expect("they agree");
        assert_eq!(both.get(Name::Password), Some("hunter2"));
        assert_eq!(both.get(Name::Host), Some("db"));

        let other = parameters(&[(Name::User, "someone")]);
        let error = Parameters::agree(url, other).expect_err("they differ");
        assert_eq!(error.message(), "`url` says one thing for `user` and the setting `user` another");
    }

    #[test]
    fn a_fill_changes_nothing_that_is_given() {
        let mut direct = parameters(&[(Name::Host, "db")]);
        direct.fill(
            &parameters(&[(Name::Host, "pooler"), (Name::Port, "6432"), (Name::User, "app")]),
            &[Name::Port],
        );
        assert_eq!(direct.get(Name::Host), Some("db"));
        assert_eq!((direct.get(Name::Port), direct.get(Name::User)), (None, Some("app")));
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", parameters(&[(Name::Password, "hunter2"), (Name::Host, "hunter2")]));
        assert!(!text.contains("hunter2"), "{text}");
    }
}
