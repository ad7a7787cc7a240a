//! Windows without weights.

use super::{
    build::Builder,
    context::arity,
    node::Node,
    value::{Value, image_axes},
    window::{Border, Window, pair},
};
use crate::graph::{Activation, Op, Padding, Refusal, Stride, ensure};

pub(super) fn max(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let (x, window) = pooled(b, n)?;
    if window.dilation != [1, 1] {
        return Err(Refusal::unsupported("a dilated window is not supported here"));
    }
    let (x, padding) = b.padded(x, &window, Border::Lowest)?;
    let (kernel, stride, activation) = (pair(window.kernel), pair(window.stride), Activation::None);
    pool(b, n, x, &window, Op::MaxPool2d { kernel, stride, padding, activation })
}

pub(super) fn average(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let (x, window) = pooled(b, n)?;
    let counts_padding = n.flag("count_include_pad")? && window.is_padded();
    let is_scheme = window.padding(&x).is_some();
    if window.dilation != [1, 1] || (window.is_padded() && !is_scheme && !counts_padding) {
        return Err(Refusal::unsupported("these pads or dilations are not supported in an average")
            .help("pad by a Pad node, or set count_include_pad"));
    }
    if counts_padding && n.flag("ceil_mode")? {
        return Err(Refusal::unsupported("ceil_mode with padding that counts is not supported"));
    }
    let (x, padding) = match counts_padding {
        true => b.padded_as_data(x, &window, Border::Zero)?,
        false => b.padded(x, &window, Border::Zero)?,
    };
    let (kernel, stride, activation) = (pair(window.kernel), pair(window.stride), Activation::None);
    pool(b, n, x, &window, Op::AveragePool2d { kernel, stride, padding, activation })
}

/// The average, or the maximum, of each channel.
pub(super) fn global(b: &mut Builder, n: &Node, average: bool) -> Result<(), Refusal> {
    arity(n, 1..=1, 1)?;
    let x = windowed(b, n)?;
    let x = b.image(&x)?;
    let kernel = Stride { h: x.shape[2], w: *x.shape.get(3).unwrap_or(&1) };
    let (stride, padding, activation) = (Stride { h: 1, w: 1 }, Padding::Valid, Activation::None);
    let op = match average {
        true => Op::AveragePool2d { kernel, stride, padding, activation },
        false => Op::MaxPool2d { kernel, stride, padding, activation },
    };
    let shape = [&x.shape[..2], &vec![1; x.rank() - 2]].concat();
    define(b, n, op, x, shape)
}

/// Integers where x is quantized: windows choose or average, and the scale stays.
pub(super) fn windowed(b: &mut Builder, n: &Node) -> Result<Value, Refusal> {
    let x = b.input_of(n, 0)?;
    ensure!((3..=4).contains(&x.rank()), "an image of shape {:?}: 3 or 4 dimensions are supported", x.shape);
    if b.kind(&x).quant.is_some() { Ok(x) } else { b.as_float(&x) }
}

fn pooled(b: &mut Builder, n: &Node) -> Result<(Value, Window), Refusal> {
    let x = windowed(b, n)?;
    if n.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(Refusal::unsupported("the indices of maxima are not supported"));
    }
    ensure!(n.has("kernel_shape"), "attribute kernel_shape is missing");
    let kernel = n.lengths("kernel_shape", x.rank() - 2)?;
    let window = Window::of(n, &x, &kernel)?;
    Ok((x, window))
}

fn pool(b: &mut Builder, n: &Node, x: Value, window: &Window, op: Op) -> Result<(), Refusal> {
    let shape = window.shape(&x, x.shape[1]);
    define(b, n, op, x, shape)
}

/// Adds the node, whose result is an image of this shape in the file's order.
pub(super) fn define(b: &mut Builder, n: &Node, op: Op, x: Value, shape: Vec<usize>) -> Result<(), Refusal> {
    let kind = b.kind(&x);
    let y = Value { shape, axes: image_axes(x.rank()).unwrap_or_default(), ..x.clone() };
    let id = b.emit(op, &[x.id], y.stored_shape(), &kind)?;
    b.define(&n.outputs[0], y.with(id))
}
