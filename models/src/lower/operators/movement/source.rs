//! Per operator, where the elements of its output come from.

use super::map::Axis;
use crate::graph::{MirrorMode, Resize};

/// Elements from one index to the next, per axis.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// An axis of `size` indices, of which each `index(i)` (`None` outside) lies `stride` elements from the next.
fn axis(size: usize, stride: usize, index: impl Fn(usize) -> Option<usize>) -> Axis {
    (0..size).map(|i| Some(index(i)? * stride)).collect()
}

/// Every index of an axis.
fn all(size: usize, stride: usize) -> Axis {
    axis(size, stride, Some)
}

/// All axes of `shape`, axis `a` being read at `index(a, i)` for `sizes[a]` many `i`.
fn each(shape: &[usize], sizes: &[usize], index: impl Fn(usize, usize) -> Option<usize>) -> Vec<Axis> {
    let strides = strides(shape);
    (0..shape.len()).map(|a| axis(sizes[a], strides[a], |i| index(a, i))).collect()
}

pub(super) fn transpose(shape: &[usize], perm: &[usize]) -> Vec<Axis> {
    let strides = strides(shape);
    perm.iter().map(|&a| all(shape[a], strides[a])).collect()
}

pub(super) fn slice(shape: &[usize], begin: &[usize], size: &[usize], stride: &[isize]) -> Vec<Axis> {
    each(shape, size, |a, i| begin[a].checked_add_signed(i as isize * stride[a]))
}

/// `size` indices of one axis.
pub(super) fn part(shape: &[usize], along: usize, begin: usize, size: usize) -> Vec<Axis> {
    let mut sizes = shape.to_vec();
    sizes[along] = size;
    each(shape, &sizes, |a, i| Some(if a == along { begin + i } else { i }))
}

pub(super) fn tile(shape: &[usize], multiples: &[usize]) -> Vec<Axis> {
    let sizes: Vec<usize> = shape.iter().zip(multiples).map(|(n, m)| n * m).collect();
    each(shape, &sizes, |a, i| Some(i % shape[a]))
}

/// Axes that `shape` lacks are in front.
pub(super) fn broadcast(shape: &[usize], output: &[usize]) -> Vec<Axis> {
    let shape = [vec![1; output.len() - shape.len()], shape.to_vec()].concat();
    each(&shape, output, |a, i| Some(if shape[a] == 1 { 0 } else { i }))
}

pub(super) fn reverse(shape: &[usize], axes: &[usize]) -> Vec<Axis> {
    each(shape, shape, |a, i| Some(if axes.contains(&a) { shape[a] - 1 - i } else { i }))
}

pub(super) fn pad(shape: &[usize], paddings: &[(usize, usize)]) -> Vec<Axis> {
    let sizes = padded(shape, paddings);
    each(shape, &sizes, |a, i| i.checked_sub(paddings[a].0).filter(|i| *i < shape[a]))
}

pub(super) fn mirror_pad(shape: &[usize], mode: MirrorMode, paddings: &[(usize, usize)]) -> Vec<Axis> {
    let sizes = padded(shape, paddings);
    // Whether the border's element is repeated.
    let again = usize::from(mode == MirrorMode::Symmetric);
    each(shape, &sizes, |a, i| {
        let before = paddings[a].0;
        match i.checked_sub(before) {
            None => Some(before - i - again),
            Some(i) if i >= shape[a] => (2 * shape[a] + again).checked_sub(2 + i),
            inside => inside,
        }
    })
}

fn padded(shape: &[usize], paddings: &[(usize, usize)]) -> Vec<usize> {
    shape.iter().zip(paddings).map(|(n, (before, after))| n + before + after).collect()
}

/// The batch's outer part says which element of each block is meant.
pub(super) fn batch_to_space(
    shape: &[usize],
    output: &[usize],
    block: &[usize],
    crops: &[(usize, usize)],
) -> Vec<Axis> {
    let strides = strides(shape);
    let images = output[0];
    let mut axes = vec![all(images, strides[0])];
    for (a, (&length, &(before, _))) in block.iter().zip(crops).enumerate() {
        // Images from one element of the block to the next along this axis.
        let apart = images * block[a + 1..].iter().product::<usize>() * strides[0];
        let source = |i: usize| (i + before) % length * apart + (i + before) / length * strides[a + 1];
        axes.push((0..output[a + 1]).map(|i| Some(source(i))).collect());
    }
    axes.extend((block.len() + 1..shape.len()).map(|a| all(shape[a], strides[a])));
    axes
}

pub(super) fn space_to_batch(shape: &[usize], block: &[usize]) -> Vec<Axis> {
    let strides = strides(shape);
    let in_block = block.iter().enumerate().map(|(a, &length)| all(length, strides[a + 1]));
    let blocks = block.iter().enumerate().map(|(a, &length)| all(shape[a + 1] / length, strides[a + 1] * length));
    let rest = (block.len() + 1..shape.len()).map(|a| all(shape[a], strides[a]));
    in_block.chain([all(shape[0], strides[0])]).chain(blocks).chain(rest).collect()
}

pub(super) fn space_to_depth(shape: &[usize], block: usize) -> Vec<Axis> {
    let [images, rows, columns, channels] = strides(shape)[..] else { return vec![] };
    vec![
        all(shape[0], images),
        all(shape[1] / block, rows * block),
        all(shape[2] / block, columns * block),
        all(block, rows),
        all(block, columns),
        all(shape[3], channels),
    ]
}

pub(super) fn depth_to_space(shape: &[usize], block: usize) -> Vec<Axis> {
    let [images, rows, columns, _] = strides(shape)[..] else { return vec![] };
    let channels = shape[3] / (block * block);
    vec![
        all(shape[0], images),
        all(shape[1], rows),
        all(block, block * channels),
        all(shape[2], columns),
        all(block, channels),
        all(channels, 1),
    ]
}

/// In single precision, as TensorFlow Lite computes it.
pub(super) fn nearest(shape: &[usize], output: &[usize], resize: Resize) -> Vec<Axis> {
    let Resize::Nearest { align_corners, half_pixel_centers } = resize else { return vec![] };
    let offset = if half_pixel_centers { 0.5 } else { 0.0 };
    each(shape, output, |a, i| {
        if !(1..=2).contains(&a) {
            return Some(i);
        }
        let (size, wanted) = (shape[a], output[a]);
        let scale = match align_corners && wanted > 1 {
            true => (size - 1) as f32 / (wanted - 1) as f32,
            false => size as f32 / wanted as f32,
        };
        let place = (i as f32 + offset) * scale;
        let place = if align_corners { place.round() } else { place.floor() };
        Some((place as usize).min(size - 1))
    })
}

pub(super) fn gather(shape: &[usize], along: usize, indices: &[usize]) -> Vec<Axis> {
    let mut sizes = shape.to_vec();
    sizes[along] = indices.len();
    each(shape, &sizes, |a, i| Some(if a == along { indices[i] } else { i }))
}

/// Each `depth` indices point at a part of the tensor.
pub(super) fn gather_nd(shape: &[usize], depth: usize, indices: &[usize]) -> Vec<Axis> {
    let strides = strides(shape);
    let place = |index: &[usize]| Some(index.iter().zip(&strides).map(|(i, stride)| i * stride).sum());
    let parts = indices.chunks(depth).map(place).collect();
    std::iter::once(parts).chain((depth..shape.len()).map(|a| all(shape[a], strides[a]))).collect()
}
