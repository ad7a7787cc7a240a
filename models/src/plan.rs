//! Memory and order: segments, ring capacities, offsets, and the checker that proves them.

pub mod dataflow;
