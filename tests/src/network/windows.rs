//! Operators over images, and products.

use super::assembly::Assembly;
use super::{Extent, Layer, Weights, Window};
use tinderbox::graph::{Activation, Op, Padding, Resize, Stride, TensorId};

/// Most output channels of a depthwise convolution.
const MAX_CHANNELS: usize = 24;

impl Window {
    /// Where it is too large for the image, smaller; with the output's height and width.
    fn fitted(&self, h: usize, w: usize) -> Option<((usize, usize), (usize, usize))> {
        let fit = |size: usize, n: usize, dilation: usize| match self.padding {
            Padding::Valid => size.min((n - 1) / dilation + 1),
            Padding::Same => size,
        };
        let (kh, kw) = (fit(self.size.0, h, self.dilation.h), fit(self.size.1, w, self.dilation.w));
        let rows = self.padding.windows(h, kh, self.stride.h, self.dilation.h)?;
        Some(((kh, kw), (rows, self.padding.windows(w, kw, self.stride.w, self.dilation.w)?)))
    }
}

pub(super) fn conv(a: &mut Assembly, layer: &Layer, window: &Window, weights: &Weights) -> Option<TensorId> {
    let (x, [n, h, w, c]) = a.image(layer)?;
    let ((kh, kw), (out_h, out_w)) = window.fitted(h, w)?;
    let inputs = product(a, x, &[weights.out, kh, kw, c], 0, weights);
    let y = product_output(a, layer, &inputs, &[n, out_h, out_w, weights.out], kh * kw * c)?;
    let &Window { stride, dilation, padding, activation, .. } = window;
    a.node(Op::Conv2d { stride, dilation, padding, activation }, &inputs, y)
}

pub(super) fn depthwise(a: &mut Assembly, layer: &Layer, window: &Window, weights: &Weights) -> Option<TensorId> {
    let (x, [n, h, w, c]) = a.image(layer)?;
    let ((kh, kw), (out_h, out_w)) = window.fitted(h, w)?;
    let multiplier = weights.out.min(MAX_CHANNELS / c).max(1);
    let out = c * multiplier;
    let inputs = product(a, x, &[1, kh, kw, out], 3, weights);
    let y = product_output(a, layer, &inputs, &[n, out_h, out_w, out], kh * kw)?;
    let &Window { stride, dilation, padding, activation, .. } = window;
    a.node(Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier }, &inputs, y)
}

pub(super) fn fully_connected(
    a: &mut Assembly,
    layer: &Layer,
    weights: &Weights,
    activation: Activation,
    extent: Extent,
) -> Option<TensorId> {
    let x = a.any(layer)?;
    let mut shape = a.shape(x);
    let depth = match extent {
        Extent::All => std::mem::replace(&mut shape, vec![1, weights.out]).iter().product(),
        Extent::Last => std::mem::replace(shape.last_mut()?, weights.out),
    };
    let inputs = product(a, x, &[weights.out, depth], 0, weights);
    let y = product_output(a, layer, &inputs, &shape, depth)?;
    a.node(Op::FullyConnected { activation }, &inputs, y)
}

/// The operands of a product: x, weights whose output channels are `axis`, and a bias.
fn product(a: &mut Assembly, x: TensorId, shape: &[usize], axis: usize, weights: &Weights) -> Vec<TensorId> {
    let channels = shape[axis];
    let w = match weights.per_channel {
        true => a.b.weights(shape, channels, axis),
        false => a.b.weights(shape, 1, 0),
    };
    if weights.silent {
        a.silence(w, shape, axis);
    }
    let mut operands = vec![x, w];
    if weights.bias {
        operands.push(a.b.bias(x, w, channels));
    }
    operands
}

/// Products of numbers that are spread evenly fill the range of int8 at 64 times the root of their count.
fn product_output(
    a: &mut Assembly,
    layer: &Layer,
    inputs: &[TensorId],
    shape: &[usize],
    depth: usize,
) -> Option<TensorId> {
    a.output(layer, shape, a.scale(inputs[0]) * a.scale(inputs[1]) * 64.0 * (depth as f32).sqrt())
}

pub(super) fn pool(a: &mut Assembly, layer: &Layer, window: &Window, max: bool) -> Option<TensorId> {
    let (x, [n, h, w, c]) = a.image(layer)?;
    let window = Window { dilation: Stride { h: 1, w: 1 }, ..window.clone() };
    let ((kh, kw), (out_h, out_w)) = window.fitted(h, w)?;
    let y = a.output_as(x, &[n, out_h, out_w, c])?;
    let Window { stride, padding, activation, .. } = window;
    let kernel = Stride { h: kh, w: kw };
    let op = match max {
        true => Op::MaxPool2d { kernel, stride, padding, activation },
        false => Op::AveragePool2d { kernel, stride, padding, activation },
    };
    a.node(op, &[x], y)
}

pub(super) fn nearest(
    a: &mut Assembly,
    layer: &Layer,
    (h, w): (usize, usize),
    align_corners: bool,
    half_pixel_centers: bool,
) -> Option<TensorId> {
    let (x, [n, _, _, c]) = a.image(layer)?;
    let y = a.output_as(x, &[n, h, w, c])?;
    a.node(Op::Resize(Resize::Nearest { align_corners, half_pixel_centers }), &[x], y)
}
