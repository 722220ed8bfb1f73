//! `cluster`: the Kubernetes that the tests of the chart run on.
//!
//! The decision to know: the tests take a kubeconfig and nothing else. Which cluster that is, one that the
//! machine's owner named in `RTMX_TEST_KUBECONFIG`, one of k3s's image where that can be pulled, or one that is
//! compiled, is decided here alone.

mod k3s;

use crate::workspace::Workspace;
use crate::{Result, engine, needs, process};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names a cluster; the tests make namespaces in it, and remove them.
pub(crate) const KUBECONFIG: &str = "RTMX_TEST_KUBECONFIG";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Start a cluster and print the path of its kubeconfig
    Up {
        /// Its name
        #[arg(default_value = NAME)]
        name: String,
        /// How many nodes
        #[arg(long, default_value_t = 1)]
        nodes: u32,
    },
    /// Put images of the local engine, or an image layout in a tar, onto every node
    Load {
        /// Names of images, or paths of tar files
        #[arg(required = true)]
        images: Vec<String>,
        /// The cluster
        #[arg(long, default_value = NAME)]
        name: String,
    },
    /// Remove a cluster and everything in it
    Down {
        /// Its name
        #[arg(default_value = NAME)]
        name: String,
    },
}

/// The cluster of whoever names none.
const NAME: &str = "rtmx";

/// Runs the task.
///
/// # Errors
///
/// If this machine cannot have a cluster, or the cluster refuses.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::read()?;
    match &arguments.verb {
        Verb::Up { name, nodes } => {
            let cluster = Cluster::up(&workspace, name, *nodes)??;
            println!("export KUBECONFIG={}", cluster.kubeconfig.display());
            Ok(())
        }
        Verb::Load { images, name } => Cluster::found(&workspace, name)??.load(images),
        Verb::Down { name } => Cluster::found(&workspace, name)??.down(),
    }
}

/// A cluster that was started here.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// What `kubectl` is told.
    pub(crate) kubeconfig: PathBuf,
    /// Its name; the prefix of its nodes' names, which are containers.
    pub(crate) name: String,
    maker: Maker,
    root: PathBuf,
}

/// What makes nodes.
#[derive(Debug)]
enum Maker {
    /// The image of k3s.
    K3s,
    /// A program that makes them of what is compiled here.
    Compiled(PathBuf),
}

impl Cluster {
    /// Starts a cluster, or answers the one of this name that runs.
    ///
    /// The outer error is a failure; the inner one is why this machine has none.
    pub(crate) fn up(
        workspace: &Workspace,
        name: &str,
        nodes: u32,
    ) -> Result<std::result::Result<Cluster, String>> {
        if let Err(reason) = engine::ensure(workspace)? {
            return Ok(Err(reason));
        }
        let found = match Cluster::found(workspace, name)? {
            Ok(cluster) => cluster,
            Err(reason) => return Ok(Err(reason)),
        };
        needs::ensure(&[needs::KUBECTL])?;
        if found.answers() {
            return Ok(Ok(found));
        }
        println!("bringing up a cluster of {nodes} nodes; the first time takes minutes");
        // What is left of one that does not answer.
        found.down()?;
        match &found.maker {
            Maker::K3s => k3s::up(&found.root, name, nodes, &found.kubeconfig)?,
            Maker::Compiled(program) => {
                needs::ensure(&[needs::MMDEBSTRAP])?;
                let mut up = found.command(program, "up");
                process::succeed(up.arg("--nodes").arg(nodes.to_string()))?;
            }
        }
        Ok(Ok(found))
    }

    /// The cluster of this name, whether it runs or not. The inner error is why this machine has none.
    fn found(workspace: &Workspace, name: &str) -> Result<std::result::Result<Cluster, String>> {
        let root = workspace.root.clone();
        if k3s::is_there(&root) {
            let kubeconfig = workspace.cache().join(format!("{name}.kubeconfig"));
            return Ok(Ok(Cluster { kubeconfig, name: name.to_owned(), maker: Maker::K3s, root }));
        }
        let program = workspace.shared().join("cluster/cluster");
        if !program.is_file() {
            return Ok(Err(format!(
                "{KUBECONFIG} names no cluster, the image of k3s cannot be pulled, and none can be compiled here"
            )));
        }
        if !needs::is_root() {
            return Ok(Err(format!("{KUBECONFIG} names no cluster, and only root can start one")));
        }
        let maker = Maker::Compiled(program.clone());
        let mut cluster = Cluster { kubeconfig: PathBuf::new(), name: name.to_owned(), maker, root };
        let path = process::read(&mut cluster.command(&program, "kubeconfig"))?;
        cluster.kubeconfig = path.trim().into();
        Ok(Ok(cluster))
    }

    /// Puts images onto every node.
    pub(crate) fn load(&self, images: &[String]) -> Result<()> {
        let (archives, names): (Vec<_>, Vec<_>) =
            images.iter().partition(|image| std::path::Path::new(image).is_file());
        for archive in archives {
            match &self.maker {
                Maker::K3s => k3s::load_archive(&self.root, &self.name, archive)?,
                Maker::Compiled(program) => {
                    process::succeed(self.command(program, "load-archive").arg(archive))?;
                }
            }
        }
        for image in names {
            let load = format!("{} '{image}'", self.load_command());
            process::succeed(process::command("sh", &self.root).args(["-c", &load]))?;
        }
        Ok(())
    }

    /// The beginning of a shell command that puts an image of the local engine onto every node.
    pub(crate) fn load_command(&self) -> String {
        match &self.maker {
            Maker::K3s => k3s::load_command(&self.name),
            Maker::Compiled(program) => format!("'{}' load '{}'", program.display(), self.name),
        }
    }

    /// The shell commands that end the node whose name is in `$NODE`, without a word to it, and start it again.
    pub(crate) fn node_commands(&self) -> (String, String) {
        let of = |verb: &str| format!("docker {verb} '{}'-\"$NODE\"", self.name);
        (of("kill"), of("start"))
    }

    /// Removes it.
    pub(crate) fn down(&self) -> Result<()> {
        match &self.maker {
            Maker::K3s => k3s::down(&self.root, &self.name),
            Maker::Compiled(program) => process::succeed(&mut self.command(program, "down")),
        }
    }

    fn answers(&self) -> bool {
        let mut kubectl = process::command("kubectl", &self.root);
        kubectl.arg("--kubeconfig").arg(&self.kubeconfig).args(["get", "--raw", "/readyz"]);
        self.kubeconfig.is_file() && process::read(&mut kubectl).is_ok()
    }

    fn command(&self, program: &Path, verb: &str) -> Command {
        let mut command = process::command(program, &self.root);
        command.arg(verb).arg(&self.name);
        command
    }
}
