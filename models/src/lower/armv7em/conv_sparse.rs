//! Streams for convolutions by the weights that are not zero.

use super::bytes;
use super::conv::rows;
use super::product::sparse_pairs;
use crate::graph::Node;
use crate::lower::convolution::Convolution;
use crate::lower::lowering::Lowering;
use crate::lower::variant::heights;
use crate::lower::{Algorithm, Variant};
use std::sync::Arc;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::conv::{BLOCK, Conv, MAX_TAPS};
use tinderbox_runtime::kernels::armv7em::conv_sparse::Layout;

/// Variants that leave out zeros; none if there are too few, or the convolution is out of the kernel's range.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    let w = convolution.windows.window;
    let fits = w.in_channels % 4 == 0 && w.out_width as usize >= BLOCK && w.kernel_height as usize <= MAX_TAPS;
    if !fits || weights(lowering, convolution).is_none() {
        return vec![];
    }
    // Rows made together are widened once.
    let together = |rows: &usize| {
        *rows == 1 || convolution.windows.images() == 1 && w.dilation_height == 1 && Layout::seen(&w, *rows) <= MAX_TAPS
    };
    let steps: Vec<usize> = [1, 2, 4].into_iter().filter(together).collect();
    heights(Algorithm::SparseProduct, &steps, convolution.windows.output(1).rows)
}

/// Lowers one of the [`variants`].
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows_per_step: usize) {
    let Some(stream) = weights(lowering, convolution) else { return };
    let w = convolution.windows.window;
    let requantization = convolution.channels[0].requantization;
    let padding = i32::from_le_bytes([convolution.input_zero_point as u8; 4]);
    convolution
        .layer(lowering, node, abi::ARMV7EM_CONV_SPARSE_S8, rows_per_step)
        .params(Conv { min: requantization.min, max: requantization.max }.words())
        .channels(vec![padding; w.in_channels as usize / 4])
        .weights(stream)
        .scratch(Layout::new(&w).scratch_bytes(&w, rows_per_step))
        .finish();
}

fn weights(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    lowering.stream(Algorithm::SparseProduct, || {
        let w = convolution.windows.window;
        let layout = Layout::new(&w);
        let (columns, pairs) = (w.kernel_width as usize, w.in_channels as usize / 2);
        let place = |i: usize| layout.word(&w, i / pairs / columns, i / pairs % columns, i % pairs);
        let stream = sparse_pairs(&rows(convolution), convolution.input_zero_point, place)?;
        Some(bytes(&stream))
    })
}
