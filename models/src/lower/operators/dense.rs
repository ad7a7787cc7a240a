//! Fully connected layers.

use super::conv::{Kind, convolve};
use super::product::{Channel, Format, Product, in_double, in_single};
use crate::graph::{Activation, Node, TensorId};
use crate::lower::layer::LayerBuilder;
use crate::lower::lowering::Lowering;
use crate::lower::window::{Windows, int};
use crate::lower::{Error, InputMode, Kernels, View, armv7em, host, rows_of};
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::fully_connected::FullyConnected;

/// A fully connected layer, ready for any kernel.
pub(in crate::lower) struct Dense {
    pub(in crate::lower) input: TensorId,
    /// Elements of an input vector.
    pub(in crate::lower) inputs: usize,
    /// Elements of an output vector.
    pub(in crate::lower) outputs: usize,
    /// How many vectors there are.
    pub(in crate::lower) vectors: usize,
    product: Product,
}

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
    fn new(
        lowering: &Lowering<'_>,
        node: &Node,
        inputs: usize,
        outputs: usize,
        product: Product,
    ) -> Result<Self, Error> {
        if int(inputs).is_none() || int(outputs).is_none() {
            return Err(Error::unsupported(node, "a dimension is too large"));
        }
        let vectors = lowering.tensor(node.outputs[0]).elements() / outputs.max(1);
        Ok(Dense { input: lowering.input(node, 0)?, inputs, outputs, vectors, product })
    }

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

    /// Starts the node. The input's vectors are its rows where they agree, else parts of the whole.
    pub(in crate::lower) fn layer<'l, 'a>(
        &self,
        lowering: &'l mut Lowering<'a>,
        node: &Node,
        kernel: Named,
    ) -> LayerBuilder<'l, 'a> {
        let own = rows_of(lowering.tensor(self.input));
        // A vector spread over rows: all of them are wanted by the first step.
        let spread = self.vectors == 1 && own.rows > 1;
        let element = self.product.element();
        let from = if spread { own } else { View { rows: self.vectors, row_bytes: self.inputs * element } };
        let outputs = View { rows: self.vectors, row_bytes: self.outputs * element };
        lowering
            .layer(node, kernel, self.vectors)
            .reads_whole(self.input, from, |vector| if spread { 0..own.rows } else { vector..vector + 1 })
            .writes(node.outputs[0], outputs, |vector| vector..vector + 1)
    }

    /// The outputs of an int8 layer.
    pub(in crate::lower) fn channels(&self, lowering: &Lowering<'_>) -> Vec<Channel> {
        let (mut channels, weights) = (self.product.channels(), self.weights());
        if lowering.kernels == Kernels::Armv7em {
            let of = |channel: usize| weights[channel * self.inputs..][..self.inputs].to_vec();
            armv7em::shorten(lowering, &mut channels, self.input_zero_point(), of);
        }
        channels
    }

    /// The weights of an int8 layer: \[outputs, inputs\].
    pub(in crate::lower) fn weights(&self) -> Vec<i8> {
        self.product.int8_weights()
    }

    pub(in crate::lower) fn input_zero_point(&self) -> i32 {
        self.product.scalars.input_zero_point
    }

    pub(in crate::lower) fn weight_zero_point(&self) -> i32 {
        self.product.scalars.weight_zero_point
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
