//! Fully connected layers, as every instruction set's kernels begin with them.

use super::form::shorten;
use super::layer::LayerBuilder;
use super::lowering::Lowering;
use super::product::{Channel, Product};
use super::window::int;
use super::{Error, Kernels, View, rows_of};
use crate::graph::{Node, TensorId};
use tinderbox_runtime::abi::Named;

/// A fully connected layer, ready for any kernel.
pub(super) struct Dense {
    pub(super) input: TensorId,
    /// Elements of an input vector.
    pub(super) inputs: usize,
    /// Elements of an output vector.
    pub(super) outputs: usize,
    /// How many vectors there are.
    pub(super) vectors: usize,
    pub(super) product: Product,
}

impl Dense {
    pub(super) fn new(
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

    /// Starts the node. The input's vectors are its rows where they agree, else parts of the whole.
    pub(super) fn layer<'l, 'a>(
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
    pub(super) fn channels(&self, lowering: &Lowering<'_>) -> Vec<Channel> {
        let (mut channels, weights) = (self.product.channels(), self.weights());
        if lowering.kernels == Kernels::Armv7em {
            let of = |channel: usize| weights[channel * self.inputs..][..self.inputs].to_vec();
            shorten(lowering, &mut channels, self.input_zero_point(), of);
        }
        channels
    }

    /// The weights of an int8 layer: \[outputs, inputs\].
    pub(super) fn weights(&self) -> Vec<i8> {
        self.product.int8_weights()
    }

    pub(super) fn input_zero_point(&self) -> i32 {
        self.product.scalars.input_zero_point
    }

    pub(super) fn weight_zero_point(&self) -> i32 {
        self.product.scalars.weight_zero_point
    }
}
