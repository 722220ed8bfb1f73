//! Telling sqlx everything, so that nothing is left of what it read elsewhere.
//!
//! Every `PgConnectOptions` begins with the variables `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`,
//! `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGSSLCERT`, `PGSSLKEY`, `PGAPPNAME` and `PGOPTIONS`.
//! All but three are overwritten below, an absent password by an empty one and absent authorities by
//! none. `PGOPTIONS` can only be added to, and a client certificate only be replaced by another one:
//! those variables are refused where they would count. Without TLS the certificate does not.

use super::Address;
use super::hosts::Host;
use super::invalid;
use super::secrets::Secrets;
use super::trust::Mode;
use rtmx_core::Result;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// How long a transaction may be idle before the server ends it: none of ours waits for anybody.
const IDLE_IN_TRANSACTION_MS: u64 = 60_000;

/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 200;

/// What a session is told when it starts; a pooler's client may tell it nothing.
#[derive(Debug, Clone)]
pub(crate) struct Startup {
    pub(crate) schema: String,
    pub(crate) statement_timeout_ms: u64,
}

/// The options for one attempt with one host.
///
/// Without `startup` the connection leads to a pooler in transaction mode: no startup parameters are
/// sent, since PgBouncer refuses those that it does not know, and no statement is kept, since the
/// next one may reach another server process.
pub(crate) fn options(
    address: &Address,
    host: &Host,
    mode: PgSslMode,
    secrets: &Secrets,
    startup: Option<&Startup>,
) -> PgConnectOptions {
    let password = secrets.password(address, host);
    let options = PgConnectOptions::new_without_pgpass()
        .host(&host.name)
        .port(host.port)
        .username(&address.user)
        .password(password.as_ref().map_or("", |password| password.expose()))
        .database(&address.database)
        .application_name(&address.application_name)
        .extra_float_digits(None)
        .ssl_mode(mode)
        .ssl_root_cert_from_pem(secrets.root.clone())
        .disable_statement_logging();
    let options = match &secrets.identity {
        Some((cert, key)) => options.ssl_client_cert_from_pem(cert).ssl_client_key_from_pem(key.expose()),
        None => options,
    };
    match startup {
        None => options.statement_cache_capacity(0),
        Some(startup) => options.statement_cache_capacity(STATEMENTS_KEPT).options(startup.settings()),
    }
}

impl Startup {
    /// The settings with their values.
    fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("search_path", format!("{},pg_catalog", self.schema)),
            ("jit", "off".to_owned()),
            ("statement_timeout", self.statement_timeout_ms.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS.to_string()),
        ]
    }

    /// The same as statements, for a transaction on a connection that was told nothing.
    pub(crate) fn for_a_transaction(&self) -> String {
        self.settings().map(|(name, value)| format!("SET LOCAL {name} = {value}")).join("; ")
    }
}

/// The variables that cannot be made harmless, as this process has them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Environment {
    pub(crate) has_options: bool,
    pub(crate) has_certificate: bool,
    pub(crate) has_key: bool,
}

impl Environment {
    /// What sqlx finds.
    pub(crate) fn of_this_process() -> Self {
        // sqlx looks with `var`, which sees no value that is not UTF-8.
        let has = |name: &str| std::env::var(name).is_ok();
        Environment {
            has_options: has("PGOPTIONS"),
            has_certificate: has("PGSSLCERT"),
            has_key: has("PGSSLKEY"),
        }
    }

    /// Refuses the variables that would change how this address is reached.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`, naming the variable.
    pub(crate) fn check(self, address: &Address) -> Result<()> {
        let is_encrypted = address.trust.mode != Mode::Disable && !address.hosts.iter().all(Host::is_socket);
        let counts = is_encrypted && address.trust.identity.is_none();
        let found = [
            ("PGOPTIONS", self.has_options, "Remove it from the server's environment."),
            (
                "PGSSLCERT",
                self.has_certificate && counts,
                "Remove it from the server's environment; a client certificate is set with `sslcert` and `sslkey`.",
            ),
            (
                "PGSSLKEY",
                self.has_key && counts,
                "Remove it from the server's environment; a client certificate is set with `sslcert` and `sslkey`.",
            ),
        ];
        match found.into_iter().find(|(_, refused, _)| *refused) {
            None => Ok(()),
            Some((variable, _, next)) => {
                let message = format!(
                    "the environment variable `{variable}` is set, and it would change every connection"
                );
                Err(invalid(message).with_next(next))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::url;
    use super::*;

    fn address(url: &str) -> Address {
        Address::new(&url::read(url, "`url`").expect("a URL"), None).expect("an address")
    }

    #[test]
    fn a_session_is_told_its_settings_and_a_pooler_nothing() {
        let address = address("postgres://app:hunter2@db:5433/rtmx");
        let secrets = Secrets::read(&address).expect("there are no files");
        let startup = Startup { schema: "rtmx".into(), statement_timeout_ms: 60_000 };
        let of = |startup| options(&address, &address.hosts[0], PgSslMode::Require, &secrets, startup);
        let direct = of(Some(&startup));
        assert_eq!(
            direct.get_options(),
            Some(
                "-c search_path=rtmx,pg_catalog -c jit=off -c statement_timeout=60000 \
                 -c idle_in_transaction_session_timeout=60000"
            )
        );
        assert_eq!((direct.get_host(), direct.get_port(), direct.get_username()), ("db", 5433, "app"));
        assert_eq!((direct.get_database(), direct.get_application_name()), (Some("rtmx"), Some("rtmx")));
        assert!(direct.get_socket().is_none());
        assert_eq!(of(None).get_options(), None);
    }

    #[test]
    fn a_variable_that_would_count_is_refused_by_name() {
        let (plain, open) = ("postgres://app@db/rtmx?sslmode=disable", "postgres://app@db/rtmx");
        let socket = "postgres://app@%2Frun%2Fpostgresql/rtmx";
        let own = "postgres://app@db/rtmx?sslcert=/c&sslkey=/k";
        let options = Environment { has_options: true, ..Environment::default() };
        let certificate = Environment { has_certificate: true, ..Environment::default() };
        let key = Environment { has_key: true, ..Environment::default() };
        // environment, URL, variable
        let cases = [
            (Environment::default(), open, None),
            (options, plain, Some("PGOPTIONS")),
            (certificate, open, Some("PGSSLCERT")),
            (key, open, Some("PGSSLKEY")),
            (certificate, plain, None),
            (certificate, socket, None),
            (key, own, None),
        ];
        for (environment, url, wanted) in cases {
            let found = environment.check(&address(url)).err().map(|error| error.to_string());
            match wanted {
                None => assert_eq!(found, None, "{environment:?} {url}"),
                Some(name) => assert!(found.is_some_and(|text| text.contains(name)), "{environment:?} {url}"),
            }
        }
    }
}
