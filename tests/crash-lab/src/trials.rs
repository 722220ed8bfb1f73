//! Trials: a workload during which the file system fails, and what is left once it works again.
//!
//! What the driver may answer is an error whose code says what happened. Once the fault is gone the
//! driver writes again, or says that it has stopped until a restart; it reads in either case. Nothing
//! that it acknowledged is missing after a restart, nor after a loss of power at that moment.

use crate::disk::Image;
use crate::failing::{Failing, Fault, Lasts};
use crate::image::Walk;
use crate::inspect::{Thoroughly, inspect};
use crate::layer::CLAIMS_OF_UNIX;
use crate::machine::{Machine, Mark};
use crate::model::{Model, observe};
use crate::record::{Lifted, perform, prepare};
use crate::seed::Seed;
use crate::verify::{Finding, Wrong, chain};
use crate::workload::{Begin, Plan, Step, spaces};
use rtmx_core::{ChangeSetId, Code, Cx, Epoch, storage};
use rtmx_storage::{MemoryBackend, MigrationPlan, Standing, StorageBackend};
use std::collections::{BTreeSet, HashMap};

/// What a failing file system may be called, and what follows from an earlier failure: edits of what
/// was never written, and a schema that was never made. SQLite's full-text index calls a read that
/// failed damage, and the driver says what SQLite says.
const CODES: [Code; 10] = [
    storage::STORAGE_CORRUPT,
    storage::STORAGE_UNAVAILABLE,
    storage::STORAGE_FULL,
    storage::STORAGE_READ_ONLY,
    storage::STORAGE_SYNC_FAILED,
    storage::STORAGE_BUSY,
    storage::STALE_REVISION,
    storage::RECORD_EXISTS,
    storage::RECORD_NOT_FOUND,
    storage::SCHEMA_BEHIND,
];

/// A trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) begin: Begin,
    pub(crate) seed: u64,
    pub(crate) fault: Fault,
    pub(crate) lasts: Lasts,
    pub(crate) from: u64,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lasts = if self.lasts == Lasts::Once { "once" } else { "from-then-on" };
        write!(f, "{}:{}:{}:{lasts}:{}", self.begin.name(), self.seed, self.fault.name(), self.from)
    }
}

impl std::str::FromStr for Trial {
    type Err = String;

    fn from_str(text: &str) -> Result<Trial, String> {
        let wrong = || format!("`{text}` is not BEGIN:SEED:FAULT:LASTS:CALL");
        let parts: Vec<_> = text.split(':').collect();
        let [begin, seed, fault, lasts, from] = parts[..] else { return Err(wrong()) };
        Ok(Trial {
            begin: Begin::ALL.into_iter().find(|known| known.name() == begin).ok_or_else(wrong)?,
            seed: seed.parse().map_err(|_| wrong())?,
            fault: Fault::ALL.into_iter().find(|known| known.name() == fault).ok_or_else(wrong)?,
            lasts: match lasts {
                "once" => Lasts::Once,
                "from-then-on" => Lasts::FromThenOn,
                _ => return Err(wrong()),
            },
            from: from.parse().map_err(|_| wrong())?,
        })
    }
}

/// A workload that trials are made with.
pub(crate) struct Stage {
    begin: Begin,
    seed: u64,
    plan: Plan,
    model: Model,
    start: Image,
    /// How many calls the workload makes without a fault.
    pub(crate) calls: u64,
}

impl Stage {
    /// Prepares a workload, and counts its calls.
    pub(crate) fn new(machine: &Machine, begin: Begin, seed: u64) -> Result<Stage, String> {
        let plan = Plan::of(begin, seed);
        let model = machine.runtime.block_on(Model::of(&plan, machine.folder()));
        let model = model.map_err(|error| chain(&error))?;
        let start = prepare(machine, &plan, CLAIMS_OF_UNIX)?;
        machine.boot(&start, CLAIMS_OF_UNIX, false, Mark::Lost);
        let run = machine.runtime.block_on(perform(machine, &plan, &model, None));
        if let Some(error) = run.errors.first() {
            return Err(format!("the workload failed without a fault: {}", chain(error)));
        }
        let calls = machine.disk().lock().calls;
        Ok(Stage { begin, seed, plan, model, start, calls })
    }

    /// A trial of this workload.
    pub(crate) fn trial(&self, fault: Fault, lasts: Lasts, from: u64) -> Trial {
        Trial { begin: self.begin, seed: self.seed, fault, lasts, from }
    }

    /// Makes a trial; `false` if the fault met no call.
    pub(crate) fn run(&self, machine: &Machine, trial: Trial) -> Result<bool, Finding> {
        machine.boot(&self.start, CLAIMS_OF_UNIX, true, Mark::Lost);
        machine.disk().lock().failing =
            Some(Failing { fault: trial.fault, lasts: trial.lasts, from: trial.from, met: 0, lifted: false });
        let run = machine.runtime.block_on(perform(machine, &self.plan, &self.model, None));
        let met = machine.disk().lock().failing.take().map_or(0, |failing| failing.met);
        let open = machine.disk().lock().open;
        if open > 0 {
            let how = format!("{open} files stay open after the database was closed or not opened at all");
            return Err(Finding { wrong: Wrong::Unclean, how });
        }
        if met == 0 {
            return Ok(false);
        }
        let log = machine.disk().take_log();
        let stopped = machine.disk().live();
        let unclean = |how: String| Finding { wrong: Wrong::Unclean, how };
        for error in &run.errors {
            if !CODES.contains(&error.code()) {
                return Err(unclean(format!("the driver answered {}", chain(error))));
            }
        }
        if let Some(Lifted { written, read }) = &run.lifted {
            if let Err(how) = read {
                return Err(unclean(format!("reads fail after the fault was lifted: {how}")));
            }
            let allowed = [storage::STORAGE_SYNC_FAILED, storage::STORAGE_READ_ONLY, storage::SCHEMA_BEHIND];
            if let Err(error) = written
                && !allowed.contains(&error.code())
            {
                return Err(unclean(format!("writes fail after the fault was lifted: {}", chain(error))));
            }
        }
        let mut walk = Walk::new(&self.start, &log, false);
        walk.go_to(log.len());
        let mut seed = Seed::of(&[trial.seed, trial.from]);
        let images = [stopped, walk.crash(1, &mut seed).image, walk.crash(3, &mut seed).image];
        for (number, image) in images.iter().enumerate() {
            machine.boot(image, CLAIMS_OF_UNIX, false, if number == 0 { Mark::Left } else { Mark::Lost });
            let written = run.lifted.as_ref().is_some_and(|lifted| lifted.written.is_ok());
            let after = ["a stop", "a loss of all writes", "a loss of some writes"][number];
            let replayed = machine.runtime.block_on(self.replay(machine, &run.acknowledged, written));
            replayed.map_err(|Finding { wrong, how }| {
                let errors: Vec<_> = run.errors.iter().map(|error| error.code().to_string()).collect();
                Finding { wrong, how: format!("after {after}: {how}; the driver had answered {errors:?}") }
            })?;
        }
        Ok(true)
    }

    /// Opens the database anew, and repeats what it says was written on the reference backend.
    async fn replay(&self, machine: &Machine, acknowledged: &[usize], later: bool) -> Result<(), Finding> {
        let cx = Cx::new();
        let told = |what: &str| {
            let what = what.to_owned();
            move |error: rtmx_core::Error| Finding {
                wrong: Wrong::Corrupt,
                how: format!("{what}: {}", chain(&error)),
            }
        };
        let lost = |how: String| Finding { wrong: Wrong::Lost, how };
        let done: BTreeSet<usize> = (0..self.plan.before).chain(acknowledged.iter().copied()).collect();
        let storage = machine.open(1).await.map_err(told("the driver does not open it"))?;
        let schema = storage.schema(&cx).await.map_err(told("the schema cannot be read"))?;
        if schema.standing != Standing::Current {
            if !done.is_empty() {
                return Err(lost(format!("the schema is {:?}, and was made", schema.standing)));
            }
            storage.migrate(&cx, &MigrationPlan::Expand).await.map_err(told("it cannot be migrated"))?;
        }
        let mut sets = HashMap::new();
        let mut wanted: BTreeSet<ChangeSetId> = BTreeSet::new();
        for (number, step) in self.plan.steps.iter().enumerate() {
            let group: &[_] = match step {
                Step::Migrate => &[],
                Step::Change(set) => std::slice::from_ref(set),
                Step::Restore(sets) => sets,
            };
            for set in group {
                sets.insert(set.id, set.clone());
                if done.contains(&number) {
                    wanted.insert(set.id);
                }
            }
        }
        let last = crate::verify::later();
        if later {
            wanted.insert(last.id);
        }
        sets.insert(last.id, last);
        let reference = MemoryBackend::new(|| Epoch(uuid::Uuid::from_u128(7)));
        reference.migrate(&cx, &MigrationPlan::Expand).await.map_err(told("the reference"))?;
        for space in spaces() {
            let (_, found) = observe(&*storage, &space).await.map_err(told("it cannot be read"))?;
            let mut written: Vec<_> = found.events.iter().map(|event| event.change_set).collect();
            written.dedup();
            for id in written {
                wanted.remove(&id);
                let set = &sets[&id];
                reference.apply(&cx, set).await.map_err(told("what is there could not have been written"))?;
            }
            let (_, repeated) = observe(&reference, &space).await.map_err(told("the reference"))?;
            if found != repeated {
                let how = format!("`{space}` differs from what its own change sets make");
                return Err(Finding { wrong: Wrong::Corrupt, how });
            }
        }
        if let Some(id) = wanted.first() {
            return Err(lost(format!("the change set {} was acknowledged and is not there", id.0)));
        }
        inspect(&machine.file(), Thoroughly::Yes)?;
        storage.close(&cx).await.map_err(told("it does not close"))
    }
}
