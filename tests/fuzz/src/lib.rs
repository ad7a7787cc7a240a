//! What the targets share: the limit on memory, which every allocation counts against, and the import that all begin with.

use cap::Cap;
use std::alloc::System;
use tinderbox::graph::Graph;
use tinderbox::import::import_bytes;

/// An allocation beyond it fails, and the process with it.
const MEMORY: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

/// What is imported is proved; what is refused has a message that names the file.
pub fn import(bytes: &[u8]) -> Option<Graph> {
    match import_bytes("fuzzed", bytes) {
        Ok(graph) => {
            graph.validate().expect("an imported graph is valid");
            Some(graph)
        }
        Err(error) => {
            assert!(error.to_string().starts_with("fuzzed: "), "{error}");
            None
        }
    }
}
