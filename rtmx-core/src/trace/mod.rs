//! The analysis of a matrix: gaps, cycles, impact, critical path, backlog, next, layers, health and completion.
//!
//! A [`Matrix`] is the graph index of one project. It is built row by row and moved forward row by
//! row, and every question is a method that answers with an owned, serializable value. The decision
//! to know: nothing here recurses and nothing here assumes that the graph is acyclic, because files
//! in the field are not. Edges come from `dependencies` alone; `blocks` is only compared with them.
//! Deliberately absent: full texts (the index keeps a short label), claims, and every clock.
//!
//! The formulas are those of upstream's Go tool where it is right; every difference is in
//! `docs/differences.md`.

mod matrix;
mod row;
mod words;

mod components;
mod cycles;
mod reach;
mod view;

mod around;
mod backlog;
mod completion;
mod critical;
mod gaps;
mod graph;
mod health;
mod impact;
mod item;
mod layers;
mod neighbours;
mod next;
mod vocabulary;

#[cfg(test)]
mod sample;

pub use around::{Around, Neighbour};
pub use backlog::{Backlog, BacklogQuery, BacklogSection, BacklogSummary, BacklogView, Formula};
pub use completion::{CategoryCompletion, Completion, Counts, PhaseCompletion};
pub use critical::{CriticalItem, CriticalPath};
pub use cycles::{Cycle, Cycles};
pub use gaps::{Cause, Gap, GapQuery, Gaps, Grade, Reason, ReasonCount};
pub use graph::{Graph, GraphEdge, GraphNode, Group, GroupEdge, GroupGraph, Grouping};
pub use health::{
    Check, CheckStatus, Detail, ExitCodes, FINDING_LIMIT, Health, HealthStats, HealthStatus, HealthSummary,
    Rule, Severity,
};
pub use impact::{Impact, Reached};
pub use item::Item;
pub use layers::Layers;
pub use matrix::{Matrix, is_cross_repo};
pub use neighbours::{Brief, Reach};
pub use next::{Next, Overlap, Web};
pub use vocabulary::Vocabulary;
