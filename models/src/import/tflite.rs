//! TensorFlow Lite files to graphs.
//!
//! Three layers: [`file`] reads the flatbuffer into records and knows no operator; [`build`] walks the records in order
//! and makes tensors, nodes and variables of them; the operator families turn one record's options and constant inputs
//! into an [`Op`](crate::graph::Op). To add an operator: a row in [`table`], a conversion in its family, and, for a new
//! `Op`, its name and its rule in `graph`.

mod build;
mod context;
mod conv;
mod dense;
mod elementwise;
mod file;
mod movement;
mod pool;
mod reduce;
mod sequence;
mod slice;
mod table;
mod tensor;
mod variable;

use crate::graph::{Graph, Refusal};

/// Reads, builds, proves, and drops what no output needs.
pub(super) fn import(bytes: &[u8]) -> Result<Graph, Refusal> {
    let model = file::Model::read(bytes)?;
    let (mut graph, origin) = build::build(&model)?;
    graph.validate().map_err(|mut refusal| {
        // Nodes of the graph are fewer than the file's operators: name the file's.
        if let Some(place) = &mut refusal.operator {
            place.index = origin[place.index];
        }
        refusal
    })?;
    graph.prune();
    Ok(graph)
}
