//! Running a compiled network: here, or on an emulated board.

pub mod board;
pub mod firmware;
pub mod host;
pub mod install;
pub mod library;
pub mod npy;
pub mod npz;
pub mod stream;
pub mod tensors;

/// Per inference, the bytes of every output in the model's order.
pub type Results = Vec<Vec<Vec<u8>>>;
