//! The operators, a file per family: what each becomes.

mod broadcast;
mod conv;
mod convert;
mod dense;
mod elementwise;
mod lstm;
mod matmul;
pub(super) mod movement;
mod normalize;
mod pool;
mod reduce;
mod resize;
mod svdf;
mod unary;
pub(super) mod variable;

pub(super) use unary::rectifier_bounds;

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
        Op::TransposeConv { stride, padding, activation } => conv::transpose(l, node, stride, padding, activation),
        Op::BatchMatMul { adj_x, adj_y } => matmul::batch_matmul(l, node, adj_x, adj_y),
        Op::FullyConnected { activation } => dense::fully_connected(l, node, activation),
        Op::AveragePool2d { kernel, stride, padding, activation } => {
            pool::average(l, node, kernel, stride, padding, activation)
        }
        Op::MaxPool2d { kernel, stride, padding, activation } => {
            pool::max(l, node, kernel, stride, padding, activation)
        }
        Op::Add { activation } => elementwise::add(l, node, activation),
        Op::Sub { activation } => elementwise::sub(l, node, activation),
        Op::Mul { activation } => elementwise::mul(l, node, activation),
        Op::Binary(kind) => elementwise::binary(l, node, kind),
        Op::Compare(relation) => elementwise::compare(l, node, relation),
        Op::Select => elementwise::select(l, node),
        Op::Prelu => elementwise::prelu(l, node),
        Op::Unary(kind) => unary::unary(l, node, kind),
        Op::Softmax { beta } => normalize::softmax(l, node, beta),
        Op::LogSoftmax => normalize::log_softmax(l, node),
        Op::L2Normalization => normalize::l2_normalization(l, node),
        Op::Quantize => convert::quantize(l, node),
        Op::Dequantize => convert::dequantize(l, node),
        Op::Cast => convert::cast(l, node),
        Op::Reduce { kind, ref axes, .. } => reduce::reduce(l, node, kind, axes),
        Op::Arg { kind, axis } => reduce::arg(l, node, kind, axis),
        Op::TopK { k } => reduce::top_k(l, node, k),
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
        Op::Svdf { rank, .. } => svdf::svdf(l, node, rank),
        Op::UnidirectionalSequenceLstm { time_major, cell_clip } => lstm::lstm(l, node, time_major, cell_clip),
        Op::ReadVariable => variable::read(l, node),
        Op::AssignVariable => variable::assign(l, node),
    }
}
