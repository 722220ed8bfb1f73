//! Which versions a run uses.

use crate::{Error, Result};

/// Every supported major version.
pub const ALL_VERSIONS: [u16; 7] = [12, 13, 14, 15, 16, 17, 18];
/// The version of a run that names none.
pub const DEFAULT_VERSION: u16 = 18;
/// The newest version that is not supported; it starts here, to be refused.
pub const REFUSED_VERSION: u16 = 11;

/// The versions of this run: `RTMX_TEST_POSTGRES`, such as `12,16,18`; without it [`DEFAULT_VERSION`].
///
/// # Errors
///
/// If the variable names what is none of [`ALL_VERSIONS`].
pub fn versions() -> Result<Vec<u16>> {
    read(std::env::var("RTMX_TEST_POSTGRES").ok().as_deref())
}

fn read(value: Option<&str>) -> Result<Vec<u16>> {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return Ok(vec![DEFAULT_VERSION]);
    };
    let read = |word: &str| {
        let version = word.trim().parse().ok().filter(|version| ALL_VERSIONS.contains(version));
        let known = ALL_VERSIONS.map(|version| version.to_string()).join(",");
        version.ok_or_else(|| Error::Failed(format!("RTMX_TEST_POSTGRES is `{value}`; it takes {known}")))
    };
    value.split(',').map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_uses_what_the_variable_names() {
        // value, versions
        let cases = [
            (None, Some(vec![18])),
            (Some(" "), Some(vec![18])),
            (Some("12, 16,18"), Some(vec![12, 16, 18])),
            (Some("11"), None),
            (Some("16,"), None),
            (Some("newest"), None),
        ];
        for (value, wanted) in cases {
            assert_eq!(read(value).ok(), wanted, "{value:?}");
        }
    }
}
