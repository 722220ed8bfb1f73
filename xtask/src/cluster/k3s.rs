//! Nodes of the image of k3s, which is a whole Kubernetes: the one that testcontainers starts.
//!
//! Nodes are containers `NAME-node-1`, `NAME-node-2`, ... on a network of their own, as those of the other
//! maker are.

use crate::{Result, process};
use std::path::Path;
use std::time::{Duration, Instant};

/// The version is the one that the other maker has.
const IMAGE: &str = "rancher/k3s:v1.34.1-k3s1";
/// What was pulled in no such time cannot be had.
const PULL_LIMIT: Duration = Duration::from_secs(300);
/// It takes half a minute on two cores.
const READY_LIMIT: Duration = Duration::from_secs(300);
/// What the tests neither need nor want: an Ingress controller, and addresses for services.
const WITHOUT: &str = "--disable=traefik,servicelb";

/// Whether the image is here, or can be pulled.
pub(super) fn is_there(root: &Path) -> bool {
    let has = |arguments: &[&str]| {
        let mut docker = process::command("docker", root);
        process::capture(docker.args(arguments), PULL_LIMIT).is_ok_and(|ended| ended.success)
    };
    has(&["image", "inspect", IMAGE]) || has(&["pull", IMAGE])
}

/// Starts the nodes, and writes what `kubectl` is told once all of them are ready.
pub(super) fn up(root: &Path, name: &str, nodes: u32, kubeconfig: &Path) -> Result<()> {
    let (label, first) = (label(name), format!("{name}-node-1"));
    docker(root, &["network", "create", "--label", &label, name])?;
    for number in 1..=nodes {
        let (container, node) = (format!("{name}-node-{number}"), format!("--node-name=node-{number}"));
        let (token, server) = (format!("K3S_TOKEN={name}"), format!("K3S_URL=https://{first}:6443"));
        let mut run = vec!["run", "--detach", "--privileged", "--tmpfs", "/run", "--tmpfs", "/var/run"];
        run.extend(["--network", name, "--name", &container, "--label", &label, "--env", &token]);
        match number {
            1 => run.extend([IMAGE, "server", WITHOUT, &node]),
            _ => run.extend(["--env", &server, IMAGE, "agent", &node]),
        }
        docker(root, &run)?;
    }
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker(root, &["inspect", "--format", format, &first])?;
    let began = Instant::now();
    loop {
        let ready = docker(root, &["exec", &first, "kubectl", "get", "nodes", "--no-headers"]);
        let ready = ready.unwrap_or_default().lines().filter(|line| line.contains(" Ready ")).count();
        if u32::try_from(ready).is_ok_and(|ready| ready == nodes) {
            break;
        }
        if began.elapsed() > READY_LIMIT {
            return Err(format!("{ready} of {nodes} nodes are ready; `docker logs {first}` says more"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let config = docker(root, &["exec", &first, "cat", "/etc/rancher/k3s/k3s.yaml"])?;
    let config = config.replace("127.0.0.1", address.trim());
    std::fs::write(kubeconfig, config)
        .map_err(|error| format!("could not write {}: {error}", kubeconfig.display()))
}

/// The beginning of a shell command that puts an image of the engine onto every node.
pub(super) fn load_command(name: &str) -> String {
    let label = label(name);
    // The image's name comes last.
    format!(
        "each() {{ for node in $(docker ps --quiet --filter label={label}); do \
         docker save \"$1\" | docker exec --interactive \"$node\" ctr --namespace k8s.io images import - || exit 1; \
         done; }}; each"
    )
}

/// Puts an image layout in a tar onto every node.
pub(super) fn load_archive(root: &Path, name: &str, archive: &str) -> Result<()> {
    for node in containers(root, name)? {
        let import = ["ctr", "--namespace", "k8s.io", "images", "import", "/tmp/image.tar"];
        docker(root, &["cp", archive, &format!("{node}:/tmp/image.tar")])?;
        docker(root, &[["exec", &node].as_slice(), &import].concat())?;
    }
    Ok(())
}

/// Removes the nodes, their volumes and their network.
pub(super) fn down(root: &Path, name: &str) -> Result<()> {
    for node in containers(root, name)? {
        docker(root, &["rm", "--force", "--volumes", &node])?;
    }
    let filter = format!("label={}", label(name));
    for network in docker(root, &["network", "ls", "--quiet", "--filter", &filter])?.lines() {
        docker(root, &["network", "rm", network])?;
    }
    Ok(())
}

fn label(name: &str) -> String {
    format!("rtmx-cluster={name}")
}

fn containers(root: &Path, name: &str) -> Result<Vec<String>> {
    let filter = format!("label={}", label(name));
    let ids = docker(root, &["ps", "--all", "--quiet", "--filter", &filter])?;
    Ok(ids.lines().map(ToOwned::to_owned).collect())
}

fn docker(root: &Path, arguments: &[&str]) -> Result<String> {
    process::read(process::command("docker", root).args(arguments))
}
