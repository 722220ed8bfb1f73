//! A PostgreSQL for a test.

use crate::background::wait;
use crate::container::{Container, Network, Wanted};
use crate::processes::{self, Processes};
use crate::{Error, Options, Ran, Result, engine, image};
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use std::time::{Duration, Instant};

/// How long a server may take to make its database and answer, on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// How long one attempt to reach it may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(25);

/// Which of the official images a server is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// `-alpine`: the server's user is 70.
    #[default]
    Alpine,
    /// The one with glibc: the server's user is 999.
    Debian,
}

impl Flavour {
    /// The number of the server's user.
    #[must_use]
    pub fn uid(self) -> u32 {
        match self {
            Flavour::Alpine => 70,
            Flavour::Debian => 999,
        }
    }
}

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A container of an official image.
    OfficialImage,
    /// A container of an image of ours, of the same programs; official images cannot be had here.
    OwnImage,
    /// The programs without a container: a stand-in, because no engine can run here.
    Processes,
}

/// How a server is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Connections are cut, and what is in memory is written.
    Fast,
    /// Everything is left as it lies; the next start recovers from the log.
    Immediate,
}

/// A running server. Dropping it removes it with its data.
///
/// Its port stays the same when it is started again.
pub struct Postgres {
    options: Options,
    kind: Kind,
    port: u16,
    server: Server,
}

enum Server {
    Container(Container),
    Processes(Processes),
}

impl Postgres {
    /// Starts a server of a major version and waits until it answers.
    ///
    /// # Errors
    ///
    /// `Unavailable` if this machine cannot run one.
    pub fn start(version: u16) -> Result<Postgres> {
        Postgres::options(version).start()
    }

    /// The choices that another start takes.
    pub fn options(version: u16) -> Options {
        Options::new(version)
    }

    /// Why no server can be started here, if so: what an ignored test says.
    ///
    /// # Errors
    ///
    /// The reason.
    pub fn available() -> std::result::Result<(), String> {
        let answer = if processes::are_wanted() { processes::available() } else { engine::answers() };
        answer.map_err(|error| error.to_string())
    }

    /// The image of a version in the engine, as `name:tag`, for what starts containers by itself.
    ///
    /// # Errors
    ///
    /// `Unavailable` if there is no engine, or the image can neither be pulled nor made here.
    pub fn image(version: u16, flavour: Flavour) -> Result<String> {
        engine::answers()?;
        image::postgres(version, flavour).map(|image| image.reference())
    }

    pub(crate) fn start_with(options: Options) -> Result<Postgres> {
        let (server, kind, port) = if processes::are_wanted() {
            let (server, port) = Processes::start(&options)?;
            (Server::Processes(server), Kind::Processes, port)
        } else {
            engine::answers()?;
            let image = image::postgres(options.version, options.flavour)?;
            let kind = image.kind;
            let (server, port) = Container::start(|_| wanted(&options, &image))?;
            (Server::Container(server), kind, port)
        };
        let postgres = Postgres { options, kind, port, server };
        postgres.await_answer()?;
        Ok(postgres)
    }

    /// The address of the database that was made, with the superuser and the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&self.database())
    }

    /// The address of another database, with the superuser and the password.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let password = self.password().map(|password| format!(":{}", encoded(&password)));
        let (user, password) = (encoded(&self.user()), password.unwrap_or_default());
        format!("postgres://{user}{password}@127.0.0.1:{}/{}", self.port, encoded(database))
    }

    /// The superuser.
    #[must_use]
    pub fn user(&self) -> String {
        self.options.value("POSTGRES_USER").unwrap_or_else(|| "postgres".into())
    }

    /// The superuser's password, if it has one.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        self.options.value("POSTGRES_PASSWORD").filter(|password| !password.is_empty())
    }

    /// The database that was made.
    #[must_use]
    pub fn database(&self) -> String {
        self.options.value("POSTGRES_DB").unwrap_or_else(|| self.user())
    }

    /// The major version.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.options.version
    }

    /// The port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Restarts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it does not come back.
    pub fn restart(&self, how: Restart) -> Result<()> {
        match how {
            Restart::Fast => self.stop()?,
            Restart::Immediate => self.cut()?,
        }
        self.start_again()
    }

    /// Stops it as [`Restart::Fast`] does, without a start.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn stop(&self) -> Result<()> {
        match &self.server {
            Server::Container(container) => container.stop(),
            Server::Processes(processes) => processes.end(Signal::INT),
        }
    }

    /// Stops it as [`Restart::Immediate`] does, without a start.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn cut(&self) -> Result<()> {
        let container = match &self.server {
            Server::Container(container) => container,
            Server::Processes(processes) => return processes.end(Signal::QUIT),
        };
        container.signal("QUIT")?;
        let deadline = Instant::now() + ANSWER_LIMIT;
        while container.is_running() {
            if Instant::now() > deadline {
                return Err(Error::Failed(format!("PostgreSQL {} does not end", self.version())));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Starts it again, on the same port, and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it does not come back.
    pub fn start_again(&self) -> Result<()> {
        match &self.server {
            Server::Container(container) => container.start_again()?,
            Server::Processes(processes) => processes.start_again()?,
        }
        self.await_answer()
    }

    /// Keeps all of its processes from going on: its connections stay open and are not answered.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn pause(&self) -> Result<()> {
        match &self.server {
            Server::Container(container) => container.pause(),
            Server::Processes(processes) => processes.signal_all(Signal::STOP),
        }
    }

    /// Lets them go on.
    ///
    /// # Errors
    ///
    /// If it is not paused.
    pub fn unpause(&self) -> Result<()> {
        match &self.server {
            Server::Container(container) => container.unpause(),
            Server::Processes(processes) => processes.signal_all(Signal::CONT),
        }
    }

    /// Runs a command in the container, as the user whom the container was started as; without containers
    /// on this machine, as the server's user.
    ///
    /// # Errors
    ///
    /// If it cannot be started. That it fails is in what is answered.
    pub fn exec(&self, command: &[&str]) -> Result<Ran> {
        match &self.server {
            Server::Container(container) => container.exec(command),
            Server::Processes(processes) => processes.exec(command),
        }
    }

    /// What it printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.server {
            Server::Container(container) => container.log(),
            Server::Processes(processes) => processes.log(),
        }
    }

    fn is_running(&self) -> bool {
        match &self.server {
            Server::Container(container) => container.is_running(),
            Server::Processes(processes) => processes.is_running(),
        }
    }

    fn await_answer(&self) -> Result<()> {
        let started = Instant::now();
        let said =
            |what: &str| format!("PostgreSQL {} {what}; its log ends:\n{}", self.version(), self.tail());
        loop {
            let Err(reason) = answers(&self.url()) else { return Ok(()) };
            if !self.is_running() {
                return Err(Error::Failed(said("has ended")));
            }
            if started.elapsed() > ANSWER_LIMIT {
                return Err(Error::Failed(said(&format!("does not answer ({reason})"))));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Says where it is, not what its password is.
impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres")
            .field("version", &self.version())
            .field("kind", &self.kind)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Asks a question and reads the answer; the error says what came instead.
pub(crate) fn answers(url: &str) -> std::result::Result<(), String> {
    let options: PgConnectOptions = url.parse().map_err(|error| format!("{error}"))?;
    let ask = async move {
        let mut connection: PgConnection = options.disable_statement_logging().connect().await?;
        sqlx::raw_sql("SELECT 1").execute(&mut connection).await?;
        connection.close().await
    };
    let answered = wait(async move { tokio::time::timeout(ATTEMPT_LIMIT, ask).await });
    match answered {
        Ok(answered) => answered.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".into()),
    }
}

fn wanted(options: &Options, image: &image::Image) -> Wanted {
    let mut command = vec!["postgres".to_owned()];
    for (name, value) in &options.settings {
        command.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    let server = options.flavour.uid();
    let variables = options.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Wanted {
        image: image.clone(),
        command,
        variables,
        files: options.files.clone(),
        run_as: options.run_as.clone(),
        server,
        network: Network::Published { inside: 5432 },
    }
}

/// A part of a URL.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_anything() {
        assert_eq!(encoded("p@ss/wörd"), "p%40ss%2Fw%C3%B6rd");
    }
}
