//! The boards: folders under `boards/`.

use super::{Error, home};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A machine that firmware runs on: `boards/NAME/board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Name of its folder.
    #[serde(skip)]
    pub name: String,
    /// One line for people.
    pub title: String,
    /// 1: every test runs on it. 2: it is built, and run by hand.
    pub tier: u8,
    /// Name of its target.
    pub target: String,
    /// C files, relative to the folder.
    pub sources: Vec<PathBuf>,
    /// Linker script, relative to the folder; its MEMORY command defines FLASH and RAM.
    pub script: PathBuf,
    /// Clock of the chip in MHz; none where there is no chip.
    pub clock_mhz: Option<u32>,
    /// The emulator and the arguments that choose the machine and how it counts instructions.
    pub emulator: Vec<String>,
    /// Bytes of flash.
    #[serde(skip)]
    pub flash: u64,
    /// Bytes of RAM.
    #[serde(skip)]
    pub ram: u64,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Finds a board.
pub fn board(name: &str) -> Result<Board, Error> {
    let folder = home().join("boards").join(name);
    let file = folder.join("board.toml");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Err(Error::UnknownBoard { name: name.into(), known: names() });
    };
    let wrong = |path: &Path, what: String| Error::Description { path: path.display().to_string(), what };
    let mut board: Board = toml::from_str(&text).map_err(|error| wrong(&file, error.to_string()))?;
    let script = folder.join(&board.script);
    let text = std::fs::read_to_string(&script).map_err(|error| wrong(&script, error.to_string()))?;
    let memory = |name| memory(&text, name).ok_or_else(|| wrong(&script, format!("no length of {name}")));
    (board.flash, board.ram) = (memory("FLASH")?, memory("RAM")?);
    board.name = name.into();
    board.folder = folder;
    Ok(board)
}

/// All boards, by name.
pub fn boards() -> Result<Vec<Board>, Error> {
    names().iter().map(|name| board(name)).collect()
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(home().join("boards")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("board.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The length of a memory in a linker script: `NAME (...) : ORIGIN = ..., LENGTH = 256K`.
fn memory(script: &str, name: &str) -> Option<u64> {
    let line = script.lines().map(str::trim).find(|line| line.split_whitespace().next() == Some(name))?;
    let length = line.split("LENGTH = ").nth(1)?.trim();
    let unit = match length.chars().last()? {
        'K' => 1 << 10,
        'M' => 1 << 20,
        _ => 1,
    };
    Some(length.trim_end_matches(['K', 'M']).parse::<u64>().ok()? * unit)
}
