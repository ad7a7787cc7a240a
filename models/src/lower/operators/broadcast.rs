//! Nodes over tensors that are broadcast against each other.

use crate::graph::{Node, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{View, rows_of};
use tinderbox_runtime::abi::Named;

/// Adds a node over all inputs of `node`. `params` come first, then the dimensions of an output row.
pub(super) fn broadcast(lowering: &mut Lowering<'_>, node: &Node, kernel: Named, params: &[i32]) {
    let (inputs, output): (Vec<TensorId>, _) = (node.inputs.iter().flatten().copied().collect(), node.outputs[0]);
    let Broadcast { inputs: views, output: view, dimensions } = Broadcast::new(lowering, &inputs, output);
    let graph = lowering.graph;
    let mut layer = lowering.layer(node, kernel, view.rows);
    for (input, from) in inputs.iter().zip(&views) {
        layer = layer.reads(*input, *from, |y| if from.rows == 1 { 0..1 } else { y..y + 1 });
    }
    layer = layer.writes(output, view, |y| y..y + 1).params(params.iter().copied()).params(dimensions);
    // As many bytes may be fewer elements, read again and again, where types differ.
    let size = |id: TensorId| graph.tensors[id].dtype.bytes();
    for (i, (input, from)) in inputs.iter().zip(&views).enumerate() {
        if *from == view && size(*input) == size(output) {
            layer = layer.in_place(i);
        }
    }
    layer.finish();
}

/// How inputs meet in an output.
struct Broadcast {
    inputs: Vec<View>,
    output: View,
    /// Of an output row: size and the inputs' strides, per dimension.
    dimensions: Vec<i32>,
}

impl Broadcast {
    fn new(lowering: &Lowering<'_>, inputs: &[TensorId], output: TensorId) -> Self {
        let tensor = lowering.tensor(output);
        let rank = tensor.shape.len();
        let padded = |id: &TensorId| {
            let shape = &lowering.tensor(*id).shape;
            [vec![1; rank.saturating_sub(shape.len())], shape.clone()].concat()
        };
        let shapes: Vec<Vec<usize>> = inputs.iter().map(padded).collect();
        // The outermost dimension that is not 1 is the row, if each input has it or is one row for all of them.
        let outer = tensor.shape.iter().position(|d| *d != 1).unwrap_or(rank.saturating_sub(1));
        let row = if outer + 1 < rank { outer + 1 } else { outer };
        let view = |(shape, id): (&Vec<usize>, &TensorId)| View {
            rows: shape[..row].iter().product(),
            row_bytes: shape[row..].iter().product::<usize>() * lowering.tensor(*id).dtype.bytes(),
        };
        let inside: Vec<&[usize]> = shapes.iter().map(|shape| &shape[row..]).collect();
        let strides: Vec<Vec<usize>> = inside.iter().map(|shape| strides(shape)).collect();
        Self {
            inputs: shapes.iter().zip(inputs).map(view).collect(),
            output: rows_of(tensor),
            dimensions: dimensions(&tensor.shape[row..], &strides),
        }
    }
}

/// Elements from one index to the next, per dimension; 0 where there is but one.
fn strides(shape: &[usize]) -> Vec<usize> {
    let stride = |d: usize| if shape[d] == 1 { 0 } else { shape[d + 1..].iter().product() };
    (0..shape.len()).map(stride).collect()
}

/// The sizes of a row's dimensions, each with the operands' strides along it, as kernels walk over them. Neighbouring
/// dimensions that all operands run through in one go become one.
pub(super) fn dimensions(sizes: &[usize], strides: &[Vec<usize>]) -> Vec<i32> {
    let mut all: Vec<Vec<usize>> = vec![];
    for (d, size) in sizes.iter().enumerate().rev().filter(|(_, size)| **size != 1) {
        let here = || strides.iter().map(|strides| strides[d]);
        match all.last_mut() {
            Some(inside) if here().eq(inside[1..].iter().map(|stride| stride * inside[0])) => inside[0] *= size,
            _ => all.push([*size].into_iter().chain(here()).collect()),
        }
    }
    if all.is_empty() {
        all.push([1].into_iter().chain(strides.iter().map(|_| 0)).collect());
    }
    all.iter().rev().flatten().map(|n| *n as i32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_that_run_on_become_one() {
        assert_eq!(dimensions(&[3, 4], &[strides(&[3, 4]), strides(&[3, 4])]), [12, 1, 1]);
        assert_eq!(dimensions(&[3, 4], &[strides(&[3, 4]), strides(&[1, 4])]), [3, 4, 0, 4, 1, 1]);
        assert_eq!(dimensions(&[3, 4], &[strides(&[3, 1]), strides(&[1, 1])]), [3, 1, 0, 4, 0, 0]);
        assert_eq!(dimensions(&[1, 1], &[vec![0, 0]]), [1, 0]);
    }
}
