//! What emitted sources have in common.

use crate::graph::{Graph, Tensor, TensorId};
use crate::program::Image;
use std::fmt::Write;

/// Inputs or outputs as the caller sees them: each with the number of its rows and their bytes.
pub(super) fn operands<'a>(
    graph: &'a Graph,
    image: &'a Image,
    tensors: &'a [TensorId],
    indices: &'a [u16],
) -> impl Iterator<Item = (&'a Tensor, (u16, u32))> {
    tensors.iter().zip(indices).map(|(tensor, index)| {
        let view = image.tensors()[usize::from(*index)];
        // In a stream the caller sees a row at a time.
        let rows = if image.plan().period.is_some() { 1 } else { view.rows };
        (&graph.tensors[*tensor], (rows, view.row_bytes))
    })
}

/// Text from a model's file, made harmless inside a comment or a string.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() && !"*\\\"?".contains(c) || c == ' ' { c } else { '_' }).collect()
}

pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
