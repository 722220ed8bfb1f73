//! The functions that a request spends its time in, measured one by one with criterion:
//! `cargo bench -p rtmx-bench`, or `cargo bench -p rtmx-bench -- csv`.
//!
//! The matrix has 10,000 rows, so that a run takes a minute or two; `cargo xtask bench` measures the
//! product at 100,000.

mod csv;
mod graph;
mod page;

criterion::criterion_main!(csv::benches, graph::benches, page::benches);

/// Rows of the matrix.
const ROWS: usize = 10_000;
