//! A PgBouncer in front of a PostgreSQL: Debian's 1.18, as enterprises run it.

use crate::container::{Container, Network, Wanted};
use crate::options::{Access, Mounted};
use crate::postgres::answers;
use crate::{Error, Kind, Postgres, Result, engine, image};
use std::time::{Duration, Instant};

const ANSWER_LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(25);
/// PgBouncer refuses to run as root.
const USER: u32 = 65_534;

/// When a connection to the server goes back to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// When the client leaves.
    Session,
    /// When a transaction ends: nothing that belongs to a session can be relied on.
    Transaction,
    /// When a statement ends: there are no transactions of several statements.
    Statement,
}

impl PoolMode {
    fn name(self) -> &'static str {
        match self {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
            PoolMode::Statement => "statement",
        }
    }
}

/// A running PgBouncer. Dropping it removes it.
pub struct PgBouncer {
    url: String,
    port: u16,
    container: Container,
}

impl PgBouncer {
    /// Starts one that knows the server's superuser, and waits until it passes a query on.
    ///
    /// It stays in front of the server when that is restarted.
    ///
    /// # Errors
    ///
    /// `Unavailable` if this machine cannot run one, as without containers.
    pub fn start(server: &Postgres, mode: PoolMode) -> Result<PgBouncer> {
        PgBouncer::start_for(server, mode, &[])
    }

    /// The same, for these users with their passwords too.
    ///
    /// # Errors
    ///
    /// Those of [`PgBouncer::start`].
    pub fn start_for(server: &Postgres, mode: PoolMode, users: &[(&str, &str)]) -> Result<PgBouncer> {
        if server.kind() == Kind::Processes {
            return Err(Error::Unavailable("PgBouncer needs a container engine".into()));
        }
        engine::answers()?;
        let image = image::base()?;
        let (container, port) = Container::start(|port| Wanted {
            image: image.clone(),
            command: ["pgbouncer", "/etc/rtmx-test/pgbouncer.ini"].map(str::to_owned).into(),
            variables: Vec::new(),
            files: files(server, mode, port, users),
            run_as: Some(USER.to_string()),
            server: USER,
            network: Network::Host,
        })?;
        let there = format!("@127.0.0.1:{}/", server.port());
        let url = server.url().replace(&there, &format!("@127.0.0.1:{port}/"));
        let bouncer = PgBouncer { url, port, container };
        bouncer.await_answer()?;
        Ok(bouncer)
    }

    /// The address of the server's database through it, with the superuser and the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn await_answer(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let Err(reason) = answers(&self.url) else { return Ok(()) };
            let log = || self.container.log();
            if !self.container.is_running() {
                return Err(Error::Failed(format!("PgBouncer has ended: {}", log())));
            }
            if started.elapsed() > ANSWER_LIMIT {
                return Err(Error::Failed(format!("PgBouncer does not answer ({reason}): {}", log())));
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Says where it is, not what the password is.
impl std::fmt::Debug for PgBouncer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgBouncer").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Its configuration, and the list of those who may come in.
fn files(server: &Postgres, mode: PoolMode, port: u16, others: &[(&str, &str)]) -> Vec<Mounted> {
    let (there, mode) = (server.port(), mode.name());
    // Clients send this one at every start, and PgBouncer passes on only what it can keep track of.
    let configuration = format!(
        "[databases]\n* = host=127.0.0.1 port={there}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
        listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
        auth_file = /etc/rtmx-test/users.txt\npool_mode = {mode}\n\
        ignore_startup_parameters = extra_float_digits\nmax_client_conn = 500\ndefault_pool_size = 20\n\
        server_login_retry = 1\n"
    );
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let password = server.password().unwrap_or_default();
    let mut users = format!("{} {}\n", quoted(&server.user()), quoted(&password));
    for (user, password) in others {
        users.push_str(&format!("{} {}\n", quoted(user), quoted(password)));
    }
    [("pgbouncer.ini", configuration), ("users.txt", users)]
        .map(|(name, content)| Mounted {
            path: format!("/etc/rtmx-test/{name}"),
            content: content.into_bytes(),
            access: Access::Everybody,
        })
        .into()
}
