//! The compiled network: a tree of constants that the compiler writes and the executor reads.
//!
//! The layout is C's, so that the same types serve emitted C source, emitted Rust source and a program that the host
//! holds in memory. Numbers are trusted: the compiler's checker proved them. Should one be wrong all the same, a kernel
//! gets no view of the memory it names and the inference ends with [`Status::Corrupt`]; nothing outside the arena is
//! touched.

pub use crate::abi::slice::Slice;
use crate::{status::Status, step::Step};

/// Version of the layout below. A library runs programs of its own version only.
pub const ABI_VERSION: u32 = 2;

/// Required alignment of an arena, in bytes.
pub const ARENA_ALIGN: usize = 16;

/// Executes one step of a node. Nodes name their kernels directly, so that the linker keeps no others.
pub type Kernel = extern "C" fn(step: &Step<'_>) -> Status;

/// A tensor as rows in a ring.
///
/// Row `r` starts at byte `offset + (r + phase) % capacity * stride` of the arena, except while it is one of the tensor's
/// fresh rows: those stand side by side, `stride` bytes apart, from `fresh` on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// Byte offset of the ring in the arena.
    pub offset: u32,
    /// Byte offset of the fresh rows; meaningless where `fresh_rows` is 0.
    pub fresh: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
    /// Bytes of a row that hold elements.
    pub row_bytes: u32,
    /// Rows of the whole tensor.
    pub rows: u16,
    /// Rows in the ring.
    pub capacity: u16,
    /// Rows that stand apart at a time: as many as the writer makes in a step, or 0.
    pub fresh_rows: u16,
    /// The number of the row that follows the last one: 0, or in a stream that of the first row that its period writes.
    pub restart: u16,
    /// The slot of row 0: rows that are made together shall stand side by side.
    pub phase: u16,
}

/// One operator, bound to a kernel.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// Executes a step.
    pub kernel: Kernel,
    /// Shapes, strides and scalars, in the order that the kernel documents.
    pub params: Slice<'a, i32>,
    /// Constants per output channel, in the order that the kernel documents.
    pub channels: Slice<'a, i32>,
    /// Weights, in the order in which the kernel reads them; starts at a multiple of 4.
    pub weights: Slice<'a, u8>,
    /// Indices of the tensors read, then of those written.
    pub tensors: Slice<'a, u16>,
    /// How many of `tensors` are read.
    pub inputs: u16,
    /// Steps of an inference; the counter starts anew after them.
    pub steps: u16,
    /// Output rows made by a step (fewer in the first and the last).
    pub rows_per_step: u16,
    /// How many rows the steps are behind: step `i` ends with row `(i + 1) * rows_per_step - lag`, exclusive.
    pub lag: u16,
    /// Byte offset of memory that the kernel may use within a step.
    pub scratch: u32,
    /// Its size in bytes.
    pub scratch_bytes: u32,
    /// Byte offset of memory that keeps its contents from the first step to the last.
    pub state: u32,
    /// Its size in bytes.
    pub state_bytes: u32,
}

/// Weights in emitted Rust source, aligned as kernels expect them.
#[repr(C, align(4))]
pub struct Weights<const BYTES: usize>(pub [u8; BYTES]);

/// Memory that survives from one inference to the next.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Variable<'a> {
    /// Byte offset in the arena.
    pub offset: u32,
    /// Size in bytes.
    pub bytes: u32,
    /// Contents after reset, repeated until `bytes` are filled; if empty, zero.
    pub initial: Slice<'a, u8>,
}

/// A compiled network.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// [`ABI_VERSION`] of the compiler.
    pub abi_version: u32,
    /// All the memory that inference needs beside the stack and the model handle.
    pub arena_bytes: u32,
    /// Every tensor that lives in the arena.
    pub tensors: Slice<'a, Tensor>,
    /// In topological order.
    pub nodes: Slice<'a, Node<'a>>,
    /// What to do, in order: see [`Action`](crate::schedule::Action).
    pub schedule: Slice<'a, u16>,
    /// Tensor indices of the inputs, in the model's order.
    pub inputs: Slice<'a, u16>,
    /// Tensor indices of the outputs, in the model's order; each is contiguous.
    pub outputs: Slice<'a, u16>,
    /// State that survives an inference.
    pub variables: Slice<'a, Variable<'a>>,
    /// 1: inputs are pushed row by row; 0: they stand whole in the arena, and the inference consumes them.
    pub pushed: u32,
    /// The entry of the schedule that follows the last one: 0, or in a stream the first one of its period.
    pub resume: u32,
}

/// Bytes that the executor keeps at the start of every arena: a step counter per node, a fresh-row mark per tensor and a
/// row counter per input.
pub const fn executor_bytes(nodes: usize, tensors: usize, inputs: usize) -> usize {
    (2 * (nodes + tensors + inputs)).next_multiple_of(4)
}
