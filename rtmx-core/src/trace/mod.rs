//! The analysis of a matrix: cycles, impact, critical path, backlog, next, layers, health and completion.
