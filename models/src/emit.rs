//! Programs as source files.

pub mod c;
