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
use crate::graph::{Op, Padding, Refusal, Stride, ensure};

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
    let enlarged = Enlarged::of(n, &x, &w[2..])?;
    let channels = Channels { axis: 1, count: w[1], rank: x.len() };
    let Product { x, weights, bias, tail } = b.product(n, operands, channels)?;
    let x = b.image(&x)?;
    let column = if x.rank() == 3 { None } else { Some(3) };
    let weights = b.arrange(&weights, &[Some(1), Some(2), column, Some(0)])?;
    let op = Op::TransposeConv { stride: enlarged.stride, padding: enlarged.padding, activation: tail.activation };
    let image = |lengths: &[usize]| Value { shape: [&[x.shape[0], w[1]], lengths].concat(), ..x.clone() };
    let (whole, kept) = (image(&enlarged.whole), image(&enlarged.kept));
    let inputs = vec![Some(x.id), Some(weights.id), bias];
    if enlarged.whole == enlarged.kept {
        return b.finish_with(&tail, op, inputs, kept);
    }
    let all = b.tensor(whole.stored_shape(), &tail.kind())?;
    let inputs = inputs.into_iter().filter(Option::is_some).collect();
    b.push(op, inputs, vec![all])?;
    let mut begin = vec![0; 4];
    begin[1..1 + enlarged.before.len()].copy_from_slice(&enlarged.before);
    let cut = Op::StridedSlice { begin, size: kept.stored_shape(), stride: vec![1; 4] };
    let id = b.emit(cut, &[all], kept.stored_shape(), &tail.kind())?;
    b.define(tail.output, Value { view: tail.view(), ..kept.with(id) })
}

/// A transposed convolution's spatial lengths.
struct Enlarged {
    stride: Stride,
    padding: Padding,
    /// What the operator yields.
    whole: Vec<usize>,
    /// What is kept of it, after so many elements.
    kept: Vec<usize>,
    before: Vec<usize>,
}

impl Enlarged {
    /// By a padding scheme if one comes to the same, otherwise without padding and cut.
    fn of(n: &Node, x: &[usize], kernel: &[usize]) -> Result<Self, Refusal> {
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
        let (mut whole, mut kept) = (Vec::new(), Vec::new());
        for axis in 0..spatial {
            let all = (x[2 + axis] as i64 - 1) * strides[axis] as i64 + kernel[axis] as i64;
            let length = all + more[axis] - pads[axis] - pads[spatial + axis];
            ensure!((1..=0xFFFF).contains(&length) && all <= 0xFFFF, "the output's length {length} is out of range");
            whole.push(all as usize);
            kept.push(length as usize);
        }
        let before: Vec<usize> = pads[..spatial].iter().map(|&n| n as usize).collect();
        let same = |axis: usize| {
            let (n, k, s) = (kept[axis], kernel[axis].max(1), strides[axis]);
            Padding::Same.windows(n, k, s, 1) == Some(x[2 + axis])
                && Padding::Same.amounts(n, k, s, 1).0 == before[axis]
        };
        let stride = Stride { h: strides[0], w: *strides.get(1).unwrap_or(&1) };
        if (0..spatial).all(same) {
            return Ok(Self { stride, padding: Padding::Same, whole: kept.clone(), kept, before });
        }
        if (0..spatial).any(|axis| before[axis] + kept[axis] > whole[axis]) {
            return Err(Refusal::unsupported("output_padding beyond the last window is not supported"));
        }
        Ok(Self { stride, padding: Padding::Valid, whole, kept, before })
    }
}
