//! Fully connected layers.

use super::conv::{Channel, biases};
use crate::graph::{Activation, DType, Node, TensorId};
use crate::lower::layer::LayerBuilder;
use crate::lower::lowering::Lowering;
use crate::lower::requant::Requantization;
use crate::lower::window::int;
use crate::lower::{Error, Kernels, View, armv7em, rows_of, scale};
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::fully_connected::FullyConnected;

/// A fully connected layer, ready for any kernel.
pub(in crate::lower) struct Dense {
    pub(in crate::lower) input: TensorId,
    /// Elements of an input vector.
    pub(in crate::lower) inputs: usize,
    /// How many vectors there are.
    pub(in crate::lower) vectors: usize,
    pub(in crate::lower) input_zero_point: i32,
    pub(in crate::lower) weight_zero_point: i32,
    /// Per output.
    pub(in crate::lower) channels: Vec<Channel>,
    /// \[out, in\]
    pub(in crate::lower) weights: Vec<i8>,
}

/// Lowers `FULLY_CONNECTED`.
pub(super) fn fully_connected(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::I8)?;
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [outputs, inputs] = *weights.shape.as_slice() else {
        return Err(Error::unsupported(node, "weights must have rank 2"));
    };
    if int(inputs).is_none() || int(outputs).is_none() {
        return Err(Error::unsupported(node, "a dimension is too large"));
    }
    let dense = Dense {
        input,
        inputs,
        vectors: lowering.tensor(output).elements() / outputs.max(1),
        input_zero_point: lowering.scale_of(node, input)?.1,
        weight_zero_point: weights.quant.as_ref().map_or(0, |q| q.zero_points[0]),
        channels: channels(lowering, node, activation, outputs)?,
        weights: lowering.constant_input(node, 1)?.iter().map(|byte| *byte as i8).collect(),
    };
    if lowering.kernels == Kernels::Armv7em && armv7em::fully_connected::lower(lowering, node, &dense) {
        return Ok(());
    }
    portable(lowering, node, &dense);
    Ok(())
}

impl Dense {
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
        let from = if spread { own } else { View { rows: self.vectors, row_bytes: self.inputs } };
        let outputs = View { rows: self.vectors, row_bytes: self.channels.len() };
        lowering
            .layer(node, kernel, self.vectors)
            .reads_whole(self.input, from, |vector| if spread { 0..own.rows } else { vector..vector + 1 })
            .writes(node.outputs[0], outputs, |vector| vector..vector + 1)
    }
}

fn portable(lowering: &mut Lowering<'_>, node: &Node, dense: &Dense) {
    let Requantization { zero_point: output_zero_point, min, max, .. } = dense.channels[0].requantization;
    let params = FullyConnected {
        inputs: dense.inputs as i32,
        outputs: dense.channels.len() as i32,
        input_zero_point: dense.input_zero_point,
        weight_zero_point: dense.weight_zero_point,
        output_zero_point,
        min,
        max,
    };
    let words = |c: &Channel| [c.bias, c.requantization.scale.multiplier, c.requantization.scale.shift];
    dense
        .layer(lowering, node, abi::FULLY_CONNECTED_S8)
        .params(params.words())
        .channels(dense.channels.iter().flat_map(words).collect())
        .weights(dense.weights.iter().map(|w| *w as u8).collect::<Vec<u8>>())
        .finish();
}

/// What becomes of the sums of every output. With one scale for all weights TensorFlow Lite multiplies the scales of
/// input and weights in single precision, else in double.
fn channels(lowering: &Lowering<'_>, node: &Node, activation: Activation, count: usize) -> Result<Vec<Channel>, Error> {
    let (input_scale, _) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let (output_scale, zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let (min, max) = scale::activation_range_s8(activation, output_scale, zero_point);
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let scales = weights.quant.as_ref().map_or(&[][..], |q| &q.scales);
    let biases = biases(lowering, node, count)?;
    let channel = |i: usize| {
        let product = match scales {
            [one] => f64::from(input_scale * one),
            many => f64::from(input_scale) * f64::from(*many.get(i)?),
        };
        let scale = scale::multiplier(product / f64::from(output_scale));
        Some(Channel { bias: biases[i], requantization: Requantization { scale, zero_point, min, max } })
    };
    let channels: Option<Vec<Channel>> = (0..count).map(channel).collect();
    channels.ok_or_else(|| Error::unsupported(node, format!("`{}` has no scale", weights.name)))
}
