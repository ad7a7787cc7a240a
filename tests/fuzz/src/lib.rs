//! The limit on memory that the targets share: every allocation counts against it.

use cap::Cap;
use std::alloc::System;
pub use tinderbox_tests::hostile;

/// An allocation beyond it fails, and the process with it.
const MEMORY: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);
