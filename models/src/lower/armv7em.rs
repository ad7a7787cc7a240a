//! Weights and constants for the kernels of Armv7E-M's DSP extension.

pub(super) mod add;
mod conv;
mod conv3x3;
mod conv_sparse;
mod depthwise;
pub(super) mod fully_connected;
mod product;

use super::convolution::{Convolution, Kind};
use super::lowering::Lowering;
use super::{Algorithm, Variant};
use crate::graph::Node;

/// The variants of a convolution that the kernels compute, the fastest ones first.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    match convolution.kind {
        Kind::Grouped(channels) if channels == convolution.windows.window.in_channels as usize => {
            let variants = [conv3x3::variants, conv::variants, conv_sparse::variants];
            variants.map(|variants| variants(lowering, convolution)).concat()
        }
        Kind::Depthwise(1) => depthwise::variants(lowering, convolution),
        _ => vec![],
    }
}

/// Lowers a convolution by one of its [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, variant: Variant) {
    match variant.algorithm {
        Algorithm::Winograd => conv3x3::lower(lowering, node, convolution, variant.rows),
        Algorithm::Product | Algorithm::PackedProduct | Algorithm::Vectors => {
            conv::lower(lowering, node, convolution, variant)
        }
        Algorithm::SparseProduct => conv_sparse::lower(lowering, node, convolution, variant.rows),
        Algorithm::Pairs | Algorithm::Windows => depthwise::lower(lowering, node, convolution, variant),
        // Fully connected layers alone, or no kernels of this instruction set.
        Algorithm::WideVectors | Algorithm::SparseVectors | Algorithm::Portable | Algorithm::Sparse => {}
    }
}

/// Little-endian bytes of words.
fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Two halfwords as a word, the first one low.
fn pair(low: i32, high: i32) -> u32 {
    low as u32 & 0xffff | (high as u32) << 16
}
