//! The way of a model, from network to program.

use crate::graph::Graph;
use crate::lower::{self, InputMode, Kernels};
use crate::plan;
use crate::program::Image;
use thiserror::Error;

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How inputs reach the model.
    pub input_mode: InputMode,
    /// Which kernels may be used.
    pub kernels: Kernels,
    /// What the planner may do.
    pub plan: plan::Options,
}

/// Why a network cannot be compiled.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// An operator, type or shape has no kernel.
    #[error(transparent)]
    Lower(#[from] lower::Error),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] plan::Error),
}

/// Lowers, plans and checks `graph`.
pub fn compile(graph: &Graph, options: &Options) -> Result<Image, Error> {
    let lowered = lower::lower(graph, options.input_mode, options.kernels)?;
    let plan = plan::plan(&lowered.flow, &options.plan)?;
    Ok(Image::new(lowered, plan))
}
