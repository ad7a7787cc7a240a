//! Streams for fully connected layers.

use super::bytes;
use super::product::{self, Row, Words, group_words, groups, natural, pairs};
use crate::graph::Node;
use crate::lower::Algorithm;
use crate::lower::lowering::Lowering;
use crate::lower::operators::dense::Dense;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::fully_connected::FullyConnected;
use tinderbox_runtime::kernels::armv7em::gemv::CHANNELS;

/// Lowers a fully connected layer; `false` if a channel's numbers are out of the kernel's range.
pub(in crate::lower) fn lower(lowering: &mut Lowering<'_>, node: &Node, dense: &Dense) -> bool {
    if dense.weight_zero_point() != 0 {
        return false;
    }
    let (channels, weights) = (dense.channels(lowering), dense.weights());
    let rows: Vec<Row<'_>> =
        channels.iter().zip(weights.chunks(dense.inputs)).map(|(channel, weights)| Row { channel, weights }).collect();
    let stream = lowering.stream(Algorithm::Vectors, || vector_stream(&rows, dense.input_zero_point(), dense.inputs));
    let Some(stream) = stream else { return false };
    dense
        .layer(lowering, node, abi::ARMV7EM_FULLY_CONNECTED_S8)
        .params(vector_params(&rows, dense.inputs, &stream).words())
        .weights(stream)
        .scratch(4 * vector_words(dense.inputs).len())
        .finish();
    true
}

/// Where the elements of a vector stand. Vectors follow each other without a gap: they are aligned if their length is.
pub(super) fn vector_words(inputs: usize) -> Words {
    if inputs.is_multiple_of(4) { product::quads(inputs) } else { natural(0..inputs) }
}

/// The stream of all output channels; `None` if a number is out of range.
pub(super) fn vector_stream(rows: &[Row<'_>], input_zero_point: i32, inputs: usize) -> Option<Vec<u8>> {
    let words = vector_words(inputs);
    let (grouped, others) = rows.split_at(rows.len() - rows.len() % CHANNELS);
    let mut stream = groups(grouped, input_zero_point, &words)?;
    stream.extend(pairs(others, input_zero_point, &words)?);
    Some(bytes(&stream))
}

/// Scalars for a stream that [`vector_stream`] made.
pub(super) fn vector_params(rows: &[Row<'_>], inputs: usize, stream: &[u8]) -> FullyConnected {
    let words = vector_words(inputs).len();
    let requantization = rows[0].channel.requantization;
    FullyConnected {
        inputs: inputs as i32,
        outputs: rows.len() as i32,
        words: words as i32,
        quads: i32::from(inputs.is_multiple_of(4)),
        group_bytes: 4 * group_words(stream, rows.len() / CHANNELS, words) as i32,
        min: requantization.min,
        max: requantization.max,
    }
}
