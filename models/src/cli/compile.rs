//! `tinderbox compile`.

use super::{Failure, InputArguments, Limits, PassArguments, build, files, interface};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use tinderbox::compile::Options;
use tinderbox::emit::{self, identifier};
use tinderbox::graph::Graph;
use tinderbox::passes::Passes;
use tinderbox::program::Image;
use tinderbox::report::Report;
use tinderbox::run::library::device_library;
use tinderbox::target::{self, Target};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite or .onnx file
    model: PathBuf,
    /// Instruction set of the device
    #[arg(long)]
    target: String,
    /// Language of the program
    #[arg(long, value_enum, default_value_t)]
    emit: Language,
    /// Name of the files and C symbols (default: the model file's)
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    passes: PassArguments,
    /// Folder for report.json and NAME.c, NAME.h, tinderbox.h, libtinderbox.a, or NAME.rs
    #[arg(short, long)]
    output: PathBuf,
}

/// What firmware is written in.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Language {
    /// C or C++: a source and a header, with the library that runs them
    #[default]
    C,
    /// Rust: a module for the crate tinderbox-runtime
    Rust,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let target = target::target(&arguments.target)?;
    let mode = arguments.input.mode();
    let passes = Passes::without(&arguments.passes.without);
    let options = Options { passes, ..super::options(target, mode, &arguments.limits)? };
    let (graph, image) = build(&arguments.model, &options)?;
    let stem = arguments.model.file_stem().unwrap_or_default().to_string_lossy();
    let name = identifier(arguments.name.as_deref().unwrap_or(&stem));
    let (seen, folder) = (interface(&graph, mode)?, &arguments.output);
    let files = match arguments.emit {
        Language::C => c_files(target, &name, &seen, &image)?,
        Language::Rust => vec![(format!("{name}.rs"), emit::rust::emit(&seen, &image).into_bytes())],
    };
    std::fs::create_dir_all(folder).map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    for (name, contents) in files {
        files::write(&folder.join(name), &contents)?;
    }
    let report = Report::new(target.name, &graph, &image).with_predictions(&image, options.costs.as_ref());
    Ok(files::write_json(&folder.join("report.json"), &report)?)
}

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// All that C firmware needs.
fn c_files(target: &Target, name: &str, seen: &Graph, image: &Image) -> Result<Files, Failure> {
    let library = device_library(target).map_err(Failure::failed)?;
    let read = |path: &Path| std::fs::read(path).map_err(Failure::failed);
    let sources = emit::c::emit(name, seen, image);
    Ok(vec![
        ("libtinderbox.a".into(), read(&library)?),
        ("tinderbox.h".into(), read(&target::home().join("runtime/include/tinderbox.h"))?),
        (format!("{name}.h"), sources.header.into_bytes()),
        (format!("{name}.c"), sources.source.into_bytes()),
    ])
}
