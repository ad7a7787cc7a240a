//! `tinderbox train`.

use super::{Failure, share, write_model};
use std::path::{Path, PathBuf};
use tinderbox::files;
use tinderbox_train::compress::{self, compress};
use tinderbox_train::data::{Examples, Pair, Units, classes};
use tinderbox_train::tune::{self, Task, tune};
use tinderbox_train::zoo::RECIPES;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A network of the zoo
    #[arg(value_parser = RECIPES.map(|recipe| recipe.name))]
    network: String,
    /// Folder of NETWORK_train_x.npy, NETWORK_train_y.npy and the same of test; of NETWORK_test_groups.npy too, if there
    #[arg(long)]
    data: PathBuf,
    /// Passes over the examples, other than the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// Decides the first weights and the order of the training examples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Set a share of the training examples aside for choosing options, 0.1 say: tell the accuracy on them, and leave
    /// the test set alone
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    holdout: f64,
    /// Where to keep the state of training; a run that finds one goes on from there
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Folder for NETWORK_float.tflite, NETWORK.tflite, which is int8, and NETWORK.json, accuracies and costs of both
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { network: name, data, output, .. } = arguments;
    let recipe = RECIPES.into_iter().find(|recipe| recipe.name == name);
    let recipe = recipe.ok_or_else(|| Failure::Refused(format!("no network `{name}`")))?;
    let (train, test) = (read(data, name, "train", recipe.units)?, read(data, name, "test", recipe.units)?);
    let groups = data.join(format!("{name}_test_groups.npy"));
    let groups = match groups.exists() {
        true => classes(&groups, test.labels.len()).map_err(Failure::refused)?,
        false => vec![],
    };
    std::fs::create_dir_all(output).map_err(|error| Failure::Failed(format!("{}: {error}", output.display())))?;
    let options = recipe.options(arguments.seed);
    let (epochs, checkpoint) = (arguments.epochs.unwrap_or(options.epochs), arguments.checkpoint.clone());
    let options = tune::Options { epochs, checkpoint, ..options };
    let (rest, held) = &train.split(arguments.holdout, options.seed);
    let held = (!held.labels.is_empty()).then_some(held);
    let task = Task { graph: &recipe.untrained(options.seed), sparse: &[], teacher: None, train: rest, held };
    let float = tune(&task, &options).map_err(Failure::failed)?;
    let options = compress::Options {
        quantize: Some(compress::quantization()),
        tune: tune::Options { epochs: 0, ..options },
        holdout: arguments.holdout,
        ..compress::Options::default()
    };
    let int8 = compress(&float, &train, &test, &groups, &options).map_err(Failure::failed)?;
    eprint!("{}", int8.report);
    write_model(&float, &output.join(format!("{name}_float.tflite")))?;
    write_model(&int8.graph, &output.join(format!("{name}.tflite")))?;
    files::write_json(&output.join(format!("{name}.json")), &int8.report).map_err(Failure::failed)
}

fn read(folder: &Path, name: &str, part: &str, units: Units) -> Result<Examples, Failure> {
    let file = |which: &str| folder.join(format!("{name}_{part}_{which}.npy"));
    Examples::read(&Pair(file("x"), file("y")), units).map_err(Failure::refused)
}
