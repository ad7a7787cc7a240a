//! Long short-term memory.

use super::variable::initial;
use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::table::sigmoid_table;
use crate::lower::{Error, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::lstm::{Lstm, Scales};
use tinderbox_runtime::numeric::Multiplier;

/// Real value of a gate's unit behind its function.
const GATE: f64 = 1.0 / 32768.0;

/// Lowers `UNIDIRECTIONAL_SEQUENCE_LSTM`.
pub(super) fn lstm(lowering: &mut Lowering<'_>, node: &Node, time_major: bool, cell_clip: f32) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let x = lowering.tensor(input);
    let (kernel, scalars, mut weights) = match x.dtype {
        DType::I8 => (abi::LSTM_S8, quantization(lowering, node, cell_clip)?, sigmoid_table()),
        DType::F32 => {
            let clip = if cell_clip > 0.0 { cell_clip } else { f32::INFINITY };
            (abi::LSTM_F32, vec![clip.to_bits() as i32], vec![])
        }
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let [hidden, cell] = [lowering.input(node, 13)?, lowering.input(node, 14)?];
    let (inputs, units) = (x.shape[2], lowering.tensor(hidden).shape[1]);
    let (batches, times) = if time_major { (x.shape[1], x.shape[0]) } else { (x.shape[0], x.shape[1]) };
    let sequences = batches > 1 && (!time_major || times == 1);
    let element = x.dtype.bytes();
    for unit in 0..units {
        for gate in 0..4 {
            for (i, length) in [(1 + gate, inputs * element), (5 + gate, units * element)] {
                weights.extend_from_slice(&lowering.constant_input(node, i)?[unit * length..][..length]);
            }
        }
    }
    let biases: Result<Vec<&[u8]>, Error> = (9..13).map(|i| lowering.constant_input(node, i)).collect();
    let biases = biases?;
    let bias = |unit: usize, gate: usize| i32::from_le_bytes(biases[gate].as_chunks().0[unit]);
    let channels = (0..units).flat_map(|unit| (0..4).map(move |gate| (unit, gate)));
    let channels = channels.map(|(unit, gate)| bias(unit, gate)).collect();
    let states = [hidden, cell].map(|state| (lowering.tensor(state).bytes(), initial(lowering, state)));
    let params = Lstm { inputs: inputs as i32, units: units as i32, sequences: sequences.into() };
    let (from, to) = (rows_of(x), rows_of(lowering.tensor(output)));
    lowering
        .layer(node, kernel, to.rows)
        .reads(input, from, |y| y..y + 1)
        .writes(output, to, |y| y..y + 1)
        .params(params.words())
        .params(scalars)
        .channels(channels)
        .weights(weights)
        .persistent_state(states)
        .finish();
    Ok(())
}

/// The scalars behind [`Lstm`] of an int8 cell.
fn quantization(lowering: &Lowering<'_>, node: &Node, cell_clip: f32) -> Result<Vec<i32>, Error> {
    let scale_at = |i: usize| lowering.scale_of(node, lowering.input(node, i)?);
    let ((x, input_zero_point), (hidden, hidden_zero_point), (cell, _)) = (scale_at(0)?, scale_at(13)?, scale_at(14)?);
    let forget = scale::multiplier(GATE * f64::from(cell) / f64::from(cell));
    let candidate = scale::multiplier(GATE * GATE / f64::from(cell));
    let output = scale::multiplier(GATE * GATE / f64::from(hidden));
    // The tangent's argument is in units of 1/12288.
    let left = 12 + cell.log2().round() as i32;
    let (tanh_multiplier, tanh_shift) = if left >= 0 { (3 << left.min(14), 0) } else { (3, -left) };
    let clip = if cell_clip > 0.0 { (f64::from(cell_clip) / f64::from(cell)).min(32767.0) as i32 } else { 32768 };
    let scales = Scales {
        input_zero_point,
        hidden_zero_point,
        forget_multiplier: forget.multiplier,
        forget_shift: forget.shift,
        input_multiplier: candidate.multiplier,
        input_shift: candidate.shift,
        hidden_multiplier: output.multiplier,
        hidden_shift: output.shift,
        tanh_multiplier,
        tanh_shift,
        clip,
    };
    let mut scalars = scales.words().to_vec();
    for gate in 0..4 {
        for (source, i) in [(x, 1 + gate), (hidden, 5 + gate)] {
            // TensorFlow Lite Micro multiplies the scales in single precision. Gates are Q3.12.
            let product = f64::from(source * scale_at(i)?.0) * 4096.0;
            let Multiplier { multiplier, shift } = scale::multiplier(product);
            scalars.extend([multiplier, shift]);
        }
    }
    Ok(scalars)
}
