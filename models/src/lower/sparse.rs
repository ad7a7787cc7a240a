//! Convolutions by the blocks of weights that are not zero.

use super::convolution::{Convolution, Kind};
use super::lowering::Lowering;
use super::variant::heights;
use super::{Algorithm, Variant};
use crate::graph::Node;
use std::sync::Arc;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::arithmetic::Quantized;

/// With a larger share of blocks left, a stream of them is larger than all weights.
const LARGEST_DENSITY: f64 = 0.8;

/// The most blocks that are left out in a row; one more is stored.
const LARGEST_GAP: usize = u8::MAX as usize;

/// Variants that leave out zeros; none if there are too few, or input channels are in groups.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    let w = convolution.windows.window;
    if convolution.kind != Kind::Grouped(w.in_channels as usize) || stream(lowering, convolution).is_none() {
        return vec![];
    }
    heights(Algorithm::Sparse, &[1], convolution.windows.output(1).rows)
}

/// Lowers one of the [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, variant: Variant) {
    let Some(stream) = stream(lowering, convolution) else { return };
    let requantization = convolution.channels[0].requantization;
    let scalars = Quantized {
        input_zero_point: convolution.input_zero_point,
        weight_zero_point: 0,
        output_zero_point: requantization.zero_point,
        min: requantization.min,
        max: requantization.max,
    };
    let taps = convolution.weights.len() / convolution.channels.len();
    convolution
        .layer(lowering, node, abi::CONV_2D_SPARSE_S8, variant.rows)
        .params(scalars.words())
        .channels(constants(convolution))
        .weights(stream)
        .scratch(taps.next_multiple_of(2))
        .finish();
}

/// Bias with the input's zero point folded in, multiplier, shift of every channel.
fn constants(convolution: &Convolution) -> Vec<i32> {
    let channels = convolution.channels.iter().enumerate();
    let constants = channels.flat_map(|(i, channel)| {
        let sum: i32 = convolution.weights_of(i).iter().map(|w| i32::from(*w)).sum();
        let scale = channel.requantization.scale;
        let bias = channel.bias.wrapping_sub(sum.wrapping_mul(convolution.input_zero_point));
        [bias, scale.multiplier, scale.shift]
    });
    constants.collect()
}

fn stream(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    lowering.stream(Algorithm::Sparse, || {
        let taps = convolution.weights.len() / convolution.channels.len();
        let rows: Vec<&[i8]> = convolution.weights.chunks(taps).collect();
        let pairs: Vec<Vec<Block>> = rows.chunks(2).map(blocks).collect();
        let kept: usize = pairs.iter().map(Vec::len).sum();
        let all = pairs.len() * taps.div_ceil(2);
        if kept as f64 > LARGEST_DENSITY * all as f64 {
            return None;
        }
        let mut stream = vec![];
        for blocks in pairs {
            stream.extend(u16::try_from(blocks.len()).ok()?.to_le_bytes());
            stream.extend(blocks.iter().flat_map(|block| {
                let [a, b] = block.weights;
                [block.gap, a[0] as u8, a[1] as u8, b[0] as u8, b[1] as u8]
            }));
        }
        Some(stream)
    })
}

/// Weights of two channels for two inputs.
pub(super) struct Block {
    /// Blocks that are left out before this one.
    pub(super) gap: u8,
    /// Per channel.
    pub(super) weights: [[i8; 2]; 2],
}

/// The blocks of one or two channels that are stored.
fn blocks(rows: &[&[i8]]) -> Vec<Block> {
    let weight = |row: usize, i: usize| rows.get(row).and_then(|row| row.get(i)).copied().unwrap_or(0);
    let mut blocks = vec![];
    let mut gap = 0;
    for i in (0..rows[0].len()).step_by(2) {
        let weights = [0, 1].map(|row| [weight(row, i), weight(row, i + 1)]);
        if weights == [[0; 2]; 2] && gap < LARGEST_GAP {
            gap += 1;
        } else {
            blocks.push(Block { gap: gap as u8, weights });
            gap = 0;
        }
    }
    blocks
}
