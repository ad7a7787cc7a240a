//! [`Graph`] to a .tflite file: the importer's inverse.
//!
//! `import(to_bytes(graph))` is `graph` again, node by node and byte by byte, for every graph that passes
//! [`Graph::validate`]. Operators are written as `Op::name` spells them, so that a file which had SQUEEZE or SLICE has
//! RESHAPE or STRIDED_SLICE afterwards. Other interpreters take a file as far as they have its operators; most of them
//! demand a scale on integer biases, which a `Graph` may lack.

mod inputs;
mod model;
mod options;
mod slice;

use crate::files;
use crate::graph::Graph;
use std::path::Path;

/// Writes `graph` to `path`, whole or not at all.
pub fn export(graph: &Graph, path: &Path) -> Result<(), files::Error> {
    files::write(path, &to_bytes(graph))
}

/// The contents of a .tflite file that holds `graph`.
pub fn to_bytes(graph: &Graph) -> Vec<u8> {
    tinderbox_tflite::to_bytes(&model::model(graph))
}
