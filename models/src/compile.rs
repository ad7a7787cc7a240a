//! The way of a model, from network to program.

use crate::algebra;
use crate::graph::Graph;
use crate::lower::{self, InputMode, Kernels};
use crate::plan;
use crate::program::Image;
use thiserror::Error;

/// What the user asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How inputs reach the model.
    pub input_mode: InputMode,
    /// Which kernels may be used.
    pub kernels: Kernels,
    /// Remove channels that do not matter.
    pub drop_channels: bool,
    /// What the planner may do.
    pub plan: plan::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            input_mode: InputMode::default(),
            kernels: Kernels::default(),
            drop_channels: true,
            plan: plan::Options::default(),
        }
    }
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
    let smaller = options.drop_channels.then(|| algebra::drop_channels(graph));
    let lowered = lower::lower(smaller.as_ref().unwrap_or(graph), options.input_mode, options.kernels)?;
    let plan = plan::plan(&lowered.flow, &options.plan)?;
    Ok(Image::new(lowered, plan))
}
