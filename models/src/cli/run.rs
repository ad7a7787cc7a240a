//! `tinderbox run`.

use super::{Failure, InputChoice, Limits, build, build_for, files, values};
use std::path::PathBuf;
use tinderbox::compile::Options;
use tinderbox::report::Report;
use tinderbox::run::board;
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::host;
use tinderbox::run::tensors;
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
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
    /// Where to write every tensor, by name, as np.savez does: (N, ...). On the host only; the program is compiled
    /// without dropping channels
    #[arg(long)]
    dump: Option<PathBuf>,
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
    if arguments.dump.is_some() && board.is_some() {
        return Err(Failure::Refused("--dump needs --on host: a board has no room for all tensors".into()));
    }
    let drop_channels = options.drop_channels && arguments.dump.is_none();
    let options = Options { drop_channels, ..options };
    let (graph, image) = match &board {
        Some(board) => build_for(&arguments.model, board, &options)?,
        None => build(&arguments.model, &options)?,
    };
    if arguments.output.len() > graph.outputs.len() {
        return Err(Failure::Refused(format!(
            "the model has {} outputs, not {}",
            graph.outputs.len(),
            arguments.output.len()
        )));
    }
    let arrays = values::read_inputs(&graph, &arguments.input)?;
    let inferences = values::inferences(&graph, &arrays)?;
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
        values::write_output(path, &graph.tensors[graph.outputs[i]], results.iter().map(|outputs| &outputs[i]))?;
    }
    if let Some(path) = &arguments.dump {
        let contents = tensors::contents(&graph, &image, &inferences, arguments.keep_state).map_err(Failure::failed)?;
        values::write_tensors(path, &graph, &contents)?;
    }
    match &arguments.report {
        Some(path) => Ok(files::write_json(path, &report)?),
        None => Ok(()),
    }
}
