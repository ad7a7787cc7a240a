//! `tinderbox compile`.

use super::{Failure, InputArguments, Limits, PassArguments, build, files, interface};
use std::path::PathBuf;
use tinderbox::compile::Options;
use tinderbox::emit::c::{emit, identifier};
use tinderbox::passes::Passes;
use tinderbox::report::Report;
use tinderbox::run::library::device_library;
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// Instruction set of the device
    #[arg(long)]
    target: String,
    /// Name of the files and C symbols (default: the model file's)
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    passes: PassArguments,
    /// Folder for NAME.c, NAME.h, tinderbox.h, libtinderbox.a and report.json
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let target = target::target(&arguments.target)?;
    let mode = arguments.input.mode();
    let passes = Passes::without(&arguments.passes.without);
    let options = Options { passes, ..super::options(target, mode, &arguments.limits)? };
    let (graph, image) = build(&arguments.model, &options)?;
    let stem = arguments.model.file_stem().unwrap_or_default().to_string_lossy();
    let name = identifier(arguments.name.as_deref().unwrap_or(&stem));
    let sources = emit(&name, &interface(&graph, mode)?, &image);
    let library = std::fs::read(device_library(target).map_err(Failure::failed)?).map_err(Failure::failed)?;
    let header = std::fs::read(target::home().join("runtime/include/tinderbox.h")).map_err(Failure::failed)?;
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    files::write(&folder.join("libtinderbox.a"), &library)?;
    files::write(&folder.join("tinderbox.h"), &header)?;
    files::write(&folder.join(format!("{name}.h")), sources.header.as_bytes())?;
    files::write(&folder.join(format!("{name}.c")), sources.source.as_bytes())?;
    let report = Report::new(target.name, &graph, &image).with_predictions(&image, options.costs.as_ref());
    Ok(files::write_json(&folder.join("report.json"), &report)?)
}
