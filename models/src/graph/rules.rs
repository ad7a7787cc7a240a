//! What each operator demands of its tensors: number, types, shapes, quantization.
//!
//! A rule computes the shape that each output must have and compares it with the one that is there. The rules follow
//! TensorFlow Lite's and TensorFlow Lite Micro's kernels; where those run a model whose result is not what its
//! quantization says (pooling between different scales), the rule refuses it.

mod blocks;
mod conv;
mod convert;
mod dense;
mod elementwise;
mod movement;
mod normalize;
mod pool;
mod quant;
mod reduce;
mod sequence;
mod slice;
mod view;

use super::{Graph, Node, Op, Refusal};
use view::View;

/// Proves that `node` fits its tensors. All tensor ids of the node must be in range.
pub(crate) fn check(graph: &Graph, node: &Node) -> Result<(), Refusal> {
    let v = &View { graph, node };
    match &node.op {
        Op::Conv2d { stride, dilation, padding, .. } => conv::conv_2d(v, *stride, *dilation, *padding),
        Op::DepthwiseConv2d { stride, dilation, padding, multiplier, .. } => {
            conv::depthwise(v, *stride, *dilation, *padding, *multiplier)
        }
        Op::TransposeConv { stride, padding, .. } => conv::transpose(v, *stride, *padding),
        Op::FullyConnected { .. } => dense::fully_connected(v),
        Op::BatchMatMul { adj_x, adj_y } => dense::batch_matmul(v, *adj_x, *adj_y),
        Op::AveragePool2d { kernel, stride, padding, .. } | Op::MaxPool2d { kernel, stride, padding, .. } => {
            pool::pool(v, *kernel, *stride, *padding)
        }
        Op::Resize(kind) => pool::resize(v, *kind),
        Op::Add { .. } | Op::Sub { .. } => elementwise::sum(v),
        Op::Mul { .. } => elementwise::product(v),
        Op::Binary(kind) => elementwise::binary(v, *kind),
        Op::Compare(_) => elementwise::compare(v),
        Op::Select => elementwise::select(v),
        Op::Unary(kind) => elementwise::unary(v, *kind),
        Op::Prelu => elementwise::prelu(v),
        Op::Softmax { beta } => normalize::softmax(v, *beta),
        Op::LogSoftmax => normalize::log_softmax(v),
        Op::L2Normalization => normalize::l2_normalization(v),
        Op::Quantize => convert::quantize(v),
        Op::Dequantize => convert::dequantize(v),
        Op::Cast => convert::cast(v),
        Op::Reduce { kind, axes, keep_dims } => reduce::reduce(v, *kind, axes, *keep_dims),
        Op::Arg { axis, .. } => reduce::arg(v, *axis),
        Op::TopK { k } => reduce::top_k(v, *k),
        Op::Reshape => movement::reshape(v),
        Op::Transpose { perm } => movement::transpose(v, perm),
        Op::Reverse { axes } => movement::reverse(v, axes),
        Op::Tile { multiples } => movement::tile(v, multiples),
        Op::BroadcastTo => movement::broadcast_to(v),
        Op::Pad => movement::pad(v),
        Op::MirrorPad { mode, paddings } => movement::mirror_pad(v, *mode, paddings),
        Op::StridedSlice { begin, size, stride } => slice::strided_slice(v, begin, size, stride),
        Op::Concatenation { axis, .. } => slice::concatenation(v, *axis),
        Op::Split { axis } => slice::split(v, *axis),
        Op::Pack { axis } => slice::pack(v, *axis),
        Op::Unpack { axis } => slice::unpack(v, *axis),
        Op::Gather { axis, batch_dims } => slice::gather(v, *axis, *batch_dims),
        Op::GatherNd => slice::gather_nd(v),
        Op::SpaceToBatchNd { block, paddings } => blocks::space_to_batch(v, block, paddings),
        Op::BatchToSpaceNd { block, crops } => blocks::batch_to_space(v, block, crops),
        Op::SpaceToDepth { block } => blocks::space_to_depth(v, *block),
        Op::DepthToSpace { block } => blocks::depth_to_space(v, *block),
        Op::Svdf { rank, .. } => sequence::svdf(v, *rank),
        Op::UnidirectionalSequenceLstm { time_major, cell_clip } => sequence::lstm(v, *time_major, *cell_clip),
        Op::ReadVariable => sequence::read_variable(v),
        Op::AssignVariable => sequence::assign_variable(v),
    }
}
