//! The operators that are imported.

use super::{
    context::{Context, Conversion},
    conv, dense, elementwise,
    file::Operator,
    movement, pool, reduce, sequence, slice,
};
use crate::graph::{Arg, Binary, Compare, Op, Reduction, Refusal, Unary, ensure_count};
use std::ops::RangeInclusive;
use tinderbox_tflite::BuiltinOperator as B;

const ANY: usize = usize::MAX;

/// How an operator is imported.
pub(super) struct Entry {
    version: i32,
    inputs: RangeInclusive<usize>,
    outputs: RangeInclusive<usize>,
    pub(super) convert: fn(&Context) -> Conversion,
}

/// The entry for an operator, once its version and the number of its tensors have been checked.
pub(super) fn entry(operator: &Operator) -> Result<Entry, Refusal> {
    let entry = find(operator.kind).ok_or_else(|| refuse(operator))?;
    if !(1..=entry.version).contains(&operator.version) {
        let what = format!("version {} is not supported, only 1 to {}", operator.version, entry.version);
        return Err(Refusal::unsupported(what).help("convert the model with TensorFlow 2.19 or older"));
    }
    ensure_count("input", &entry.inputs, operator.inputs.len())?;
    ensure_count("output", &entry.outputs, operator.outputs.len())?;
    Ok(entry)
}

fn refuse(operator: &Operator) -> Refusal {
    let name = &operator.name;
    match operator.kind {
        B::Custom if name.starts_with("Flex") => Refusal::unsupported("select-TF operators are not supported")
            .help("convert with TFLITE_BUILTINS only, replacing what they cannot express"),
        B::Custom if name.starts_with("Signal") => {
            Refusal::unsupported(format!("custom operator {name} (audio front end) is not supported"))
                .help("compute the features in firmware and import the network behind them")
        }
        B::Custom => Refusal::unsupported(format!("custom operator {name} is not supported")),
        B::While | B::If | B::Call => Refusal::unsupported(format!("operator {name} (control flow) is not supported"))
            .help("unroll loops in time (unroll=True in Keras) when converting"),
        _ => Refusal::unsupported(format!("operator {name} is not supported")),
    }
}

/// Highest version, inputs, outputs, conversion. The versions are those whose meaning is known to be the one in `Op`.
fn find(operator: B) -> Option<Entry> {
    let row = |version, inputs, outputs, convert| Some(Entry { version, inputs, outputs, convert });
    match operator {
        B::Conv2d => row(8, 2..=3, 1..=1, conv::conv_2d),
        B::DepthwiseConv2d => row(7, 2..=3, 1..=1, conv::depthwise),
        B::TransposeConv => row(5, 3..=4, 1..=1, conv::transpose),
        B::FullyConnected => row(13, 2..=3, 1..=1, dense::fully_connected),
        B::BatchMatmul => row(4, 2..=2, 1..=1, dense::batch_matmul),

        B::AveragePool2d => row(3, 1..=1, 1..=1, pool::average),
        B::MaxPool2d => row(3, 1..=1, 1..=1, pool::max),
        B::ResizeBilinear => row(4, 2..=2, 1..=1, pool::resize_bilinear),
        B::ResizeNearestNeighbor => row(4, 2..=2, 1..=1, pool::resize_nearest),

        B::Add => row(5, 2..=2, 1..=1, elementwise::add),
        B::Sub => row(5, 2..=2, 1..=1, elementwise::sub),
        B::Mul => row(7, 2..=2, 1..=1, elementwise::mul),
        B::Maximum => row(4, 2..=2, 1..=1, |c| c.node(Op::Binary(Binary::Maximum))),
        B::Minimum => row(4, 2..=2, 1..=1, |c| c.node(Op::Binary(Binary::Minimum))),
        B::SquaredDifference => row(2, 2..=2, 1..=1, |c| c.node(Op::Binary(Binary::SquaredDifference))),
        B::Equal => row(4, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::Equal))),
        B::NotEqual => row(3, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::NotEqual))),
        B::Greater => row(2, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::Greater))),
        B::GreaterEqual => row(3, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::GreaterEqual))),
        B::Less => row(3, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::Less))),
        B::LessEqual => row(2, 2..=2, 1..=1, |c| c.node(Op::Compare(Compare::LessEqual))),
        B::Select => row(4, 3..=3, 1..=1, elementwise::select),
        B::SelectV2 => row(2, 3..=3, 1..=1, |c| c.node(Op::Select)),

        B::Abs => row(5, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Abs))),
        B::Ceil => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Ceil))),
        B::Elu => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Elu))),
        B::Exp => row(2, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Exp))),
        B::Floor => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Floor))),
        B::Gelu => row(2, 1..=1, 1..=1, elementwise::gelu),
        B::HardSwish => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::HardSwish))),
        B::LeakyRelu => row(2, 1..=1, 1..=1, elementwise::leaky_relu),
        B::Log => row(2, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Log))),
        B::Logistic => row(3, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Logistic))),
        B::Neg => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Neg))),
        B::Relu => row(3, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Relu))),
        B::Relu0To1 => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Relu0To1))),
        B::Relu6 => row(3, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Relu6))),
        B::ReluN1To1 => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::ReluN1To1))),
        B::Round => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Round))),
        B::Rsqrt => row(2, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Rsqrt))),
        B::Sqrt => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Sqrt))),
        B::Square => row(1, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Square))),
        B::Tanh => row(3, 1..=1, 1..=1, |c| c.node(Op::Unary(Unary::Tanh))),
        B::Prelu => row(1, 2..=2, 1..=1, |c| c.node(Op::Prelu)),
        B::Softmax => row(3, 1..=1, 1..=1, elementwise::softmax),
        B::LogSoftmax => row(2, 1..=1, 1..=1, |c| c.node(Op::LogSoftmax)),
        B::L2Normalization => row(2, 1..=1, 1..=1, elementwise::l2_normalization),
        B::Quantize => row(3, 1..=1, 1..=1, |c| c.node(Op::Quantize)),
        B::Dequantize => row(6, 1..=1, 1..=1, elementwise::dequantize),
        B::Cast => row(5, 1..=1, 1..=1, |c| c.node(Op::Cast)),

        B::Mean => row(3, 2..=2, 1..=1, |c| reduce::reduce(c, Reduction::Mean)),
        B::Sum => row(2, 2..=2, 1..=1, |c| reduce::reduce(c, Reduction::Sum)),
        B::ReduceMax => row(3, 2..=2, 1..=1, |c| reduce::reduce(c, Reduction::Max)),
        B::ReduceMin => row(3, 2..=2, 1..=1, |c| reduce::reduce(c, Reduction::Min)),
        B::ReduceProd => row(2, 2..=2, 1..=1, |c| reduce::reduce(c, Reduction::Prod)),
        B::ArgMax => row(3, 2..=2, 1..=1, |c| reduce::arg(c, Arg::Max)),
        B::ArgMin => row(3, 2..=2, 1..=1, |c| reduce::arg(c, Arg::Min)),
        B::TopkV2 => row(3, 2..=2, 2..=2, reduce::top_k),

        B::Shape => row(1, 1..=1, 1..=1, movement::shape),
        B::Rank => row(1, 1..=1, 1..=1, movement::rank),
        B::Reshape => row(1, 1..=2, 1..=1, movement::reshape),
        B::ExpandDims => row(1, 2..=2, 1..=1, movement::expand_dims),
        B::Squeeze => row(2, 1..=1, 1..=1, movement::squeeze),
        B::Transpose => row(6, 2..=2, 1..=1, movement::transpose),
        B::ReverseV2 => row(3, 2..=2, 1..=1, movement::reverse),
        B::Tile => row(3, 2..=2, 1..=1, movement::tile),
        B::BroadcastTo => row(3, 2..=2, 1..=1, movement::broadcast_to),
        B::Pad => row(4, 2..=2, 1..=1, movement::pad),
        B::Padv2 => row(4, 3..=3, 1..=1, movement::pad),
        B::MirrorPad => row(3, 2..=2, 1..=1, movement::mirror_pad),
        B::SpaceToBatchNd => row(4, 3..=3, 1..=1, movement::space_to_batch),
        B::BatchToSpaceNd => row(4, 3..=3, 1..=1, movement::batch_to_space),
        B::SpaceToDepth => row(2, 1..=1, 1..=1, movement::space_to_depth),
        B::DepthToSpace => row(2, 1..=1, 1..=1, movement::depth_to_space),

        B::Slice => row(6, 3..=3, 1..=1, slice::slice),
        B::StridedSlice => row(8, 4..=4, 1..=1, slice::strided_slice),
        B::Concatenation => row(4, 1..=ANY, 1..=1, slice::concatenation),
        B::Split => row(4, 2..=2, 1..=ANY, slice::split),
        B::SplitV => row(2, 3..=3, 1..=ANY, slice::split_v),
        B::Pack => row(4, 1..=ANY, 1..=1, slice::pack),
        B::Unpack => row(4, 1..=1, 1..=ANY, slice::unpack),
        B::Gather => row(7, 2..=2, 1..=1, slice::gather),
        B::GatherNd => row(5, 2..=2, 1..=1, |c| c.node(Op::GatherNd)),

        B::Svdf => row(4, 5..=5, 1..=1, sequence::svdf),
        B::UnidirectionalSequenceLstm => row(4, 20..=24, 1..=1, sequence::lstm),
        _ => None,
    }
}
