//! Fully connected layers.

use super::gemm::{Gemm, gemm};
use super::gemv::{CHANNELS, Gemv, gemv};
use super::gemv_pairs::{GemvPairs, gemv_sparse, gemv_wide};
use super::widen::{widen_bytes, widen_quads};
use crate::arena::Cells;
use crate::step::Step;

crate::kernels::params! {
    /// Scalars of a fully connected layer.
    FullyConnected {
        /// Elements of an input vector.
        inputs,
        /// Elements of an output vector.
        outputs,
        /// Words of a widened input vector.
        words,
        /// 1: the input's vectors are aligned to 4 and their elements stand in [`widen_quads`]' order; 0: in their own.
        quads,
        /// Bytes of the weights that serve whole groups of eight channels.
        group_bytes,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// Weights: a stream for [`gemv`] over all whole groups of eight channels, then one for [`gemm`] over the others.
/// Scratch: 4 bytes a word. The input's rows are vectors, or any rows that hold the vectors one after the other.
pub fn fully_connected_s8(step: &Step<'_>) -> Option<()> {
    layer(step, Some(gemv))
}

/// The same for layers so small that [`gemv`] is not worth its code: no groups.
pub fn fully_connected_small_s8(step: &Step<'_>) -> Option<()> {
    layer(step, None)
}

#[inline(never)]
fn layer(step: &Step<'_>, gemv: Option<unsafe fn(&Gemv)>) -> Option<()> {
    let p = FullyConnected::read(step)?;
    let (inputs, outputs, words) = (p.inputs as usize, p.outputs as usize, p.words as usize);
    let (input, block) = (step.input(0)?, step.scratch()?);
    let groups = if gemv.is_some() { outputs / CHANNELS } else { 0 };
    for vector in step.output_rows()? {
        let x = input.vector(vector, inputs)?;
        let out = step.output_row(0, vector)?;
        if out.len() < outputs || block.len() < 4 * words || x.len() < inputs {
            return None;
        }
        let (from, to, out) =
            (x.as_ptr().cast(), block.as_ptr().cast_mut().cast(), out.as_ptr().cast_mut().cast::<i8>());
        let (stream, rest) = step.weights().split_at_checked(p.group_bytes as usize)?;
        let (min, max, x) = (p.min, p.max, block.as_ptr().cast());
        // SAFETY: `x` holds `inputs` bytes, aligned where quads are asked for; the block has room for them as words;
        // the compiler made both streams for this layer; `out` has room for the outputs.
        unsafe {
            if p.quads != 0 {
                widen_quads(&[from; 4], 1, inputs / 4, to);
            } else {
                widen_bytes(from, inputs, to.cast());
            }
            if let Some(gemv) = gemv {
                gemv(&Gemv { x, stream: stream.as_ptr().cast(), out, groups, words, min, max });
            }
            if outputs > CHANNELS * groups {
                let (out, stream) = (out.add(CHANNELS * groups), rest.as_ptr().cast());
                gemm(&Gemm { x, stream, out, out_stride: 0, words, min, max }, 1);
            }
        }
    }
    Some(())
}

crate::kernels::params! {
    /// Scalars of a fully connected layer that is computed by pairs of channels.
    FullyConnectedPairs {
        /// Elements of an input vector.
        inputs,
        /// Elements of an output vector.
        outputs,
        /// Smallest output, where the stream says that it is not int8's.
        min,
        /// Largest output.
        max,
    }
}

/// With sums of any size; inputs are a multiple of 4. Weights: a stream for [`gemv_wide`].
pub fn fully_connected_wide_s8(step: &Step<'_>) -> Option<()> {
    by_pairs(step, |x| Some(x.as_ptr().cast()), gemv_wide)
}

/// By the weights that are not zero. Weights: a stream for [`gemv_sparse`] over a vector's elements in their own order.
/// Scratch: 2 bytes an element, of an even number.
pub fn fully_connected_sparse_s8(step: &Step<'_>) -> Option<()> {
    let widened = |x: Cells<'_>| {
        let to = step.scratch()?.get(..2 * x.len())?.as_ptr().cast_mut();
        // SAFETY: the scratch has room for all elements as int16.
        unsafe { widen_bytes(x.as_ptr().cast(), x.len(), to.cast()) };
        Some(to.cast_const().cast())
    };
    by_pairs(step, widened, gemv_sparse)
}

/// Vectors as `prepared`, multiplied.
#[inline(always)]
fn by_pairs(
    step: &Step<'_>,
    prepared: impl Fn(Cells<'_>) -> Option<*const u8>,
    gemv: unsafe fn(&GemvPairs),
) -> Option<()> {
    let p = FullyConnectedPairs::read(step)?;
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    let input = step.input(0)?;
    for vector in step.output_rows()? {
        let x = prepared(input.vector(vector, inputs)?.get(..inputs)?)?;
        let out = step.output_row(0, vector)?.get(..outputs)?.as_ptr().cast_mut().cast();
        let stream = step.weights().as_ptr().cast();
        // SAFETY: `x` holds the vector as the kernel reads it; the compiler made the stream for this layer; `out` has room
        // for the outputs.
        unsafe { gemv(&GemvPairs { x, stream, out, quads: inputs / 4, min: p.min, max: p.max }) };
    }
    Some(())
}
