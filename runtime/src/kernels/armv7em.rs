//! Kernels for Armv7E-M with the DSP extension: Cortex-M4, M7, and M33 with DSP.
//!
//! What is hot is assembly; beside each such function stands its twin in plain Rust, which runs everywhere else, so that
//! the host executes the very programs that are compiled for these cores. All of this module's `unsafe` turns views that
//! were checked into pointers for those functions.

pub mod add;
pub mod conv;
pub mod conv3x3;
pub mod conv_narrow;
pub mod conv_sparse;
pub mod depthwise;
pub mod depthwise3x3;
pub mod depthwise_any;
pub mod fully_connected;
pub mod gather;
pub mod gemm;
pub mod gemv;
pub mod gemv_pairs;
mod memcpy;
pub mod pool;
pub mod widen;
pub mod winograd;
