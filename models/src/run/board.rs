//! Runs a program on an emulated board and brings back what it made and what it cost.

use super::Results;
use super::firmware::{self, RunnerOptions};
use crate::graph::Graph;
use crate::program::Image;
use crate::target::{self, Board};
use object::{Object, ObjectSection, ObjectSymbol};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Longest time that the emulator may take for one inference, in seconds, and at least in all.
const SECONDS_PER_INFERENCE: u64 = 60;

/// Why there is no result.
#[derive(Debug, Error)]
pub enum Error {
    /// The firmware could not be built.
    #[error(transparent)]
    Firmware(#[from] firmware::Error),
    /// The target or board is not known.
    #[error(transparent)]
    Target(#[from] target::Error),
    /// The emulator is missing, or a file of the run.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The firmware ended with an error.
    #[error("the firmware failed on {board}: {output}")]
    Failed {
        /// Which board.
        board: String,
        /// What it said.
        output: String,
    },
    /// The firmware did not end.
    #[error("the firmware did not end on {board} within {seconds} s")]
    Timeout {
        /// Which board.
        board: String,
        /// The limit.
        seconds: u64,
    },
    /// The firmware ended well but left something out.
    #[error("internal error, please report it: the runner left {0} incomplete")]
    Incomplete(&'static str),
}

/// What the firmware cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Instructions of `tbx_init`.
    pub init_instructions: u64,
    /// Instructions of the first inference, or from the last but one output of a stream to the last.
    pub instructions: u64,
    /// Most instructions of a row of those.
    pub worst_row_instructions: u64,
    /// Deepest use of the stack by an inference, in bytes.
    pub stack_bytes: u64,
    /// `sizeof(tbx_model)`.
    pub model_bytes: u64,
    /// The kernels that the runtime was built with.
    pub kernel_set: String,
    /// Instructions per node, where they were asked for. A row's move to its slot counts for the node before it.
    pub layers: Vec<u64>,
    /// Bytes of the linked runtime: the firmware, less the same without Tinderbox, less the model's data.
    pub code_bytes: u64,
    /// Bytes of the model's tables and scalars.
    pub constant_bytes: u64,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

/// Runs `image` on `board` once per element of `inferences`: the inputs' bytes. Returns the outputs' bytes likewise.
pub fn run(
    board: &Board,
    graph: &Graph,
    image: &Image,
    inferences: &[Vec<&[u8]>],
    options: RunnerOptions,
) -> Result<(Results, Measured), Error> {
    let input = inferences.concat().concat();
    let (results, measured) = execute(board, graph, image, &input, inferences.len(), options)?;
    if results.len() == inferences.len() { Ok((results, measured)) } else { Err(Error::Incomplete("its output")) }
}

/// Pushes `rows` into a stream, for whose [`interface`](crate::stream::interface) `graph` stands. Returns the outputs'
/// bytes each time that they are ready.
pub fn run_stream(
    board: &Board,
    graph: &Graph,
    image: &Image,
    rows: &[&[u8]],
    options: RunnerOptions,
) -> Result<(Results, Measured), Error> {
    execute(board, graph, image, &rows.concat(), rows.len(), options)
}

/// Gives the runner its input and takes what it makes of it in so many rounds.
fn execute(
    board: &Board,
    graph: &Graph,
    image: &Image,
    input: &[u8],
    rounds: usize,
    options: RunnerOptions,
) -> Result<(Results, Measured), Error> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| Error::Io { what, source }
    };
    let target = target::target(&board.target)?;
    let folder = tempfile::tempdir().map_err(io("a temporary folder"))?;
    let (firmware, bare) = firmware::link_runner(board, target, graph, image, rounds, options, folder.path())?;
    std::fs::write(folder.path().join("input.bin"), input).map_err(io("the runner's input"))?;
    emulate(board, &firmware, folder.path(), SECONDS_PER_INFERENCE * (rounds as u64 + 2))?;
    let output = std::fs::read(folder.path().join("output.bin")).map_err(io("the runner's output"))?;
    let text = std::fs::read_to_string(folder.path().join("measured.txt")).map_err(io("the runner's figures"))?;
    let mut measured = parse(&text);
    sizes(&mut measured, &firmware, &bare)?;
    Ok((split(graph, &output)?, measured))
}

/// Runs `firmware` on `board`, its files in `folder`, until it ends well.
pub fn emulate(board: &Board, firmware: &Path, folder: &Path, seconds: u64) -> Result<(), Error> {
    let [emulator, arguments @ ..] = board.emulator.as_slice() else { return Err(Error::Incomplete("board.toml")) };
    let io = |source| Error::Io {
        what: format!("cannot run `{emulator}` (the set-up command of the README installs it)"),
        source,
    };
    let output = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    let stream = || output.reopen().map(Stdio::from).map_err(io);
    let mut child = Command::new(emulator)
        .args(arguments)
        .args(["-nographic", "-monitor", "none", "-serial", "none", "-nic", "none"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-kernel")
        .arg(firmware)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(stream()?)
        .stderr(stream()?)
        .spawn()
        .map_err(io)?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let status = loop {
        match child.try_wait().map_err(io)? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::Timeout { board: board.name.clone(), seconds });
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.success() {
        return Ok(());
    }
    let output = std::fs::read_to_string(output.path()).map_err(io)?;
    Err(Error::Failed { board: board.name.clone(), output: output.trim().to_owned() })
}

fn parse(text: &str) -> Measured {
    let mut measured = Measured::default();
    let mut calls: Vec<u64> = vec![];
    for line in text.lines() {
        let Some((what, value)) = line.split_once(' ') else { continue };
        let number = value.parse().unwrap_or(0);
        match what {
            "kernels" => measured.kernel_set = value.into(),
            "init" => measured.init_instructions = number,
            "instructions" => measured.instructions = number,
            "worst_row" => measured.worst_row_instructions = number,
            "stack" => measured.stack_bytes = number,
            "model" => measured.model_bytes = number,
            "layer" => measured.layers.push(number),
            "calls" => calls.push(number),
            _ => {}
        }
    }
    without_stepping(&mut measured, &calls);
    measured
}

/// Layers were measured a call of `tbx_step` at a time. What these calls cost more than one `tbx_invoke` is taken off, by
/// their number.
fn without_stepping(measured: &mut Measured, calls: &[u64]) {
    let (stepped, count): (u64, u64) = (measured.layers.iter().sum(), calls.iter().sum());
    let Some(more) = stepped.checked_sub(measured.instructions).filter(|_| count > 0) else { return };
    for (layer, calls) in measured.layers.iter_mut().zip(calls) {
        *layer = layer.saturating_sub((more * calls + count / 2) / count);
    }
}

/// Flash by use. The model's data are the symbols of its emitted source.
fn sizes(measured: &mut Measured, firmware: &Path, bare: &Path) -> Result<(), Error> {
    let broken = |path: &Path| firmware::Error::Elf(path.display().to_string());
    let read =
        |path: &Path| std::fs::read(path).map_err(|source| Error::Io { what: path.display().to_string(), source });
    let (with, without) = (read(firmware)?, read(bare)?);
    let with = object::File::parse(&*with).map_err(|_| broken(firmware))?;
    let without = object::File::parse(&*without).map_err(|_| broken(bare))?;
    let flash = |elf: &object::File<'_>| -> u64 {
        let counts = |name: &str| matches!(name, ".vectors" | ".text" | ".rodata" | ".ARM.exidx" | ".data");
        elf.sections().filter(|s| s.name().is_ok_and(counts)).map(|s| s.size()).sum()
    };
    for symbol in with.symbols() {
        let Some(rest) = symbol.name().ok().and_then(|name| name.strip_prefix("model_")) else { continue };
        let bytes =
            if rest.starts_with("weights_") { &mut measured.weight_bytes } else { &mut measured.constant_bytes };
        *bytes += symbol.size();
    }
    let data = measured.weight_bytes + measured.constant_bytes;
    measured.code_bytes = flash(&with).saturating_sub(flash(&without) + data);
    Ok(())
}

fn split(graph: &Graph, output: &[u8]) -> Result<Results, Error> {
    let sizes: Vec<usize> = graph.outputs.iter().map(|t| graph.tensors[*t].bytes()).collect();
    let all = sizes.iter().sum::<usize>().max(1);
    if !output.len().is_multiple_of(all) {
        return Err(Error::Incomplete("its output"));
    }
    let mut rest = output;
    let mut take = |size: &usize| {
        let (taken, others) = rest.split_at(*size);
        rest = others;
        taken.to_vec()
    };
    Ok((0..output.len() / all).map(|_| sizes.iter().map(&mut take).collect()).collect())
}
