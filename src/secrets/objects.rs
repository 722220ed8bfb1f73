//! Secrets that are objects of a cluster.

use super::{random, tell, text_of};
use rtmx_core::Result;
use rtmx_deploy::secrets::SecretObjects;
use rtmx_deploy_helm::{Cluster, Made, SERVICE_ACCOUNT};
use std::path::Path;

/// Makes those that are absent in the namespace of this pod, and prints a line for each, as it is done.
pub(super) async fn create(file: &Path) -> Result<()> {
    let objects = SecretObjects::read(text_of(file)?.expose(), &file.display().to_string())?;
    let variable = |name: &str| std::env::var(name).ok();
    let cluster = Cluster::of_pod(
        Path::new(SERVICE_ACCOUNT),
        variable("KUBERNETES_SERVICE_HOST").as_deref(),
        variable("KUBERNETES_SERVICE_PORT_HTTPS").as_deref(),
    )?;
    let mut told = |made: Made| {
        tell(&[match made {
            Made::New(name) => format!("made the Secret {name}"),
            Made::Kept(name) => format!("the Secret {name} is there, and stays as it is"),
            Made::Lacking(name, keys) => {
                format!("the Secret {name} is there, and stays as it is; it has no `{}`", keys.join("`, `"))
            }
        }]);
    };
    cluster.make_secrets(&objects, &mut random, &mut told).await
}
