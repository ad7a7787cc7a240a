//! The passes of exact algebra: they change what a program computes and no byte of what it yields. Each can be left out.

use serde::Serialize;

/// A pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// Drops channels that are constant, or that nothing depends on
    Channels,
    /// Lets the windows of a convolution reach into the padding that a PAD would have made
    Padding,
    /// Leaves out operators that neither move nor change an element
    Identities,
    /// Requantizes in two instructions the channels where that is proved equal for every sum
    Requantization,
    /// Adds by two multiplications where that is proved equal for every pair of elements
    Addition,
}

impl Pass {
    /// All passes.
    pub const ALL: [Self; 5] = [Self::Channels, Self::Padding, Self::Identities, Self::Requantization, Self::Addition];
}

/// Which passes run: by default all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes {
    left_out: [bool; Pass::ALL.len()],
}

impl Passes {
    /// All but those in `left_out`.
    pub fn without(left_out: &[Pass]) -> Self {
        let mut passes = Self::default();
        left_out.iter().for_each(|pass| passes.left_out[*pass as usize] = true);
        passes
    }

    /// Whether `pass` runs.
    pub fn run(&self, pass: Pass) -> bool {
        !self.left_out[pass as usize]
    }
}

/// What passes did for a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gains {
    passes: Passes,
    counts: [usize; Pass::ALL.len()],
    /// Multiply-accumulates that are no longer there.
    pub macs: u64,
}

impl Gains {
    /// Nothing so far, of the passes that run.
    pub fn new(passes: Passes) -> Self {
        Self { passes, ..Self::default() }
    }

    /// Whether `pass` runs.
    pub fn ran(&self, pass: Pass) -> bool {
        self.passes.run(pass)
    }

    /// How many channels, operators or additions `pass` changed.
    pub fn count(&self, pass: Pass) -> usize {
        self.counts[pass as usize]
    }

    pub(crate) fn add(&mut self, pass: Pass, count: usize) {
        self.counts[pass as usize] += count;
    }
}
