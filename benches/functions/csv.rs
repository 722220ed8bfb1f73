//! Files in and out: parsing, the plan of an import, search terms, export.

use crate::ROWS;
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use rtmx_bench::matrix;
use rtmx_core::{Cx, Epoch, Space};
use rtmx_storage::csv::{ParseOptions, parse};
use rtmx_storage::import::{ImportMode, prepare};
use rtmx_storage::query::document_terms;
use rtmx_storage::{MemoryBackend, MigrationPlan, StorageBackend, export};
use std::hint::black_box;

criterion_group!(benches, files);

fn files(criterion: &mut Criterion) {
    let text = matrix::csv(ROWS);
    let options = ParseOptions::default();
    let parsed = parse(text.as_bytes(), &options).expect("the matrix is well formed");
    let mut group = criterion.benchmark_group("csv");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |bench| bench.iter(|| parse(black_box(text.as_bytes()), &options)));
    group.bench_function("export", |bench| {
        let rows = || parsed.rows.iter().map(|(id, requirement)| (id.as_str(), requirement));
        bench.iter(|| export::to_csv(&parsed.layout, black_box(rows())));
    });
    group.finish();

    let mut group = criterion.benchmark_group("import");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("search terms", |bench| {
        let terms = || parsed.rows.iter().map(|(id, requirement)| document_terms(id, requirement).len());
        bench.iter(|| terms().sum::<usize>());
    });
    let runtime = tokio::runtime::Runtime::new().expect("the machine has threads");
    let (cx, space) = (Cx::new(), Space::Project("default".into()));
    let backend = MemoryBackend::new(|| Epoch(Default::default()));
    let migrated = runtime.block_on(backend.migrate(&cx, &MigrationPlan::Expand));
    migrated.expect("an empty database can be migrated");
    group.bench_function("plan into an empty project", |bench| {
        let planned = |parsed| {
            let planned = prepare(&cx, &backend, &space, parsed, ImportMode::Merge);
            runtime.block_on(planned).expect("nobody else writes")
        };
        bench.iter_batched(|| parsed.clone(), planned, BatchSize::LargeInput);
    });
    group.finish();
}
