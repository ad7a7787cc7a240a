//! `tinderbox install`.

use super::Failure;
use std::path::PathBuf;
use tinderbox::run::install::install;
use tinderbox::target;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Instruction set and system, or `host`
    #[arg(long, default_value = "host")]
    target: String,
    /// Folder for include/ and lib/
    #[arg(long)]
    prefix: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    install(target::target(&arguments.target)?, &arguments.prefix).map_err(Failure::failed)
}
