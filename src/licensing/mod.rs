//! The license of this installation: where it comes from, what is remembered of it, and what it allows.
//!
//! The decision to know: nothing that a request waits for asks about the license. A task checks it in the
//! background ([`Keeper`]) and replaces a snapshot; the few places where something is made ask the
//! snapshot for room ([`Licensing::admit`]). No verdict stops a start, a sign-in, a read, an export, a
//! backup, a restore or the upload of another license.

mod keeper;
mod nodes;
mod room;
mod sources;
mod store;
mod view;

pub(crate) use keeper::{Keeper, keep};
pub(crate) use store::forget_installed;
pub(crate) use view::{EntitlementView, Identity, LicenseFigures, LicenseStatus, LicenseVerdict, judged};

use crate::Drivers;
use arc_swap::ArcSwap;
use nodes::Seat;
use rtmx_config::{LicenseChoice, Settings};
use rtmx_core::{Cx, Timestamp};
use rtmx_license::{Checked, Entitlements, LicenseMode, RTMX_ENTITLEMENTS, Snapshot};
use serde_json::{Value, json};
use sources::Origin;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the license allows now, and what is known of it.
#[derive(Debug)]
pub struct Licensing {
    /// `None` where nothing is checked, and the community limits hold.
    mode: Option<Arc<dyn LicenseMode>>,
    snapshot: Snapshot,
    known: ArcSwap<Known>,
    seat: ArcSwap<Seat>,
}

/// What the last check found.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// `None` before the first check.
    pub(crate) checked: Option<Checked>,
    /// Where the license in use came from.
    pub(crate) origin: Option<Origin>,
    /// Other places that have a license, and why each is not the one in use.
    pub(crate) passed_over: Vec<(Origin, String)>,
    /// What is in use, by the name of its limit.
    pub(crate) used: BTreeMap<String, u64>,
    /// Why the license server was not reached, if it was not.
    pub(crate) outage: Option<String>,
    /// When it was looked at.
    pub(crate) at: Option<Timestamp>,
}

impl Known {
    /// When the license server last said that the license in use is in force.
    fn confirmed_at(&self) -> Option<Timestamp> {
        let checked = self.checked.as_ref()?;
        checked.memory.confirmed_at(&checked.license.as_ref()?.license_id)
    }
}

impl Default for Licensing {
    fn default() -> Self {
        Licensing {
            mode: None,
            snapshot: Snapshot::new(Entitlements::community(RTMX_ENTITLEMENTS)),
            known: ArcSwap::default(),
            seat: ArcSwap::default(),
        }
    }
}

impl Licensing {
    /// What is allowed now.
    pub fn entitlements(&self) -> Arc<Entitlements> {
        self.snapshot.current()
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// Licenses that the mode of these settings checks.
    ///
    /// A mode that cannot be opened is no reason not to start: the next best takes its place, and without
    /// any the community limits hold.
    pub(crate) async fn open(settings: &Settings, drivers: &Drivers) -> Self {
        let cx = Cx::new();
        let chosen = match settings.license.mode {
            LicenseChoice::Offline => None,
            LicenseChoice::Online => Some(("online", online_options(settings))),
        };
        for (name, options) in chosen.into_iter().chain([("offline", json!({}))]) {
            let opened = async { drivers.license.get(name)?.open(&cx, options).await };
            match opened.await {
                Ok(mode) => return Licensing { mode: Some(mode), ..Licensing::default() },
                Err(error) => tracing::warn!(
                    code = %error.code(), next = error.next(),
                    "the license mode `{name}` cannot be used: {}", error.message()
                ),
            }
        }
        Licensing::default()
    }

    /// What checks licenses.
    pub(crate) fn mode(&self) -> Option<&Arc<dyn LicenseMode>> {
        self.mode.as_ref()
    }
}

/// The settings of the driver `online`.
fn online_options(settings: &Settings) -> Value {
    let license = &settings.license;
    let mut options = json!({ "revalidate_interval_s": license.revalidate_interval.as_secs() });
    if let Some(url) = &license.server_url {
        options["server_url"] = url.as_str().into();
    }
    if let Some(file) = &license.ca_file {
        options["ca_file"] = file.display().to_string().into();
    }
    if let Some(proxy) = &license.proxy {
        options["proxy"] = proxy.expose().as_str().into();
    }
    if let Some(hosts) = &license.no_proxy {
        options["no_proxy"] = hosts.as_str().into();
    }
    options
}
