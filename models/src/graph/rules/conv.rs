//! Rules of the convolutions.

use super::{
    quant::Product,
    view::{View, constant, rank},
};
use crate::graph::{Padding, Refusal, Stride, Tensor, refusal::ensure};

/// Strides and dilations beyond this are taken for corruption; it keeps all later arithmetic small.
const MAX_STEP: usize = 0xFFFF;

pub(super) fn conv_2d(v: &View, stride: Stride, dilation: Stride, padding: Padding) -> Result<(), Refusal> {
    let (x, w) = image_and_weights(v)?;
    let (channels, depth) = (w.shape[0], w.shape[3]);
    ensure!(
        depth > 0 && x.shape[3].is_multiple_of(depth) && channels.is_multiple_of(x.shape[3] / depth),
        "channels do not match: input {:?}, weights {:?}",
        x.shape,
        w.shape
    );
    windows(v, x, w, channels, (stride, dilation, padding))?;
    product(v, x, w, 0, channels)
}

pub(super) fn depthwise(
    v: &View,
    stride: Stride,
    dilation: Stride,
    padding: Padding,
    multiplier: usize,
) -> Result<(), Refusal> {
    let (x, w) = image_and_weights(v)?;
    let channels = w.shape[3];
    ensure!(
        w.shape[0] == 1 && x.shape[3].checked_mul(multiplier) == Some(channels),
        "channels do not match: input {:?}, weights {:?}, multiplier {multiplier}",
        x.shape,
        w.shape
    );
    windows(v, x, w, channels, (stride, dilation, padding))?;
    product(v, x, w, 3, channels)
}

/// The output's size is free among those whose convolution gives the input's size.
pub(super) fn transpose(v: &View, stride: Stride, padding: Padding) -> Result<(), Refusal> {
    let (x, w) = image_and_weights(v)?;
    let y = v.output(0);
    rank(y, "output", 4)?;
    steps("stride", stride)?;
    ensure!(x.shape[3] == w.shape[3], "channels do not match: input {:?}, weights {:?}", x.shape, w.shape);
    let fits = |axis: usize, kernel, stride| padding.windows(y.shape[axis], kernel, stride, 1) == Some(x.shape[axis]);
    ensure!(
        fits(1, w.shape[1], stride.h) && fits(2, w.shape[2], stride.w),
        "output shape {:?} does not fit input {:?}, weights {:?} and stride {stride}",
        y.shape,
        x.shape,
        w.shape
    );
    v.output_shape(0, Some(vec![x.shape[0], y.shape[1], y.shape[2], w.shape[0]]))?;
    product(v, x, w, 0, w.shape[0])
}

fn image_and_weights<'a>(v: &View<'a>) -> Result<(&'a Tensor, &'a Tensor), Refusal> {
    v.arity(2..=3, 1..=1)?;
    let (x, w) = (v.input(0, "image")?, v.input(1, "weights")?);
    rank(x, "input", 4)?;
    rank(w, "weights", 4)?;
    constant(w, "weights")?;
    Ok((x, w))
}

fn windows(v: &View, x: &Tensor, w: &Tensor, out: usize, how: (Stride, Stride, Padding)) -> Result<(), Refusal> {
    let (stride, dilation, padding) = how;
    steps("stride", stride)?;
    steps("dilation", dilation)?;
    let h = padding.windows(x.shape[1], w.shape[1], stride.h, dilation.h);
    let wide = padding.windows(x.shape[2], w.shape[2], stride.w, dilation.w);
    let (Some(h), Some(wide)) = (h, wide) else {
        return Err(Refusal::invalid(format!("the window {:?} is larger than the image {:?}", w.shape, x.shape)));
    };
    v.output_shape(0, Some(vec![x.shape[0], h, wide, out]))
}

/// Demands a stride, dilation or window length in range.
pub(super) fn steps(what: &str, step: Stride) -> Result<(), Refusal> {
    ensure!(step.h > 0 && step.w > 0, "{what} must be positive, it is {step}");
    ensure!(step.h <= MAX_STEP && step.w <= MAX_STEP, "{what} out of range: {step}, at most {MAX_STEP}");
    Ok(())
}

fn product(v: &View, x: &Tensor, weights: &Tensor, axis: usize, channels: usize) -> Result<(), Refusal> {
    let (bias, output) = (v.optional(2), v.output(0));
    Product { x, weights, bias, output, axis, channels, weight_zero_point: false }.check()
}
