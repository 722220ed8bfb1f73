//! A workload, run once by the driver as it is, and everything that it did to the disk.

use crate::disk::{Event, Image};
use crate::layer::{CLAIMS_EVERYTHING, CLAIMS_NOTHING, CLAIMS_OF_UNIX};
use crate::machine::{Machine, Mark};
use crate::model::{Model, observe};
use crate::planted::{self, Plant};
use crate::verify::{chain, later};
use crate::workload::{Begin, Move, Plan, Step, spaces};
use rtmx_core::{Cx, Error};
use rtmx_storage::{MigrationPlan, StorageBackend};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Threads that read while a workload is recorded.
const READERS: usize = 2;

/// Which workload, on which disk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) begin: Begin,
    pub(crate) seed: u64,
    pub(crate) medium: Medium,
    pub(crate) plant: Option<Plant>,
}

/// What the device does to a sector that was torn, and what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Medium {
    /// It keeps what SQLite's layer for Unix claims of every device: bytes beside a write stay.
    AsClaimed,
    /// It claims nothing, and ruins what shares a sector with a torn write.
    Ruinous,
}

impl Subject {
    /// What the device claims.
    pub(crate) fn claims(&self) -> i32 {
        match (self.plant, self.medium) {
            (Some(Plant::DeviceClaimsEverything), _) => CLAIMS_EVERYTHING,
            (_, Medium::AsClaimed) => CLAIMS_OF_UNIX,
            (_, Medium::Ruinous) => CLAIMS_NOTHING,
        }
    }

    /// Whether sectors are ruined.
    pub(crate) fn ruins(&self) -> bool {
        self.medium == Medium::Ruinous
    }
}

/// What one run of a workload did to the disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recording {
    pub(crate) subject: Subject,
    pub(crate) start: Image,
    pub(crate) log: Vec<Event>,
    /// Steps that were acknowledged before the recording began.
    pub(crate) before: usize,
}

/// How a run went.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Steps that were acknowledged, without those that were done before.
    pub(crate) acknowledged: Vec<usize>,
    /// Steps that were begun.
    pub(crate) begun: usize,
    /// Errors that the driver answered with.
    pub(crate) errors: Vec<Error>,
    /// What the readers were told that no step had made.
    pub(crate) misread: Option<String>,
    /// What the driver could do once the fault of a trial was gone.
    pub(crate) lifted: Option<Lifted>,
}

/// What an open database can do after a fault.
#[derive(Debug)]
pub(crate) struct Lifted {
    pub(crate) written: rtmx_core::Result<()>,
    pub(crate) read: Result<(), String>,
}

/// Runs a workload without faults and records it.
pub(crate) fn record(machine: &Machine, subject: Subject) -> Result<(Plan, Model, Recording), String> {
    let plan = Plan::of(subject.begin, subject.seed);
    let model = machine.runtime.block_on(Model::of(&plan, machine.folder()));
    let model =
        model.map_err(|error| format!("the reference backend refuses the workload: {}", chain(&error)))?;
    let start = prepare(machine, &plan, subject.claims())?;
    machine.boot(&start, subject.claims(), true, Mark::Lost);
    let run = machine.runtime.block_on(perform(machine, &plan, &model, subject.plant));
    if let Some(error) = run.errors.first() {
        return Err(format!("the workload failed without a fault: {}", chain(error)));
    }
    if let Some(misread) = run.misread {
        return Err(misread);
    }
    let log = machine.disk().take_log();
    Ok((plan.clone(), model, Recording { subject, start, log, before: plan.before }))
}

/// The disk on which a workload begins.
pub(crate) fn prepare(machine: &Machine, plan: &Plan, claims: i32) -> Result<Image, String> {
    machine.boot(&Image::new(), claims, false, Mark::Lost);
    if plan.before == 0 {
        return Ok(Image::new());
    }
    let prepared = async {
        let storage = machine.open(READERS).await?;
        for step in &plan.steps[..plan.before] {
            perform_step(&*storage, step, None).await?;
        }
        storage.close(&Cx::new()).await
    };
    machine
        .runtime
        .block_on(prepared)
        .map_err(|error| format!("no database to begin with: {}", chain(&error)))?;
    Ok(machine.disk().live())
}

async fn perform_step(
    storage: &dyn StorageBackend,
    step: &Step,
    archive: Option<&std::path::Path>,
) -> rtmx_core::Result<Option<u64>> {
    let cx = Cx::new();
    match step {
        Step::Migrate => storage.migrate(&cx, &MigrationPlan::Expand).await.map(|_| None),
        Step::Change(set) => storage.apply(&cx, set).await.map(|applied| Some(applied.revision.0)),
        Step::Restore(_) => {
            let archive = archive.expect("the model made the archive of its plan");
            storage.restore(&cx, archive).await.map(|_| None)
        }
    }
}

/// Runs a plan's moves. After an error the steps that follow are tried all the same, as clients do.
pub(crate) async fn perform(machine: &Machine, plan: &Plan, model: &Model, plant: Option<Plant>) -> Run {
    let mut run = Run { begun: plan.before, ..Run::default() };
    let mut storage = match open(machine, plant).await {
        Ok(storage) => storage,
        Err(error) => {
            run.errors.push(error);
            return run;
        }
    };
    for next in &plan.moves {
        match next {
            Move::Checkpoint => machine.disk().want_checkpoint(),
            Move::Reopen => {
                let closed = storage.close(&Cx::new()).await;
                drop(storage);
                match closed.and(open(machine, plant).await) {
                    Ok(opened) => storage = opened,
                    Err(error) => {
                        run.errors.push(error);
                        return run;
                    }
                }
            }
            Move::Steps(steps) => together(machine, &storage, plan, steps.clone(), model, &mut run).await,
        }
    }
    if machine.disk().lift() {
        let written = storage.apply(&Cx::new(), &later()).await.map(|_| ());
        run.lifted = Some(Lifted { written, read: readable(&*storage).await });
    }
    if let Err(error) = storage.close(&Cx::new()).await {
        run.errors.push(error);
    }
    run
}

/// Whether every project can be read; a database without a schema has none.
async fn readable(storage: &dyn StorageBackend) -> Result<(), String> {
    for space in spaces() {
        match observe(storage, &space).await {
            Err(error) if error.code() != rtmx_core::storage::SCHEMA_BEHIND => return Err(chain(&error)),
            _ => {}
        }
    }
    Ok(())
}

async fn open(machine: &Machine, plant: Option<Plant>) -> rtmx_core::Result<Arc<dyn StorageBackend>> {
    planted::forget(&machine.file());
    let storage = machine.open(READERS).await?;
    if let Some(plant) = plant {
        machine.disk().lock().plant = Some(plant);
        planted::into_connection(plant, &machine.file());
    }
    Ok(storage)
}

/// Has steps in the writer's queue at once, and readers beside them.
async fn together(
    machine: &Machine,
    storage: &Arc<dyn StorageBackend>,
    plan: &Plan,
    steps: std::ops::Range<usize>,
    model: &Model,
    run: &mut Run,
) {
    let queued = Arc::new(AtomicUsize::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let reading = matches!(plan.steps[steps.start], Step::Change(_));
    let reader = reading.then(|| {
        let (storage, over) = (Arc::clone(storage), Arc::clone(&over));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Acquire) {
                for (place, space) in spaces().iter().enumerate() {
                    // An error here is no finding: the faults are meant for readers, too.
                    let feed = storage
                        .changes(&Cx::new(), space, rtmx_storage::FeedPosition::START, 1_000, None)
                        .await;
                    if let Ok(feed) = feed {
                        seen.push((place, feed));
                    }
                }
            }
            seen
        })
    });
    if steps.len() > 1 {
        // The first call asks for the schema and would be overtaken; an error comes again below.
        let _ = storage.head(&Cx::new(), &spaces()[0]).await;
        machine.disk().hold_writers();
    }
    let mut tasks = Vec::new();
    for step in steps.clone() {
        let (storage, counter, disk) = (Arc::clone(storage), Arc::clone(&queued), machine.disk());
        let (what, archive) = (plan.steps[step].clone(), model.archive.clone());
        let task = tokio::spawn(async move {
            counter.fetch_add(1, Ordering::AcqRel);
            let outcome = perform_step(&*storage, &what, archive.as_deref()).await;
            if outcome.is_ok() {
                disk.acknowledge(step + 1);
            }
            outcome
        });
        // One after the other into the queue, so that its order is the plan's.
        while queued.load(Ordering::Acquire) <= step - steps.start {
            tokio::task::yield_now().await;
        }
        tasks.push((step, task));
    }
    machine.disk().release_writers();
    run.begun = run.begun.max(steps.end);
    for (step, task) in tasks {
        match task.await.expect("a step does not panic") {
            Ok(_) => run.acknowledged.push(step),
            Err(error) => run.errors.push(error),
        }
    }
    over.store(true, Ordering::Release);
    if let Some(reader) = reader {
        for (place, feed) in reader.await.expect("a reader does not panic") {
            let head = feed.head.revision.0;
            let known = model.views.get(&(place, head)).map(|view| &view.events);
            if run.errors.is_empty() && known != Some(&feed.events) {
                run.misread = Some(format!("a reader was told of the head {head} what no step made"));
            }
        }
    }
}
