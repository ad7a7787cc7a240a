//! Quantize, prune, fine-tune and evaluate: what needs a float network that runs on the host.
//!
//! [`engine`] runs any float graph in Burn. Everything else takes a [`tinderbox::graph::Graph`] and yields one.
#![forbid(unsafe_code)]

pub mod accuracy;
pub mod compress;
pub mod data;
pub mod engine;
pub mod model;
mod parallel;
pub mod prune;
pub mod quality;
pub mod quantize;
pub mod reconstruction;
pub mod trace;
pub mod tune;
pub mod zoo;
