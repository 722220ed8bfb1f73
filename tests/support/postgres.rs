//! A PostgreSQL for tests of the facade: a server, and on it a database and a role as a customer gives them.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part, as a module of its own")]

use rtmx_containers::{Options, Postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::sync::atomic::{AtomicU32, Ordering};

/// The role that the product is given: it may make a schema of its own, and nothing else.
pub const ROLE: &str = "rtmx_app";
/// Its password, with everything that a URL has to encode.
pub const PASSWORD: &str = "p@s:s/w#d% ü";
pub const PASSWORD_ENCODED: &str = "p%40s%3As%2Fw%23d%25%20%C3%BC";
/// The database that it is given.
pub const DATABASE: &str = "rtmx";

/// A server with a database and a role for the product.
pub struct Customer {
    pub postgres: Postgres,
}

impl Customer {
    /// Starts a server of this major version.
    pub fn start(version: u16) -> Customer {
        Customer::with(Postgres::options(version).setting("max_connections", "300"))
    }

    /// Starts a server with these choices.
    pub fn with(options: Options) -> Customer {
        let customer = Customer { postgres: options.start().expect("a server starts") };
        let postgres = customer.postgres.database();
        customer.admin(&postgres, &format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"));
        customer.admin(&postgres, &format!("CREATE DATABASE {DATABASE}"));
        customer.admin(&postgres, &format!("GRANT CREATE ON DATABASE {DATABASE} TO {ROLE}"));
        customer
    }

    /// Runs statements as the superuser. Blocks, and may be called from within a runtime.
    pub fn admin(&self, database: &str, statements: &str) {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.postgres.port())
            .username(&self.postgres.user())
            .password(&self.postgres.password().unwrap_or_default())
            .database(database);
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        let work = async move {
            let mut connection = options.connect().await?;
            sqlx::raw_sql(statements).execute(&mut connection).await?;
            connection.close().await
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = std::thread::spawn(move || runtime().expect("a runtime").block_on(work));
        done.join().expect("the thread ends").expect("the superuser may");
    }

    /// What a running server says its version is, such as `160014`.
    pub fn server_version(&self) -> u32 {
        let options: PgConnectOptions = self.postgres.url().parse().expect("it is a URL");
        let work = async move {
            let mut connection = options.connect().await?;
            let text: String =
                sqlx::query_scalar("SHOW server_version_num").fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(text)
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asked = std::thread::spawn(move || runtime().expect("a runtime").block_on(work));
        let text = asked.join().expect("the thread ends").expect("the superuser may");
        text.parse().expect("a version is a number")
    }

    /// The product's URL, as a customer would write it.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}:{PASSWORD_ENCODED}@127.0.0.1:{}/{DATABASE}", self.postgres.port())
    }
}

/// A schema's name that no other test of this program has.
pub fn fresh_schema() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
