//! Running a compiled network: here, or on an emulated board.

pub mod host;
pub mod npy;
