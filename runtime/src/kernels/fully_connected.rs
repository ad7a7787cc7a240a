//! Fully connected layers.

use crate::arena::view;
use crate::numeric::{Multiplier, clamp_s8};
use crate::step::Step;

super::params! {
    /// Scalars of a fully connected layer.
    FullyConnected {
        /// Elements of an input vector.
        inputs,
        /// Elements of an output vector.
        outputs,
        /// Zero point of the input.
        input_zero_point,
        /// Zero point of the weights.
        weight_zero_point,
        /// Zero point of the output.
        output_zero_point,
        /// Smallest output, activation included.
        min,
        /// Largest output.
        max,
    }
}

/// Weights \[outputs, inputs\]; channels: bias, multiplier, shift each. The input's rows are vectors, or any rows that
/// hold the vectors one after the other.
pub fn s8(step: &Step<'_>) -> Option<()> {
    let p = FullyConnected::read(step)?;
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    let input = step.input(0)?;
    for vector in step.output_rows()? {
        let x = if input.row_bytes() == inputs {
            input.get(vector)?
        } else {
            view(input.whole()?, vector * inputs, inputs)?
        };
        let out = step.output(0)?.get(vector)?;
        for channel in 0..outputs {
            let weights = step.weights().get(channel * inputs..)?;
            let [bias, multiplier, shift] = *step.channels().get(3 * channel..)?.first_chunk()?;
            let mut sum = bias;
            for (x, w) in x.iter().zip(weights) {
                let x = i32::from(x.get() as i8) - p.input_zero_point;
                sum = sum.wrapping_add(x * (i32::from(*w as i8) - p.weight_zero_point));
            }
            let scaled = Multiplier { multiplier, shift }.apply(sum);
            out.get(channel)?.set(clamp_s8(scaled.wrapping_add(p.output_zero_point), p.min, p.max) as u8);
        }
    }
    Some(())
}
