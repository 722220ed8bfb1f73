//! From settings to an open connection.
//!
//! sqlx takes one host, ignores the URL parameters that it does not know, and takes the environment
//! for the operator's word. So the URL is read here, the hosts are tried here, and sqlx is told every
//! option, so that nothing it found elsewhere is left. What the environment can still change is
//! refused by name ([`options`]).
//!
//! The parts in the order in which a setting passes them: [`names`] and [`parameters`] are text,
//! [`url`] and [`service`] read it, an [`Address`] is what it means, [`secrets`] reads the files anew
//! for each connection, [`options`] tells sqlx, [`connector`] tries the hosts, and [`refusal`] says
//! in the operator's words why none would do.

pub(crate) mod addresses;
pub(crate) mod authorities;
pub(crate) mod connector;
pub(crate) mod hosts;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod parameters;
pub(crate) mod passfile;
pub(crate) mod refusal;
pub(crate) mod secrets;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod trust;
pub(crate) mod url;

pub(crate) use connector::{Connector, Route};

use hosts::Host;
use names::Name;
use parameters::Parameters;
use rtmx_core::{Error, Result, Secret, storage};
use session::Session;
use std::path::PathBuf;
use std::time::Duration;
use trust::Trust;

/// How long one host may take when nobody says otherwise.
pub(crate) const CONNECT_TIMEOUT_MS: u64 = 5_000;

/// The longest that one host may take.
pub(crate) const CONNECT_TIMEOUT_LIMIT_MS: u64 = 600_000;

/// A database, the servers that may have it, and how to speak to them.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) hosts: Vec<Host>,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Password,
    pub(crate) trust: Trust,
    pub(crate) session: Session,
    /// For one host: finding its address, all attempts with and without TLS, and the first question.
    pub(crate) connect_timeout: Duration,
    pub(crate) order: Order,
    pub(crate) application_name: String,
}

/// Where the password is.
#[derive(Debug, Clone)]
pub(crate) enum Password {
    /// There is none: the server trusts the certificate, the socket's user, or the network.
    None,
    /// It was given.
    Given(Secret<String>),
    /// In a file that holds nothing else.
    File(PathBuf),
    /// In a file of the form `.pgpass`.
    Passfile(PathBuf),
}

/// In which order the hosts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    AsListed,
    Random,
}

impl Address {
    /// What the parameters mean; `password_file` counts where no password was given.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` for what is missing or cannot be meant.
    pub(crate) fn new(parameters: &Parameters, password_file: Option<&PathBuf>) -> Result<Self> {
        let missing = |what: &str, next: &str| Err(invalid(what).with_next(next));
        let Some(hosts) = parameters.get(Name::Host) else {
            return missing("no setting names a host", "Give a host in `url` or in `host`.");
        };
        let Some(user) = parameters.get(Name::User) else {
            return missing("no setting names a user", "Give a user in `url` or in `user`.");
        };
        let database = parameters.get(Name::Database).unwrap_or(user);
        for (setting, value) in [("user", user), ("database", database)] {
            if value.len() > 63 || value.contains(char::is_control) {
                let message = format!("`{setting}` is longer than 63 bytes or has a control character");
                return Err(invalid(message));
            }
        }
        let hosts = hosts::pair(hosts, parameters.get(Name::Port))?;
        let password = match (parameters.secret(Name::Password), password_file) {
            (Some(password), _) => Password::Given(password.clone()),
            (None, Some(file)) => Password::File(absolute("password_file", file.clone())?),
            (None, None) => match parameters.get(Name::Passfile) {
                Some(file) => Password::Passfile(absolute("passfile", file.into())?),
                None => Password::None,
            },
        };
        let order = match parameters.get(Name::LoadBalanceHosts) {
            None | Some("disable") => Order::AsListed,
            Some("random") => Order::Random,
            Some(_) => return Err(invalid("`load_balance_hosts` must be `disable` or `random`")),
        };
        Ok(Address {
            database: database.to_owned(),
            user: user.to_owned(),
            password,
            trust: Trust::new(parameters)?,
            session: Session::new(parameters.get(Name::TargetSessionAttrs), hosts.len())?,
            connect_timeout: connect_timeout(parameters.get(Name::ConnectTimeout))?,
            order,
            application_name: parameters.get(Name::Application).unwrap_or("rtmx").to_owned(),
            hosts,
        })
    }

    /// The database and its hosts, for messages.
    pub(crate) fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(|host| format!("`{host}`")).collect();
        format!("database `{}` on {}", self.database, hosts.join(", "))
    }
}

/// The parameters of the server behind a pooler: its own URL's, which stands in `place`, and the pooler's
/// for the rest.
///
/// # Errors
///
/// `storage_settings_invalid`.
pub(crate) fn behind_the_pooler(
    direct_url: &Secret<String>,
    place: &str,
    pooler: &Parameters,
) -> Result<Parameters> {
    let mut direct = url::read(direct_url.expose(), place)?;
    let mut its_own = vec![Name::Host, Name::Port];
    if direct.get(Name::SslMode) == Some("disable") {
        its_own.extend([Name::SslRootCert, Name::SslCert, Name::SslKey]);
    }
    direct.fill(pooler, &its_own);
    Ok(direct)
}

fn connect_timeout(given: Option<&str>) -> Result<Duration> {
    let ms = given.map_or(Ok(CONNECT_TIMEOUT_MS), str::parse);
    match ms {
        Ok(ms) if (1..=CONNECT_TIMEOUT_LIMIT_MS).contains(&ms) => Ok(Duration::from_millis(ms)),
        _ => Err(invalid("`connect_timeout_ms` must be 1 to 600000, and `connect_timeout` 1 to 600 seconds")),
    }
}

/// The path, if it says by itself where the file is.
fn absolute(setting: &str, path: PathBuf) -> Result<PathBuf> {
    if !path.is_absolute() {
        let next = format!("Give `{setting}` as a path that starts with `/`.");
        return Err(invalid(format!("`{setting}` is a relative path")).with_next(next));
    }
    Ok(path)
}

/// The error for settings that cannot be meant.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(storage::STORAGE_SETTINGS_INVALID, message)
}
