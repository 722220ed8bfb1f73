//! The state of a page of gaps or backlog as an address, and the pages of its list.

use super::list::{EMPTY, MARK, Words};
use crate::http::api::params::{Params, invalid};
use rtmx_core::Result;
use std::fmt::{self, Display, Formatter};

/// What an address asks for. Shown as a query with its question mark; as nothing if it asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Address(Words);

impl Address {
    /// Takes the parameters of these names. What a form sent is answered as `Err` with the address that
    /// it meant: an empty field of a form asks for nothing, while an empty parameter asks for what is empty.
    ///
    /// # Errors
    ///
    /// `parameter_invalid`, `unknown_filter`.
    pub(super) fn take(
        params: &mut Params,
        names: &[&'static str],
    ) -> Result<std::result::Result<Address, Address>> {
        let is_form = params.take(MARK)?.is_some();
        let mut given = Vec::new();
        for name in names {
            for value in params.take_all(name) {
                given.push(((*name).to_owned(), value));
            }
        }
        if !is_form {
            return Ok(Ok(Address(Words::of(given))));
        }
        given.retain(|(_, value)| !value.is_empty());
        let tidy =
            |(name, value): (String, String)| (name, if value == EMPTY { String::new() } else { value });
        Ok(Err(Address(Words::of(given.into_iter().map(tidy).collect()))))
    }

    /// The parameters for a function that reads them.
    pub(super) fn params(&self) -> Params {
        Params::of(self.0.all().to_vec())
    }

    /// The values of a parameter.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.0.all().iter().filter(move |(given, _)| given == name);
        own.map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter, or nothing.
    pub(super) fn value<'a>(&'a self, name: &'a str) -> &'a str {
        self.values(name).next().unwrap_or_default()
    }

    /// Every parameter but these.
    pub(super) fn others(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let others = self.0.all().iter().filter(|(given, _)| !names.contains(&given.as_str()));
        others.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The same without some parameters.
    pub(super) fn without(&self, names: &[&str]) -> Address {
        Address(names.iter().fold(self.0.clone(), |words, name| words.without(name)))
    }

    /// The same with this value of a parameter and no other.
    pub(super) fn with(&self, name: &str, value: impl Into<String>) -> Address {
        Address(self.0.with(name, value))
    }

    /// How many entries of a list are passed over, which the address says as `offset`.
    ///
    /// # Errors
    ///
    /// `parameter_invalid`.
    pub(super) fn offset(&self) -> Result<usize> {
        match self.value("offset") {
            "" => Ok(0),
            text => text.parse().map_err(|_| invalid("offset", "it is not a number")),
        }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The pages of a list.
pub(super) struct Pager {
    /// The number of the first entry of the page, from 1.
    pub(super) from: usize,
    /// The number of the last entry of the page.
    pub(super) to: usize,
    /// How many entries the list has.
    pub(super) total: usize,
    /// The address of the page before.
    pub(super) previous: Option<Address>,
    /// The address of the next page.
    pub(super) next: Option<Address>,
}

impl Pager {
    /// The pager of a page that begins at `offset` and shows so many of `total` entries.
    pub(super) fn of(address: &Address, offset: usize, shown: usize, total: usize, rows: usize) -> Pager {
        let at = |offset: usize| match offset {
            0 => address.without(&["offset"]),
            offset => address.with("offset", offset.to_string()),
        };
        // A page behind the end leads back to the last one.
        let last = total.saturating_sub(1) / rows * rows;
        let previous = (offset > 0).then(|| at(offset.saturating_sub(rows).min(last)));
        let next = (offset.saturating_add(shown) < total && shown > 0).then(|| at(offset + shown));
        let from = if shown == 0 { 0 } else { offset + 1 };
        Pager { from, to: if shown == 0 { 0 } else { offset + shown }, total, previous, next }
    }

    /// Whether there is another page.
    pub(super) fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(words: &[(&str, &str)]) -> Address {
        Address(Words::of(
            words.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ))
    }

    #[test]
    fn a_form_becomes_the_address_that_it_meant() {
        // what is sent, the address, whether it was a form
        let cases = [
            (&[("phase", ""), ("category", "A & B")][..], "?phase=&category=A%20%26%20B", false),
            (&[("form", "1"), ("phase", ""), ("category", EMPTY)], "?category=", true),
            (&[("form", "1")], "", true),
            (&[], "", false),
        ];
        for (sent, want, is_form) in cases {
            let mut params = address(sent).params();
            let taken = Address::take(&mut params, &["phase", "category"]).expect("they can be taken");
            assert_eq!(taken.is_err(), is_form, "{sent:?}");
            assert_eq!(taken.unwrap_or_else(|meant| meant).to_string(), want, "{sent:?}");
        }
    }

    #[test]
    fn pages_lead_forth_and_back_and_from_behind_the_end_to_the_last() {
        let here = address(&[("reason", "blocked"), ("offset", "50")]);
        let shown = |address: &Option<Address>| address.as_ref().map(Address::to_string);
        // offset, shown, total, before, next
        let cases = [
            (0, 50, 120, None, Some("?reason=blocked&offset=50")),
            (50, 50, 120, Some("?reason=blocked"), Some("?reason=blocked&offset=100")),
            (100, 20, 120, Some("?reason=blocked&offset=50"), None),
            (900, 0, 120, Some("?reason=blocked&offset=100"), None),
            (900, 0, 0, Some("?reason=blocked"), None),
            (0, 0, 0, None, None),
        ];
        for (offset, rows, total, previous, next) in cases {
            let pager = Pager::of(&here, offset, rows, total, 50);
            assert_eq!(shown(&pager.previous).as_deref(), previous, "{offset}");
            assert_eq!(shown(&pager.next).as_deref(), next, "{offset}");
            assert_eq!(pager.is_needed(), previous.is_some() || next.is_some(), "{offset}");
        }
    }
}
