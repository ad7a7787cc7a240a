//! Operators over the last axis.

use crate::graph::{DType, Node};
use crate::lower::lowering::Lowering;
use crate::lower::table::interpolation_table;
use crate::lower::window::int;
use crate::lower::{Error, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::float;
use tinderbox_runtime::kernels::l2_normalization::L2Normalization;
use tinderbox_runtime::kernels::softmax::{Inverse, Softmax};

/// Integer bits of the scaled difference from the largest element.
const DIFFERENCE_BITS: i32 = 5;

/// Lowers `SOFTMAX`.
pub(super) fn softmax(lowering: &mut Lowering<'_>, node: &Node, beta: f32) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let kernel = match (lowering.tensor(input).dtype, lowering.tensor(output).dtype) {
        (DType::I8, DType::I8) => abi::SOFTMAX_S8,
        (DType::I8, DType::I16) => abi::SOFTMAX_S8_S16,
        (DType::I16, DType::I16) => return softmax_s16(lowering, node, beta),
        (DType::F32, DType::F32) => {
            let params = float::Softmax { depth: depth(lowering, node)?, beta: beta.to_bits() as i32 };
            lowering.rows_alike(node, 0, abi::SOFTMAX_F32).params(params.words()).finish();
            return Ok(());
        }
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let params = fixed_point(lowering, node, beta)?;
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

/// Lowers `LOG_SOFTMAX`.
pub(super) fn log_softmax(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    match lowering.tensor(input).dtype {
        DType::I8 => {
            let params = fixed_point(lowering, node, 1.0)?;
            let power = f64::from(31 - params.shift).exp2();
            let inverse = scale::multiplier(power / f64::from(params.multiplier));
            let inverse = Inverse { inverse_multiplier: inverse.multiplier, inverse_shift: inverse.shift };
            let layer = lowering.rows_alike(node, 0, abi::LOG_SOFTMAX_S8);
            layer.params(params.words()).params(inverse.words()).finish();
        }
        DType::F32 => {
            let params = float::Softmax { depth: depth(lowering, node)?, beta: 1f32.to_bits() as i32 };
            lowering.rows_alike(node, 0, abi::LOG_SOFTMAX_F32).params(params.words()).finish();
        }
        _ => return Err(lowering.unsupported_type(node, input)),
    }
    Ok(())
}

/// Lowers `L2_NORMALIZATION`.
pub(super) fn l2_normalization(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let (kernel, input_zero_point) = match lowering.tensor(input).dtype {
        DType::I8 => (abi::L2_NORMALIZATION_S8, lowering.scale_of(node, input)?.1),
        DType::F32 => (abi::L2_NORMALIZATION_F32, 0),
        _ => return Err(lowering.unsupported_type(node, input)),
    };
    let params = L2Normalization { depth: depth(lowering, node)?, input_zero_point };
    lowering.rows_alike(node, 0, kernel).params(params.words()).finish();
    Ok(())
}

/// Softmax of int16: by tables of the exponential and of the reciprocal.
fn softmax_s16(lowering: &mut Lowering<'_>, node: &Node, beta: f32) -> Result<(), Error> {
    const RANGE: f32 = 65535.0;
    let (input_scale, _) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let factor = scale::multiplier(f64::from(input_scale) * f64::from(beta) / (10.0 / f64::from(RANGE)));
    let params = Softmax {
        depth: depth(lowering, node)?,
        multiplier: factor.multiplier,
        shift: factor.shift,
        smallest_difference: i32::MIN,
    };
    let exp = interpolation_table(10.0 / RANGE * -RANGE, 0.0, |x| f64::from(x).exp() as f32);
    let reciprocal = interpolation_table(0.0, 1.0 / RANGE * RANGE, |x| 1.0 / (1.0 + x));
    let layer = lowering.rows_alike(node, 0, abi::SOFTMAX_S16).params(params.words());
    layer.weights([exp, reciprocal].concat()).finish();
    Ok(())
}

/// Scalars of an int8 softmax.
fn fixed_point(lowering: &Lowering<'_>, node: &Node, beta: f32) -> Result<Softmax, Error> {
    let (input_scale, _) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let fraction = f64::from(1 << (31 - DIFFERENCE_BITS));
    let real = (f64::from(beta) * f64::from(input_scale) * fraction).min(f64::from(i32::MAX));
    let factor = scale::multiplier(real);
    let range = f64::from((1 << DIFFERENCE_BITS) - 1) * fraction / 2f64.powi(factor.shift);
    Ok(Softmax {
        depth: depth(lowering, node)?,
        multiplier: factor.multiplier,
        shift: factor.shift,
        smallest_difference: -(range.floor().min(f64::from(i32::MAX)) as i32),
    })
}

/// Elements of the last axis.
fn depth(lowering: &Lowering<'_>, node: &Node) -> Result<i32, Error> {
    let depth = lowering.tensor(lowering.input(node, 0)?).shape.last().copied().unwrap_or(1);
    int(depth).ok_or_else(|| Error::unsupported(node, "the last axis is too long"))
}
