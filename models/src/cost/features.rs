//! The counts that a kernel's cost is made of.

mod armv7em;
mod sparse;

use crate::lower::Layer;
use crate::plan::dataflow::Node;
use std::ops::Range;
use tinderbox_runtime::kernels::armv7em::fully_connected::{FullyConnected, FullyConnectedPairs};
use tinderbox_runtime::kernels::conv::BLOCK_CHANNELS;
use tinderbox_runtime::kernels::window::Window;

/// Named counts of one inference.
pub(crate) type Features = Vec<(&'static str, f64)>;

/// The counts of a layer. The first is always its steps.
pub(crate) fn features(layer: &Layer, node: &Node) -> Features {
    let steps = node.steps as f64;
    let mut all = vec![("step", steps)];
    let window = || layer.params.first_chunk().map(|words| Window::from(*words));
    let more = match layer.kernel.symbol {
        "tbx_armv7em_conv_2d_s8" | "tbx_armv7em_conv_2d_s8w4" => window().map(|w| armv7em::wide(layer, node, &w)),
        "tbx_armv7em_conv_narrow_s8" => window().map(|w| armv7em::narrow(layer, &w)),
        "tbx_armv7em_conv_sparse_s8" => window().map(|w| sparse::blocks_of_pixels(layer, node, &w)),
        "tbx_armv7em_conv_3x3_s8" => window().map(|w| armv7em::winograd(layer, node, &w)),
        "tbx_armv7em_depthwise_3x3_s8" | "tbx_armv7em_depthwise_3x3_by_2_s8" => {
            window().map(|w| armv7em::depthwise_pairs(layer, node, &w))
        }
        "tbx_armv7em_depthwise_s8" | "tbx_armv7em_depthwise_column_s8" => {
            window().map(|w| armv7em::depthwise_windows(layer, &w))
        }
        "tbx_conv_2d_s8" | "tbx_conv_2d_s8w4" => window().map(|w| portable_windows(layer, &w, false)),
        "tbx_depthwise_conv_2d_s8" | "tbx_depthwise_conv_2d_s8w4" => {
            window().map(|w| portable_windows(layer, &w, true))
        }
        "tbx_conv_2d_sparse_s8" => window().map(|w| sparse::portable(layer, &w)),
        "tbx_armv7em_global_average_pool_s8" | "tbx_global_average_pool_s8" => window().map(|w| global_average(&w)),
        "tbx_armv7em_fully_connected_s8" | "tbx_armv7em_fully_connected_small_s8" => {
            layer.params.first_chunk().map(|words| armv7em::vectors(layer, node, &FullyConnected::from(*words)))
        }
        "tbx_armv7em_fully_connected_wide_s8" => layer
            .params
            .first_chunk()
            .map(|words| armv7em::wide_vectors(layer, node, &FullyConnectedPairs::from(*words))),
        "tbx_armv7em_fully_connected_sparse_s8" => {
            layer.params.first_chunk().map(|words| sparse::vectors(layer, node, &FullyConnectedPairs::from(*words)))
        }
        _ => None,
    };
    all.extend(more.unwrap_or_else(|| elements(layer, node)));
    all
}

/// How many output rows, or vectors, each step makes.
fn heights(node: &Node) -> impl Iterator<Item = usize> {
    node.writes.iter().flat_map(|access| &access.rows).map(Range::len)
}

/// Any other kernel: what it reads, writes and multiplies. What depends on the data, as the exponentials of a softmax do, is as
/// in the samples.
fn elements(layer: &Layer, node: &Node) -> Features {
    let rows = |accesses: &[crate::plan::dataflow::Access]| -> f64 {
        accesses.iter().flat_map(|access| &access.rows).map(|range| range.len() as f64).sum()
    };
    vec![
        ("row", rows(&node.reads) + rows(&node.writes)),
        ("element", layer.elements as f64),
        ("mac", layer.macs as f64),
    ]
}

/// Windows computed in blocks of channels, those of padding left out.
fn portable_windows(layer: &Layer, w: &Window, depthwise: bool) -> Features {
    let last = layer.params.last().map_or(1, |last| *last);
    let (groups, group_in, group_out) = match depthwise {
        true if last == 1 => (1, 1, w.out_channels),
        true => (w.in_channels, 1, last),
        false => (w.in_channels / last, last, w.out_channels * last / w.in_channels),
    };
    let inside = |outputs: i32, stride: i32, pad: i32, kernel: i32, dilation: i32, size: i32| -> f64 {
        let taps =
            |at: i32| (0..kernel).filter(|tap| (0..size).contains(&(at * stride - pad + tap * dilation))).count();
        (0..outputs).map(|at| taps(at) as f64).sum()
    };
    let heights = inside(w.out_height, w.stride_height, w.pad_top, w.kernel_height, w.dilation_height, w.in_height);
    let widths = inside(w.out_width, w.stride_width, w.pad_left, w.kernel_width, w.dilation_width, w.in_width);
    let dense = !depthwise && groups == 1 && w.dilation_width == 1;
    let runs = heights * if dense { f64::from(w.out_width) } else { widths };
    let blocks = f64::from(groups) * (f64::from(group_out) / BLOCK_CHANNELS as f64).ceil();
    // Ordinary convolutions compute channels in pairs, a last one with itself.
    let together = if depthwise { 1 } else { 2 };
    let parts = f64::from(groups * ((group_out + together - 1) / together));
    vec![
        ("row", f64::from(w.out_height)),
        ("pixel", f64::from(w.out_height * w.out_width)),
        ("block", f64::from(w.out_height * w.out_width) * blocks),
        ("element", layer.elements as f64),
        ("window_row", heights * f64::from(w.out_width) * blocks),
        ("run", runs * blocks),
        ("part", runs * parts),
        ("product", heights * widths * parts * f64::from(group_in)),
    ]
}

fn global_average(w: &Window) -> Features {
    let groups = f64::from(w.in_channels / 4) * f64::from(w.in_height);
    vec![("group", groups), ("pixel", groups * f64::from(w.in_width)), ("channel", f64::from(w.in_channels))]
}
