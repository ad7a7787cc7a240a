//! Rules of operators that trade space for batch or depth.

use super::{
    movement::{alone, padded},
    view::{View, rank},
};
use crate::graph::{Refusal, refusal::ensure};

pub(super) fn space_to_batch(v: &View, block: &[usize], paddings: &[(usize, usize)]) -> Result<(), Refusal> {
    let shape = &alone(v)?.shape;
    let product = spatial(shape, block, paddings)?;
    let Some(space) = padded(&shape[1..=block.len()], paddings) else { return v.output_shape(0, None) };
    for (n, b) in space.iter().zip(block) {
        ensure!(n.is_multiple_of(*b), "{n} elements with padding are not divisible into blocks of {b}");
    }
    let batch = shape[0].checked_mul(product);
    let space = space.iter().zip(block).map(|(n, b)| Some(n / b));
    let rest = shape[1 + block.len()..].iter().map(|&n| Some(n));
    v.output_shape(0, std::iter::once(batch).chain(space).chain(rest).collect())
}

pub(super) fn batch_to_space(v: &View, block: &[usize], crops: &[(usize, usize)]) -> Result<(), Refusal> {
    let shape = &alone(v)?.shape;
    let product = spatial(shape, block, crops)?;
    ensure!(shape[0].is_multiple_of(product), "batch {} is not divisible by the block {block:?}", shape[0]);
    let cropped = |((&n, &b), &(before, after)): ((&usize, &usize), &(usize, usize))| {
        n.checked_mul(b)?.checked_sub(before)?.checked_sub(after)
    };
    let space = shape[1..].iter().zip(block).zip(crops).map(cropped);
    let rest = shape[1 + block.len()..].iter().map(|&n| Some(n));
    v.output_shape(0, std::iter::once(Some(shape[0] / product)).chain(space).chain(rest).collect())
}

pub(super) fn space_to_depth(v: &View, block: usize) -> Result<(), Refusal> {
    let x = alone(v)?;
    rank(x, "input", 4)?;
    let [n, h, w, c] = [0, 1, 2, 3].map(|axis| x.shape[axis]);
    ensure!(block > 0, "block size must be positive");
    ensure!(h.is_multiple_of(block) && w.is_multiple_of(block), "{h}x{w} is not divisible into blocks of {block}");
    let depth = block.checked_mul(block).and_then(|b| b.checked_mul(c));
    v.output_shape(0, depth.map(|depth| vec![n, h / block, w / block, depth]))
}

pub(super) fn depth_to_space(v: &View, block: usize) -> Result<(), Refusal> {
    let x = alone(v)?;
    rank(x, "input", 4)?;
    let [n, h, w, c] = [0, 1, 2, 3].map(|axis| x.shape[axis]);
    let area = block.checked_mul(block).filter(|&area| area > 0 && c.is_multiple_of(area));
    let Some(area) = area else {
        return Err(Refusal::invalid(format!("{c} channels are not divisible into blocks of {block}x{block}")));
    };
    let side = |n: usize| n.checked_mul(block);
    v.output_shape(0, side(h).zip(side(w)).map(|(h, w)| vec![n, h, w, c / area]))
}

/// Demands block and paddings for the spatial axes; gives the block's area.
fn spatial(shape: &[usize], block: &[usize], paddings: &[(usize, usize)]) -> Result<usize, Refusal> {
    ensure!(block.len() == paddings.len(), "{} block lengths, but {} paddings", block.len(), paddings.len());
    ensure!(shape.len() > block.len(), "block {block:?} for shape {shape:?}");
    let product = block.iter().try_fold(1usize, |product, &b| product.checked_mul(b)).filter(|&product| product > 0);
    product.ok_or_else(|| Refusal::invalid(format!("block size out of range: {block:?}")))
}
