//! Conv and ConvTranspose.

use super::{
    build::Builder,
    context::arity,
    fuse::Channels,
    node::Node,
    product::{Operands, Product},
    value::Value,
    window::{Border, Window, pair},
};
use crate::graph::{Op, Padding, Refusal, ensure};

/// Inputs: image \[n, in, ..\], weights \[out, in / group, ..\], bias?.
pub(super) fn conv<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 2..=3, 1)?;
    let operands = Operands { x: b.input_of(n, 0)?, weights: b.input_of(n, 1)?, bias: b.optional(n, 2)?, axis: 0 };
    let (rank, w) = (operands.x.rank(), operands.weights.shape.clone());
    ensure!((3..=4).contains(&rank) && w.len() == rank, "image {:?}, weights {w:?}", operands.x.shape);
    let window = Window::of(n, &operands.x, &w[2..])?;
    let (inputs, outputs, groups) = (operands.x.shape[1], w[0], n.int("group")?.unwrap_or(1));
    let groups = usize::try_from(groups).ok().filter(|&g| g > 0 && w[1].checked_mul(g) == Some(inputs));
    let groups = groups.ok_or_else(|| {
        Refusal::invalid(format!("channels do not match: input {:?}, weights {w:?}", operands.x.shape))
    })?;
    ensure!(outputs > 0 && outputs.is_multiple_of(groups), "{outputs} channels in {groups} groups");
    let Product { x, weights, bias, tail } = b.product(n, operands, Channels { axis: 1, count: outputs, rank })?;
    let shape = window.shape(&x, outputs);
    let (x, padding) = b.padded(x, &window, Border::Zero)?;
    let depthwise = groups == inputs && groups > 1;
    let column = if rank == 3 { None } else { Some(3) };
    let order = if depthwise { [Some(1), Some(2), column, Some(0)] } else { [Some(0), Some(2), column, Some(1)] };
    let weights = b.arrange(&weights, &order)?;
    let (stride, dilation, activation) = (pair(window.stride), pair(window.dilation), tail.activation);
    let op = match depthwise {
        true => Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier: outputs / groups },
        false => Op::Conv2d { stride, dilation, padding, activation },
    };
    b.finish_with(&tail, op, vec![Some(x.id), Some(weights.id), bias], Value { shape, ..x })
}

/// Inputs: image \[n, in, ..\], weights \[in, out, ..\], bias?.
pub(super) fn conv_transpose<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    arity(n, 2..=3, 1)?;
    let operands = Operands { x: b.input_of(n, 0)?, weights: b.input_of(n, 1)?, bias: b.optional(n, 2)?, axis: 1 };
    let (x, w) = (operands.x.shape.clone(), operands.weights.shape.clone());
    ensure!((3..=4).contains(&x.len()) && w.len() == x.len() && w[0] == x[1], "image {x:?}, weights {w:?}");
    if n.int("group")?.unwrap_or(1) != 1 {
        return Err(Refusal::unsupported("transposed convolution in groups is not supported"));
    }
    let (output, stride, padding) = enlarged(n, &x, &w[2..])?;
    let channels = Channels { axis: 1, count: w[1], rank: x.len() };
    let Product { x, weights, bias, tail } = b.product(n, operands, channels)?;
    let x = b.image(&x)?;
    let column = if x.rank() == 3 { None } else { Some(3) };
    let weights = b.arrange(&weights, &[Some(1), Some(2), column, Some(0)])?;
    let op = Op::TransposeConv { stride: pair(stride), padding, activation: tail.activation };
    let shape = [&[x.shape[0], w[1]], &output[..]].concat();
    b.finish_with(&tail, op, vec![Some(x.id), Some(weights.id), bias], Value { shape, ..x })
}

/// Output lengths, strides and padding of a transposed convolution, where a padding scheme comes to the same.
fn enlarged(n: &Node, x: &[usize], kernel: &[usize]) -> Result<(Vec<usize>, [usize; 2], Padding), Refusal> {
    let spatial = x.len() - 2;
    let strides = n.lengths("strides", spatial)?;
    let plain = n.lengths("dilations", spatial)?.iter().all(|&d| d == 1) && !n.has("output_shape");
    let pads = n.ints("pads").map_or_else(|| vec![0; 2 * spatial], <[i64]>::to_vec);
    let more = n.ints("output_padding").map_or_else(|| vec![0; spatial], <[i64]>::to_vec);
    let automatic = !matches!(n.text("auto_pad")?, "" | "NOTSET");
    if !plain || automatic || pads.len() != 2 * spatial || more.len() != spatial {
        return Err(Refusal::unsupported("only explicit pads without dilation are supported here"));
    }
    ensure!(pads.iter().chain(&more).all(|n| (0..=0xFFFF).contains(n)), "pads {pads:?}, {more:?} are out of range");
    let mut output = Vec::new();
    for axis in 0..spatial {
        let (n, k, s) = (x[2 + axis] as i64, kernel[axis] as i64, strides[axis] as i64);
        let length = (n - 1) * s + k + more[axis] - pads[axis] - pads[spatial + axis];
        ensure!((1..=0xFFFF).contains(&length), "the output's length {length} is out of range");
        output.push(length as usize);
    }
    let fits = |padding: &Padding| {
        (0..spatial).all(|axis| {
            let (before, _) = padding.amounts(output[axis], kernel[axis].max(1), strides[axis], 1);
            let windows = padding.windows(output[axis], kernel[axis], strides[axis], 1);
            windows == Some(x[2 + axis]) && before as i64 == pads[axis]
        })
    };
    let padding = [Padding::Valid, Padding::Same].into_iter().find(fits);
    let padding = padding.ok_or_else(|| Refusal::unsupported(format!("pads {pads:?} are not supported here")))?;
    Ok((output, [strides[0], *strides.get(1).unwrap_or(&1)], padding))
}
