//! The Tinderbox compiler. A model goes one way: import, compress, lower, choose, plan, emit.
#![forbid(unsafe_code)]

pub mod graph;
pub mod import;
pub mod inspect;
pub mod plan;
