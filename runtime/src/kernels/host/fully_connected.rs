//! Fully connected layers.

use super::product::{Block, Product, Weights, append, fill_quad};
use super::sums::Sums;
use super::{Work, on_best};
use crate::kernels::fully_connected::FullyConnected;
use crate::step::Step;

/// Vectors have at most [`super::MOST_ELEMENTS`] elements. Scalars: [`FullyConnected`], [`Product`]. Weights: a stream
/// for [`Weights`]. The input's rows are vectors, or any rows that hold the vectors one after the other.
pub fn fully_connected_s8(step: &Step<'_>) -> Option<()> {
    on_best(Layer(step))
}

struct Layer<'s, 'a>(&'s Step<'a>);

impl Work for Layer<'_, '_> {
    type Result = Option<()>;

    #[inline(always)]
    fn run<S: Sums>(self) -> Option<()> {
        let Self(step) = self;
        let (scalars, rest) = step.param_list().split_first_chunk()?;
        let (p, product) = (FullyConnected::from(*scalars), Product::from(*rest.first_chunk()?));
        let (inputs, channels) = (p.inputs as usize, p.outputs as usize);
        let weights = Weights { stream: step.weights().as_chunks().0, channels, quads: inputs.div_ceil(4), product };
        let input = step.input(0)?;
        let mut block = Block::new();
        for vector in step.output_rows()? {
            block.clear();
            append(input.vector(vector, inputs)?, &mut block)?;
            fill_quad(&mut block)?;
            weights.multiply::<S>(&block, &[step.output(0)?.get(vector)?])?;
        }
        Some(())
    }
}
