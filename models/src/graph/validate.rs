//! The invariants of a graph.
