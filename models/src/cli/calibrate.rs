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
    /// Target to measure for, where the board is not of that target but runs its instructions and has more memory
    #[arg(long)]
    target: Option<String>,
    /// Where to write the costs (default: where the compiler looks for them)
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut board = target::board(&arguments.on)?;
    if let Some(name) = &arguments.target {
        board.target = target::target(name)?.name.into();
    }
    let mut progress = |done: usize, of: usize| eprintln!("{} of {of} layers measured", done.min(of));
    let (table, quality) = calibrate(&board, &mut progress).map_err(Failure::failed)?;
    for kernel in quality {
        println!("{:36} {:4} layers, worst {:.1} %", kernel.kernel, kernel.samples, 100.0 * kernel.worst);
    }
    let text = toml::to_string(&table).map_err(Failure::failed)?;
    let command = format!("tinderbox calibrate --on {} --target {}", arguments.on, board.target);
    let head = format!("# Instructions by kernel and feature, fitted by `{command}`.\n");
    let path = arguments.output.clone().unwrap_or_else(|| target::costs(&board.target));
    Ok(files::write(&path, (head + &text).as_bytes())?)
}
