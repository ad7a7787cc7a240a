//! Fully connected layers.

use super::conv::biases;
use super::window::int;
use super::{Error, Lowering, View, per_tensor, rows_of, scale, unsupported};
use crate::graph::{DType, Node, Op};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::fully_connected::FullyConnected;

/// Lowers `FULLY_CONNECTED`. The input's vectors are its rows where they agree, else parts of the whole.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let Op::FullyConnected { activation } = node.op else { return Ok(()) };
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::I8)?;
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [outputs, inputs] = *weights.shape.as_slice() else {
        return Err(unsupported(node, "weights must have rank 2"));
    };
    let (output_scale, output_zero_point) = per_tensor(node, lowering.tensor(output))?;
    let (_, input_zero_point) = per_tensor(node, lowering.tensor(input))?;
    let (min, max) = scale::activation_range_s8(activation, output_scale, output_zero_point);
    let params = FullyConnected {
        inputs: int(inputs).ok_or_else(|| unsupported(node, "too many inputs"))?,
        outputs: int(outputs).ok_or_else(|| unsupported(node, "too many outputs"))?,
        input_zero_point,
        weight_zero_point: weights.quant.as_ref().map_or(0, |q| q.zero_points[0]),
        output_zero_point,
        min,
        max,
    };
    let vectors = lowering.tensor(output).elements() / outputs.max(1);
    let channels = channels(lowering, node, outputs)?;
    let data = lowering.constant_input(node, 1)?.to_vec();
    let own = rows_of(lowering.tensor(input));
    // Vectors spread over rows: all rows are wanted by the first step already.
    let view = View { rows: vectors, row_bytes: inputs };
    let by_rows = vectors == 1 && own.rows > 1;
    let (from, read) = if by_rows { (own, own.rows) } else { (view, 0) };
    lowering
        .layer(node, abi::FULLY_CONNECTED_S8, vectors)
        .reads(input, from, |step| if by_rows { 0..read } else { step..step + 1 })
        .writes(output, View { rows: vectors, row_bytes: outputs }, |step| step..step + 1)
        .params(params.words())
        .channels(channels)
        .weights(data)
        .finish();
    Ok(())
}

/// Bias, multiplier and shift of every output. With one scale for all weights TensorFlow Lite multiplies the scales of
/// input and weights in single precision, else in double.
fn channels(lowering: &Lowering<'_>, node: &Node, count: usize) -> Result<Vec<i32>, Error> {
    let (input_scale, _) = per_tensor(node, lowering.tensor(lowering.input(node, 0)?))?;
    let (output_scale, _) = per_tensor(node, lowering.tensor(node.outputs[0]))?;
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let scales = weights.quant.as_ref().map_or(&[][..], |q| &q.scales);
    let biases = biases(lowering, node, count)?;
    let channel = |i: usize| {
        let product = match scales {
            [one] => f64::from(input_scale * one),
            many => f64::from(input_scale) * f64::from(*many.get(i)?),
        };
        let scale = scale::multiplier(product / f64::from(output_scale));
        Some([biases[i], scale.multiplier, scale.shift])
    };
    let channels: Option<Vec<[i32; 3]>> = (0..count).map(channel).collect();
    Ok(channels.ok_or_else(|| unsupported(node, format!("`{}` has no scale", weights.name)))?.concat())
}
