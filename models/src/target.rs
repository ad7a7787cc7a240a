//! What programs are compiled for, and where the parts of firmware are found.

use crate::lower::Kernels;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An instruction set and its C compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// As given on the command line.
    pub name: &'static str,
    /// Kernels that it runs.
    pub kernels: Kernels,
    /// Rust's name of it.
    pub triple: &'static str,
    /// Rust's code generation for this core.
    pub rust_cpu: &'static str,
    /// The C compiler.
    pub cc: &'static str,
    /// Its flags for this core.
    pub cflags: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[Target {
    name: "cortex-m4",
    kernels: Kernels::Armv7em,
    triple: "thumbv7em-none-eabi",
    rust_cpu: "cortex-m4",
    cc: "arm-none-eabi-gcc",
    cflags: &["-mcpu=cortex-m4", "-mthumb"],
}];

/// A machine that firmware runs on: `boards/NAME/board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// One line for people.
    pub title: String,
    /// Name of its target.
    pub target: String,
    /// C files beside `board.toml`.
    pub sources: Vec<PathBuf>,
    /// Linker script beside `board.toml`.
    pub script: PathBuf,
    /// The emulator and its arguments; `-kernel IMAGE` is appended.
    pub emulator: Vec<String>,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// What is not there.
#[derive(Debug, Error)]
pub enum Error {
    /// No target of this name.
    #[error("unknown target `{0}`; there are: {known}", known = names(TARGETS.iter().map(|t| t.name)))]
    UnknownTarget(String),
    /// No board of this name.
    #[error("unknown board `{name}`; there are: host, {known}", known = names(known.iter().map(String::as_str)))]
    UnknownBoard {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A board's description is wrong.
    #[error("{path}: {what}")]
    Description {
        /// The file.
        path: String,
        /// Why it cannot be used.
        what: String,
    },
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Finds a target.
pub fn target(name: &str) -> Result<&'static Target, Error> {
    TARGETS.iter().find(|t| t.name == name).ok_or_else(|| Error::UnknownTarget(name.into()))
}

/// The project's folder: firmware is built from its sources. `TINDERBOX_HOME` names it where the command was moved.
pub fn home() -> PathBuf {
    let built_in = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf();
    std::env::var_os("TINDERBOX_HOME").map_or_else(built_in, PathBuf::from)
}

/// Where a target's table of costs is kept.
pub fn costs(target: &str) -> PathBuf {
    home().join("boards/costs").join(format!("{target}.toml"))
}

/// Finds a board.
pub fn board(name: &str) -> Result<Board, Error> {
    let boards = home().join("boards");
    let file = boards.join(name).join("board.toml");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Err(Error::UnknownBoard { name: name.into(), known: known_boards(&boards) });
    };
    let mut board: Board = toml::from_str(&text)
        .map_err(|error| Error::Description { path: file.display().to_string(), what: error.to_string() })?;
    board.folder = boards.join(name);
    Ok(board)
}

fn known_boards(boards: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(boards).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("board.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
