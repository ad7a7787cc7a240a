//! Tinderbox on the device: runs a compiled [`Program`](program::Program) inside one arena that the caller supplies.
//!
//! No heap, no panics, no globals; floats only where the model has them. A program is constant data: tensors as rings of
//! rows, nodes that name their kernels, and a schedule that the compiler proved. [`executor`] walks the schedule,
//! [`kernels`] do the arithmetic, [`network`] is the door for Rust, [`abi`] the one for C.
//!
//! `unsafe` lives in two rooms: [`abi`] (raw pointers from C become typed views, once) and the instruction-set
//! kernels under `kernels/`. Everything else is compiled under `forbid(unsafe_code)`.
#![no_std]

// One prelude for builds with and without std.
extern crate no_std_compat as std;

pub mod abi;
#[forbid(unsafe_code)]
pub mod arena;
#[forbid(unsafe_code)]
pub mod executor;
#[deny(unsafe_code)]
pub mod kernels;
#[forbid(unsafe_code)]
pub mod network;
#[forbid(unsafe_code)]
pub mod numeric;
#[forbid(unsafe_code)]
pub mod program;
#[forbid(unsafe_code)]
pub mod schedule;
#[forbid(unsafe_code)]
pub mod status;
#[forbid(unsafe_code)]
pub mod step;
