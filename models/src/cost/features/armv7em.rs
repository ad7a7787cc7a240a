//! The counts of Armv7E-M's kernels.

use super::{Features, heights};
use crate::lower::Layer;
use crate::plan::dataflow::Node;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::{BLOCK, block_of};
use tinderbox_runtime::kernels::armv7em::conv_narrow::Layout;
use tinderbox_runtime::kernels::armv7em::depthwise3x3::CHANNEL_WORDS;
use tinderbox_runtime::kernels::armv7em::fully_connected::{FullyConnected, FullyConnectedPairs};
use tinderbox_runtime::kernels::armv7em::gemm::EXACT;
use tinderbox_runtime::kernels::armv7em::winograd::{OUTPUTS, SLOTS, TILES};
use tinderbox_runtime::kernels::window::Window;

/// How many blocks of 4, 2 and 1 pixels cover a run.
fn blocks(mut pixels: usize) -> [f64; 3] {
    let mut counts = [0.0; 3];
    while pixels > 0 {
        let block = block_of(pixels);
        counts[[0, 2, 1, 1, 0][block]] += 1.0;
        pixels -= block;
    }
    counts
}

/// Products of blocks of pixels, of which there are so many, with all pairs of channels.
fn products(layer: &Layer, blocks: [f64; 3], words: usize, channels: usize) -> Features {
    let pairs = channels.div_ceil(2) as f64;
    let exact = exact_pairs(&layer.weights, words, channels) as f64;
    let [four, two, one] = blocks;
    let more = (words - 1) as f64;
    vec![
        ("block", four + two + one),
        ("pair_of_4", four * pairs),
        ("pair_of_2", two * pairs),
        ("pair_of_1", one * pairs),
        ("word_of_4", four * pairs * more),
        ("word_of_2", two * pairs * more),
        ("word_of_1", one * pairs * more),
        ("exact", (four + two + one) * exact),
    ]
}

/// Pairs of channels with the exact requantization, in a stream of pairs.
fn exact_pairs(stream: &[u8], words: usize, channels: usize) -> usize {
    let word = |i: usize| stream.as_chunks().0.get(i).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let (mut at, mut exact) = (0, 0);
    for _ in 0..channels.div_ceil(2) {
        let is_exact = word(at + 2 + words) & EXACT != 0;
        exact += usize::from(is_exact);
        at += 3 + words + if is_exact { 6 } else { 4 };
    }
    exact
}

pub(super) fn wide(layer: &Layer, node: &Node, w: &Window) -> Features {
    let words = (w.kernel_height * w.kernel_width * w.in_channels / 2) as usize;
    let pointwise = (w.kernel_height, w.kernel_width, w.stride_height, w.stride_width) == (1, 1, 1, 1);
    let steps: Vec<usize> = heights(node).collect();
    let rows: usize = steps.iter().sum();
    let width = w.out_width as usize;
    // Int4 weights are multiplied with whole blocks; a word of them serves two.
    let int4 = layer.kernel.symbol == abi::ARMV7EM_CONV_2D_S8W4.symbol;
    let blocks = |pixels: usize| if int4 { [pixels.div_ceil(BLOCK) as f64, 0.0, 0.0] } else { blocks(pixels) };
    let per_run = blocks(width);
    // Rows of a step are one run to a pointwise convolution.
    let counts = match pointwise {
        true => {
            steps.iter().map(|rows| blocks(rows * width)).fold([0.0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]])
        }
        false => per_run.map(|count| count * rows as f64),
    };
    let [four, two, one] = counts;
    // Blocks at the border are widened column by column.
    let all = per_run.iter().sum::<f64>();
    let left = if w.pad_left > 0 { 1.0 } else { 0.0 };
    let right = w.pad_left + w.in_width < (w.out_width - 1) * w.stride_width + w.kernel_width;
    let sides: f64 = left + if right { 1.0 } else { 0.0 };
    let border = sides.min(all) * if pointwise { 0.0 } else { rows as f64 };
    let weights = if int4 { words / 2 } else { words };
    let mut features = products(layer, counts, weights, w.out_channels as usize);
    features.extend([
        ("row", rows as f64),
        ("tap_row", (four + two + one) * f64::from(w.kernel_height)),
        ("border_tap", border * f64::from(w.kernel_height * w.kernel_width)),
        ("widened", (4.0 * four + 2.0 * two + one) * words as f64),
    ]);
    features
}

pub(super) fn narrow(layer: &Layer, w: &Window) -> Features {
    let layout = Layout::new(w);
    let height = w.kernel_height as usize;
    let (mut counts, mut parts, mut copied) = ([0.0; 3], 0.0, 0.0);
    for y in 0..w.out_height {
        let top = y * w.stride_height - w.pad_top;
        let whole = top >= 0 && top + (w.kernel_height - 1) * w.dilation_height < w.in_height;
        let (mut left, mut missing) = (-w.pad_left, w.out_width as usize);
        while missing > 0 {
            let inside =
                (w.in_width - w.kernel_width - left + w.stride_width).max(0) as usize / w.stride_width as usize;
            let direct = match whole && left >= 0 {
                true if inside >= missing => missing,
                true => inside / BLOCK * BLOCK,
                false => 0,
            };
            let pixels = if direct > 0 { direct } else { missing.min(layout.columns) };
            let of_part = blocks(pixels);
            counts = std::array::from_fn(|i| counts[i] + of_part[i]);
            parts += 1.0;
            copied += if direct > 0 { 0.0 } else { height as f64 };
            left += pixels as i32 * w.stride_width;
            missing -= pixels;
        }
    }
    let all = counts.iter().sum::<f64>();
    let mut features = products(layer, counts, layout.words(), w.out_channels as usize);
    features.extend([
        ("row", f64::from(w.out_height)),
        ("tap_row", f64::from(w.out_height) * height as f64),
        ("part", parts),
        ("copied_row", copied),
        ("copied", copied * layout.seen as f64),
        ("gathered_row", all * height as f64),
        ("gathered", all * layout.words() as f64),
    ]);
    features
}

pub(super) fn winograd(layer: &Layer, node: &Node, w: &Window) -> Features {
    let per_row = (w.out_width as usize).div_ceil(OUTPUTS);
    // Tiles until blocks and rows end together.
    let period = per_row << (2 - per_row.trailing_zeros().min(2));
    let shared = period == per_row.max(TILES);
    let (mut blocks, mut strips, mut tiles, mut moves) = (0, 0, 0, 0);
    for rows in heights(node).filter(|rows| *rows > 0) {
        let all = rows * per_row;
        blocks += all.div_ceil(TILES);
        if shared {
            let bands = per_row.div_ceil(TILES);
            strips += (rows + 2) * bands;
            tiles += (rows + 2) * per_row;
            moves += (rows - 1) * bands;
        } else {
            strips += 3 * (all.div_ceil(TILES) + rows - all.div_ceil(period));
            tiles += 3 * all;
        }
    }
    let [blocks, strips, tiles, moves] = [blocks, strips, tiles, moves].map(|count| count as f64);
    let quads = f64::from(w.in_channels / 4);
    let border = tiles * if per_row > 1 { 2.0 / per_row as f64 } else { 1.0 };
    let pairs = f64::from(w.out_channels / 2);
    let stream = 9 + 2 * SLOTS * 3 * w.in_channels as usize / 2;
    let forms = layer.weights.as_chunks::<4>().0.iter().step_by(stream);
    let exact = forms.filter(|bytes| u32::from_le_bytes(**bytes) & EXACT != 0).count() as f64;
    vec![
        ("strip", strips),
        ("tile", tiles),
        ("tile_quad", tiles * quads),
        ("border", border),
        ("border_quad", border * quads),
        ("move", moves),
        ("move_quad", moves * quads),
        ("block", blocks),
        ("pair", blocks * pairs),
        ("product", blocks * pairs * quads * 6.0),
        ("exact", blocks * exact),
    ]
}

pub(super) fn depthwise_pairs(layer: &Layer, node: &Node, w: &Window) -> Features {
    let steps = node.steps as f64;
    let channels = f64::from(w.in_channels);
    let groups = channels / 4.0 * steps;
    let (pairs, odd) = (steps * channels * f64::from(w.out_width / 2), steps * channels * f64::from(w.out_width % 2));
    let forms = layer.weights.as_chunks::<4>().0.iter().step_by(CHANNEL_WORDS);
    let exact = forms.filter(|bytes| u32::from_le_bytes(**bytes) & EXACT != 0).count() as f64;
    let rows = node.reads.iter().zip(&node.writes).flat_map(|(reads, writes)| reads.rows.iter().zip(&writes.rows));
    let missing = rows.map(|(read, written)| ((written.len() - 1) * w.stride_height as usize + 3 - read.len()) as f64);
    vec![
        ("group", groups),
        ("packed", groups * f64::from(w.in_width)),
        ("pair", pairs),
        ("odd", odd),
        ("exact", steps * exact * f64::from(w.out_width)),
        ("missing", missing.sum::<f64>() * channels * f64::from(w.in_width)),
        ("padded", steps * f64::from(w.out_width * w.stride_width + 3 - w.in_width).max(0.0)),
    ]
}

pub(super) fn depthwise_windows(layer: &Layer, w: &Window) -> Features {
    let rows = f64::from(w.out_height);
    let groups = f64::from(w.in_channels / 4) * rows;
    let taps = w.kernel_height * w.kernel_width;
    let pixels = groups * f64::from(w.out_width);
    let words = 17 + 2 * taps as usize;
    let forms = layer.weights.as_chunks::<4>().0.iter().skip(4 + 2 * taps as usize).step_by(words);
    let exact = forms.filter(|bytes| u32::from_le_bytes(**bytes) & EXACT != 0).count() as f64;
    vec![
        ("row", rows),
        ("tap_row", rows * f64::from(w.kernel_height)),
        ("group", groups),
        ("group_row", groups * f64::from(w.kernel_height)),
        ("widened", groups * f64::from(w.kernel_height * w.in_width)),
        ("pixel", pixels),
        ("tap", pixels * f64::from(taps)),
        ("exact", rows * exact * f64::from(w.out_width)),
    ]
}

pub(super) fn vectors(layer: &Layer, node: &Node, p: &FullyConnected) -> Features {
    let vectors = heights(node).sum::<usize>() as f64;
    let words = f64::from(p.words);
    let grouped = if p.group_bytes == 0 { 0 } else { p.outputs / 8 };
    let (groups, pairs) = (f64::from(grouped), f64::from((p.outputs - 8 * grouped + 1) / 2));
    let mut at = 0;
    let mut exact = 0.0;
    for _ in 0..grouped {
        let form = layer.weights.as_chunks().0.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        exact += f64::from(form & EXACT);
        at += 9 + 4 * p.words as usize + if form & EXACT == 0 { 16 } else { 24 };
    }
    let others = layer.weights.get(p.group_bytes as usize..).unwrap_or_default();
    let exact_pairs = exact_pairs(others, p.words as usize, (p.outputs - 8 * grouped) as usize) as f64;
    let widened = vectors * f64::from(p.inputs);
    vec![
        ("vector", vectors),
        ("widened", if p.quads == 0 { 0.0 } else { widened }),
        ("widened_bytes", if p.quads == 0 { widened } else { 0.0 }),
        ("group", vectors * groups),
        ("group_word", vectors * groups * words),
        ("pair", vectors * pairs),
        ("pair_word", vectors * pairs * words),
        ("exact", vectors * exact),
        ("exact_pair", vectors * exact_pairs),
    ]
}

/// The same by pairs of channels, from bytes.
pub(super) fn wide_vectors(layer: &Layer, node: &Node, p: &FullyConnectedPairs) -> Features {
    let (vectors, pairs) = (heights(node).sum::<usize>() as f64, (p.outputs as usize).div_ceil(2) as f64);
    let exact = exact_pairs(&layer.weights, p.inputs as usize / 2, p.outputs as usize) as f64;
    vec![
        ("vector", vectors),
        ("pair", vectors * pairs),
        ("quad", vectors * pairs * f64::from(p.inputs / 4)),
        ("exact", vectors * exact),
    ]
}
