//! What `cargo xtask test helm` made, and where.

use crate::Helm;
use crate::engine::must;
use rtmx_containers::{Flavour, Postgres};
use std::path::PathBuf;
use std::process::Command;

/// The PostgreSQL of the deployment requirements.
pub(crate) const BUNDLED: u16 = 16;

/// What is installed.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// The chart's folder or file.
    pub(crate) chart: PathBuf,
    /// The image's name and tag, as the nodes have it.
    pub(crate) image: (String, String),
}

/// A cluster with the image on its nodes, and what installs the chart there.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    /// What `kubectl` and Helm are told.
    pub(crate) kubeconfig: PathBuf,
    /// The image's name and tag, as the nodes have it.
    pub(crate) image: (String, String),
    three: Option<PathBuf>,
    four: PathBuf,
}

impl Ground {
    /// Reads the variables; the error says why there is nothing to test.
    pub(crate) fn read() -> Result<Ground, String> {
        let of = |name: &str| {
            std::env::var(name).map_err(|_| "`cargo xtask test helm` brings up the cluster".to_owned())
        };
        let reference = of("RTMX_IMAGE_REFERENCE")?;
        let (name, tag) = reference.rsplit_once(':').ok_or("the image has no tag")?;
        Ok(Ground {
            kubeconfig: of("RTMX_TEST_KUBECONFIG")?.into(),
            image: (name.to_owned(), tag.to_owned()),
            three: std::env::var_os("RTMX_HELM_3").map(PathBuf::from),
            four: of("RTMX_HELM_4")?.into(),
        })
    }

    /// The program of a major version; the error says that it is not there.
    pub(crate) fn helm(&self, helm: Helm) -> Result<Command, String> {
        let program = match helm {
            Helm::Three => self.three.as_ref().ok_or("RTMX_HELM_3 names no program")?,
            Helm::Four => &self.four,
        };
        let mut command = Command::new(program);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        Ok(command)
    }

    /// The same with another image of the product.
    pub(crate) fn with_image(&self, image: (String, String)) -> Ground {
        Ground { image, ..self.clone() }
    }

    /// Puts an image of the local engine onto the nodes, by the command that `RTMX_TEST_CLUSTER_LOAD` is the
    /// beginning of; unless each of them says that it has it.
    pub(crate) fn load(&self, image: &str) -> Result<(), String> {
        let lines = "jsonpath={range .items[*]}{.status.images[*].names[*]}{\"\\n\"}{end}";
        let nodes = self.kubectl(&["get", "nodes", "--output", lines]);
        if nodes.lines().all(|node| node.contains(&format!("/{image}"))) {
            return Ok(());
        }
        let load = std::env::var("RTMX_TEST_CLUSTER_LOAD");
        let load =
            load.map_err(|_| format!("RTMX_TEST_CLUSTER_LOAD puts no image onto the nodes: {image}"))?;
        must(Command::new("sh").args(["-c", &format!("{load} '{image}'")]));
        Ok(())
    }

    /// The image of a PostgreSQL as the chart brings it, on the nodes. It has a shell.
    pub(crate) fn postgres(&self, version: u16) -> Result<String, String> {
        let image = Postgres::image(version, Flavour::Alpine).map_err(|error| error.to_string())?;
        self.load(&image)?;
        Ok(image)
    }

    /// `kubectl` with these arguments, which must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        must(self.kubectl_command().args(arguments))
    }

    pub(crate) fn kubectl_command(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command
    }

    /// This version.
    pub(crate) fn version(&self) -> Version {
        Version { chart: self.chart(), image: self.image.clone() }
    }

    /// The committed chart.
    pub(crate) fn chart(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/rtmx/chart")
    }

    /// The address of a node that the host reaches.
    pub(crate) fn node_address(&self, at: usize) -> String {
        let path = format!("jsonpath={{.items[{at}].status.addresses[?(@.type==\"InternalIP\")].address}}");
        self.kubectl(&["get", "nodes", "--output", &path])
    }
}
