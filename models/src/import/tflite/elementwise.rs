//! Operators that work element by element, or along the last axis.

use super::{
    context::{Context, Conversion, Converted, activation, options},
    file::read,
};
use crate::graph::{Activation, DType, Op, Refusal, Unary, ensure};

pub(super) fn add(c: &Context) -> Conversion {
    c.node(Op::Add { activation: activation(options!(c, AddOptions).fused_activation_function())? })
}

pub(super) fn sub(c: &Context) -> Conversion {
    c.node(Op::Sub { activation: activation(options!(c, SubOptions).fused_activation_function())? })
}

pub(super) fn mul(c: &Context) -> Conversion {
    c.node(Op::Mul { activation: activation(options!(c, MulOptions).fused_activation_function())? })
}

pub(super) fn gelu(c: &Context) -> Conversion {
    c.node(Op::Unary(Unary::Gelu { approximate: read(options!(c, GeluOptions).approximate())? }))
}

pub(super) fn leaky_relu(c: &Context) -> Conversion {
    c.node(Op::Unary(Unary::LeakyRelu { alpha: read(options!(c, LeakyReluOptions).alpha())? }))
}

pub(super) fn softmax(c: &Context) -> Conversion {
    c.node(Op::Softmax { beta: read(options!(c, SoftmaxOptions).beta())? })
}

pub(super) fn l2_normalization(c: &Context) -> Conversion {
    if activation(options!(c, L2NormOptions).fused_activation_function())? != Activation::None {
        return Err(Refusal::unsupported("a fused activation is not supported here"));
    }
    c.node(Op::L2Normalization)
}

/// SELECT, unlike SELECT_V2, takes a condition per row of x too; only what broadcasting means as well is accepted.
pub(super) fn select(c: &Context) -> Conversion {
    let (condition, x) = (&c.input(0)?.shape, &c.input(1)?.shape);
    ensure!(
        condition == x || condition.iter().all(|&n| n == 1),
        "a condition of shape {condition:?} for operands of shape {x:?} is not supported"
    );
    c.node(Op::Select)
}

/// Constants of type float16 became float32 when they were read.
pub(super) fn dequantize(c: &Context) -> Conversion {
    let (x, y) = (c.input(0)?, c.output(0));
    match &x.data {
        Some(data) if x.dtype == DType::F32 && x.bits == 16 && y.dtype == DType::F32 && x.shape == y.shape => {
            Ok(Converted::Constant(data.clone()))
        }
        _ => c.node(Op::Dequantize),
    }
}
