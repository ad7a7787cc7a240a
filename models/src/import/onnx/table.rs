//! Which operator is converted by what.

use super::{
    build::Builder, conv, dense, elementwise as each, movement, node::Node, normalize, pool, quant, resize, slice,
};
use crate::graph::{Arg, Binary, Op, Reduction, Refusal, Unary};

/// Adds what a node of the file means to the graph. Names and meanings are those of ONNX's standard operator sets 7 to 23.
pub(super) fn convert<'f>(b: &mut Builder<'f>, n: &'f Node) -> Result<(), Refusal> {
    match &n.op[..] {
        "Conv" => conv::conv(b, n),
        "ConvTranspose" => conv::conv_transpose(b, n),
        "Gemm" => dense::gemm(b, n),
        "MatMul" => dense::matmul(b, n),

        "AveragePool" => pool::average(b, n),
        "MaxPool" => pool::max(b, n),
        "GlobalAveragePool" => pool::global(b, n, true),
        "GlobalMaxPool" => pool::global(b, n, false),
        "Resize" | "Upsample" => resize::resize(b, n),

        "Add" => each::arithmetic(b, n, |activation| Op::Add { activation }),
        "Sub" => each::arithmetic(b, n, |activation| Op::Sub { activation }),
        "Mul" => each::arithmetic(b, n, |activation| Op::Mul { activation }),
        "Div" => each::div(b, n),
        "Max" => each::extremum(b, n, Binary::Maximum),
        "Min" => each::extremum(b, n, Binary::Minimum),
        "Pow" => each::pow(b, n),
        "Neg" => each::neg(b, n),
        "Abs" => each::unary(b, n, Op::Unary(Unary::Abs)),
        "Clip" => each::clip(b, n),
        "Elu" => each::elu(b, n),
        "Exp" => each::unary(b, n, Op::Unary(Unary::Exp)),
        "Gelu" => each::gelu(b, n),
        "HardSigmoid" => each::hard_sigmoid(b, n),
        "HardSwish" => each::unary(b, n, Op::Unary(Unary::HardSwish)),
        "LeakyRelu" => each::leaky_relu(b, n),
        "Log" => each::unary(b, n, Op::Unary(Unary::Log)),
        "PRelu" => each::prelu(b, n),
        "Relu" => each::unary(b, n, Op::Unary(Unary::Relu)),
        "Sigmoid" => each::unary(b, n, Op::Unary(Unary::Logistic)),
        "Tanh" => each::unary(b, n, Op::Unary(Unary::Tanh)),

        "BatchNormalization" => normalize::batch_normalization(b, n),
        "Softmax" => normalize::softmax(b, n, Op::Softmax { beta: 1.0 }),
        "LogSoftmax" => normalize::softmax(b, n, Op::LogSoftmax),
        "ReduceMean" => normalize::reduce(b, n, Reduction::Mean),
        "ReduceSum" => normalize::reduce(b, n, Reduction::Sum),
        "ReduceMax" => normalize::reduce(b, n, Reduction::Max),
        "ReduceMin" => normalize::reduce(b, n, Reduction::Min),
        "ReduceProd" => normalize::reduce(b, n, Reduction::Prod),
        "ArgMax" => normalize::arg(b, n, Arg::Max),
        "ArgMin" => normalize::arg(b, n, Arg::Min),

        "Cast" => movement::cast(b, n),
        "Constant" => movement::constant(b, n),
        "ConstantOfShape" => movement::constant_of_shape(b, n),
        "DepthToSpace" => movement::depth_to_space(b, n),
        "Dropout" | "Identity" => movement::identity(b, n),
        "Expand" => movement::expand(b, n),
        "Flatten" => movement::flatten(b, n),
        "Pad" => movement::pad(b, n),
        "Reshape" => movement::reshape(b, n),
        "Shape" => movement::shape(b, n),
        "SpaceToDepth" => movement::space_to_depth(b, n),
        "Squeeze" => movement::squeeze(b, n),
        "Transpose" => movement::transpose(b, n),
        "Unsqueeze" => movement::unsqueeze(b, n),

        "Concat" => slice::concat(b, n),
        "Gather" => slice::gather(b, n),
        "Slice" => slice::slice(b, n),
        "Split" => slice::split(b, n),

        "QuantizeLinear" => quant::quantize_linear(b, n),
        "DequantizeLinear" => quant::dequantize_linear(b, n),

        "ConvInteger" | "MatMulInteger" | "DynamicQuantizeLinear" => {
            Err(Refusal::unsupported("scales that are computed while running are not supported")
                .help("quantize with calibration data: onnxruntime.quantization.quantize_static"))
        }
        "If" | "Loop" | "Scan" => {
            Err(Refusal::unsupported("control flow is not supported").help("export by tracing with fixed shapes"))
        }
        _ => Err(Refusal::unsupported("the operator is not supported")
            .help("docs/onnx.md lists those that are; onnxsim may simplify the model")),
    }
}
