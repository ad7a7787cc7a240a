//! `tinderbox explore`.

use super::{Failure, InputChoice, Limits, files};
use std::path::PathBuf;
use tinderbox::choose::frontier::Point;
use tinderbox::choose::plot;
use tinderbox::{compile, import, target};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// Instruction set of the device
    #[arg(long)]
    target: String,
    /// How inputs reach the model
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Where to draw the frontier: an SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let target = target::target(&arguments.target)?;
    let options = super::options(target, arguments.input_mode.into(), &Limits { ram: None, flash: None })?;
    let Some(costs) = &options.costs else {
        return Err(Failure::Refused(format!(
            "there is no table of costs for {}; `tinderbox calibrate` makes one",
            target.name
        )));
    };
    let graph = import::import(&arguments.model)?;
    let points = compile::frontier(&graph, &options, costs)
        .map_err(|error| Failure::Refused(format!("{}: {error}", arguments.model.display())))?;
    if let Some(path) = &arguments.plot {
        files::write(path, plot::svg(&graph.name, &points).as_bytes())?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&points).map_err(Failure::failed)?);
    } else {
        print(&points);
    }
    Ok(())
}

fn print(points: &[Point]) {
    println!("{:>12} {:>12} {:>14}", "RAM", "flash", "instructions");
    for point in points {
        println!("{:>12} {:>12} {:>14}", point.ram, point.flash, point.instructions);
    }
}
