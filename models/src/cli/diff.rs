//! `tinderbox diff`.

use super::{Failure, InputChoice, build, values};
use std::path::PathBuf;
use tinderbox::compile::{Options, compile};
use tinderbox::diff::{first_difference, reference};
use tinderbox::graph::Graph;
use tinderbox::lower::Kernels;
use tinderbox::passes::{Pass, Passes};
use tinderbox::plan::{self, Grouping};
use tinderbox::run::npz;
use tinderbox::run::tensors::{Contents, contents};
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// Values of an input: (N, tensor shape with or without its leading 1); once per input, in the model's order
    #[arg(long, required = true)]
    input: Vec<PathBuf>,
    /// Tensors to compare with, by name, as `run --dump` or np.savez writes them: (N, ...). Default: what the portable
    /// kernels compute, layer by layer
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Run this instruction set's kernels, or their twins on this machine (default: the portable ones)
    #[arg(long)]
    target: Option<String>,
    /// How inputs reach the model
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
    /// Largest absolute difference, in units of the element type, that does not count
    #[arg(long, default_value_t = 0.0)]
    tolerance: f64,
    /// Keep variables from one inference to the next
    #[arg(long)]
    keep_state: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let kernels = match &arguments.target {
        Some(name) => target::target(name)?.kernels,
        None => Kernels::Portable,
    };
    // All channels are computed, so that every tensor has the shape that it has in the model.
    let options = Options {
        input_mode: arguments.input_mode.into(),
        kernels,
        passes: Passes::without(&[Pass::Channels]),
        ..Options::default()
    };
    let (graph, image) = build(&arguments.model, &options)?;
    let arrays = values::read_inputs(&[&graph], &arguments.input)?;
    let inferences = values::inferences(&graph, &arrays)?;
    let found = contents(&graph, &image, &inferences, arguments.keep_state).map_err(Failure::failed)?;
    let wanted = match &arguments.reference {
        Some(path) => {
            let arrays = npz::read(path).map_err(Failure::refused)?;
            reference(&graph, &arrays, inferences.len())
                .map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?
        }
        None => layer_by_layer(&graph, &inferences, arguments.keep_state)?,
    };
    match first_difference(&graph, &found, &wanted, arguments.tolerance) {
        (Some(difference), _) => Err(Failure::Failed(difference.to_string())),
        (None, compared) => {
            println!("{compared} tensors are equal in {} inferences", inferences.len());
            Ok(())
        }
    }
}

/// The plainest program: portable kernels, one operator after the other, whole tensors.
fn layer_by_layer(
    graph: &Graph,
    inferences: &[Vec<&[u8]>],
    keep_state: bool,
) -> Result<Vec<Option<Contents>>, Failure> {
    let plan = plan::Options { grouping: Grouping::Single, no_fresh_rows: true };
    let options = Options { passes: Passes::without(&[Pass::Channels]), plan, ..Options::default() };
    let image = compile(graph, &options).map_err(Failure::refused)?;
    contents(graph, &image, inferences, keep_state).map_err(Failure::failed)
}
