//! Softmax over the last axis.

use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::window::int;
use crate::lower::{Error, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::softmax::Softmax;

/// Integer bits of the scaled difference from the largest element.
const DIFFERENCE_BITS: i32 = 5;

/// Lowers `SOFTMAX`.
pub(super) fn softmax(lowering: &mut Lowering<'_>, node: &Node, beta: f32) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    lowering.expect_type(node, input, DType::I8)?;
    lowering.expect_type(node, output, DType::I8)?;
    let (input_scale, _) = lowering.scale_of(node, input)?;
    let fraction = f64::from(1 << (31 - DIFFERENCE_BITS));
    let real = (f64::from(beta) * f64::from(input_scale) * fraction).min(f64::from(i32::MAX));
    let factor = scale::multiplier(real);
    let range = f64::from((1 << DIFFERENCE_BITS) - 1) * fraction / 2f64.powi(factor.shift);
    let depth = lowering.tensor(input).shape.last().copied().unwrap_or(1);
    let params = Softmax {
        depth: int(depth).ok_or_else(|| Error::unsupported(node, "the last axis is too long"))?,
        multiplier: factor.multiplier,
        shift: factor.shift,
        smallest_difference: -(range.floor().min(f64::from(i32::MAX)) as i32),
    };
    let view = rows_of(lowering.tensor(output));
    lowering
        .layer(node, abi::SOFTMAX_S8, view.rows)
        .reads(input, view, |y| y..y + 1)
        .writes(output, view, |y| y..y + 1)
        .in_place(0)
        .params(params.words())
        .finish();
    Ok(())
}
