//! An operator's attributes in a few words.

use crate::graph::{Activation, MirrorMode, Op, Padding, Resize, Stride, Unary};
use std::fmt::Display;

/// Empty where the operator's name tells all.
pub(super) fn attributes(op: &Op) -> String {
    match op {
        Op::Conv2d { stride, dilation, padding, activation } => {
            join([steps("stride", stride), steps("dilation", dilation), border(padding), fused(activation)])
        }
        Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier } => {
            let multiplier = if *multiplier == 1 { String::new() } else { format!("multiplier {multiplier}") };
            join([steps("stride", stride), steps("dilation", dilation), border(padding), fused(activation), multiplier])
        }
        Op::TransposeConv { stride, padding, activation } => {
            join([steps("stride", stride), border(padding), fused(activation)])
        }
        Op::AveragePool2d { kernel, stride, padding, activation }
        | Op::MaxPool2d { kernel, stride, padding, activation } => {
            join([kernel.to_string(), steps("stride", stride), border(padding), fused(activation)])
        }
        Op::FullyConnected { activation }
        | Op::Add { activation }
        | Op::Sub { activation }
        | Op::Mul { activation } => fused(activation),
        Op::BatchMatMul { adj_x, adj_y } => join([flag(*adj_x, "a transposed"), flag(*adj_y, "b transposed")]),
        Op::Resize(Resize::Bilinear { align_corners, half_pixel_centers })
        | Op::Resize(Resize::Nearest { align_corners, half_pixel_centers }) => {
            join([flag(*align_corners, "corners aligned"), flag(*half_pixel_centers, "half-pixel centres")])
        }
        Op::Unary(Unary::LeakyRelu { alpha }) => format!("alpha {alpha}"),
        Op::Unary(Unary::Gelu { approximate: true }) => "approximate".into(),
        Op::Softmax { beta } if *beta != 1.0 => format!("beta {beta}"),
        Op::Reduce { axes, keep_dims, .. } => join([format!("axes {axes:?}"), flag(*keep_dims, "kept")]),
        Op::Concatenation { axis, activation } => join([format!("axis {axis}"), fused(activation)]),
        Op::Arg { axis, .. } | Op::Split { axis } | Op::Pack { axis } | Op::Unpack { axis } => format!("axis {axis}"),
        Op::Gather { axis, batch_dims: 0 } => format!("axis {axis}"),
        Op::Gather { axis, batch_dims } => format!("axis {axis}, {batch_dims} batch dimensions"),
        Op::TopK { k } => format!("k {k}"),
        Op::Transpose { perm } => format!("{perm:?}"),
        Op::StridedSlice { begin, size, stride } => {
            let range = |((begin, size), stride): ((&usize, &usize), &isize)| match stride {
                1 => format!("{begin}..{}", begin + size),
                _ => format!("{size} from {begin} by {stride}"),
            };
            format!("[{}]", join(begin.iter().zip(size).zip(stride).map(range)))
        }
        Op::MirrorPad { mode: MirrorMode::Reflect, paddings } => format!("reflect {paddings:?}"),
        Op::MirrorPad { mode: MirrorMode::Symmetric, paddings } => format!("symmetric {paddings:?}"),
        Op::Tile { multiples } => format!("{multiples:?}"),
        Op::Reverse { axes } => format!("axes {axes:?}"),
        Op::SpaceToBatchNd { block, paddings } => format!("block {block:?}, padding {paddings:?}"),
        Op::BatchToSpaceNd { block, crops } => format!("block {block:?}, crops {crops:?}"),
        Op::SpaceToDepth { block } | Op::DepthToSpace { block } => format!("block {block}"),
        Op::Svdf { rank, activation } => join([format!("rank {rank}"), fused(activation)]),
        Op::UnidirectionalSequenceLstm { time_major, cell_clip } => {
            join([flag(*time_major, "time first"), flag(*cell_clip != 0.0, &format!("cell clipped at {cell_clip}"))])
        }
        _ => String::new(),
    }
}

fn join(parts: impl IntoIterator<Item = impl Display>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| part.to_string()).filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn flag(set: bool, what: &str) -> String {
    if set { what.to_owned() } else { String::new() }
}

fn steps(what: &str, step: &Stride) -> String {
    flag(*step != Stride { h: 1, w: 1 }, &format!("{what} {step}"))
}

fn border(padding: &Padding) -> String {
    match padding {
        Padding::Same => "same".into(),
        Padding::Valid => "valid".into(),
    }
}

fn fused(activation: &Activation) -> String {
    match activation {
        Activation::None => String::new(),
        Activation::Relu => "relu".into(),
        Activation::Relu6 => "relu6".into(),
        Activation::ReluN1To1 => "relu -1..1".into(),
    }
}
