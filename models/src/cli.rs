//! The command line: one file per subcommand.

mod bench;
mod boards;
mod calibrate;
mod compile;
mod diff;
mod explore;
mod fit;
mod inspect;
mod install;
mod run;
mod train;
mod values;

use clap::{Parser, Subcommand, ValueEnum};
use std::path::Path;
use std::process::ExitCode;
use tinderbox::choose::Budget;
use tinderbox::compile::{self as compiler, Options};
use tinderbox::cost::Table;
use tinderbox::fit as fit_to_board;
use tinderbox::graph::Graph;
use tinderbox::lower::InputMode;
use tinderbox::passes::Pass;
use tinderbox::program::Image;
use tinderbox::target::{Board, Target};
use tinderbox::{files, import, stream, target};

/// Compiles neural networks for microcontrollers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the boards that models can be run on
    Boards,
    /// Measure models on emulated boards, side by side
    Bench(bench::Arguments),
    /// Measure what kernels cost on an emulated board, for predictions
    Calibrate(calibrate::Arguments),
    /// Write a model as C source and header, with the library that runs it
    Compile(compile::Arguments),
    /// Prune, fine-tune and quantize a float model
    Compress(train::Arguments),
    /// Say how often a classifier is right
    Eval(train::Arguments),
    /// Name the first operator whose output differs from a reference's
    Diff(diff::Arguments),
    /// Show what RAM, flash and speed a model can be traded for
    Explore(explore::Arguments),
    /// Rank the boards for a model: which it fits, how fast, and what binds
    Fit(fit::Arguments),
    /// Show what is in a model
    Inspect(inspect::Arguments),
    /// Turn a float model into int8
    Quantize(train::Arguments),
    /// Install the runtime for C programs, to be found by pkg-config and CMake
    Install(install::Arguments),
    /// Run a model, here or on an emulated board, and say what it costs
    Run(run::Arguments),
    /// Train a network of the zoo
    Train(train::Arguments),
}

/// How inputs reach the model.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum InputChoice {
    /// Filled in whole, in the arena; an inference consumes them
    #[default]
    Whole,
    /// Pushed row by row
    Rows,
}

impl From<InputChoice> for InputMode {
    fn from(choice: InputChoice) -> Self {
        match choice {
            InputChoice::Whole => InputMode::Whole,
            InputChoice::Rows => InputMode::Rows,
        }
    }
}

/// What the program may take.
#[derive(clap::Args)]
struct Limits {
    /// Most bytes of RAM that inference may use, the stack and the handle aside
    #[arg(long, value_name = "BYTES")]
    ram: Option<usize>,
    /// Most bytes of flash for code, constants and weights
    #[arg(long, value_name = "BYTES")]
    flash: Option<usize>,
}

/// How inputs reach the model, as the user says it.
#[derive(clap::Args)]
struct InputArguments {
    /// How inputs reach the model
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
    /// Push frames without end: each, or every few, brings the output of the window that it ends
    #[arg(long, conflicts_with = "input_mode")]
    stream: bool,
}

impl InputArguments {
    fn mode(&self) -> InputMode {
        if self.stream { InputMode::Stream } else { self.input_mode.into() }
    }
}

/// Which exact passes run.
#[derive(clap::Args)]
struct PassArguments {
    /// Leave out a pass of exact algebra: outputs are the same, the program may be larger or slower. May be repeated
    #[arg(long, value_enum, value_name = "PASS")]
    without: Vec<Pass>,
}

/// Options for a target; its table of costs, where there is one, makes the choice of kernels a good one.
fn options(target: &Target, input_mode: InputMode, limits: &Limits) -> Result<Options, Failure> {
    let costs = Table::of(target).map_err(Failure::failed)?;
    let budget = Budget { ram: limits.ram, flash: limits.flash };
    let options = Options { input_mode, kernels: target.kernels, costs, budget, ..Options::default() };
    if options.costs.is_none() && budget.flash.is_some() {
        return Err(Failure::Refused(format!(
            "--flash needs a table of costs, and there is none for {}; `tinderbox calibrate` makes one",
            target.name
        )));
    }
    Ok(options)
}

/// Why a command ended early. What it wrote so far is whole; nothing is left half-written.
enum Failure {
    /// The model, or the request, cannot be served: exit status 2.
    Refused(String),
    /// Something went wrong on this machine: exit status 1.
    Failed(String),
}

impl Failure {
    fn refused(error: impl std::fmt::Display) -> Self {
        Failure::Refused(error.to_string())
    }

    fn failed(error: impl std::fmt::Display) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<import::Error> for Failure {
    fn from(error: import::Error) -> Self {
        Self::refused(error)
    }
}

impl From<files::Error> for Failure {
    fn from(error: files::Error) -> Self {
        Self::failed(error)
    }
}

impl From<target::Error> for Failure {
    fn from(error: target::Error) -> Self {
        Self::refused(error)
    }
}

/// Runs the command that the process was started with.
pub(crate) fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Boards => boards::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Compress(arguments) => train::run("compress", &arguments),
        Command::Eval(arguments) => train::run("eval", &arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Explore(arguments) => explore::run(&arguments),
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Quantize(arguments) => train::run("quantize", &arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Train(arguments) => train::run("train", &arguments),
    };
    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Refused(message)) => (message, 2),
        Err(Failure::Failed(message)) => (message, 1),
    };
    eprintln!("tinderbox: {message}");
    ExitCode::from(status)
}

/// What the caller of a compiled model sees of it.
fn interface(graph: &Graph, mode: InputMode) -> Result<Graph, Failure> {
    match mode {
        InputMode::Stream => stream::interface(graph).map_err(Failure::refused),
        InputMode::Whole | InputMode::Rows => Ok(graph.clone()),
    }
}

/// Reads and compiles a model.
fn build(model: &Path, options: &Options) -> Result<(Graph, Image), Failure> {
    let graph = import::import(model)?;
    let image = compiler::compile(&graph, options).map_err(|error| about(model, error))?;
    Ok((graph, image))
}

/// The same, within a board's memories.
fn build_for(model: &Path, board: &Board, options: &Options) -> Result<(Graph, Image), Failure> {
    let graph = import::import(model)?;
    let image = fit_to_board::compile(&graph, board, options).map_err(|error| about(model, error))?;
    Ok((graph, image))
}

fn about(model: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("{}: {error}", model.display()))
}

/// A table for people.
fn table<const N: usize>(header: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_header(header);
    table
}
