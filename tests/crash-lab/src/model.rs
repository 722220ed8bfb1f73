//! What the database must hold after each step: found out from the reference backend in memory.

use crate::workload::{KINDS, Plan, Step, WORD, spaces};
use rtmx_core::{Cx, Epoch, Record, Result, Space};
use rtmx_storage::query::{RecordQuery, TallyRow};
use rtmx_storage::{ChangeEvent, FeedPosition, MemoryBackend, MigrationPlan, Query, StorageBackend};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that can be asked of a project.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) records: Vec<Record>,
    pub(crate) events: Vec<ChangeEvent>,
    pub(crate) tally: Vec<TallyRow>,
    pub(crate) found: Vec<String>,
}

/// The heads of the two projects.
pub(crate) type Heads = [u64; 2];

/// The states that a workload goes through.
#[derive(Debug)]
pub(crate) struct Model {
    /// The heads after so many steps; the first entry is before the first.
    pub(crate) heads: Vec<Heads>,
    /// What each project holds at each of its heads.
    pub(crate) views: BTreeMap<(usize, u64), View>,
    /// The archive that the plan restores, where it restores one.
    pub(crate) archive: Option<PathBuf>,
}

/// Events of a project are asked for at once; a workload has far fewer.
const EVENTS: usize = 1_000;

impl Model {
    /// Runs a plan on the reference backend; an archive goes into `folder`.
    pub(crate) async fn of(plan: &Plan, folder: &Path) -> Result<Model> {
        let cx = Cx::new();
        let backend = MemoryBackend::new(|| Epoch(uuid::Uuid::from_u128(7)));
        let mut model = Model { heads: vec![[0, 0]], views: BTreeMap::new(), archive: None };
        for step in &plan.steps {
            match step {
                Step::Migrate => {
                    backend.migrate(&cx, &MigrationPlan::Expand).await?;
                    for place in 0..2 {
                        model.note(&backend, place).await?;
                    }
                }
                Step::Change(set) => {
                    backend.apply(&cx, set).await?;
                    model.note(&backend, place_of(&set.space)).await?;
                }
                Step::Restore(sets) => {
                    for set in sets {
                        backend.apply(&cx, set).await?;
                    }
                    for place in 0..2 {
                        model.note(&backend, place).await?;
                    }
                    let archive = folder.join("archive");
                    // That of another plan; what cannot be removed is met when the new one is made.
                    let _ = std::fs::remove_file(&archive);
                    backend.back_up(&cx, &archive).await?;
                    model.archive = Some(archive);
                }
            }
            let mut heads = [0, 0];
            for (head, space) in heads.iter_mut().zip(spaces()) {
                *head = backend.head(&cx, &space).await?.revision.0;
            }
            model.heads.push(heads);
        }
        Ok(model)
    }

    async fn note(&mut self, backend: &MemoryBackend, place: usize) -> Result<()> {
        let (head, view) = observe(backend, &spaces()[place]).await?;
        self.views.insert((place, head), view);
        Ok(())
    }
}

fn place_of(space: &Space) -> usize {
    usize::from(spaces()[1] == *space)
}

/// Asks a backend for everything, through the interface that the server uses.
pub(crate) async fn observe(backend: &dyn StorageBackend, space: &Space) -> Result<(u64, View)> {
    let cx = Cx::new();
    let mut records = Vec::new();
    for kind in KINDS {
        let query = Query::Records(RecordQuery::all(space.clone(), kind));
        records.extend(backend.fetch(&cx, &query).await?.into_records());
    }
    let search = RecordQuery { search: Some(WORD.into()), ..RecordQuery::all(space.clone(), KINDS[0]) };
    let found = backend.fetch(&cx, &Query::Records(search)).await?.into_records();
    let found = found.into_iter().map(|record| record.id).collect();
    let mut tally = backend.fetch(&cx, &Query::Tally { space: space.clone() }).await?.into_tally();
    tally.sort_by_cached_key(|row| format!("{row:?}"));
    let feed = backend.changes(&cx, space, FeedPosition::START, EVENTS, None).await?;
    Ok((feed.head.revision.0, View { records, events: feed.events, tally, found }))
}
