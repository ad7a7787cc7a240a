//! The Tinderbox compiler. A model goes one way: import, compress, lower, choose, plan, emit.
#![forbid(unsafe_code)]

pub mod algebra;
pub mod bench;
pub mod choose;
pub mod compile;
pub mod cost;
pub mod diff;
pub mod emit;
pub mod export;
pub mod files;
pub mod fit;
pub mod graph;
pub mod import;
pub mod inspect;
pub mod lower;
pub mod passes;
pub mod plan;
pub mod program;
pub mod report;
pub mod run;
pub mod stream;
pub mod target;
