//! What a write costs by itself, and what many writers of one project cost each other: published, not judged.

use crate::raw::Raw;
use crate::{change_set, ms, space, time};
use rtmx_core::{Change, Cx, Kind, Record};
use rtmx_storage::{Query, StorageBackend};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// How many writers there are at once.
const WRITERS: [usize; 3] = [1, 8, 32];
/// How many writes they make together, and one writer alone.
const WRITES: usize = 256;

/// The figures, each the time of one write.
pub(crate) async fn figures(storage: &Arc<dyn StorageBackend>, raw: &mut Raw, ids: &[String]) -> Vec<Value> {
    let mut figures = Vec::new();
    let mut add = |name: String, ms: f64| figures.push(json!({ "name": name, "ms": ms }));
    let update = time(WRITES, async |turn| raw.update(&ids[turn * 7919 % ids.len()]).await).await;
    add("update of one and its COMMIT, without the driver".into(), ms(update));
    let mut record = one(storage, &ids[0]).await;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        record = written(storage, record).await;
        times.push(begun.elapsed());
    }
    times.sort();
    add("write of one".into(), ms(times[WRITES / 2]));
    for writers in WRITERS {
        let begun = Instant::now();
        let tasks = (0..writers).map(|writer| {
            let (storage, id) = (Arc::clone(storage), ids[writer % ids.len()].clone());
            tokio::spawn(async move {
                let mut record = one(&storage, &id).await;
                for _ in 0..WRITES / writers {
                    record = written(&storage, record).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("it writes");
        }
        let each = begun.elapsed() / u32::try_from(WRITES).expect("they are few");
        add(format!("a write of {writers} at once"), ms(each));
    }
    figures
}

async fn one(storage: &Arc<dyn StorageBackend>, id: &str) -> Record {
    let query = Query::ids(space(), Kind::Requirement, [id.to_owned()]);
    let page = storage.fetch(&Cx::new(), &query).await.expect("an answer");
    page.into_records().pop().expect("it is there")
}

/// Writes a record over itself.
async fn written(storage: &Arc<dyn StorageBackend>, record: Record) -> Record {
    let change = Change::replace(record.id.clone(), record.revision, record.body.clone());
    let applied = storage.apply(&Cx::new(), &change_set(vec![change])).await.expect("it applies");
    Record { revision: applied.revision, ..record }
}
