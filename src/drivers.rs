//! The drivers of this build.

use rtmx_config::Config;
use rtmx_core::{Registry, Result};
use rtmx_deploy::Deploy;
use rtmx_license::Licensing;
use rtmx_storage::Storage;

/// The drivers of every family.
#[derive(Debug, Default)]
pub struct Drivers {
    /// Databases.
    pub storage: Registry<Storage>,
    /// Where configuration comes from.
    pub config: Registry<Config>,
    /// Where applications are deployed to.
    pub deploy: Registry<Deploy>,
    /// How licenses are checked.
    pub license: Registry<Licensing>,
}

/// The drivers that this build contains, and a note for each that was left out.
///
/// # Errors
///
/// `record_exists` if two drivers have one name, which is a defect of the build.
pub fn standard_drivers() -> Result<Drivers> {
    let mut drivers = Drivers::default();
    #[cfg(feature = "storage-sqlite")]
    rtmx_storage_sqlite::register(&mut drivers.storage)?;
    #[cfg(feature = "storage-postgres")]
    rtmx_storage_postgres::register(&mut drivers.storage)?;
    #[cfg(feature = "config-file")]
    rtmx_config_file::register(&mut drivers.config)?;
    #[cfg(feature = "config-env")]
    rtmx_config_env::register(&mut drivers.config)?;
    #[cfg(feature = "config-mount")]
    rtmx_config_mount::register(&mut drivers.config)?;
    #[cfg(feature = "config-vault")]
    rtmx_config_vault::register(&mut drivers.config)?;
    #[cfg(feature = "deploy-local")]
    rtmx_deploy_local::register(&mut drivers.deploy)?;
    #[cfg(feature = "license-offline")]
    rtmx_license_offline::register(&mut drivers.license, crate::trusted_keys::checker()?)?;
    #[cfg(feature = "license-online")]
    rtmx_license_online::register(&mut drivers.license, crate::trusted_keys::checker()?)?;
    drivers.storage.mark_absent("sqlite", &["sqlite"], "built without feature `storage-sqlite`");
    let why = "built without feature `storage-postgres`";
    drivers.storage.mark_absent("postgres", &["postgres", "postgresql"], why);
    drivers.config.mark_absent("file", &[], "built without feature `config-file`");
    drivers.config.mark_absent("env", &[], "built without feature `config-env`");
    drivers.config.mark_absent("mount", &[], "built without feature `config-mount`");
    drivers.config.mark_absent("vault", &[], "built without feature `config-vault`");
    drivers.deploy.mark_absent("local", &[], "built without feature `deploy-local`");
    drivers.license.mark_absent("offline", &[], "built without feature `license-offline`");
    drivers.license.mark_absent("online", &[], "built without feature `license-online`");
    Ok(drivers)
}
