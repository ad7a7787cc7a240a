//! `tinderbox run`.

use super::{Failure, InputArguments, Limits, PassArguments, build, build_for, files, interface, values};
use std::path::PathBuf;
use tinderbox::compile::Options;
use tinderbox::lower::Kernels;
use tinderbox::passes::{Pass, Passes};
use tinderbox::plan::stream::Period;
use tinderbox::report::Report;
use tinderbox::run::board;
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::tensors;
use tinderbox::run::{host, stream};
use tinderbox::target;
use tinderbox_runtime::kernels::host::instruction_set;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// Where: `host`, or the name of a board
    #[arg(long, default_value = "host")]
    on: String,
    /// Values of an input: (N, tensor shape with or without its leading 1), for a stream windows or frames one after the
    /// other; once per input, in the model's order
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
    #[command(flatten)]
    input_arguments: InputArguments,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    passes: PassArguments,
    /// Keep variables from one inference to the next
    #[arg(long)]
    keep_state: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let board = if arguments.on == "host" { None } else { Some(target::board(&arguments.on)?) };
    let mode = arguments.input_arguments.mode();
    let options = match &board {
        Some(board) => super::options(target::target(&board.target)?, mode, &arguments.limits)?,
        None if arguments.limits.ram.is_some() || arguments.limits.flash.is_some() => {
            return Err(Failure::Refused("--ram and --flash are for boards: say --on BOARD".into()));
        }
        None => Options { input_mode: mode, kernels: Kernels::Host, ..Options::default() },
    };
    if arguments.dump.is_some() && arguments.input_arguments.stream {
        return Err(Failure::Refused("--dump shows whole tensors: leave out --stream".into()));
    }
    if arguments.dump.is_some() && board.is_some() {
        return Err(Failure::Refused("--dump needs --on host: a board has no room for all tensors".into()));
    }
    let whole = arguments.dump.is_some().then_some(Pass::Channels);
    let passes = Passes::without(&arguments.passes.without.iter().copied().chain(whole).collect::<Vec<_>>());
    let options = Options { passes, ..options };
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
    let seen = interface(&graph, mode)?;
    let arrays = values::read_inputs(&[&graph, &seen], &arguments.input)?;
    let inferences = values::inferences(&seen, &arrays)?;
    let rows = match &image.plan().period {
        Some(period) => {
            enough_frames(inferences.len(), period, board.is_some())?;
            let inputs: Vec<Vec<&[u8]>> =
                (0..arrays.len()).map(|i| inferences.iter().map(|frame| frame[i]).collect()).collect();
            Some(stream::in_order(&image, &inputs))
        }
        None => None,
    };
    let (results, report) = match &board {
        None => {
            let results = match &rows {
                Some(rows) => stream::run(&image, rows),
                None => host::run(&image, &inferences, arguments.keep_state),
            };
            let results = results.map_err(Failure::failed)?;
            let mut report = Report { on: Some("host".into()), ..Report::new("host", &graph, &image) };
            report.kernel_set = Some(instruction_set().into());
            if let (Some(_), None, Some(inputs)) = (&arguments.report, &rows, inferences.first()) {
                let latency = host::latency(&image, inputs).map_err(Failure::failed)?;
                report.latency_us = Some(latency.as_secs_f64() * 1e6);
            }
            (results, report)
        }
        Some(board) => {
            let runner = RunnerOptions { profile: arguments.report.is_some(), keep_state: arguments.keep_state };
            let run = match &rows {
                Some(rows) => board::run_stream(board, &seen, &image, rows, runner),
                None => board::run(board, &graph, &image, &inferences, runner),
            };
            let (results, measured) = run.map_err(Failure::failed)?;
            let report = Report::new(&board.target, &graph, &image).with_predictions(&image, options.costs.as_ref());
            (results, report.with_measured(&arguments.on, &measured))
        }
    };
    for (i, path) in arguments.output.iter().enumerate() {
        values::write_output(path, &seen.tensors[seen.outputs[i]], results.iter().map(|outputs| &outputs[i]))?;
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

/// A stream yields nothing before its first window is full, and is measured between two outputs.
fn enough_frames(given: usize, period: &Period, measured: bool) -> Result<(), Failure> {
    let needed = period.window + if measured { period.hop } else { 0 };
    if given >= needed {
        return Ok(());
    }
    Err(Failure::Refused(format!("{given} frames are given, at least {needed} are needed")))
}
