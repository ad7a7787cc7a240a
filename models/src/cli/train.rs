//! The subcommands that need the float engine: they are another program's, `tinderbox-train`, because that one takes a
//! quarter of an hour to build.

use super::Failure;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

const BUILD: &str = "cargo build --release --manifest-path models/train/Cargo.toml --target-dir target";

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Arguments {
    /// Handed on as they are; `--help` describes them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Becomes `tinderbox-train SUBCOMMAND ARGUMENTS`. Returns only if that fails.
pub(super) fn run(subcommand: &str, arguments: &Arguments) -> Result<(), Failure> {
    let program = program().map_err(Failure::failed)?;
    if !program.exists() {
        let path = program.display();
        return Err(Failure::Failed(format!("`{subcommand}` needs {path}, which is not built yet: run\n    {BUILD}")));
    }
    let error = Command::new(&program).arg(subcommand).args(&arguments.arguments).exec();
    Err(Failure::Failed(format!("{}: {error}", program.display())))
}

/// Beside this program.
fn program() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("tinderbox-train"))
}
