//! Reading a section of a service file, `pg_service.conf`.
//!
//! The format is libpq's: sections `[name]`, lines `parameter=value` without blanks around the `=`,
//! `#` before a comment. The first section of the name counts. Unlike libpq, a file must be named
//! together with the service, and a section cannot point to a directory service.
//!
//! Source: PostgreSQL manual, "The Connection Service File".

use super::invalid;
use super::parameters::Parameters;
use rtmx_core::Result;
use std::path::Path;

/// The parameters of the service in the file's text.
///
/// # Errors
///
/// `storage_settings_invalid`, naming the file and the line, never a value.
pub(crate) fn read(text: &str, service: &str, file: &Path) -> Result<Parameters> {
    let mut found: Option<Parameters> = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        let place = format!("line {number} of `{}`", file.display());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let named = rest.strip_suffix(']').is_some_and(|name| name == service);
            found = named.then(Parameters::default);
            continue;
        }
        let Some(parameters) = &mut found else { continue };
        let Some((name, value)) = line.split_once('=') else {
            return Err(invalid(format!("{place} is not of the form `name=value`")));
        };
        if ["service", "servicefile"].contains(&name) {
            return Err(invalid(format!("{place} names a service, and one service cannot name another")));
        }
        parameters.add_libpq(name, value.into(), &place)?;
    }
    found.ok_or_else(|| {
        let message = format!("`{}` has no section for the setting `service`", file.display());
        invalid(message)
            .with("service", service)
            .with_next("Correct `service`, or add the section to the file.")
    })
}

#[cfg(test)]
mod tests {
    use super::super::names::Name;
    use super::*;
    use rtmx_core::{assert_code, storage};

    const FILE: &str = "\
# The databases of this company.
[test]
host=test.internal
nonsense

[rtmx]
host=a.internal,b.internal
port=5433
dbname=rtmx
user=app
password=p=w # not a comment
connect_timeout=3

[rtmx]
host=never.internal
";

    fn section(text: &str, service: &str) -> Result<Parameters> {
        read(text, service, Path::new("/etc/pg_service.conf"))
    }

    #[test]
    fn the_first_section_of_the_name_counts() {
        let found = section(FILE, "rtmx").expect("the section is there");
        assert_eq!(found.get(Name::Host), Some("a.internal,b.internal"));
        assert_eq!(found.get(Name::Port), Some("5433"));
        assert_eq!(found.get(Name::Password), Some("p=w # not a comment"));
        assert_eq!(found.get(Name::ConnectTimeout), Some("3000"));
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused() {
        // file, service, a part of the message
        let cases = [
            (FILE, "absent", "has no section"),
            (FILE, "test", "line 4 of `/etc/pg_service.conf` is not of the form"),
            ("[a]\nhst=db", "a", "line 2 of `/etc/pg_service.conf` has a parameter `hst`"),
            ("[a]\nservice=b", "a", "one service cannot name another"),
            ("[a]\nport=x\nport=hunter2", "a", "gives `port` twice"),
            ("", "a", "has no section"),
        ];
        for (text, service, part) in cases {
            let error = section(text, service).expect_err(part);
            assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
            assert!(error.message().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
