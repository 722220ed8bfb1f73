//! Where the settings lead, and whether the files that say so say something else by now.
//!
//! A URL, a direct URL and a section of a service file may hold a password that somebody rotates while
//! the server runs, so each connection looks whether they changed. One that cannot be read, because it is
//! being replaced at this moment, is taken as it was.

use super::names::Name;
use super::options::Environment;
use super::secrets::{Secrets, service_file, url_file};
use super::{Address, absolute, authorities, behind_the_pooler, invalid, service};
use crate::settings::PostgresSettings;
use rtmx_core::{Result, Secret};
use std::path::PathBuf;

/// Where the settings lead.
#[derive(Debug)]
pub(super) struct Addresses {
    files: Vec<Known>,
    pub(super) address: Address,
    pub(super) direct: Option<Address>,
}

/// A file, and what it held when it was read.
#[derive(Debug)]
struct Known {
    file: PathBuf,
    held: Held,
    text: Secret<String>,
}

/// What a file is.
#[derive(Debug)]
enum Held {
    /// The file of the setting of this name.
    Url(&'static str),
    /// The service file with the section of this name.
    Service(String),
}

impl Held {
    /// Blocks.
    fn read(&self, file: &std::path::Path) -> Result<Secret<String>> {
        match self {
            Held::Url(setting) => url_file(setting, file),
            Held::Service(name) => {
                let text = service_file(file)?;
                // A file that is being written may lack the section.
                service::read(text.expose(), name, file)?;
                Ok(text)
            }
        }
    }
}

impl Addresses {
    /// What the settings say with the files as they are now. Blocks while it reads them.
    pub(super) fn read(settings: &PostgresSettings) -> Result<Self> {
        let mut files = Vec::new();
        let mut read = |file: &PathBuf, held: Held| {
            let text = held.read(file)?;
            files.push(Known { file: file.clone(), held, text: text.clone() });
            Ok::<_, rtmx_core::Error>(text)
        };
        let mut url_of = |name: &'static str, file: &Option<PathBuf>| {
            let file = file.clone().map(|file| absolute(name, file)).transpose()?;
            file.map(|file| read(&file, Held::Url(name))).transpose()
        };
        let url = url_of("url_file", &settings.url_file)?;
        let direct = url_of("direct_url_file", &settings.direct_url_file)?;
        let mut parameters = settings.parameters(url.as_ref().or(settings.url.as_ref()))?;
        if let Some(name) = parameters.get(Name::Service).map(str::to_owned) {
            let Some(file) = parameters.get(Name::ServiceFile) else {
                return Err(invalid("`service` is set, and `service_file` is not")
                    .with_next("Name the file in `service_file`, such as `/etc/pg_service.conf`."));
            };
            let file = absolute("service_file", file.into())?;
            let text = read(&file, Held::Service(name.clone()))?;
            let found = service::read(text.expose(), &name, &file)?;
            parameters.fill(&found, if settings.password_file.is_some() { &[Name::Password] } else { &[] });
        }
        let password_file = settings.password_file.as_ref();
        let place = if direct.is_some() { "the file of `direct_url_file`" } else { "`direct_url`" };
        let direct = match direct.as_ref().or(settings.direct_url.as_ref()) {
            None => None,
            Some(url) => Some(Address::new(&behind_the_pooler(url, place, &parameters)?, password_file)?),
        };
        let addresses = Addresses { files, address: Address::new(&parameters, password_file)?, direct };
        let environment = Environment::of_this_process();
        for address in std::iter::once(&addresses.address).chain(&addresses.direct) {
            environment.check(address)?;
            authorities::check(&address.trust, &Secrets::read(address)?)?;
        }
        Ok(addresses)
    }

    /// Whether a file holds something else now; one that cannot be read is tried as it was. Blocks.
    pub(super) fn are_old(&self) -> bool {
        let is_old =
            |known: &Known| known.held.read(&known.file).is_ok_and(|now| now.expose() != known.text.expose());
        self.files.iter().any(is_old)
    }

    /// Whether what they say may be replaced while the server runs.
    pub(super) fn are_from_files(&self) -> bool {
        !self.files.is_empty()
    }
}
