//! Streams for fully connected layers.

use super::bytes;
use super::product::{self, Row, Words, group_words, groups, natural, pairs, sparse_rounds, wide_pairs};
use crate::graph::Node;
use crate::lower::dense::Dense;
use crate::lower::lowering::Lowering;
use crate::lower::product::{Channel, short_channels};
use crate::lower::{Algorithm, Variant};
use crate::passes::Pass;
use std::sync::Arc;
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::armv7em::fully_connected::{FullyConnected, FullyConnectedPairs};
use tinderbox_runtime::kernels::armv7em::gemv::CHANNELS;

/// The variants of a fully connected layer; none if a channel's numbers are out of the kernels' range.
pub(in crate::lower) fn variants(lowering: &Lowering<'_>, dense: &Dense) -> Vec<Variant> {
    let channels = dense.channels(lowering);
    let has = |algorithm: &Algorithm| stream(lowering, dense, &channels, *algorithm).is_some();
    // What is wide is so by its sums: it is slower.
    let all = [Algorithm::Vectors, Algorithm::WideVectors].into_iter().find(has);
    let some = Some(Algorithm::SparseVectors).filter(has);
    all.into_iter().chain(some).map(|algorithm| Variant { algorithm, rows: 1 }).collect()
}

/// Lowers a fully connected layer by one of its [`variants`].
pub(in crate::lower) fn lower(lowering: &mut Lowering<'_>, node: &Node, dense: &Dense, algorithm: Algorithm) {
    let channels = dense.channels(lowering);
    let Some(stream) = stream(lowering, dense, &channels, algorithm) else { return };
    lowering.apply(Pass::Requantization, short_channels(&channels));
    let (kernel, scratch) = match algorithm {
        Algorithm::WideVectors => (abi::ARMV7EM_FULLY_CONNECTED_WIDE_S8, 0),
        Algorithm::SparseVectors => (abi::ARMV7EM_FULLY_CONNECTED_SPARSE_S8, 2 * dense.inputs.next_multiple_of(2)),
        _ => {
            let weights = dense.weights();
            let vectors = Vectors::new(rows(&channels, &weights, dense.inputs), dense.inputs, dense.vectors);
            let layer = dense.layer(lowering, node, vectors.kernel()).params(vectors.params(&stream).words());
            return layer.weights(stream).scratch(vectors.scratch()).finish();
        }
    };
    let (inputs, outputs, requantization) = (dense.inputs as i32, dense.outputs as i32, channels[0].requantization);
    let (min, max) = (requantization.min, requantization.max);
    let params = FullyConnectedPairs { inputs, outputs, min, max };
    dense.layer(lowering, node, kernel).params(params.words()).weights(stream).scratch(scratch).finish();
}

fn stream(lowering: &Lowering<'_>, dense: &Dense, channels: &[Channel], algorithm: Algorithm) -> Option<Arc<[u8]>> {
    lowering.stream(algorithm, || {
        let (weights, zero_point) = (dense.weights(), dense.input_zero_point());
        let rows = rows(channels, &weights, dense.inputs);
        match algorithm {
            Algorithm::WideVectors => wide_pairs(&rows, zero_point).map(|words| bytes(&words)),
            Algorithm::SparseVectors => sparse_rounds(&rows, zero_point).map(|words| bytes(&words)),
            _ => Vectors::new(rows, dense.inputs, dense.vectors).stream(zero_point),
        }
    })
}

fn rows<'a>(channels: &'a [Channel], weights: &'a [i8], inputs: usize) -> Vec<Row<'a>> {
    channels.iter().zip(weights.chunks(inputs)).map(|(channel, weights)| Row { channel, weights }).collect()
}

/// Vectors that are multiplied by the same weights.
pub(super) struct Vectors<'a> {
    rows: Vec<Row<'a>>,
    inputs: usize,
    /// Output channels in groups of [`CHANNELS`]; the others stand in pairs.
    grouped: usize,
}

impl<'a> Vectors<'a> {
    /// `rows` of weights for so many vectors of `inputs` elements.
    pub(super) fn new(rows: Vec<Row<'a>>, inputs: usize, vectors: usize) -> Self {
        let groups = rows.len() / CHANNELS;
        // A group saves 10 instructions a word: the kernel for groups must be worth its code.
        let worth = vector_words(inputs).len() * groups * vectors > 64;
        Self { rows, inputs, grouped: if worth { groups * CHANNELS } else { 0 } }
    }

    pub(super) fn kernel(&self) -> Named {
        if self.grouped == 0 { abi::ARMV7EM_FULLY_CONNECTED_SMALL_S8 } else { abi::ARMV7EM_FULLY_CONNECTED_S8 }
    }

    /// The weights; `None` if a number is out of range.
    pub(super) fn stream(&self, input_zero_point: i32) -> Option<Vec<u8>> {
        let words = vector_words(self.inputs);
        let (grouped, others) = self.rows.split_at(self.grouped);
        let mut stream = groups(grouped, input_zero_point, &words)?;
        stream.extend(pairs(others, input_zero_point, &words)?);
        Some(bytes(&stream))
    }

    /// Scalars for the [`stream`](Self::stream).
    pub(super) fn params(&self, stream: &[u8]) -> FullyConnected {
        let words = vector_words(self.inputs).len();
        let requantization = self.rows[0].channel.requantization;
        FullyConnected {
            inputs: self.inputs as i32,
            outputs: self.rows.len() as i32,
            words: words as i32,
            quads: i32::from(self.inputs.is_multiple_of(4)),
            group_bytes: 4 * group_words(stream, self.grouped / CHANNELS, words) as i32,
            min: requantization.min,
            max: requantization.max,
        }
    }

    /// Bytes of a widened vector.
    pub(super) fn scratch(&self) -> usize {
        4 * vector_words(self.inputs).len()
    }
}

/// Where the elements of a vector stand. Vectors follow each other without a gap: they are aligned if their length is.
fn vector_words(inputs: usize) -> Words {
    if inputs.is_multiple_of(4) { product::quads(inputs) } else { natural(0..inputs) }
}
