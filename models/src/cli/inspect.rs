//! `tinderbox inspect`.

use super::Failure;
use std::path::PathBuf;
use tinderbox::{import, inspect};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// For programs instead of people
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let graph = import::import(&arguments.model)?;
    if arguments.json {
        println!("{:#}", inspect::json(&graph));
    } else {
        print!("{}", inspect::text(&graph));
    }
    Ok(())
}
