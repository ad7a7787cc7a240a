//! `tinderbox eval`.

use super::{Failure, ObjectiveArguments, Units, import};
use std::io::Write;
use std::path::PathBuf;
use tinderbox_train::data::{Examples, Pair, classes};
use tinderbox_train::model::{Error, Model};
use tinderbox_train::quality::Quality;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model, float or quantized
    model: PathBuf,
    /// Examples and labels, X.npy,Y.npy: real numbers (N, ...), whatever their type, and classes (N)
    #[arg(long, value_name = "X,Y")]
    data: Pair,
    /// A group for each example, to see whether some fare worse than others
    #[arg(long, value_name = "G")]
    groups: Option<PathBuf>,
    #[command(flatten)]
    objective: ObjectiveArguments,
    #[command(flatten)]
    units: Units,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let graph = import(&arguments.model)?;
    let model =
        Model::new(graph).map_err(|error| Failure::Refused(format!("{}: {error}", arguments.model.display())))?;
    let examples = Examples::read(&arguments.data, arguments.units.get()).map_err(Failure::refused)?;
    let groups = match &arguments.groups {
        Some(path) => classes(path, examples.inputs.len()).map_err(Failure::refused)?,
        None => vec![],
    };
    let quality = model.quality(arguments.objective.get(), &examples, &groups).map_err(|error| match error {
        Error::Stopped(_) => Failure::failed(error),
        error => Failure::refused(error),
    })?;
    let mut text = match quality {
        Quality::Accuracy(accuracy) => serde_json::to_string_pretty(&accuracy),
        Quality::Reconstruction(reconstruction) => serde_json::to_string_pretty(&reconstruction),
    }
    .map_err(Failure::failed)?;
    text.push('\n');
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)
}
