//! Operators that work element by element on several inputs.

use super::broadcast::broadcast;
use super::unary::lookup;
use crate::graph::{Activation, Binary, Compare as Relation, DType, Node, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, Kernels, armv7em, rows_of, scale};
use crate::passes::Pass;
use tinderbox_runtime::abi::{self, Named};
use tinderbox_runtime::kernels::add::{Add, squared_difference};
use tinderbox_runtime::kernels::compare::{Compare, outcome};
use tinderbox_runtime::kernels::mul::{Mul, Rectifier};
use tinderbox_runtime::kernels::{float, integer};

/// Lowers `ADD`.
pub(super) fn add(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    sum(lowering, node, activation, 1, i32::wrapping_add, [abi::ADD_S8, abi::ADD_S16, abi::ADD_S32, abi::ADD_F32])
}

/// Lowers `SUB`.
pub(super) fn sub(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    sum(lowering, node, activation, -1, i32::wrapping_sub, [abi::SUB_S8, abi::SUB_S16, abi::SUB_S32, abi::SUB_F32])
}

/// A sum whose second term has this `sign`; kernels for int8, int16, int32 and float.
fn sum(
    lowering: &mut Lowering<'_>,
    node: &Node,
    activation: Activation,
    sign: i32,
    combine: fn(i32, i32) -> i32,
    kernels: [Named; 4],
) -> Result<(), Error> {
    let Operands { a, b, output, dtype } = Operands::of(lowering, node)?;
    let left_shift = match dtype {
        DType::I8 => 20,
        DType::I16 => 15,
        _ => return plain(lowering, node, activation, kernels),
    };
    let (a_scale, b_scale) = (lowering.scale_of(node, a)?.0, lowering.scale_of(node, b)?.0);
    let output_scale = lowering.scale_of(node, output)?.0;
    let larger = a_scale.max(b_scale);
    // TensorFlow Lite divides in double precision for ADD, in single for SUB.
    let [a_factor, b_factor, factor] = if sign > 0 {
        let (twice, [a, b, y]) = (2.0 * f64::from(larger), [a_scale, b_scale, output_scale].map(f64::from));
        [a / twice, b / twice, twice / (f64::from(1 << left_shift) * y)]
    } else {
        let twice = 2.0 * larger;
        [a_scale / twice, b_scale / twice, twice / ((1 << left_shift) as f32 * output_scale)].map(f64::from)
    };
    let params = common_scale(lowering, node, activation, left_shift, [a_factor, b_factor, factor])?;
    if dtype == DType::I16 {
        broadcast(lowering, node, kernels[1], &params.words());
        return Ok(());
    }
    let expected = |a: i8, b: i8| params.element(a, b, combine);
    let factors =
        [f64::from(a_scale), f64::from(sign) * f64::from(b_scale)].map(|scale| scale / f64::from(output_scale));
    let kernel = match lowering.kernels {
        Kernels::Portable => None,
        Kernels::Armv7em => Some(abi::ARMV7EM_ADD_S8),
        Kernels::Host => Some(abi::HOST_ADD_S8),
    };
    let kernel = kernel.filter(|_| same_shape(lowering, [a, b, output]));
    match kernel.and_then(|kernel| Some((kernel, lowering.sum(|| armv7em::add::search(factors, expected))?))) {
        Some((kernel, params)) if lowering.apply(Pass::Addition, 1) => {
            broadcast(lowering, node, kernel, &params.words());
        }
        _ => int8(lowering, node, kernels[0], &params.words(), expected),
    }
    Ok(())
}

/// Lowers `MUL`.
pub(super) fn mul(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    let Operands { a, b, output, dtype } = Operands::of(lowering, node)?;
    if !matches!(dtype, DType::I8 | DType::I16) {
        return plain(lowering, node, activation, [abi::MUL_S8, abi::MUL_S16, abi::MUL_S32, abi::MUL_F32]);
    }
    let (a_scale, a_zero_point) = lowering.scale_of(node, a)?;
    let (b_scale, b_zero_point) = lowering.scale_of(node, b)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let factor = scale::multiplier(f64::from(a_scale) * f64::from(b_scale) / f64::from(output_scale));
    let (min, max) = scale::activation_range(activation, output_scale, output_zero_point, dtype);
    let (multiplier, shift) = (factor.multiplier, factor.shift);
    let params = Mul { a_zero_point, b_zero_point, multiplier, shift, output_zero_point, min, max };
    match dtype {
        DType::I8 => int8(lowering, node, abi::MUL_S8, &params.words(), |a, b| params.element(a, b)),
        _ => broadcast(lowering, node, abi::MUL_S16, &params.words()),
    }
    Ok(())
}

/// Lowers `MAXIMUM`, `MINIMUM` and `SQUARED_DIFFERENCE`.
pub(super) fn binary(lowering: &mut Lowering<'_>, node: &Node, kind: Binary) -> Result<(), Error> {
    match kind {
        Binary::Maximum => extreme(
            lowering,
            node,
            [abi::MAXIMUM_S8, abi::MAXIMUM_U8, abi::MAXIMUM_S16, abi::MAXIMUM_S32, abi::MAXIMUM_F32],
            i8::max,
        ),
        Binary::Minimum => extreme(
            lowering,
            node,
            [abi::MINIMUM_S8, abi::MINIMUM_U8, abi::MINIMUM_S16, abi::MINIMUM_S32, abi::MINIMUM_F32],
            i8::min,
        ),
        Binary::SquaredDifference => square_difference(lowering, node),
    }
}

/// Kernels for int8, uint8, int16, int32 and float.
fn extreme(
    lowering: &mut Lowering<'_>,
    node: &Node,
    kernels: [Named; 5],
    f: impl Fn(i8, i8) -> i8,
) -> Result<(), Error> {
    let Operands { a, dtype, .. } = Operands::of(lowering, node)?;
    let kernel = match dtype {
        DType::I8 => {
            int8(lowering, node, kernels[0], &[], f);
            return Ok(());
        }
        DType::U8 => kernels[1],
        DType::I16 => kernels[2],
        DType::I32 => kernels[3],
        DType::F32 => kernels[4],
        _ => return Err(lowering.unsupported_type(node, a)),
    };
    broadcast(lowering, node, kernel, &[]);
    Ok(())
}

fn square_difference(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let kernels = [
        abi::SQUARED_DIFFERENCE_S8,
        abi::SQUARED_DIFFERENCE_S16,
        abi::SQUARED_DIFFERENCE_S32,
        abi::SQUARED_DIFFERENCE_F32,
    ];
    let Operands { a, b, output, dtype } = Operands::of(lowering, node)?;
    let left_shift = match dtype {
        DType::I8 => 7,
        DType::I16 => 0,
        _ => return plain(lowering, node, Activation::None, kernels),
    };
    let scale = |tensor: TensorId| lowering.scale_of(node, tensor).map(|(scale, _)| f64::from(scale));
    let (a, b, y) = (scale(a)?, scale(b)?, scale(output)?);
    let twice = 2.0 * a.max(b);
    let factors = [a / twice, b / twice, twice * twice / (f64::from(1 << (2 * left_shift)) * y)];
    let params = common_scale(lowering, node, Activation::None, left_shift, factors)?;
    match dtype {
        DType::I8 => int8(lowering, node, kernels[0], &params.words(), |a, b| params.element(a, b, squared_difference)),
        _ => broadcast(lowering, node, kernels[1], &params.words()),
    }
    Ok(())
}

/// Lowers comparisons.
pub(super) fn compare(lowering: &mut Lowering<'_>, node: &Node, relation: Relation) -> Result<(), Error> {
    let (a, b) = (lowering.input(node, 0)?, lowering.input(node, 1)?);
    let relation = match relation {
        Relation::Equal => outcome::EQUAL,
        Relation::NotEqual => outcome::LESS | outcome::GREATER | outcome::UNORDERED,
        Relation::Greater => outcome::GREATER,
        Relation::GreaterEqual => outcome::GREATER | outcome::EQUAL,
        Relation::Less => outcome::LESS,
        Relation::LessEqual => outcome::LESS | outcome::EQUAL,
    };
    let kernel = match lowering.tensor(a).dtype {
        DType::I8 => abi::COMPARE_S8,
        DType::U8 => abi::COMPARE_U8,
        DType::I16 => abi::COMPARE_S16,
        DType::I32 => {
            broadcast(lowering, node, abi::COMPARE_S32, &[relation]);
            return Ok(());
        }
        DType::F32 => {
            broadcast(lowering, node, abi::COMPARE_F32, &[relation]);
            return Ok(());
        }
        _ => return Err(lowering.unsupported_type(node, a)),
    };
    let (a_scale, a_zero_point) = lowering.scale_of(node, a)?;
    let (b_scale, b_zero_point) = lowering.scale_of(node, b)?;
    let (a, b) = (scale::multiplier(a_scale.into()), scale::multiplier(b_scale.into()));
    let params = Compare {
        relation,
        a_zero_point,
        a_multiplier: a.multiplier,
        a_shift: a.shift,
        b_zero_point,
        b_multiplier: b.multiplier,
        b_shift: b.shift,
    };
    broadcast(lowering, node, kernel, &params.words());
    Ok(())
}

/// Lowers `SELECT` and `SELECT_V2`.
pub(super) fn select(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let x = lowering.input(node, 1)?;
    let kernel = match lowering.tensor(x).dtype.bytes() {
        1 => abi::SELECT_8,
        2 => abi::SELECT_16,
        4 => abi::SELECT_32,
        _ => return Err(lowering.unsupported_type(node, x)),
    };
    broadcast(lowering, node, kernel, &[]);
    Ok(())
}

/// Lowers `PRELU`.
pub(super) fn prelu(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let Operands { a: x, b: alpha, output, dtype } = Operands::of(lowering, node)?;
    if dtype == DType::F32 {
        broadcast(lowering, node, abi::PRELU_F32, &[]);
        return Ok(());
    }
    let (input_scale, input_zero_point) = lowering.scale_of(node, x)?;
    let (alpha_scale, alpha_zero_point) = lowering.scale_of(node, alpha)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let [input_scale, alpha_scale, output_scale] = [input_scale, alpha_scale, output_scale].map(f64::from);
    let positive = scale::multiplier(input_scale / output_scale);
    let negative = scale::multiplier(input_scale * alpha_scale / output_scale);
    let params = Rectifier {
        input_zero_point,
        alpha_zero_point,
        multiplier: positive.multiplier,
        shift: positive.shift,
        alpha_multiplier: negative.multiplier,
        alpha_shift: negative.shift,
        output_zero_point,
    };
    match dtype {
        DType::I8 => int8(lowering, node, abi::PRELU_S8, &params.words(), |x, alpha| params.element(x, alpha.into())),
        DType::I16 => broadcast(lowering, node, abi::PRELU_S16, &params.words()),
        _ => return Err(lowering.unsupported_type(node, x)),
    }
    Ok(())
}

/// Two inputs and an output of one type.
struct Operands {
    a: TensorId,
    b: TensorId,
    output: TensorId,
    dtype: DType,
}

impl Operands {
    fn of(lowering: &Lowering<'_>, node: &Node) -> Result<Self, Error> {
        let (a, b, output) = (lowering.input(node, 0)?, lowering.input(node, 1)?, node.outputs[0]);
        Ok(Self { a, b, output, dtype: lowering.tensor(a).dtype })
    }
}

/// Scalars of an operator that brings its inputs to one scale by two factors, and the result to the output's by a third.
fn common_scale(
    lowering: &Lowering<'_>,
    node: &Node,
    activation: Activation,
    left_shift: i32,
    factors: [f64; 3],
) -> Result<Add, Error> {
    let Operands { a, b, output, dtype } = Operands::of(lowering, node)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let (min, max) = scale::activation_range(activation, output_scale, output_zero_point, dtype);
    let [a_factor, b_factor, factor] = factors.map(scale::multiplier);
    Ok(Add {
        a_zero_point: lowering.scale_of(node, a)?.1,
        a_multiplier: a_factor.multiplier,
        a_shift: a_factor.shift,
        b_zero_point: lowering.scale_of(node, b)?.1,
        b_multiplier: b_factor.multiplier,
        b_shift: b_factor.shift,
        left_shift,
        output_multiplier: factor.multiplier,
        output_shift: factor.shift,
        output_zero_point,
        min,
        max,
    })
}

/// An int8 operator that computes `f`: from a table where one of its inputs is a constant number.
fn int8(lowering: &mut Lowering<'_>, node: &Node, kernel: Named, params: &[i32], f: impl Fn(i8, i8) -> i8) {
    let constant = |i: usize| match lowering.tensor(node.inputs[i]?).data.as_deref()? {
        [byte] => Some(*byte as i8),
        _ => None,
    };
    let same_size = |i: usize| {
        let elements = |id: TensorId| lowering.tensor(id).elements();
        node.inputs[i].is_some_and(|id| elements(id) == elements(node.outputs[0]))
    };
    match (constant(0), constant(1)) {
        (None, Some(b)) if same_size(0) => lookup(lowering, node, 0, |a| f(a, b)),
        (Some(a), None) if same_size(1) => lookup(lowering, node, 1, |b| f(a, b)),
        _ => broadcast(lowering, node, kernel, params),
    }
}

/// An operator on integers or floats that stand for themselves; kernels for int8, int16, int32 and float.
fn plain(lowering: &mut Lowering<'_>, node: &Node, activation: Activation, kernels: [Named; 4]) -> Result<(), Error> {
    let input = lowering.input(node, 0)?;
    let (min, max) = scale::activation_bounds(activation);
    match lowering.tensor(input).dtype {
        DType::I32 => {
            let clamp = integer::Clamp { min: min as i32, max: max as i32 };
            broadcast(lowering, node, kernels[2], &clamp.words());
        }
        DType::F32 => {
            let clamp = float::Clamp { min: min.to_bits() as i32, max: max.to_bits() as i32 };
            broadcast(lowering, node, kernels[3], &clamp.words());
        }
        _ => return Err(lowering.unsupported_type(node, input)),
    }
    Ok(())
}

fn same_shape(lowering: &Lowering<'_>, tensors: [TensorId; 3]) -> bool {
    let [a, b, output] = tensors.map(|id| &lowering.tensor(id).shape);
    let view = rows_of(lowering.tensor(tensors[2]));
    a == b && b == output && (view.rows == 1 || view.row_bytes.is_multiple_of(4))
}
