//! Average and maximum pooling.

use super::window::{Geometry, Windows};
use super::{Error, Kernels, Lowering, per_tensor, scale, unsupported};
use crate::graph::{DType, Node, Op, Stride};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::armv7em::pool::MAX_COLUMNS;
use tinderbox_runtime::kernels::pool::Bounds;

/// Lowers `AVERAGE_POOL_2D` and `MAX_POOL_2D`. An average over the whole image is taken row by row.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (kernel, stride, padding, activation, average) = match node.op {
        Op::AveragePool2d { kernel, stride, padding, activation } => (kernel, stride, padding, activation, true),
        Op::MaxPool2d { kernel, stride, padding, activation } => (kernel, stride, padding, activation, false),
        _ => return Ok(()),
    };
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    lowering.expect_type(node, input, DType::I8)?;
    let geometry = Geometry { kernel, stride, dilation: Stride { h: 1, w: 1 }, padding, extra: (0, 0) };
    let windows = Windows::new(lowering.tensor(input), lowering.tensor(output), geometry)
        .ok_or_else(|| unsupported(node, "a dimension is too large"))?;
    let (output_scale, zero_point) = per_tensor(node, lowering.tensor(output))?;
    let (min, max) = scale::activation_range_s8(activation, output_scale, zero_point);
    let (view, from) = (windows.output(1), windows.input(1));
    let layer = if average && windows.is_global() {
        let last = from.rows - 1;
        let w = windows.window;
        let fast = lowering.kernels == Kernels::Armv7em && w.in_channels % 4 == 0 && w.in_width <= MAX_COLUMNS;
        let kernel = if fast { abi::ARMV7EM_GLOBAL_AVERAGE_POOL_S8 } else { abi::GLOBAL_AVERAGE_POOL_S8 };
        lowering
            .layer(node, kernel, from.rows)
            .reads(input, from, |row| row..row + 1)
            .writes(output, view, |row| if row == last { 0..1 } else { 0..0 })
            .state(4 * windows.window.in_channels as usize)
            .lag(last)
    } else {
        lowering
            .layer(node, if average { abi::AVERAGE_POOL_S8 } else { abi::MAX_POOL_S8 }, view.rows)
            .reads(input, from, |y| windows.rows(y))
            .writes(output, view, |y| y..y + 1)
    };
    layer.params(windows.window.words()).params(Bounds { min, max }.words()).finish();
    Ok(())
}
