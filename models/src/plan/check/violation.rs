//! What can be wrong with a plan.

use thiserror::Error;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// A byte range reaches beyond the arena or into the executor's state.
    #[error("{what} lies outside its part of the arena")]
    OutOfBounds {
        /// What lies there.
        what: String,
    },
    /// A row is read that is not there.
    #[error("step {step} of `{node}` reads row {row} of `{buffer}`, which was overwritten or never written")]
    Lost {
        /// The reading node.
        node: String,
        /// Its step.
        step: usize,
        /// The buffer.
        buffer: String,
        /// The row.
        row: usize,
    },
    /// A node's outputs and inputs overlap where its kernel does not allow it.
    #[error("step {step} of `{node}` writes over what it still reads")]
    Overlap {
        /// The node.
        node: String,
        /// Its step.
        step: usize,
    },
    /// A ring without slots, at an unaligned place, or of less than all rows where they are addressed as one block.
    #[error("the ring of `{buffer}` is not what its readers rely on")]
    Ring {
        /// The buffer.
        buffer: String,
    },
    /// A node starts before another that must be done first, or makes another number of steps than it should.
    #[error("`{node}` is out of step")]
    OutOfStep {
        /// The node.
        node: String,
    },
    /// The schedule does something that the dataflow does not know.
    #[error("schedule: {0}")]
    Schedule(&'static str),
    /// A row is copied to its slot that is not there, or a row that nobody set apart.
    #[error("a row of `{buffer}` is lost before it reaches its slot")]
    Commit {
        /// The buffer.
        buffer: String,
    },
    /// An output is not complete at the end.
    #[error("output `{buffer}` is not complete at the end")]
    Output {
        /// The buffer.
        buffer: String,
    },
}
