//! The command line: one file per subcommand. `tinderbox` hands these subcommands on to this program.

mod compress;
mod eval;
mod quantize;
mod train;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tinderbox::export::export;
use tinderbox::graph::Graph;
use tinderbox_train::quality::Objective;
use tinderbox_train::tune::batches::Augmentation;
use tinderbox_train::{data, tune};

/// Quantizes, prunes, fine-tunes and evaluates neural networks.
#[derive(Parser)]
#[command(name = "tinderbox", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prune, fine-tune and quantize a float model
    Compress(Box<compress::Arguments>),
    /// Say how good a network is: overall, for each class and for each group
    Eval(eval::Arguments),
    /// Turn a float model into int8
    Quantize(quantize::Arguments),
    /// Train a network of the zoo
    Train(train::Arguments),
}

/// What the numbers in the files of examples mean.
#[derive(clap::Args)]
struct Units {
    /// Real units of one step of the numbers in X: 0.00392156862745098 for bytes, if the model takes 0 to 1
    #[arg(long, default_value_t = 1.0)]
    scale: f32,
    /// The number in X that stands for zero
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    zero_point: f32,
}

impl Units {
    fn get(&self) -> data::Units {
        data::Units { scale: self.scale, zero_point: self.zero_point }
    }
}

/// Layers with more or fewer bits than the others.
#[derive(Clone, clap::Args)]
struct LayerBits {
    /// Layers whose weights get 4 bits: names as in the report, or parts that only one of them has
    #[arg(long, value_name = "LAYER,...", value_delimiter = ',')]
    int4: Vec<String>,
    /// Layers too whose weights of 4 bits alone leave the output at least this signal to noise
    #[arg(long, value_name = "DECIBELS")]
    int4_above: Option<f64>,
    /// Layers whose activations get 16 bits
    #[arg(long, value_name = "LAYER,...", value_delimiter = ',')]
    int16: Vec<String>,
}

/// What the network is for.
#[derive(clap::Args)]
struct ObjectiveArguments {
    /// The network is an autoencoder: its output is to be its input, and labels other than 0 mark anomalies
    #[arg(long)]
    autoencoder: bool,
}

impl ObjectiveArguments {
    fn get(&self) -> Objective {
        if self.autoencoder { Objective::Reconstruction } else { Objective::Classification }
    }
}

/// How networks are trained.
#[derive(clap::Args)]
struct TuneArguments {
    #[command(flatten)]
    objective: ObjectiveArguments,
    /// Learning rate at the start
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    /// Examples of a step
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Batches whose gradients make a step
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    accumulate: u16,
    /// Decides the order of the training examples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mirror half of the training images
    #[arg(long)]
    mirror: bool,
    /// Move training images by up to so many pixels
    #[arg(long, default_value_t = 0)]
    shift: usize,
    /// Set a share of the training examples aside for choosing options, 0.1 say: tell the accuracy on them, and leave
    /// the test set alone
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    holdout: f64,
    /// Where to keep the state of training; a run that finds one goes on from there
    #[arg(long)]
    checkpoint: Option<PathBuf>,
}

impl TuneArguments {
    fn options(&self, epochs: usize) -> tune::Options {
        tune::Options {
            objective: self.objective.get(),
            epochs,
            batch: self.batch.into(),
            accumulate: self.accumulate.into(),
            rate: self.rate,
            seed: self.seed,
            augmentation: Augmentation { mirror: self.mirror, shift: self.shift },
            int4: Default::default(),
            int8: false,
            distill: 0.0,
            checkpoint: self.checkpoint.clone(),
        }
    }
}

/// Why a command ended early. What it wrote so far is whole; nothing is left half-written.
enum Failure {
    /// The model, the data or the request cannot be served: exit status 2.
    Refused(String),
    /// Something went wrong on this machine: exit status 1.
    Failed(String),
}

impl Failure {
    fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }

    fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the command that the process was started with.
pub(crate) fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Compress(arguments) => compress::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Quantize(arguments) => quantize::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
    };
    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Refused(message)) => (message, 2),
        Err(Failure::Failed(message)) => (message, 1),
    };
    eprintln!("tinderbox: {message}");
    ExitCode::from(status)
}

/// A share that leaves something over.
fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..1.0).contains(share)).ok_or_else(|| "from 0 to below 1".into())
}

fn import(path: &Path) -> Result<Graph, Failure> {
    tinderbox::import::import(path).map_err(Failure::refused)
}

fn write_model(graph: &Graph, path: &Path) -> Result<(), Failure> {
    export(graph, path).map_err(Failure::failed)
}
