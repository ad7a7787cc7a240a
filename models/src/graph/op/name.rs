//! The operators' names in TensorFlow Lite.

use super::{Arg, Binary, Compare, Op, Reduction, Resize, Unary};

impl Op {
    /// The name in TensorFlow Lite, of the most general spelling where there are several: `CONV_2D`.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Conv2d { .. } => "CONV_2D",
            Op::DepthwiseConv2d { .. } => "DEPTHWISE_CONV_2D",
            Op::TransposeConv { .. } => "TRANSPOSE_CONV",
            Op::FullyConnected { .. } => "FULLY_CONNECTED",
            Op::BatchMatMul { .. } => "BATCH_MATMUL",
            Op::AveragePool2d { .. } => "AVERAGE_POOL_2D",
            Op::MaxPool2d { .. } => "MAX_POOL_2D",
            Op::Resize(Resize::Bilinear { .. }) => "RESIZE_BILINEAR",
            Op::Resize(Resize::Nearest { .. }) => "RESIZE_NEAREST_NEIGHBOR",
            Op::Add { .. } => "ADD",
            Op::Sub { .. } => "SUB",
            Op::Mul { .. } => "MUL",
            Op::Binary(kind) => binary(*kind),
            Op::Compare(kind) => compare(*kind),
            Op::Select => "SELECT_V2",
            Op::Unary(kind) => unary(*kind),
            Op::Prelu => "PRELU",
            Op::Softmax { .. } => "SOFTMAX",
            Op::LogSoftmax => "LOG_SOFTMAX",
            Op::L2Normalization => "L2_NORMALIZATION",
            Op::Quantize => "QUANTIZE",
            Op::Dequantize => "DEQUANTIZE",
            Op::Cast => "CAST",
            Op::Reduce { kind, .. } => reduction(*kind),
            Op::Arg { kind: Arg::Max, .. } => "ARG_MAX",
            Op::Arg { kind: Arg::Min, .. } => "ARG_MIN",
            Op::TopK { .. } => "TOPK_V2",
            Op::Reshape => "RESHAPE",
            Op::Transpose { .. } => "TRANSPOSE",
            Op::StridedSlice { .. } => "STRIDED_SLICE",
            Op::Pad => "PAD",
            Op::MirrorPad { .. } => "MIRROR_PAD",
            Op::Concatenation { .. } => "CONCATENATION",
            Op::Split { .. } => "SPLIT",
            Op::Pack { .. } => "PACK",
            Op::Unpack { .. } => "UNPACK",
            Op::Tile { .. } => "TILE",
            Op::BroadcastTo => "BROADCAST_TO",
            Op::Gather { .. } => "GATHER",
            Op::GatherNd => "GATHER_ND",
            Op::Reverse { .. } => "REVERSE_V2",
            Op::SpaceToBatchNd { .. } => "SPACE_TO_BATCH_ND",
            Op::BatchToSpaceNd { .. } => "BATCH_TO_SPACE_ND",
            Op::SpaceToDepth { .. } => "SPACE_TO_DEPTH",
            Op::DepthToSpace { .. } => "DEPTH_TO_SPACE",
            Op::Svdf { .. } => "SVDF",
            Op::UnidirectionalSequenceLstm { .. } => "UNIDIRECTIONAL_SEQUENCE_LSTM",
            Op::ReadVariable => "READ_VARIABLE",
            Op::AssignVariable => "ASSIGN_VARIABLE",
        }
    }
}

fn unary(kind: Unary) -> &'static str {
    match kind {
        Unary::Abs => "ABS",
        Unary::Ceil => "CEIL",
        Unary::Elu => "ELU",
        Unary::Exp => "EXP",
        Unary::Floor => "FLOOR",
        Unary::Gelu { .. } => "GELU",
        Unary::HardSwish => "HARD_SWISH",
        Unary::LeakyRelu { .. } => "LEAKY_RELU",
        Unary::Log => "LOG",
        Unary::Logistic => "LOGISTIC",
        Unary::Neg => "NEG",
        Unary::Relu => "RELU",
        Unary::Relu0To1 => "RELU_0_TO_1",
        Unary::Relu6 => "RELU6",
        Unary::ReluN1To1 => "RELU_N1_TO_1",
        Unary::Round => "ROUND",
        Unary::Rsqrt => "RSQRT",
        Unary::Sqrt => "SQRT",
        Unary::Square => "SQUARE",
        Unary::Tanh => "TANH",
    }
}

fn binary(kind: Binary) -> &'static str {
    match kind {
        Binary::Maximum => "MAXIMUM",
        Binary::Minimum => "MINIMUM",
        Binary::SquaredDifference => "SQUARED_DIFFERENCE",
    }
}

fn compare(kind: Compare) -> &'static str {
    match kind {
        Compare::Equal => "EQUAL",
        Compare::NotEqual => "NOT_EQUAL",
        Compare::Greater => "GREATER",
        Compare::GreaterEqual => "GREATER_EQUAL",
        Compare::Less => "LESS",
        Compare::LessEqual => "LESS_EQUAL",
    }
}

fn reduction(kind: Reduction) -> &'static str {
    match kind {
        Reduction::Mean => "MEAN",
        Reduction::Sum => "SUM",
        Reduction::Max => "REDUCE_MAX",
        Reduction::Min => "REDUCE_MIN",
        Reduction::Prod => "REDUCE_PROD",
    }
}
