//! Fully connected layers.

use super::conv::convolve;
use crate::graph::{Activation, Node};
use crate::lower::convolution::Kind;
use crate::lower::dense::Dense;
use crate::lower::lowering::Lowering;
use crate::lower::product::{Format, Product, in_double, in_single};
use crate::lower::window::Windows;
use crate::lower::{Error, InputMode, Kernels, View, armv7em, host, rows_of};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::fully_connected::FullyConnected;

/// Lowers `FULLY_CONNECTED`.
pub(super) fn fully_connected(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [outputs, inputs] = *weights.shape.as_slice() else {
        return Err(Error::unsupported(node, "weights must have rank 2"));
    };
    // TensorFlow Lite multiplies the scales in single precision where there is one for all weights.
    let joint = if weights.quant.as_ref().is_some_and(|q| q.scales.len() > 1) { in_double } else { in_single };
    let product = Product::new(lowering, node, lowering.input(node, 0)?, activation, outputs, joint)?;
    Dense::new(lowering, node, inputs, outputs, product)?.lower(lowering, node)
}

impl Dense {
    /// A matrix product whose second operand is constant, or `weights` in its place: \[outputs, inputs\].
    pub(super) fn constant_matrix(
        lowering: &Lowering<'_>,
        node: &Node,
        inputs: usize,
        outputs: usize,
        weights: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let input = lowering.input(node, 0)?;
        let product = Product::new(lowering, node, input, Activation::None, outputs, in_single)?;
        let product = match weights {
            Some(weights) => product.with_weights(weights),
            None => product,
        };
        Self::new(lowering, node, inputs, outputs, product)
    }

    pub(super) fn lower(self, lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
        if let Some(windows) = self.windows(lowering) {
            if self.weight_zero_point() != 0 {
                return Err(Error::unsupported(node, "weights of windows over time must have zero point 0"));
            }
            let kind = Kind::Grouped(windows.window.in_channels as usize);
            convolve(lowering, node, self.input, windows, &self.product, kind);
            return Ok(());
        }
        let fast = self.product.format == Format::S8
            && self.weight_zero_point() == 0
            && match lowering.kernels {
                Kernels::Portable => false,
                Kernels::Armv7em => armv7em::fully_connected::lower(lowering, node, &self),
                Kernels::Host => host::fully_connected(lowering, node, &self),
            };
        if !fast {
            self.portable(lowering, node);
        }
        Ok(())
    }

    /// In a stream a vector may be a window over the newest rows: a convolution.
    fn windows(&self, lowering: &Lowering<'_>) -> Option<Windows> {
        let View { rows, row_bytes } = rows_of(lowering.tensor(self.input));
        let row = View { rows, row_bytes: row_bytes / self.product.element() };
        let height = self.inputs / row.row_bytes.max(1);
        let sliding = lowering.mode == InputMode::Stream && height > 1;
        let outputs = View { rows: self.vectors, row_bytes: self.outputs };
        sliding.then(|| Windows::over_rows(row, height, outputs)).flatten()
    }

    fn portable(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let kernel = match self.product.format {
            Format::S8 => abi::FULLY_CONNECTED_S8,
            Format::S8W4 => abi::FULLY_CONNECTED_S8W4,
            Format::S16 | Format::S16Narrow => abi::FULLY_CONNECTED_S16,
            Format::F32 => abi::FULLY_CONNECTED_F32,
        };
        self.layer(lowering, node, kernel)
            .params(FullyConnected { inputs: self.inputs as i32, outputs: self.outputs as i32 }.words())
            .params(self.product.scalars.words())
            .channels(self.product.constants())
            .weights(self.product.stored())
            .finish();
    }
}
