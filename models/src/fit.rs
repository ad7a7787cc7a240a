//! Whether a program fits a board, how fast it will be there, and what binds.

use crate::choose::Budget;
use crate::compile::{self, Options};
use crate::cost::Table;
use crate::graph::Graph;
use crate::program::Image;
use crate::run::firmware::row_bytes;
use crate::target::Board;
use std::fmt;
use thiserror::Error;

/// RAM that firmware needs beside the arena: the stack (as the boards' linker script demands it), a `tbx_model`, and the
/// variables of the firmware that `tinderbox run` makes.
const RESERVED_RAM: u64 = 2048 + 256;

/// Code of the runtime where no table of costs tells it by kernel.
const CODE: u64 = 16 << 10;

/// What a program takes of a board.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// Bytes of RAM: arena, a row where rows are pushed, stack and handle.
    pub ram: u64,
    /// Bytes of flash: code, constants and weights.
    pub flash: u64,
    /// Predicted instructions of an inference; none without a table of costs.
    pub instructions: Option<f64>,
    /// What the board has of RAM and flash.
    pub has: (u64, u64),
    /// Instructions that its chip executes in a millisecond, one in a clock cycle.
    pub per_millisecond: Option<f64>,
}

impl Fit {
    /// Adds up what `image` takes of `board`; `costs` are those of the board's target.
    pub fn new(image: &Image, board: &Board, costs: Option<&Table>) -> Self {
        let row = if image.is_pushed() { row_bytes(image) } else { 0 };
        let weights: usize = image.nodes().map(|node| node.layer.weights.len()).sum();
        Self {
            ram: (image.plan().arena_bytes + row) as u64 + RESERVED_RAM,
            flash: costs.map_or(CODE + (weights + image.constant_bytes()) as u64, |costs| costs.flash(image) as u64),
            instructions: costs.map(|costs| costs.instructions(image)),
            has: (board.ram, board.flash),
            per_millisecond: board.clock_mhz.map(|mhz| f64::from(mhz) * 1000.0),
        }
    }

    /// Whether the board has what the program takes.
    pub fn fits(&self) -> bool {
        self.ram <= self.has.0 && self.flash <= self.has.1
    }

    /// Predicted time of an inference at the chip's clock if no instruction takes more than a cycle: a lower bound.
    pub fn milliseconds(&self) -> Option<f64> {
        Some(self.instructions? / self.per_millisecond?)
    }

    /// The memory of which the larger part is taken, and that part.
    pub fn binds(&self) -> (&'static str, f64) {
        let part = |taken: u64, has: u64| taken as f64 / has.max(1) as f64;
        let (ram, flash) = (part(self.ram, self.has.0), part(self.flash, self.has.1));
        if ram >= flash { ("RAM", ram) } else { ("flash", flash) }
    }
}

/// A program does not fit a board.
#[derive(Clone, Debug)]
pub struct TooLarge {
    board: String,
    fit: Fit,
    whole_input: bool,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fit { ram, flash, has, .. } = self.fit;
        write!(f, "does not fit {}:", self.board)?;
        if ram > has.0 {
            write!(f, " it needs {ram} bytes of RAM with the stack, the board has {};", has.0)?;
            if self.whole_input {
                write!(f, " --input-mode rows needs no room for the input;")?;
            }
        }
        if flash > has.1 {
            write!(f, " it needs {flash} bytes of flash with its code, the board has {};", has.1)?;
        }
        write!(f, " a smaller input or fewer channels make it smaller")
    }
}

impl std::error::Error for TooLarge {}

/// Why there is no program for a board.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// There is none at all, or none in the board's memories.
    #[error(transparent)]
    Compile(#[from] compile::Error),
    /// Without a table of costs there is no choice; the only program is too large.
    #[error("{0}")]
    TooLarge(Box<TooLarge>),
}

/// Compiles `graph` for `board`. If what it would be anywhere is too large, whatever fits the board's memories.
pub fn compile(graph: &Graph, board: &Board, options: &Options) -> Result<Image, Error> {
    let image = compile::compile(graph, options)?;
    let fit = Fit::new(&image, board, options.costs.as_ref());
    if fit.fits() {
        return Ok(image);
    }
    if options.costs.is_none() {
        let whole_input = !image.is_pushed();
        return Err(Error::TooLarge(Box::new(TooLarge { board: board.name.clone(), fit, whole_input })));
    }
    let at_most = |limit: Option<usize>, has: u64| Some(limit.map_or(has as usize, |limit| limit.min(has as usize)));
    let beside_arena = fit.ram - image.plan().arena_bytes as u64;
    let budget = Budget {
        ram: at_most(options.budget.ram, board.ram.saturating_sub(beside_arena)),
        flash: at_most(options.budget.flash, board.flash),
    };
    Ok(compile::compile(graph, &Options { budget, ..options.clone() })?)
}
