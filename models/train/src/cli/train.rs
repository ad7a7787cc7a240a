//! `tinderbox train`.

use super::{Failure, TuneArguments, Units, write_model};
use std::path::PathBuf;
use tinderbox_train::data::{Examples, Pair};
use tinderbox_train::tune::tune;
use tinderbox_train::zoo::NETWORKS;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A network of the zoo
    #[arg(value_parser = NETWORKS.map(|(name, _)| name))]
    network: String,
    /// Examples and labels to train with
    #[arg(long, value_name = "X,Y")]
    train: Pair,
    #[command(flatten)]
    units: Units,
    /// Passes over the examples
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    #[command(flatten)]
    tune: TuneArguments,
    /// Where to write the float model
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let network = NETWORKS.into_iter().find(|(name, _)| *name == arguments.network);
    let (_, network) = network.ok_or_else(|| Failure::Refused(format!("no network `{}`", arguments.network)))?;
    let examples = Examples::read(&arguments.train, arguments.units.get()).map_err(Failure::refused)?;
    let options = arguments.tune.options(arguments.epochs, None);
    let graph = tune(&network(options.seed), &examples, &options, &[]).map_err(Failure::failed)?;
    write_model(&graph, &arguments.output)
}
