//! Streams for fully connected layers.

use super::bytes;
use super::product::{self, Row, groups, natural, pairs};
use crate::graph::Node;
use crate::lower::Lowering;
use crate::lower::fully_connected::Dense;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::fully_connected::FullyConnected;
use tinderbox_runtime::kernels::armv7em::gemv::CHANNELS;

/// Lowers a fully connected layer; `false` if a channel's numbers are out of the kernel's range.
pub(in crate::lower) fn lower(lowering: &mut Lowering<'_>, node: &Node, dense: &Dense) -> bool {
    let (inputs, outputs) = (dense.inputs, dense.channels.len());
    if dense.weight_zero_point != 0 {
        return false;
    }
    // Vectors that follow each other without a gap are aligned if their length is.
    let quads = inputs % 4 == 0;
    let words = if quads { product::quads(inputs) } else { natural(0..inputs) };
    let weights = dense.weights.chunks(inputs);
    let rows: Vec<Row<'_>> =
        dense.channels.iter().zip(weights).map(|(channel, weights)| Row { channel, weights }).collect();
    let (grouped, others) = rows.split_at(outputs - outputs % CHANNELS);
    let (Some(mut stream), Some(rest)) =
        (groups(grouped, dense.input_zero_point, &words), pairs(others, dense.input_zero_point, &words))
    else {
        return false;
    };
    let group_bytes = 4 * stream.len() as i32;
    stream.extend(rest);
    let requantization = dense.channels[0].requantization;
    let params = FullyConnected {
        inputs: inputs as i32,
        outputs: outputs as i32,
        words: words.len() as i32,
        quads: i32::from(quads),
        group_bytes,
        min: requantization.min,
        max: requantization.max,
    };
    dense
        .layer(lowering, node, abi::ARMV7EM_FULLY_CONNECTED_S8)
        .params(params.words())
        .weights(bytes(&stream))
        .scratch(4 * words.len())
        .finish();
    true
}
