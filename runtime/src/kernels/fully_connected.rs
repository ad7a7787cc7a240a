//! Fully connected layers.

use super::arithmetic::{Arithmetic, Quantized};
use crate::arena::Element;
use crate::step::Step;

super::params! {
    /// Scalars of a fully connected layer, before its [`Quantized`].
    FullyConnected {
        /// Elements of an input vector.
        inputs,
        /// Elements of an output vector.
        outputs,
    }
}

/// Scalars: [`FullyConnected`], [`Quantized`]. Weights \[outputs, inputs\]. The output's rows are vectors; the
/// input's too, or any rows that hold the vectors one after the other.
pub fn fully_connected<A: Arithmetic>(step: &Step<'_>) -> Option<()> {
    let (scalars, rest) = step.param_list().split_first_chunk()?;
    let p = FullyConnected::from(*scalars);
    let arithmetic = A::new(Quantized::from(*rest.first_chunk()?));
    let inputs = p.inputs as usize;
    let input = step.input(0)?;
    for vector in step.output_rows()? {
        let x = input.vector(vector, inputs * A::Value::BYTES)?;
        let out = step.output_row(0, vector)?;
        for (channel, out) in out.chunks_exact(A::Value::BYTES).enumerate() {
            let sum = arithmetic.dot(A::ZERO, x, step.weights(), channel * inputs)?;
            A::Value::set(out, 0, arithmetic.finish(step.channels(), channel, sum)?)?;
        }
    }
    Some(())
}
