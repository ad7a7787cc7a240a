//! The way of a model, from network to program.

use crate::algebra;
use crate::choose::{self, Budget, frontier};
use crate::cost::Table;
use crate::graph::Graph;
use crate::lower::{self, InputMode, Kernels, Lowerer, Selection};
use crate::passes::{Gains, Pass, Passes};
use crate::plan;
use crate::program::Image;
use crate::stream;
use thiserror::Error;

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How inputs reach the model.
    pub input_mode: InputMode,
    /// Which kernels may be used.
    pub kernels: Kernels,
    /// The exact passes that run.
    pub passes: Passes,
    /// What the planner may do.
    pub plan: plan::Options,
    /// What the target's kernels cost. Without it each layer takes the first variant that it has.
    pub costs: Option<Table>,
    /// What the program may take; only a table of costs makes this possible.
    pub budget: Budget,
}

/// Why a network cannot be compiled.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// An operator, type or shape has no kernel.
    #[error(transparent)]
    Lower(#[from] lower::Error),
    /// The network cannot be streamed over time.
    #[error(transparent)]
    Stream(#[from] stream::Error),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// Nothing fits the budget.
    #[error(transparent)]
    Choose(#[from] choose::Error),
    /// The same where there is nothing to choose from.
    #[error(
        "the arena takes {bytes} bytes of RAM, not {ram}: `{layer}` binds; ways out: --input-mode rows, a smaller input or fewer channels"
    )]
    TooLarge {
        /// What the program takes.
        bytes: usize,
        /// What it may take.
        ram: usize,
        /// The layer at work when the most RAM is in use.
        layer: String,
    },
}

/// Lowers, chooses, plans and checks `graph`. Nothing is chosen for networks that are too large for it, if no budget is set.
pub fn compile(graph: &Graph, options: &Options) -> Result<Image, Error> {
    with_lowerer(graph, options, |lowerer| {
        let chosen = options.costs.as_ref().map(|costs| choose::choose(lowerer, costs, &options.plan, options.budget));
        match chosen {
            None => first_variants(lowerer, options),
            Some(Err(choose::Error::TooLarge)) if options.budget == Budget::default() => {
                first_variants(lowerer, options)
            }
            Some(chosen) => Ok(chosen?),
        }
    })
}

/// The program of each layer's first variant.
fn first_variants(lowerer: &Lowerer<'_>, options: &Options) -> Result<Image, Error> {
    let lowered = lowerer.lower(&Selection::default())?;
    let plan = plan::plan(&lowered.flow, &options.plan)?;
    match options.budget.ram {
        Some(ram) if plan.arena_bytes > ram => {
            Err(Error::TooLarge { bytes: plan.arena_bytes, ram, layer: lowered.flow.nodes[plan.busiest].name.clone() })
        }
        _ => Ok(Image::new(lowered, plan)),
    }
}

/// The best programs for every budget: needs a table of costs.
pub fn frontier(graph: &Graph, options: &Options, costs: &Table) -> Result<Vec<frontier::Point>, Error> {
    with_lowerer(graph, options, |lowerer| Ok(frontier::frontier(lowerer, costs, &options.plan)?))
}

/// See [`choose::least_instructions`].
pub fn least_instructions(graph: &Graph, options: &Options, costs: &Table) -> Result<f64, Error> {
    with_lowerer(graph, options, |lowerer| Ok(choose::least_instructions(lowerer, costs, &options.plan)?))
}

fn with_lowerer<R>(
    graph: &Graph,
    options: &Options,
    f: impl FnOnce(&Lowerer<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let smaller = options.passes.run(Pass::Channels).then(|| algebra::drop_channels(graph));
    let mut gains = Gains::new(options.passes);
    smaller.iter().for_each(|smaller| algebra::count_dropped(graph, smaller, &mut gains));
    let graph = smaller.as_ref().unwrap_or(graph);
    let long = (options.input_mode == InputMode::Stream).then(|| stream::lengthen(graph)).transpose()?;
    let graph = long.as_ref().unwrap_or(graph);
    f(&Lowerer::new(graph, options.input_mode, options.kernels).with_passes(gains))
}
