//! `tinderbox bench`.

use super::{Failure, InputChoice, Limits, build};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use tinderbox::bench::{Row, csv, measure, text};
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The models: .tflite files
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Boards to measure on
    #[arg(long, default_value = "mps2-an386")]
    on: Vec<String>,
    /// How inputs reach the models
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
    #[command(flatten)]
    limits: Limits,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Layers that cost most to name, in text and JSON
    #[arg(long, default_value_t = 3)]
    layers: usize,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Csv,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut rows = vec![];
    for model in &arguments.models {
        for name in &arguments.on {
            rows.push(row(arguments, model, name)?);
        }
    }
    match arguments.format {
        Format::Text => print!("{}", text(&rows)),
        Format::Csv => print!("{}", csv(&rows)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&rows).map_err(Failure::failed)?),
    }
    Ok(())
}

/// One model on one board. That a model does not fit is a result too.
fn row(arguments: &Arguments, model: &Path, board: &str) -> Result<Row, Failure> {
    let name = model.file_stem().unwrap_or_default().to_string_lossy();
    let board_name = board;
    let board = target::board(board)?;
    let options = super::options(target::target(&board.target)?, arguments.input_mode.into(), &arguments.limits)?;
    match build(model, &options) {
        Ok((graph, image)) => {
            measure(&name, &board, &graph, &image, options.costs.as_ref(), arguments.layers).map_err(Failure::failed)
        }
        Err(Failure::Refused(refused)) => Ok(Row::refused(&name, board_name, refused)),
        Err(failed) => Err(failed),
    }
}
