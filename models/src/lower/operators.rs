//! The operators, a file per family: what each becomes.

pub(super) mod conv;
mod convert;
pub(super) mod dense;
mod elementwise;
pub(super) mod movement;
mod normalize;
mod pool;
mod resize;

use super::{Error, lowering::Lowering};
use crate::graph::{Node, Op};

/// Lowers `node`, which a validated graph has.
pub(super) fn lower(l: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    match node.op {
        Op::Conv2d { stride, dilation, padding, activation } => {
            conv::conv_2d(l, node, stride, dilation, padding, activation)
        }
        Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier } => {
            conv::depthwise(l, node, stride, dilation, padding, activation, multiplier)
        }
        Op::FullyConnected { activation } => dense::fully_connected(l, node, activation),
        Op::AveragePool2d { kernel, stride, padding, activation } => {
            pool::average(l, node, kernel, stride, padding, activation)
        }
        Op::MaxPool2d { kernel, stride, padding, activation } => {
            pool::max(l, node, kernel, stride, padding, activation)
        }
        Op::Add { activation } => elementwise::add(l, node, activation),
        Op::Softmax { beta } => normalize::softmax(l, node, beta),
        Op::Quantize => convert::quantize(l, node),
        Op::Dequantize => convert::dequantize(l, node),
        Op::Reshape => movement::reshape(l, node),
        Op::Pad => movement::pad(l, node),
        Op::Concatenation { axis, activation } => movement::concatenation(l, node, axis, activation),
        Op::Pack { axis } => movement::pack(l, node, axis),
        Op::SpaceToBatchNd { ref block, ref paddings } => movement::space_to_batch(l, node, block, paddings),
        Op::Transpose { .. }
        | Op::StridedSlice { .. }
        | Op::MirrorPad { .. }
        | Op::Split { .. }
        | Op::Unpack { .. }
        | Op::Tile { .. }
        | Op::BroadcastTo
        | Op::Gather { .. }
        | Op::GatherNd
        | Op::Reverse { .. }
        | Op::BatchToSpaceNd { .. }
        | Op::SpaceToDepth { .. }
        | Op::DepthToSpace { .. } => movement::rearrange(l, node),
        Op::Resize(kind) => resize::resize(l, node, kind),
        _ => Err(Error::unsupported(node, "there is no kernel for it yet")),
    }
}
