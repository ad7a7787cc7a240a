//! The counts of kernels that leave out zeros.

use super::{Features, heights};
use crate::lower::Layer;
use crate::plan::dataflow::Node;
use tinderbox_runtime::kernels::armv7em::conv::BLOCK;
use tinderbox_runtime::kernels::armv7em::conv_sparse;
use tinderbox_runtime::kernels::armv7em::fully_connected::FullyConnectedPairs;
use tinderbox_runtime::kernels::armv7em::gemm::{EXACT, SPARSE_COPIES};
use tinderbox_runtime::kernels::armv7em::gemv_pairs::ROUND;
use tinderbox_runtime::kernels::sparse::BLOCK_BYTES;
use tinderbox_runtime::kernels::window::Window;

/// Windows gathered, and multiplied by the blocks of weights that are there.
pub(super) fn portable(layer: &Layer, w: &Window) -> Features {
    let pixels = f64::from(w.out_height * w.out_width);
    let pairs = f64::from((w.out_channels + 1) / 2);
    let blocks = (layer.weights.len() as f64 - 2.0 * pairs) / BLOCK_BYTES as f64;
    let rows = pixels * f64::from(w.kernel_height);
    vec![
        ("row", f64::from(w.out_height)),
        ("pixel", pixels),
        ("tap_row", rows),
        ("tap", rows * f64::from(w.kernel_width)),
        ("gathered", rows * f64::from(w.kernel_width * w.in_channels)),
        ("pair", pixels * pairs),
        ("channel", pixels * f64::from(w.out_channels)),
        ("block", pixels * blocks),
    ]
}

/// Rows widened, and their words multiplied in blocks of pixels.
pub(super) fn blocks_of_pixels(layer: &Layer, node: &Node, w: &Window) -> Features {
    let layout = conv_sparse::Layout::new(w);
    let steps: Vec<usize> = heights(node).collect();
    let rows = steps.iter().sum::<usize>() as f64;
    let seen = steps.iter().map(|rows| conv_sparse::Layout::seen(w, *rows)).sum::<usize>() as f64;
    let columns = seen * (layout.phases * layout.columns / BLOCK) as f64;
    let blocks = rows * (w.out_width as usize).div_ceil(BLOCK) as f64;
    let (words, rounds, exact) = sparse_counts(&layer.weights, w.out_channels as usize);
    vec![
        ("row", rows),
        ("widened_row", seen * layout.phases as f64),
        ("columns", columns),
        ("widened", columns * f64::from(w.in_channels / 4)),
        ("block", blocks),
        ("pair", blocks * f64::from((w.out_channels + 1) / 2)),
        ("word", blocks * words as f64),
        ("round", blocks * rounds as f64),
        ("exact", blocks * exact as f64),
    ]
}

/// Words of weights in a sparse stream, rounds of the loop, and pairs of channels with the exact requantization.
fn sparse_counts(stream: &[u8], channels: usize) -> (usize, usize, usize) {
    let word = |i: usize| stream.as_chunks().0.get(i).map_or(1, |bytes| u32::from_le_bytes(*bytes));
    let (mut at, mut words, mut rounds, mut exact) = (0, 0, 0, 0);
    for _ in 0..channels.div_ceil(2) {
        let of_pair = 1 + (0..).take_while(|i| word(at + 4 + 2 * i) & 1 == 0).count();
        let is_exact = word(at + 3 + 2 * of_pair) & EXACT != 0;
        (words, rounds) = (words + of_pair, rounds + of_pair.div_ceil(SPARSE_COPIES));
        exact += usize::from(is_exact);
        at += 4 + 2 * of_pair + if is_exact { 6 } else { 4 };
    }
    (words, rounds, exact)
}

/// Vectors widened, and their words multiplied in rounds.
pub(super) fn vectors(layer: &Layer, node: &Node, p: &FullyConnectedPairs) -> Features {
    let vectors = heights(node).sum::<usize>() as f64;
    let word = |i: usize| layer.weights.as_chunks().0.get(i).map_or(1, |bytes| u32::from_le_bytes(*bytes)) as usize;
    let (mut at, mut parts, mut rounds, mut exact) = (0, 0u32, 0u32, 0u32);
    for _ in 0..(p.outputs as usize).div_ceil(2) {
        at += 2;
        loop {
            let (of_part, last) = (word(at) / 2 + 1, word(at) % 2 == 1);
            (parts, rounds) = (parts + 1, rounds + of_part as u32);
            at += 1 + of_part * (1 + ROUND);
            if last {
                break;
            }
        }
        let is_exact = word(at) as u32 & EXACT != 0;
        exact += u32::from(is_exact);
        at += 1 + if is_exact { 6 } else { 4 };
    }
    let pairs = f64::from((p.outputs + 1) / 2);
    vec![
        ("vector", vectors),
        ("widened_bytes", vectors * f64::from(p.inputs)),
        ("pair", vectors * pairs),
        ("part", vectors * (f64::from(parts) - pairs)),
        ("round", vectors * f64::from(rounds)),
        ("exact", vectors * f64::from(exact)),
    ]
}
