//! The matrix in memory: built, moved by one edit, asked.

use crate::ROWS;
use criterion::{BatchSize, Criterion, criterion_group};
use rtmx_bench::matrix;
use rtmx_core::trace::{BacklogQuery, Matrix};
use rtmx_core::{Requirement, Status};
use rtmx_storage::csv::{ParseOptions, parse};
use std::hint::black_box;

criterion_group!(benches, graph);

fn built(rows: &[(String, Requirement)]) -> Matrix {
    let mut matrix = Matrix::new();
    for (id, requirement) in rows {
        matrix.upsert(id, requirement);
    }
    matrix
}

fn graph(criterion: &mut Criterion) {
    let text = matrix::csv(ROWS);
    let parsed = parse(text.as_bytes(), &ParseOptions::default()).expect("the matrix is well formed");
    let rows = parsed.rows;
    let mut group = criterion.benchmark_group("matrix");
    group.bench_function("build", |bench| bench.iter(|| built(black_box(&rows))));
    let whole = built(&rows);
    let (id, requirement) = &rows[ROWS / 2];
    let edited = Requirement { status: Status::Partial.into(), ..requirement.clone() };
    group.bench_function("step by an edit", |bench| {
        let step = |mut matrix: Matrix| {
            matrix.upsert(id, &edited);
            matrix
        };
        bench.iter_batched(|| whole.clone(), step, BatchSize::LargeInput);
    });
    // Each from a matrix that remembers no answer.
    let mut fresh = |name: &str, ask: &dyn Fn(&Matrix) -> usize| {
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(|| built(&rows), |matrix| ask(matrix), BatchSize::LargeInput);
        });
    };
    fresh("cycles", &|matrix| matrix.cycles().count);
    fresh("impact", &|matrix| {
        matrix.impact(&matrix::id(0)).map_or(0, |impact| impact.transitive_downstream_count)
    });
    fresh("backlog", &|matrix| {
        let query = BacklogQuery { limit: Some(50), ..BacklogQuery::default() };
        matrix.backlog(&query).summary.total_incomplete
    });
    fresh("health", &|matrix| matrix.health().summary.passed);
    group.finish();
}
