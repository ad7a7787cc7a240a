//! Firmware for a board: the device library, a compiled model and the runner, linked.

use super::library::device_library;
use crate::emit::c::{Sources, emit};
use crate::graph::Graph;
use crate::program::Image;
use crate::target::{Board, Target, home};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use thiserror::Error;

/// The C name under which `run` compiles models.
const NAME: &str = "model";

/// Why there is no firmware.
#[derive(Debug, Error)]
pub enum Error {
    /// A tool is missing.
    #[error("cannot start `{tool}`: {source}; the set-up command of the README installs it")]
    Tool {
        /// Its name.
        tool: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A tool failed.
    #[error("`{tool}` failed:\n{output}")]
    Failed {
        /// Its name.
        tool: String,
        /// What it printed.
        output: String,
    },
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The linked image cannot be read.
    #[error("{0}: not a usable ELF file")]
    Elf(String),
}

/// What the runner should do beside running.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunnerOptions {
    /// Count instructions per layer.
    pub profile: bool,
    /// Keep variables from one inference to the next.
    pub keep_state: bool,
}

/// Bytes of the longest row that is pushed into `image`; 1 if none are.
pub(crate) fn row_bytes(image: &Image) -> usize {
    let rows = image.inputs().iter().map(|i| image.tensors()[usize::from(*i)].row_bytes as usize);
    rows.filter(|_| image.is_pushed()).max().unwrap_or(1)
}

/// Links the runner for so many `inferences` of `image` into `folder/firmware.elf`, and the same without Tinderbox into `folder/bare.elf`.
pub fn link_runner(
    board: &Board,
    target: &Target,
    graph: &Graph,
    image: &Image,
    inferences: usize,
    options: RunnerOptions,
    folder: &Path,
) -> Result<(PathBuf, PathBuf), Error> {
    let library = device_library(target)?;
    let Sources { source, header } = emit(NAME, graph, image);
    save(&folder.join("model.c"), &source)?;
    save(&folder.join("model.h"), &(header + &runner_macros(graph, image, inferences, options)))?;
    let runner = home().join("boards/shared/runner.c");
    let firmware = link(board, target, folder, &[&runner, &folder.join("model.c"), &library], "firmware.elf")?;
    let stand_in = home().join("boards/shared/no_tinderbox.c");
    let bare = link(board, target, folder, &[&runner, &stand_in], "bare.elf")?;
    Ok((firmware, bare))
}

/// Links `inputs` (C sources, objects, libraries) with the board's own sources into `folder/to`. Headers are looked for in
/// `folder`, beside the shared sources of boards, and where `tinderbox.h` is.
pub fn link(board: &Board, target: &Target, folder: &Path, inputs: &[&Path], to: &str) -> Result<PathBuf, Error> {
    let shared = home().join("boards/shared");
    let elf = folder.join(to);
    let mut command = Command::new(target.cc);
    command
        .args(target.cflags)
        .args(["-std=c99", "-O2", "-g", "-ffreestanding", "-nostdlib", "-ffunction-sections", "-fdata-sections"])
        .args(["-fno-tree-loop-distribute-patterns", "-Wall", "-Wextra", "-Werror", "-Wl,--gc-sections"])
        .args([Path::new("-I"), folder, Path::new("-I"), &shared, Path::new("-I"), &home().join("runtime/include")])
        .arg("-L")
        .arg(&shared)
        .arg("-T")
        .arg(board.folder.join(&board.script))
        .args(board.sources.iter().map(|file| board.folder.join(file)))
        .args(inputs)
        .arg("-lgcc")
        .arg("-o")
        .arg(&elf);
    run(command, target.cc).map(|()| elf)
}

/// What the runner must know of the model, appended to its header.
fn runner_macros(graph: &Graph, image: &Image, inferences: usize, options: RunnerOptions) -> String {
    let sizes = |tensors: &[usize]| tensors.iter().map(|t| graph.tensors[*t].bytes()).collect::<Vec<_>>();
    let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let (inputs, outputs) = (sizes(&graph.inputs), sizes(&graph.outputs));
    let rows: Vec<usize> = image.inputs().iter().map(|i| image.tensors()[usize::from(*i)].row_bytes as usize).collect();
    let mut text = String::from("\n/* For the runner. */\n");
    for (name, value) in [
        ("PROGRAM", format!("{NAME}_program")),
        ("PUSHED", u32::from(image.is_pushed()).to_string()),
        ("STREAM", u32::from(image.plan().period.is_some()).to_string()),
        ("PROFILE", u32::from(options.profile).to_string()),
        ("KEEP_STATE", u32::from(options.keep_state).to_string()),
        ("INFERENCES", inferences.to_string()),
        ("ROW_BYTES", row_bytes(image).to_string()),
        ("INPUT_BYTES", inputs.iter().sum::<usize>().to_string()),
        ("INPUT_SIZES", format!("{{{}}}", list(&inputs))),
        ("INPUT_ROW_SIZES", format!("{{{}}}", list(&rows))),
        ("OUTPUT_SIZES", format!("{{{}}}", list(&outputs))),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#define MODEL_{name} {value}");
    }
    text
}

fn save(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::Io { path: path.display().to_string(), source })
}

pub(super) fn run(mut command: Command, tool: &str) -> Result<(), Error> {
    let output = command.output().map_err(|source| Error::Tool { tool: tool.into(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { tool: tool.into(), output: String::from_utf8_lossy(&output.stderr).into_owned() })
}
