//! `backup restore`: a verified archive in the place of what a database holds.
//!
//! The decision to know: nothing is changed before the archive was read to its end, and before what is
//! there was backed up; then one transaction replaces everything or nothing.

use super::archive::{Checked, check, compare, ensure_folder, facts, folder_of, make, path_now, unwritable};
use super::backup::{Backup, rounded};
use super::data::{merge, settings_of};
use super::database::{Address, here, installation_of};
use super::installation::open_existing;
use super::meter::read_so_far;
use super::output::{GREEN, Outcome};
use rtmx_core::{Cx, Error, Result, storage, tool};
use rtmx_deploy::{DeployTarget, Installed, Writers};
use rtmx_storage::ArchiveReport;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a server may take to be ready after a restore.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What was said about data that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent<'a> {
    pub(super) replace: bool,
    pub(super) confirm: Option<&'a str>,
}

impl Consent<'_> {
    /// Fails unless the replacement of data was asked for and confirmed.
    fn check(self, place: &str, name: &str) -> Result<()> {
        let state = "nothing was changed";
        if !self.replace {
            let message = format!("could not restore into {place}: it holds data");
            let next = format!(
                "Restore into a new database; or replace the data, which is backed up first, with `--replace --confirm {name}`."
            );
            return Err(Error::new(storage::RESTORE_NOT_EMPTY, message).with_state(state).with_next(next));
        }
        if self.confirm != Some(name) {
            let message = format!("`--replace` puts the backup in the place of all data in {place}");
            let next = format!("If that is what you want, add `--confirm {name}`.");
            return Err(Error::new(tool::CONFIRMATION_NEEDED, message).with_state(state).with_next(next));
        }
        Ok(())
    }
}

impl Backup<'_> {
    /// Restores into a database that is named by its URL.
    pub(super) async fn restore_at(&self, file: &Path, address: &Address, consent: Consent<'_>) -> Outcome {
        let began = Instant::now();
        let checked = check(file, self.meter).await?;
        let target = address.open_target(self.drivers, &here()?).await?;
        let restored = async {
            let mut before = None;
            if !target.is_empty().await? {
                consent.check(&address.place, &address.name)?;
                before = Some(self.back_up_before(&*target.storage, &address.name).await?);
            }
            self.fill(&target, file, &checked, before.is_some() || consent.replace, &address.place).await?;
            Ok::<_, Error>(before)
        };
        match restored.await {
            Ok(before) => {
                target.close().await?;
                Ok(self.restored(file, &address.place, before.as_deref(), &checked.report, began, &json!({})))
            }
            Err(error) => {
                target.give_up().await;
                Err(error.into())
            }
        }
    }

    /// Restores into an installation, whose server is stopped meanwhile.
    pub(super) async fn restore_installation(&self, file: &Path, consent: Consent<'_>) -> Outcome {
        let began = Instant::now();
        let (place, installed) = open_existing(self.drivers, self.global).await?;
        let settings = settings_of(self.drivers, &installed).await?;
        let address = Address::of_settings(&settings)?;
        let had_data = address.file(&settings.data.dir).is_none_or(|file| file.exists());
        let name = &self.global.name;
        if had_data {
            consent.check(&format!("the installation `{name}`"), name)?;
        }
        let checked = check(file, self.meter).await?;
        // From here on nothing else may write: what came in between would be in no backup.
        self.out.note("stopping the server");
        place.writers(&Cx::new(), Writers::Stop).await?;
        let filled = self.fill_stopped(file, &checked, &address, &settings.data.dir, had_data).await;
        self.out.note("starting the server");
        let started = place.writers(&Cx::new(), Writers::Start).await;
        let before = match filled {
            Ok(before) => before,
            Err(error) => {
                let serves = if started.is_ok() {
                    "the server was started again"
                } else {
                    "the server could not be started again"
                };
                let state = error.state().unwrap_or("the data is as it was").to_owned();
                return Err(error.with_state(format!("{state}; {serves}")).into());
            }
        };
        started.map_err(|error| error.with_state("the backup is restored, and the server does not run"))?;
        let healthy = is_ready(&place, &installed).await;
        let more = json!({"name": name, "healthy": healthy});
        let code = self.restored(
            file,
            &format!("the installation `{name}`"),
            before.as_deref(),
            &checked.report,
            began,
            &more,
        );
        if !healthy {
            self.out.note("The server is not ready yet: see `rtmxctl status` and `rtmxctl logs`.");
        }
        Ok(code)
    }

    async fn fill_stopped(
        &self,
        file: &Path,
        checked: &Checked,
        address: &Address,
        data: &Path,
        had_data: bool,
    ) -> Result<Option<PathBuf>> {
        let target = address.open_target(self.drivers, data).await?;
        let filled = async {
            let before = match had_data {
                true => Some(self.back_up_before(&*target.storage, &self.global.name).await?),
                false => None,
            };
            self.fill(&target, file, checked, true, &address.place).await?;
            Ok((before, installation_of(&*target.storage).await?))
        };
        let (before, id) = match filled.await {
            Ok(filled) => filled,
            Err(error) => {
                target.give_up().await;
                return Err(error);
            }
        };
        target.close().await?;
        // The marker says whose data this is. The next start writes it for what was restored.
        let marker = data.join("installation");
        let known = std::fs::read_to_string(&marker).unwrap_or_default();
        if marker.exists() && id.as_deref() != Some(known.trim()) {
            std::fs::remove_file(&marker).map_err(|error| {
                unwritable(&marker, error)
                    .with_state("the backup is restored")
                    .with_next("Remove the file, so that the server knows the restored data for its own.")
            })?;
        }
        Ok(before)
    }

    /// Backs up what a restore replaces.
    async fn back_up_before(
        &self,
        storage: &dyn rtmx_storage::StorageBackend,
        name: &str,
    ) -> Result<PathBuf> {
        let folder = self.folder(name)?;
        ensure_folder(&folder)?;
        let to = path_now(&folder, &format!("{name}-before-restore"));
        make(storage, &to, self.meter).await.map_err(|error| {
            error.with_state("nothing was changed: what is there could not be backed up first")
        })?;
        Ok(to)
    }

    /// Restores in one transaction, and compares what is there then.
    async fn fill(
        &self,
        target: &super::database::Target,
        file: &Path,
        checked: &Checked,
        over: bool,
        place: &str,
    ) -> Result<()> {
        let cx = Cx::new();
        let work = async {
            if over {
                target.storage.restore_over(&cx, file).await
            } else {
                target.storage.restore(&cx, file).await
            }
        };
        let what = format!("restoring into {place}");
        let restored = self.meter.watch(&what, || read_so_far(file), work).await?;
        let work = folder_of(file);
        // The folder of the backup may be read-only; then the room for the comparison is elsewhere.
        let own = self.folder(&self.global.name)?;
        let writable = rustix::fs::access(work, rustix::fs::Access::WRITE_OK).is_ok();
        if !writable {
            ensure_folder(&own)?;
        }
        let work = if writable { work } else { &own };
        compare(&*target.storage, &restored, &checked.report, work, place, self.meter).await.map_err(
            |error| error.with_state("the backup is restored, and its content could not be confirmed"),
        )
    }

    fn restored(
        &self,
        file: &Path,
        place: &str,
        before: Option<&Path>,
        report: &ArchiveReport,
        began: Instant,
        more: &Value,
    ) -> u8 {
        let seconds = began.elapsed().as_secs_f64();
        let mut object = json!({
            "type": "backup", "act": "restore", "file": file, "to": place, "before": before,
            "seconds": rounded(seconds),
        });
        merge(&mut object, &facts(report));
        merge(&mut object, more);
        self.out.object(&object);
        self.out.line(format!(
            "{GREEN}restored{GREEN:#} {} into {place}, with the same content hash",
            file.display()
        ));
        self.tell(report);
        if let Some(before) = before {
            self.out.line(format!("  what was there: {}", before.display()));
        }
        self.out.note(format!("Done in {seconds:.1} s."));
        0
    }
}

async fn is_ready(target: &Arc<dyn DeployTarget>, before: &Installed) -> bool {
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        let now = target.inspect(&Cx::new()).await.ok().and_then(|found| found.installed);
        if now.as_ref().unwrap_or(before).healthy() && now.is_some() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
