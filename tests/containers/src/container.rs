//! A server in a container, which goes with this value.

use crate::background::wait;
use crate::command::must;
use crate::engine::{self, docker};
use crate::image::Image;
use crate::options::{Access, Mounted};
use crate::owner::owner;
use crate::{Error, Ran, Result, place};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt};

/// How long an engine may take for what it does at once when it is not busy.
const START_LIMIT_S: u64 = 120;
/// What `docker stop` waits before it kills.
const STOP_LIMIT_S: i32 = 60;
/// How often another port is tried when somebody was faster.
const PORT_TRIES: usize = 8;
/// How often a container is paused before that fails.
const PAUSE_TRIES: usize = 5;

/// A container. Dropping it removes it.
pub(crate) struct Container {
    container: Option<Arc<ContainerAsync<GenericImage>>>,
    name: String,
}

/// What a container is started with.
pub(crate) struct Wanted {
    pub(crate) image: Image,
    pub(crate) command: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) files: Vec<Mounted>,
    pub(crate) run_as: Option<String>,
    /// The user that files for the server alone belong to.
    pub(crate) server: u32,
    pub(crate) network: Network,
}

/// How a container is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Network {
    /// This port of it, on a port of this machine's loopback interface.
    Published { inside: u16 },
    /// It uses this machine's own interfaces.
    Host,
}

impl Container {
    /// Starts what is wanted on a port of this machine, which stays the same when it is started again;
    /// answers that too.
    pub(crate) fn start(wanted: impl Fn(u16) -> Wanted) -> Result<(Container, u16)> {
        let mut last = None;
        for _ in 0..PORT_TRIES {
            let port = place::free_port()?;
            let name = format!("rtmx-test-{}", place::random());
            let request = request(&wanted(port), &name, port)?;
            match wait(async move { request.start().await }) {
                Ok(container) => {
                    return Ok((Container { container: Some(Arc::new(container)), name }, port));
                }
                Err(error) => {
                    // What was made and could not be started has nobody who would remove it.
                    let _ = must(&mut docker(&["rm", "--force", "--volumes", &name]));
                    let error = Error::failed("start a container")(error);
                    let text = error.to_string();
                    let taken = ["already allocated", "already in use", "ports are not available"];
                    if !taken.iter().any(|taken| text.contains(taken)) {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::Failed("no port was tried".into())))
    }

    fn inner(&self) -> Arc<ContainerAsync<GenericImage>> {
        Arc::clone(self.container.as_ref().expect("it is there until it is dropped"))
    }

    pub(crate) fn is_running(&self) -> bool {
        let container = self.inner();
        wait(async move { container.is_running().await }).unwrap_or(false)
    }

    /// What it printed, for the message of a failure.
    pub(crate) fn log(&self) -> String {
        let container = self.inner();
        let bytes = wait(async move { container.stderr_to_vec().await }).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn stop(&self) -> Result<()> {
        let container = self.inner();
        let stopped = wait(async move { container.stop_with_timeout(Some(STOP_LIMIT_S)).await });
        stopped.map_err(Error::failed("stop a container"))
    }

    /// Sends a signal to the server itself.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        must(&mut docker(&["kill", &format!("--signal={signal}"), &self.name])).map(drop)
    }

    pub(crate) fn start_again(&self) -> Result<()> {
        let container = self.inner();
        wait(async move { container.start().await }).map_err(Error::failed("start a container again"))
    }

    /// A busy machine may not freeze all processes in the time that the engine gives itself.
    pub(crate) fn pause(&self) -> Result<()> {
        let container = self.inner();
        let paused = wait(async move {
            for _ in 1..PAUSE_TRIES {
                if container.pause().await.is_ok() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            container.pause().await
        });
        paused.map_err(Error::failed("pause a container"))
    }

    pub(crate) fn unpause(&self) -> Result<()> {
        let container = self.inner();
        wait(async move { container.unpause().await }).map_err(Error::failed("unpause a container"))
    }

    /// Through the engine's command, which tells the streams and the exit code apart.
    pub(crate) fn exec(&self, command: &[&str]) -> Result<Ran> {
        let output = docker(&["exec", &self.name]).args(command).output();
        output.map(Ran::of).map_err(Error::failed("run a command in a container"))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Nobody else holds it: what is done with it ends before the call that does it.
        let Some(container) = self.container.take().and_then(Arc::into_inner) else { return };
        let removed = wait(async move { container.rm().await });
        // A second panic would hide the first.
        assert!(removed.is_ok() || std::thread::panicking(), "a container is left behind: {removed:?}");
    }
}

fn request(wanted: &Wanted, name: &str, port: u16) -> Result<ContainerRequest<GenericImage>> {
    let Wanted { image, command, variables, files, run_as, server, network } = wanted;
    let image = GenericImage::new(image.name.clone(), image.tag.clone());
    let own: Vec<_> = files.iter().filter(|file| file.access == Access::Server).collect();
    let mut command = command.clone();
    let image = match (own.is_empty(), run_as) {
        (true, _) => image,
        (false, Some(user)) => {
            let path = &own[0].path;
            let message =
                format!("{path} is to belong to the server, which takes a start as root, not as {user}");
            return Err(Error::Failed(message));
        }
        (false, None) => {
            // Files are copied as root's; before the server starts they are given to it.
            let paths: Vec<_> = own.iter().map(|file| quoted(&file.path)).collect();
            let give = format!(
                "chown {server}:{server} {paths} && exec docker-entrypoint.sh \"$@\"",
                paths = paths.join(" ")
            );
            command.splice(0..0, ["-c".to_owned(), give, "sh".to_owned()]);
            image.with_entrypoint("/bin/sh")
        }
    };
    let (label, value) = engine::LABEL;
    let mut request = image
        .with_cmd(command)
        .with_container_name(name)
        .with_label(label, value)
        .with_label(engine::OWNER, owner())
        .with_startup_timeout(Duration::from_secs(START_LIMIT_S));
    for (name, value) in variables {
        request = request.with_env_var(name, value);
    }
    for Mounted { path, content, access } in files {
        let mode = if *access == Access::Server { 0o600 } else { 0o644 };
        request = request.with_copy_to(CopyTargetOptions::new(path).with_mode(mode), content.clone());
    }
    if let Some(user) = run_as {
        request = request.with_user(user);
    }
    Ok(match *network {
        Network::Published { inside } => {
            request.with_mapped_port(port, inside.tcp()).with_host_config_modifier(|host| {
                let bindings = host.port_bindings.iter_mut().flat_map(|all| all.values_mut());
                for binding in bindings.flatten().flatten() {
                    binding.host_ip = Some(Ipv4Addr::LOCALHOST.to_string());
                }
            })
        }
        Network::Host => request.with_host_config_modifier(|host| {
            host.network_mode = Some("host".into());
            host.publish_all_ports = None;
            host.port_bindings = None;
        }),
    })
}

fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}
