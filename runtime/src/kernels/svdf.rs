//! Filters by singular value decomposition: a product over the input, then one over the newest of its results.

use super::arithmetic::{Arithmetic, Narrow, Quantized};
use crate::arena::view;
use crate::numeric::{Integer, Multiplier};
use crate::step::Step;

super::params! {
    /// Scalars of a filter.
    Svdf {
        /// Elements of an input vector.
        inputs,
        /// Elements of an output vector.
        units,
        /// Filters summed into one output.
        rank,
        /// Results that each filter remembers.
        memory,
        /// Zero point of the input.
        input_zero_point,
        /// From products over the input to state.
        state_multiplier,
        /// Its exponent.
        state_shift,
        /// From products over the state to output.
        output_multiplier,
        /// Its exponent.
        output_shift,
        /// Zero point of the output.
        output_zero_point,
    }
}

/// Int8, with state and weights over time of type `T`. Scalars: [`Svdf`]. Channels: a bias per unit. Weights: per filter,
/// those over the input, then those over time. State: per vector and filter, `memory` elements, the oldest first.
pub fn svdf<T: Integer>(step: &Step<'_>) -> Option<()> {
    let p = Svdf::read(step)?;
    let product = Narrow::<i8>::new(Quantized {
        input_zero_point: p.input_zero_point,
        weight_zero_point: 0,
        output_zero_point: 0,
        min: 0,
        max: 0,
    });
    let to_state = Multiplier { multiplier: p.state_multiplier, shift: p.state_shift };
    let to_output = Multiplier { multiplier: p.output_multiplier, shift: p.output_shift };
    let (inputs, rank, memory) = (p.inputs as usize, p.rank as usize, p.memory as usize);
    let filters = rank.wrapping_mul(p.units as usize);
    let (taps, last) = (memory.wrapping_mul(T::BYTES), memory.checked_sub(1)?);
    for y in step.output_rows()? {
        let (x, out) = (step.input_row(0, y)?, step.output_row(0, y)?);
        let mut past = view(step.state()?, y.wrapping_mul(filters).wrapping_mul(taps), filters.wrapping_mul(taps))?;
        let mut weights = step.weights();
        for (bias, out) in step.channels().iter().zip(out) {
            let mut sum = *bias;
            for _ in 0..rank {
                let (over_input, rest) = weights.split_at_checked(inputs)?;
                let (over_time, rest) = rest.split_at_checked(taps)?;
                let (state, later) = past.split_at_checked(taps)?;
                (weights, past) = (rest, later);
                let newest = to_state.apply(product.dot(0, x, over_input, 0)?);
                for (i, weight) in over_time.chunks_exact(T::BYTES).enumerate() {
                    let value = if i == last { T::saturated(newest) } else { T::get(state, i + 1)? };
                    T::set(state, i, value)?;
                    sum = sum.wrapping_add(value.into().wrapping_mul(weight_of(weight)?));
                }
            }
            out.set(i8::saturated(to_output.apply(sum).wrapping_add(p.output_zero_point)) as u8);
        }
    }
    Some(())
}

/// A weight of one byte or two.
#[inline]
fn weight_of(bytes: &[u8]) -> Option<i32> {
    match *bytes {
        [byte] => Some(i32::from(byte as i8)),
        [low, high] => Some(i32::from(i16::from_le_bytes([low, high]))),
        _ => None,
    }
}
