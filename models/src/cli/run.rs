//! `tinderbox run`.

use super::{Failure, InputChoice, Limits, build, files};
use std::path::{Path, PathBuf};
use tinderbox::compile::Options;
use tinderbox::graph::{Graph, Tensor};
use tinderbox::report::Report;
use tinderbox::run::board;
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::host;
use tinderbox::run::npy::{self, Array};
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite file
    model: PathBuf,
    /// Where: `host`, or the name of a board
    #[arg(long, default_value = "host")]
    on: String,
    /// Values of an input: (N, tensor shape with or without its leading 1); once per input, in the model's order
    #[arg(long, required = true)]
    input: Vec<PathBuf>,
    /// Where to write an output's values: (N, ...); once per output, in the model's order
    #[arg(long)]
    output: Vec<PathBuf>,
    /// Where to write what the run cost
    #[arg(long)]
    report: Option<PathBuf>,
    /// How inputs reach the model
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
    #[command(flatten)]
    limits: Limits,
    /// Keep variables from one inference to the next
    #[arg(long)]
    keep_state: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let board = if arguments.on == "host" { None } else { Some(target::board(&arguments.on)?) };
    let options = match &board {
        Some(board) => super::options(target::target(&board.target)?, arguments.input_mode, &arguments.limits)?,
        None if arguments.limits.ram.is_some() || arguments.limits.flash.is_some() => {
            return Err(Failure::Refused("--ram and --flash are for boards: say --on BOARD".into()));
        }
        None => Options { input_mode: arguments.input_mode.into(), ..Options::default() },
    };
    let (graph, image) = build(&arguments.model, &options)?;
    if arguments.output.len() > graph.outputs.len() {
        return Err(Failure::Refused(format!(
            "the model has {} outputs, not {}",
            graph.outputs.len(),
            arguments.output.len()
        )));
    }
    let arrays = read_inputs(&graph, &arguments.input)?;
    let inferences = inferences(&graph, &arrays)?;
    let (results, report) = match &board {
        None => {
            let results = host::run(&image, &inferences, arguments.keep_state).map_err(Failure::failed)?;
            (results, Report { on: Some("host".into()), ..Report::new("host", &graph, &image) })
        }
        Some(board) => {
            let runner = RunnerOptions { profile: arguments.report.is_some(), keep_state: arguments.keep_state };
            let (results, measured) =
                board::run(board, &graph, &image, &inferences, runner).map_err(Failure::failed)?;
            let report = Report::new(&board.target, &graph, &image).with_predictions(&image, options.costs.as_ref());
            (results, report.with_measured(&arguments.on, &measured))
        }
    };
    for (i, path) in arguments.output.iter().enumerate() {
        write_output(path, &graph.tensors[graph.outputs[i]], results.iter().map(|outputs| &outputs[i]))?;
    }
    match &arguments.report {
        Some(path) => Ok(files::write_json(path, &report)?),
        None => Ok(()),
    }
}

/// One array per input, of the tensor's type and shape.
fn read_inputs(graph: &Graph, paths: &[PathBuf]) -> Result<Vec<Array>, Failure> {
    if paths.len() != graph.inputs.len() {
        return Err(Failure::Refused(format!(
            "the model has {} inputs, {} files are given",
            graph.inputs.len(),
            paths.len()
        )));
    }
    let read = |(path, input): (&PathBuf, &usize)| {
        let array = npy::read(path).map_err(Failure::refused)?;
        expect_shape(path, &array, &graph.tensors[*input])?;
        Ok(array)
    };
    paths.iter().zip(&graph.inputs).map(read).collect()
}

fn expect_shape(path: &Path, array: &Array, tensor: &Tensor) -> Result<(), Failure> {
    let refused = |what: String| Err(Failure::Refused(format!("{}: {what}", path.display())));
    if array.dtype != tensor.dtype {
        return refused(format!("elements are {:?}, input `{}` is {:?}", array.dtype, tensor.name, tensor.dtype));
    }
    let given = array.shape.get(1..).unwrap_or_default();
    let without_one = tensor.shape.strip_prefix(&[1]).unwrap_or(&tensor.shape);
    if array.shape.is_empty() || given != tensor.shape && given != without_one {
        return refused(format!("shape is {:?}, input `{}` is (N, {:?})", array.shape, tensor.name, tensor.shape));
    }
    Ok(())
}

/// Per inference, the bytes of every input.
fn inferences<'a>(graph: &Graph, arrays: &'a [Array]) -> Result<Vec<Vec<&'a [u8]>>, Failure> {
    let count = arrays.first().map_or(1, |array| array.shape[0]);
    if arrays.iter().any(|array| array.shape[0] != count) {
        return Err(Failure::Refused("the inputs have different numbers of inferences".into()));
    }
    let bytes = |i: usize| graph.tensors[graph.inputs[i]].bytes();
    let inputs = |n: usize| (0..arrays.len()).map(|i| &arrays[i].data[n * bytes(i)..][..bytes(i)]).collect();
    Ok((0..count).map(inputs).collect())
}

/// Stacks an output's values: (N, tensor shape without its leading 1).
fn write_output<'a>(
    path: &Path,
    tensor: &Tensor,
    values: impl ExactSizeIterator<Item = &'a Vec<u8>>,
) -> Result<(), Failure> {
    let shape = match tensor.shape.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest,
        shape => shape,
    };
    let shape = [&[values.len()], shape].concat();
    let array = Array { shape, dtype: tensor.dtype, data: values.flatten().copied().collect() };
    Ok(files::replace(path, |file| npy::write(file, &array))?)
}
