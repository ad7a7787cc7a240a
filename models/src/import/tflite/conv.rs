//! Convolutions.

use super::context::{Context, Conversion, Converted, activation, options, padding, step};
use crate::graph::{Op, ensure};

pub(super) fn conv_2d(c: &Context) -> Conversion {
    let o = options!(c, Conv2DOptions);
    c.node(Op::Conv2d {
        stride: step(o.stride_h(), o.stride_w(), "stride")?,
        dilation: step(o.dilation_h_factor(), o.dilation_w_factor(), "dilation")?,
        padding: padding(o.padding())?,
        activation: activation(o.fused_activation_function())?,
    })
}

/// The multiplier is that of the shapes; the option is redundant and wrong in some files.
pub(super) fn depthwise(c: &Context) -> Conversion {
    let o = options!(c, DepthwiseConv2DOptions);
    let (x, w) = (&c.input(0)?.shape, &c.input(1)?.shape);
    ensure!(x.len() == 4 && w.len() == 4, "input and weights must have 4 dimensions, not {x:?} and {w:?}");
    ensure!(x[3] > 0 && w[3].is_multiple_of(x[3]), "channels do not match: input {x:?}, weights {w:?}");
    c.node(Op::DepthwiseConv2d {
        stride: step(o.stride_h(), o.stride_w(), "stride")?,
        dilation: step(o.dilation_h_factor(), o.dilation_w_factor(), "dilation")?,
        padding: padding(o.padding())?,
        activation: activation(o.fused_activation_function())?,
        multiplier: w[3] / x[3],
    })
}

/// In the file: output shape, weights, image, bias?.
pub(super) fn transpose(c: &Context) -> Conversion {
    let o = options!(c, TransposeConvOptions);
    c.output_shape(&c.lengths(0, "output shape")?)?;
    let op = Op::TransposeConv {
        stride: step(o.stride_h(), o.stride_w(), "stride")?,
        padding: padding(o.padding())?,
        activation: activation(o.fused_activation_function())?,
    };
    Ok(Converted::Node(op, vec![c.inputs[2], c.inputs[1], c.inputs.get(3).copied().flatten()]))
}
