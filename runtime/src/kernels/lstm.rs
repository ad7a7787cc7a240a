//! Long short-term memory, a time step at a time. Gates are computed unit by unit, so that nothing but the state is kept.

use super::arithmetic::{Arithmetic, F32, Narrow, Quantized};
use super::lookup::Sigmoid;
use crate::arena::{Element, copy, view};
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a cell.
    Lstm {
        /// Elements of an input vector.
        inputs,
        /// Elements of the hidden state, of the cell state and of an output vector.
        units,
        /// 1: a row is the sequence of one of several batches; 0: it holds one time step of all of them.
        sequences,
    }
}

super::params! {
    /// Quantization of a cell.
    Scales {
        /// Zero point of the input.
        input_zero_point,
        /// Zero point of hidden state and output.
        hidden_zero_point,
        /// From forget gate times cell to cell.
        forget_multiplier,
        /// Its exponent.
        forget_shift,
        /// From input gate times candidate to cell.
        input_multiplier,
        /// Its exponent.
        input_shift,
        /// From output gate times tangent of the cell to hidden state.
        hidden_multiplier,
        /// Its exponent.
        hidden_shift,
        /// From cell to the argument of the tangent.
        tanh_multiplier,
        /// And then shifted by, to the right, rounded.
        tanh_shift,
        /// The cell is clamped to plus and minus this.
        clip,
    }
}

/// Bytes of the logistic function's table.
const TABLE: usize = 512;

/// Per gate, the sums over input and hidden state.
type Sums<S> = [(S, S); 4];

/// `next` makes the new cell and hidden state of a unit from its number, the sums of its gates and its old cell. State: per
/// batch the hidden state, then per batch the cells. `weights`: per unit and gate (input, forget, candidate, output),
/// those over the input, then those over the hidden state.
#[inline]
fn sequence<A: Arithmetic, C: Element>(
    step: &Step<'_>,
    weights: &[u8],
    [x_format, h_format]: [A; 2],
    next: impl Fn(usize, Sums<A::Sum>, C) -> Option<(C, A::Value)>,
) -> Option<()> {
    let p = Lstm::read(step)?;
    let (inputs, units) = (p.inputs as usize, p.units as usize);
    let (vector, hidden_bytes, cell_bytes) = (inputs * A::Value::BYTES, units * A::Value::BYTES, units * C::BYTES);
    let state = step.state()?;
    let batches = state.len().checked_div(hidden_bytes + cell_bytes)?;
    let (hiddens, cells) = state.split_at_checked(batches * hidden_bytes)?;
    for y in step.output_rows()? {
        let (row, out) = (step.input_row(0, y)?, step.output_row(0, y)?);
        for (v, (x, out)) in row.chunks_exact(vector.max(1)).zip(out.chunks_exact(hidden_bytes.max(1))).enumerate() {
            let batch = if p.sequences == 1 { y } else { v };
            let hidden = view(hiddens, batch * hidden_bytes, hidden_bytes)?;
            let cell = view(cells, batch * cell_bytes, cell_bytes)?;
            for unit in 0..units {
                let mut sums = [(A::ZERO, A::ZERO); 4];
                for (gate, sums) in sums.iter_mut().enumerate() {
                    let first = (4 * unit + gate) * (inputs + units);
                    *sums = (
                        x_format.dot(A::ZERO, x, weights, first)?,
                        h_format.dot(A::ZERO, hidden, weights, first + inputs)?,
                    );
                }
                let (new, value) = next(unit, sums, C::get(cell, unit)?)?;
                C::set(cell, unit, new)?;
                A::Value::set(out, unit, value)?;
            }
            copy(out, hidden);
        }
    }
    Some(())
}

/// Int8, int16 cells. Scalars: [`Lstm`], [`Scales`], per gate multiplier and shift of the sum over the input, multiplier and
/// shift of the other. Channels: per unit and gate a bias of the first. Weights: the logistic function's table, then those
/// of the gates.
pub fn s8(step: &Step<'_>) -> Option<()> {
    let (scalars, gates) = step.param_list().get(Lstm::FIELDS.len()..)?.split_first_chunk()?;
    let p = Scales::from(*scalars);
    let gates: &[[i32; 4]; 4] = gates.as_chunks().0.first_chunk()?;
    let (table, weights) = step.weights().split_at_checked(TABLE)?;
    let format = |input_zero_point| {
        let rest = Quantized { input_zero_point, weight_zero_point: 0, output_zero_point: 0, min: 0, max: 0 };
        Narrow::<i8>::new(rest)
    };
    let scaled = |multiplier, shift, x: i32| Multiplier { multiplier, shift }.apply(x);
    // Gates are Q3.12, or Q0.15 behind their function.
    let plain = Sigmoid { multiplier: 3, shift: 0 };
    let of_cell = Sigmoid { multiplier: p.tanh_multiplier, shift: p.tanh_shift };
    sequence(step, weights, [format(p.input_zero_point), format(p.hidden_zero_point)], |unit, sums, cell: i16| {
        let biases: &[i32; 4] = step.channels().get(4 * unit..)?.first_chunk()?;
        let mut gate = [0i16; 4];
        for (((gate, sums), bias), scales) in gate.iter_mut().zip(sums).zip(biases).zip(gates) {
            let [x_multiplier, x_shift, h_multiplier, h_shift] = *scales;
            let x = i16::saturated(scaled(x_multiplier, x_shift, sums.0.wrapping_add(*bias)));
            *gate = x.saturating_add(i16::saturated(scaled(h_multiplier, h_shift, sums.1)));
        }
        let [input, forget, candidate, output] = gate;
        let product = |a: i16, b: i16| i32::from(a).wrapping_mul(b.into());
        let kept = scaled(p.forget_multiplier, p.forget_shift, product(plain.logistic(table, forget)?, cell));
        let added = product(plain.logistic(table, input)?, plain.tanh(table, candidate)?);
        let added = scaled(p.input_multiplier, p.input_shift, added);
        let cell = i16::saturated(kept).saturating_add(i16::saturated(added));
        let cell = i16::clamped(cell.into(), p.clip.wrapping_neg(), p.clip);
        let value = product(of_cell.tanh(table, cell)?, plain.logistic(table, output)?);
        let value = scaled(p.hidden_multiplier, p.hidden_shift, value).wrapping_add(p.hidden_zero_point);
        Some((cell, i8::saturated(value)))
    })
}

/// Float. Scalars: [`Lstm`], the bits of the largest cell. Channels: per unit and gate the bits of a bias. Weights: those of
/// the gates.
pub fn f32(step: &Step<'_>) -> Option<()> {
    let clip = f32::from_bits(*step.param_list().get(Lstm::FIELDS.len())? as u32);
    let format =
        || F32::new(Quantized { input_zero_point: 0, weight_zero_point: 0, output_zero_point: 0, min: 0, max: 0 });
    let logistic = |x: f32| 1.0 / (1.0 + libm::expf(-x));
    sequence(step, step.weights(), [format(), format()], |unit, sums, cell: f32| {
        let biases: &[i32; 4] = step.channels().get(4 * unit..)?.first_chunk()?;
        let mut gate = [0f32; 4];
        for ((gate, (x, h)), bias) in gate.iter_mut().zip(sums).zip(biases) {
            *gate = x + f32::from_bits(*bias as u32) + h;
        }
        let [input, forget, candidate, output] = gate;
        let cell = logistic(forget) * cell + logistic(input) * libm::tanhf(candidate);
        let cell = cell.max(-clip).min(clip);
        Some((cell, logistic(output) * libm::tanhf(cell)))
    })
}
