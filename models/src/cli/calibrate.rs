//! `tinderbox calibrate`.

use super::{Failure, files};
use std::path::PathBuf;
use tinderbox::cost::calibrate::calibrate;
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Board to measure on
    #[arg(long)]
    on: String,
    /// Where to write the costs (default: where the compiler looks for them)
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let board = target::board(&arguments.on)?;
    let mut progress = |done: usize, of: usize| eprintln!("{} of {of} layers measured", done.min(of));
    let (table, quality) = calibrate(&board, &mut progress).map_err(Failure::failed)?;
    for kernel in quality {
        println!("{:36} {:4} layers, worst {:.1} %", kernel.kernel, kernel.samples, 100.0 * kernel.worst);
    }
    let text = toml::to_string(&table).map_err(Failure::failed)?;
    let head =
        format!("# Instructions by kernel and feature, fitted by `tinderbox calibrate --on {}`.\n", arguments.on);
    let path = arguments.output.clone().unwrap_or_else(|| target::costs(&board.target));
    Ok(files::write(&path, (head + &text).as_bytes())?)
}
