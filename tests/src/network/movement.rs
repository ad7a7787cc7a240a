//! Operators that arrange data.

use super::arithmetic::in_scale_of;
use super::assembly::Assembly;
use super::{Cut, Layer};
use tinderbox::graph::{Activation, DType, Node, Op, TensorId};

/// Most dimensions behind the first.
const MAX_INNER: usize = 3;

pub(super) fn pad(a: &mut Assembly, layer: &Layer, amounts: &[(usize, usize)]) -> Option<TensorId> {
    let x = a.any(layer)?;
    let mut shape = a.shape(x);
    let amounts = &amounts[..shape.len()];
    shape.iter_mut().zip(amounts).for_each(|(n, (before, after))| *n += before + after);
    let y = a.output_as(x, &shape)?;
    let data = amounts.iter().flat_map(|(before, after)| [*before as i32, *after as i32]).flat_map(i32::to_le_bytes);
    let paddings = a.b.constant(&[shape.len(), 2], DType::I32, data.collect(), None);
    a.node(Op::Pad, &[x, paddings], y)
}

/// Two tensors, brought to one scale.
pub(super) fn concatenation(a: &mut Assembly, layer: &Layer, axis: usize) -> Option<TensorId> {
    let x = a.any(layer)?;
    let mut shape = a.shape(x);
    let axis = axis % shape.len();
    let fits = |other: &[usize]| {
        other.len() == shape.len() && other.iter().zip(&shape).enumerate().all(|(i, (a, b))| i == axis || a == b)
    };
    let other = a.pick(layer, 1, |tensor| fits(&tensor.shape))?;
    shape[axis] += a.shape(other)[axis];
    let y = a.output_as(x, &shape)?;
    let other = in_scale_of(a, other, x)?;
    a.node(Op::Concatenation { axis, activation: Activation::None }, &[x, other], y)
}

/// To a shape of random factors.
pub(super) fn reshape(a: &mut Assembly, layer: &Layer) -> Option<TensorId> {
    let x = a.any(layer)?;
    let mut left = a.tensor(x).elements();
    let mut shape = vec![1];
    for _ in 1..a.b.rng.usize(1..=MAX_INNER) {
        let divisors: Vec<usize> = (1..=left).filter(|n| left.is_multiple_of(*n)).collect();
        shape.push(divisors[a.b.rng.usize(..divisors.len())]);
        left /= shape[shape.len() - 1];
    }
    shape.push(left);
    let y = a.output_as(x, &shape)?;
    a.node(Op::Reshape, &[x], y)
}

/// With a random permutation.
pub(super) fn transpose(a: &mut Assembly, layer: &Layer) -> Option<TensorId> {
    let x = a.any(layer)?;
    let shape = a.shape(x);
    let mut perm: Vec<usize> = (0..shape.len()).collect();
    a.b.rng.shuffle(&mut perm);
    let y = a.output_as(x, &perm.iter().map(|axis| shape[*axis]).collect::<Vec<_>>())?;
    a.node(Op::Transpose { perm }, &[x], y)
}

pub(super) fn slice(a: &mut Assembly, layer: &Layer, cuts: &[Cut]) -> Option<TensorId> {
    let x = a.any(layer)?;
    let (mut begin, mut size, mut stride, mut kept) = (vec![], vec![], vec![], vec![]);
    for (n, cut) in a.shape(x).into_iter().zip(cuts) {
        let first = cut.begin % n;
        let room = if cut.stride > 0 { n - 1 - first } else { first };
        let taken = 1 + cut.size % (room / cut.stride.unsigned_abs() + 1);
        begin.push(first);
        size.push(taken);
        // One element is taken forwards: an axis that goes has no other direction.
        stride.push(if taken == 1 { 1 } else { cut.stride });
        kept.extend((taken > 1 || !cut.dropped).then_some(taken));
    }
    if kept.is_empty() {
        kept.push(1);
    }
    let y = a.output_as(x, &kept)?;
    a.node(Op::StridedSlice { begin, size, stride }, &[x], y)
}

/// In two.
pub(super) fn split(a: &mut Assembly, layer: &Layer, axis: usize, at: usize) -> Option<Vec<TensorId>> {
    let x = a.any(layer)?;
    let shape = a.shape(x);
    let axis = axis % shape.len();
    let first = 1 + at % shape[axis].checked_sub(1).filter(|n| *n > 0)?;
    let mut part = |n: usize| {
        let mut shape = shape.clone();
        shape[axis] = n;
        a.output_as(x, &shape)
    };
    let parts = vec![part(first)?, part(shape[axis] - first)?];
    let name = a.tensor(parts[0]).name.clone();
    a.b.graph.nodes.push(Node { name, op: Op::Split { axis }, inputs: vec![Some(x)], outputs: parts.clone() });
    Some(parts)
}
