//! Filters by singular value decomposition.

use super::variable::initial;
use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::svdf::Svdf;

/// Lowers `SVDF`.
pub(super) fn svdf(lowering: &mut Lowering<'_>, node: &Node, rank: usize) -> Result<(), Error> {
    let [input, feature, time] = [0, 1, 2].map(|i| lowering.input(node, i));
    let (input, feature, time, state) = (input?, feature?, time?, lowering.input(node, 4)?);
    let kernel = match (lowering.tensor(input).dtype, lowering.tensor(time).dtype) {
        (DType::I8, DType::I16) => abi::SVDF_S8_S16,
        (DType::I8, DType::I8) => abi::SVDF_S8,
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let scale_of = |tensor| lowering.scale_of(node, tensor);
    let ((x, input_zero_point), (y, output_zero_point)) = (scale_of(input)?, scale_of(node.outputs[0])?);
    let (feature_scale, time_scale, state_scale) = (scale_of(feature)?.0, scale_of(time)?.0, scale_of(state)?.0);
    // TensorFlow Lite Micro multiplies in single precision.
    let to_state = scale::multiplier((x * feature_scale / state_scale).into());
    let to_output = scale::multiplier((state_scale * time_scale / y).into());
    let [filters, inputs] = [0, 1].map(|axis| lowering.tensor(feature).shape[axis]);
    let (memory, units) = (lowering.tensor(time).shape[1], filters / rank);
    let biases = match node.inputs[3] {
        Some(_) => lowering.constant_input(node, 3)?.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect(),
        None => vec![0; units],
    };
    let taps = memory * lowering.tensor(time).dtype.bytes();
    let over_input = lowering.constant_input(node, 1)?.chunks(inputs);
    let over_time = lowering.constant_input(node, 2)?.chunks(taps);
    let weights = over_input.zip(over_time).flat_map(|(a, b)| [a, b].concat()).collect::<Vec<u8>>();
    let state = (lowering.tensor(state).bytes(), initial(lowering, state));
    let params = Svdf {
        inputs: inputs as i32,
        units: units as i32,
        rank: rank as i32,
        memory: memory as i32,
        input_zero_point,
        state_multiplier: to_state.multiplier,
        state_shift: to_state.shift,
        output_multiplier: to_output.multiplier,
        output_shift: to_output.shift,
        output_zero_point,
    };
    let (from, to) = (rows_of(lowering.tensor(input)), rows_of(lowering.tensor(node.outputs[0])));
    lowering
        .layer(node, kernel, to.rows)
        .reads(input, from, |y| y..y + 1)
        .writes(node.outputs[0], to, |y| y..y + 1)
        .params(params.words())
        .channels(biases)
        .weights(weights)
        .persistent_state([state])
        .finish();
    Ok(())
}
