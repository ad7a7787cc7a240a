//! Average and maximum pooling.

use crate::graph::{Activation, DType, Node, Padding, Stride, TensorId};
use crate::lower::layer::LayerBuilder;
use crate::lower::lowering::Lowering;
use crate::lower::window::{Geometry, Windows};
use crate::lower::{Error, Kernels, scale};
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::armv7em::pool::MAX_COLUMNS;
use tinderbox_runtime::kernels::pool::Bounds;

/// Lowers `AVERAGE_POOL_2D`. An average over the whole image is taken row by row.
pub(super) fn average(
    lowering: &mut Lowering<'_>,
    node: &Node,
    kernel: Stride,
    stride: Stride,
    padding: Padding,
    activation: Activation,
) -> Result<(), Error> {
    let pool = Pool::new(lowering, node, Geometry::dense(kernel, stride, padding), activation)?;
    let layer = if pool.windows.is_global() {
        pool.global(lowering)
    } else {
        pool.layer(lowering, [abi::AVERAGE_POOL_S8, abi::AVERAGE_POOL_S16, abi::AVERAGE_POOL_F32])
    };
    pool.finish(layer);
    Ok(())
}

/// Lowers `MAX_POOL_2D`.
pub(super) fn max(
    lowering: &mut Lowering<'_>,
    node: &Node,
    kernel: Stride,
    stride: Stride,
    padding: Padding,
    activation: Activation,
) -> Result<(), Error> {
    let pool = Pool::new(lowering, node, Geometry::dense(kernel, stride, padding), activation)?;
    let layer = pool.layer(lowering, [abi::MAX_POOL_S8, abi::MAX_POOL_S16, abi::MAX_POOL_F32]);
    pool.finish(layer);
    Ok(())
}

struct Pool<'n> {
    node: &'n Node,
    input: TensorId,
    dtype: DType,
    windows: Windows,
    bounds: Bounds,
}

impl<'n> Pool<'n> {
    fn new(lowering: &Lowering<'_>, node: &'n Node, geometry: Geometry, activation: Activation) -> Result<Self, Error> {
        let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
        let dtype = lowering.tensor(input).dtype;
        let windows = Windows::new(lowering.tensor(input), lowering.tensor(output), geometry)
            .ok_or_else(|| Error::unsupported(node, "a dimension is too large"))?;
        let (min, max) = match dtype {
            DType::F32 => {
                let (min, max) = scale::activation_bounds(activation);
                (min.to_bits() as i32, max.to_bits() as i32)
            }
            DType::I8 | DType::I16 => {
                let (output_scale, zero_point) = lowering.scale_of(node, output)?;
                scale::activation_range(activation, output_scale, zero_point, dtype)
            }
            other => return Err(Error::unsupported(node, format!("type {other}; quantize the model to INT8"))),
        };
        Ok(Self { node, input, dtype, windows, bounds: Bounds { min, max } })
    }

    /// The kernel for int8, int16 or float.
    fn kernel(&self, kernels: [Named; 3]) -> Named {
        match self.dtype {
            DType::F32 => kernels[2],
            DType::I16 => kernels[1],
            _ => kernels[0],
        }
    }

    fn layer<'l, 'a>(&self, lowering: &'l mut Lowering<'a>, kernels: [Named; 3]) -> LayerBuilder<'l, 'a> {
        let (view, from) = (self.windows.output(self.dtype.bytes()), self.windows.input(self.dtype.bytes()));
        lowering
            .layer(self.node, self.kernel(kernels), view.rows)
            .reads(self.input, from, |y| self.windows.rows(y))
            .writes(self.node.outputs[0], view, |y| y..y + 1)
    }

    /// Sums up a row per step.
    fn global<'l, 'a>(&self, lowering: &'l mut Lowering<'a>) -> LayerBuilder<'l, 'a> {
        let (view, from) = (self.windows.output(self.dtype.bytes()), self.windows.input(self.dtype.bytes()));
        let (w, last) = (self.windows.window, from.rows - 1);
        let fast = lowering.kernels == Kernels::Armv7em && w.in_channels % 4 == 0 && w.in_width <= MAX_COLUMNS;
        let int8 = if fast { abi::ARMV7EM_GLOBAL_AVERAGE_POOL_S8 } else { abi::GLOBAL_AVERAGE_POOL_S8 };
        let kernel = self.kernel([int8, abi::GLOBAL_AVERAGE_POOL_S16, abi::GLOBAL_AVERAGE_POOL_F32]);
        lowering
            .layer(self.node, kernel, from.rows)
            .reads(self.input, from, |row| row..row + 1)
            .writes(self.node.outputs[0], view, |row| if row == last { 0..1 } else { 0..0 })
            .state(4 * w.in_channels as usize)
            .lag(last)
    }

    fn finish(&self, layer: LayerBuilder<'_, '_>) {
        layer.params(self.windows.window.words()).params(self.bounds.words()).finish();
    }
}
