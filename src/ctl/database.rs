//! A database that is named by its URL: read from a flag, a variable or a file, and opened.
//!
//! A URL with a password is refused on the command line, where everybody on the machine can read it.
//! What is shown of a URL never has its user or its parameters.

use crate::{Drivers, database};
use rtmx_config::{Settings, UrlParts};
use rtmx_core::{Cx, Error, Key, Kind, Record, Result, Revision, Secret, Space, storage, tool};
use rtmx_storage::{MigrationPlan, Standing, StorageBackend, StorageBackendExt};
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest file that can be a URL.
const URL_LIMIT_BYTES: u64 = 64 * 1024;

/// The three ways to give a URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    /// The flag, such as `--url`; with `-env` and `-file` for the other two.
    pub(crate) flag: &'static str,
    pub(crate) url: Option<&'a str>,
    pub(crate) env: Option<&'a str>,
    pub(crate) file: Option<&'a Path>,
    /// The schema that holds the tables, where it is not the usual one.
    pub(crate) schema: Option<&'a str>,
}

/// Where a database is.
#[derive(Debug)]
pub(crate) struct Address {
    url: Secret<String>,
    /// The settings of the installation that it is of; they say more than a URL.
    settings: Option<Settings>,
    /// The schema that holds the tables, if one was named.
    schema: Option<String>,
    /// The place without secrets, for people.
    pub(crate) place: String,
    /// The file or the database, as `--confirm` takes it.
    pub(crate) name: String,
}

impl Given<'_> {
    /// The address; `None` where nothing was given.
    ///
    /// # Errors
    ///
    /// `usage` for a password on the command line and for what is no URL; `assignment_invalid` for a
    /// variable, `file_unreadable` for a file that cannot be read.
    pub(crate) fn address(&self) -> Result<Option<Address>> {
        let Some(mut address) = self.place()? else { return Ok(None) };
        if let Some(schema) = self.schema {
            address.place.push_str(&format!(", schema `{schema}`"));
            address.schema = Some(schema.to_owned());
        }
        Ok(Some(address))
    }

    fn place(&self) -> Result<Option<Address>> {
        let Given { flag, url, env, file, .. } = *self;
        if let Some(url) = url {
            if shows_password(url) {
                let message = format!(
                    "`{flag}` was given a URL with a password, which everybody on this machine can read in the list of processes"
                );
                let next = format!(
                    "Put the URL into a file and use `{flag}-file FILE`, or into a variable and use `{flag}-env VARIABLE`. Take the password for known."
                );
                return Err(Error::new(tool::USAGE, message).with_next(next));
            }
            return Address::new(url, flag).map(Some);
        }
        if let Some(variable) = env {
            let text = std::env::var(variable).map_err(|error| {
                let message = format!("could not read `{flag}-env` from the variable `{variable}`");
                Error::new(tool::ASSIGNMENT_INVALID, message).with_source(error)
            })?;
            return Address::new(text.trim(), &format!("{flag}-env")).map(Some);
        }
        let Some(file) = file else { return Ok(None) };
        let unreadable = |why: std::io::Error| {
            Error::new(tool::FILE_UNREADABLE, format!("could not read {}", file.display())).with_source(why)
        };
        if std::fs::metadata(file).map_err(unreadable)?.len() > URL_LIMIT_BYTES {
            return Err(unreadable(std::io::Error::other("it is too large for a URL")));
        }
        let text = Secret::new(std::fs::read_to_string(file).map_err(unreadable)?);
        Address::new(text.expose().trim(), &format!("{flag}-file")).map(Some)
    }
}

impl Address {
    /// Reads a URL. It is not repeated in an error: it may hold a secret, or be one.
    fn new(url: &str, flag: &str) -> Result<Address> {
        let unusable = || {
            let message = format!(
                "`{flag}` does not lead to a URL: `sqlite:FILE` or `postgres://USER@HOST/DATABASE` is needed"
            );
            Error::new(tool::USAGE, message)
        };
        let (scheme, rest) = url.split_once(':').ok_or_else(unusable)?;
        if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(unusable());
        }
        let (place, name) = match UrlParts::of(url) {
            // A path is no list of hosts: it is shown as it is.
            _ if scheme == "sqlite" => {
                let path = rest.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(rest);
                (format!("{scheme}:{path}"), path)
            }
            Some(parts) if parts.hosts.is_empty() => (format!("{scheme}:{}", parts.place()), parts.database),
            Some(parts) => (format!("{scheme}://{}", parts.place()), parts.database),
            // Any part may be one of a password; the driver says what is wrong.
            None => (format!("{scheme}://..."), ""),
        };
        let name = name.rsplit('/').find(|part| !part.is_empty()).unwrap_or("database").to_owned();
        Ok(Address { url: Secret::new(url.to_owned()), settings: None, schema: None, place, name })
    }

    /// Whether both lead to the same place, as far as their URLs say.
    pub(crate) fn is(&self, other: &Address) -> bool {
        let is_shown = !self.place.contains("://...");
        self.place == other.place && (is_shown || self.url.expose() == other.url.expose())
    }

    /// The database of an installation.
    pub(crate) fn of_settings(settings: &Settings) -> Result<Address> {
        let database = &settings.database;
        let mut address = match &database.url {
            Some(url) => Address::new(url.expose(), "database.url")?,
            None => {
                let host = database.host.as_deref().or(database.service.as_deref()).unwrap_or("localhost");
                let name = database.name.as_deref().or(database.user.as_deref()).unwrap_or("database");
                let place = format!("postgres://{host}/{name}");
                let (url, name) = (Secret::new(place.clone()), name.to_owned());
                Address { url, settings: None, schema: None, place, name }
            }
        };
        address.settings = Some(settings.clone());
        Ok(address)
    }

    /// The file that the database is; `None` where it is on a server.
    pub(crate) fn file(&self, base: &Path) -> Option<PathBuf> {
        let path = self.url.expose().strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
        Some(base.join(path))
    }

    /// Opens a database that is there.
    ///
    /// # Errors
    ///
    /// `record_not_found` where there is none; what opening meets.
    pub(crate) async fn open_existing(
        &self,
        drivers: &Drivers,
        base: &Path,
    ) -> Result<Arc<dyn StorageBackend>> {
        let missing = || {
            Error::new(storage::RECORD_NOT_FOUND, format!("there is no RTMX database at {}", self.place))
                .with_state("nothing was changed")
                .with_next("Check the URL: a backup and a transfer read a database that exists.")
        };
        if self.file(base).is_some_and(|file| !file.exists()) {
            return Err(missing());
        }
        let storage = self.open(drivers, base).await?;
        match storage.schema(&Cx::new()).await {
            Ok(state) if state.standing != Standing::Fresh => Ok(storage),
            answer => {
                storage.close(&Cx::new()).await?;
                Err(answer.err().unwrap_or_else(missing))
            }
        }
    }

    /// Opens a database to fill, and makes its schema where it has none.
    ///
    /// # Errors
    ///
    /// `schema_ahead`, `schema_behind` for a schema of another version; what opening meets.
    pub(crate) async fn open_target(&self, drivers: &Drivers, base: &Path) -> Result<Target> {
        let made = self.file(base).filter(|file| !file.exists());
        let storage = self.open(drivers, base).await?;
        let target = Target { storage, made };
        match target.prepare(&self.place).await {
            Ok(()) => Ok(target),
            Err(error) => {
                target.give_up().await;
                Err(error)
            }
        }
    }

    async fn open(&self, drivers: &Drivers, base: &Path) -> Result<Arc<dyn StorageBackend>> {
        if let Some(settings) = &self.settings {
            let driver = database::driver(settings, drivers)?;
            return driver.open(&Cx::new(), database::options(settings, &*driver)).await;
        }
        let url = self.url.expose();
        let driver = drivers.storage.by_scheme(url.split(':').next().unwrap_or_default())?;
        let mut options = json!({"url": url});
        let known = driver.settings_schema();
        // Where a database is a file, its path may start from a folder.
        if known["properties"].get("base").is_some() {
            options["base"] = json!(base);
        }
        if let Some(schema) = &self.schema {
            if known["properties"].get("schema").is_none() {
                let message = format!("{} has no schemas to choose from", self.place);
                return Err(Error::new(tool::USAGE, message).with_next("Leave the schema out."));
            }
            options["schema"] = json!(schema);
        }
        driver.open(&Cx::new(), options).await
    }
}

/// A database to fill.
#[derive(Debug)]
pub(crate) struct Target {
    /// The database.
    pub(crate) storage: Arc<dyn StorageBackend>,
    /// The file, if it was made by opening it.
    made: Option<PathBuf>,
}

impl Target {
    async fn prepare(&self, place: &str) -> Result<()> {
        let cx = Cx::new();
        let state = self.storage.schema(&cx).await?;
        let code = match state.standing {
            Standing::Fresh => {
                return self.storage.migrate(&cx, &MigrationPlan::Expand).await.map(|_| ());
            }
            Standing::Behind => storage::SCHEMA_BEHIND,
            Standing::Incompatible => storage::SCHEMA_AHEAD,
            _ => return Ok(()),
        };
        let message = format!(
            "could not restore into {place}: its schema has the version {}, and this tool knows {}",
            state.version, state.known
        );
        Err(Error::new(code, message).with_state("nothing was changed"))
    }

    /// Whether anything was ever written, as far as that can be asked at once.
    ///
    /// # Errors
    ///
    /// What reading meets.
    pub(crate) async fn is_empty(&self) -> Result<bool> {
        for space in [Space::System, Space::Licensing, Space::Project("default".into())] {
            if self.storage.head(&Cx::new(), &space).await?.revision != Revision::ZERO {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Closes the database, and removes the file if it was made here.
    pub(crate) async fn give_up(self) {
        // The error that led here is the one to tell.
        let _ = self.storage.close(&Cx::new()).await;
        drop(self.storage);
        if let Some(file) = self.made {
            for ending in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(ending);
                let _ = std::fs::remove_file(name);
            }
        }
    }

    /// Closes the database; a file that was made gets the owner of its folder, who is to use it.
    ///
    /// # Errors
    ///
    /// What closing meets.
    pub(crate) async fn close(self) -> Result<()> {
        self.storage.close(&Cx::new()).await?;
        let Some(file) = self.made else { return Ok(()) };
        let owner = file.parent().and_then(|folder| folder.metadata().ok());
        let Some(owner) = owner.filter(|_| rustix::process::geteuid().is_root()) else { return Ok(()) };
        std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).map_err(|error| {
            let message = format!("could not give {} to the owner of its folder", file.display());
            Error::new(tool::FILE_UNWRITABLE, message).with_source(error)
        })
    }
}

/// The id of the installation that a database belongs to.
pub(crate) async fn installation_of(storage: &dyn StorageBackend) -> Result<Option<String>> {
    let found = storage.find(&Cx::new(), &Space::System, &Key::new(Kind::Setting, "installation")).await?;
    Ok(match found {
        Some(Record { body: rtmx_core::Body::Setting(setting), .. }) => {
            setting.value.as_str().map(str::to_owned)
        }
        _ => None,
    })
}

/// The folder that relative paths of URLs start from.
pub(crate) fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, "could not find the current folder").with_source(error)
    })
}

/// Whether a URL shows a password: behind the user, or as a parameter. In doubt it does.
fn shows_password(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if scheme == "sqlite" {
        return false;
    }
    UrlParts::of(url).map_or_else(
        || {
            let may_be_one = rest.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
            may_be_one || rest.to_ascii_lowercase().contains("password")
        },
        |parts| parts.has_password(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn an_address_shows_neither_user_nor_password_nor_parameters() {
        // URL, place, name
        let cases = [
            ("sqlite:rtmx.db", "sqlite:rtmx.db", "rtmx.db"),
            ("sqlite:/srv/rtmx/a.db", "sqlite:/srv/rtmx/a.db", "a.db"),
            ("sqlite:///srv/a.db", "sqlite:/srv/a.db", "a.db"),
            (
                "postgres://u:p%40@db.example:5432/rtmx?sslmode=require",
                "postgres://db.example:5432/rtmx",
                "rtmx",
            ),
            ("postgresql://u@one,two/rtmx", "postgresql://one,two/rtmx", "rtmx"),
            ("postgres:///rtmx?host=/run", "postgres:/rtmx", "rtmx"),
            ("postgres://app:hunter2?@db/rtmx", "postgres://db/rtmx", "rtmx"),
            ("postgres://app:hun?ter2@db/rtmx", "postgres://db/rtmx", "rtmx"),
            ("postgres://app:hun#ter2@db/rtmx", "postgres://db/rtmx", "rtmx"),
            ("postgres://app:hun/ter2@db/rtmx", "postgres://db/rtmx", "rtmx"),
            ("postgres://app:hun@ter/2?@db:1,[::1]:2/rtmx", "postgres://db:1,[::1]:2/rtmx", "rtmx"),
            // Which part is which is not certain.
            ("postgres://app:hunter2", "postgres://...", "database"),
            ("postgres://app:hunter2?/rtmx", "postgres://...", "database"),
            ("postgres://app:hunter2@db/rtmx?options=a@hunter2", "postgres://...", "database"),
            ("sqlite:/srv/a@b.db", "sqlite:/srv/a@b.db", "a@b.db"),
        ];
        for (url, place, name) in cases {
            let address = Address::new(url, "--url").expect(url);
            assert_eq!((address.place.as_str(), address.name.as_str()), (place, name), "{url}");
            let shown = format!("{address:?}");
            assert!(!shown.contains("p%40") && !shown.contains("hun") && !shown.contains("ter2"), "{shown}");
        }
        for url in ["", "hunter2", "Hunter2:x", ":x"] {
            let error = Address::new(url, "--url").expect_err(url);
            assert_code(&error, tool::USAGE);
            assert!(url.is_empty() || !error.message().contains("unter2"), "{error}");
        }
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_without_being_repeated() {
        let refused = [
            "postgres://u:hunter2@h/d",
            "postgres://:hunter2@h/d",
            "postgres://u:hun/ter2@h/d",
            "postgres://u@h/d?password=hunter2",
            "postgres://u@h/d?sslPassword=hunter2",
            "postgres://u:hunter2?@h/d",
            "postgres://u:hun?ter2@h/d",
            "postgres://u:hun#ter2@h/d",
            "postgres://u:hunter2@h/d?options=a@b",
        ];
        let accepted = [
            "sqlite:a.db",
            "postgres://u@h:5432/d",
            "postgres://h:1,i:2/d?application_name=ab",
            "postgres:///d",
        ];
        let given = |url| {
            let (url, env, file, schema) = (Some(url), None, None, None);
            Given { flag: "--url", url, env, file, schema }.address()
        };
        for url in refused {
            let error = given(url).expect_err(url);
            assert_code(&error, tool::USAGE);
            assert!(!format!("{error:?}").contains("ter2"), "{error:?}");
        }
        for url in accepted {
            assert!(given(url).expect(url).is_some(), "{url}");
        }
    }
}
