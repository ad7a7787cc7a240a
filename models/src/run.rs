//! Running a compiled network: here, or on an emulated board.

pub mod board;
pub mod firmware;
pub mod host;
pub mod npy;
