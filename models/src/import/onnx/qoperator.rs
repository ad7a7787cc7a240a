//! The older form of quantized models, operators that carry their scales, is shorthand: each stands for a
//! DequantizeLinear of every operand, the operator on floats, and a QuantizeLinear.

use super::node::Node;
use crate::graph::{Refusal, ensure};

/// How an operator lists its inputs.
enum Inputs {
    /// So many operands with scale and zero point, then the result's scale and zero point, then perhaps a bias.
    Operands(usize),
    /// Two operands, the bias, the result's.
    BiasFirst,
    /// The result's, then any number of operands.
    ResultFirst,
}

/// The nodes that a node stands for: itself, unless it is shorthand.
pub(super) fn expand(node: Node) -> Result<Vec<Node>, Refusal> {
    let (op, inputs) = match &node.op[..] {
        "QLinearConv" => ("Conv", Inputs::Operands(2)),
        "QLinearMatMul" => ("MatMul", Inputs::Operands(2)),
        "QLinearAdd" => ("Add", Inputs::Operands(2)),
        "QLinearMul" => ("Mul", Inputs::Operands(2)),
        "QLinearAveragePool" => ("AveragePool", Inputs::Operands(1)),
        "QLinearGlobalAveragePool" => ("GlobalAveragePool", Inputs::Operands(1)),
        "QLinearSoftmax" => ("Softmax", Inputs::Operands(1)),
        "QLinearSigmoid" => ("Sigmoid", Inputs::Operands(1)),
        "QLinearLeakyRelu" => ("LeakyRelu", Inputs::Operands(1)),
        "QLinearReduceMean" => ("ReduceMean", Inputs::Operands(1)),
        "QGemm" => ("Gemm", Inputs::BiasFirst),
        "QLinearConcat" => ("Concat", Inputs::ResultFirst),
        _ => return Ok(vec![node]),
    };
    let given = &node.inputs;
    let (operands, result, bias) = match inputs {
        Inputs::Operands(count) => {
            ensure!(given.len() >= 3 * count + 2, "{} inputs, {} expected", given.len(), 3 * count + 2);
            (&given[..3 * count], &given[3 * count..3 * count + 2], given.get(3 * count + 2))
        }
        Inputs::BiasFirst => {
            ensure!(given.len() == 9, "{} inputs, 9 expected", given.len());
            (&given[..6], &given[7..9], Some(&given[6]))
        }
        Inputs::ResultFirst => {
            ensure!(given.len() >= 5 && given.len() % 3 == 2, "{} inputs", given.len());
            (&given[2..], &given[..2], None)
        }
    };
    // The axis of the weights that holds the output's channels, along which scales by channel run.
    let axis = if op == "Conv" || node.flag("transB")? { 0 } else { 1 };
    Ok(written_out(&node, op, operands, result, bias, axis))
}

fn written_out(
    node: &Node,
    op: &str,
    operands: &[String],
    result: &[String],
    bias: Option<&String>,
    axis: i64,
) -> Vec<Node> {
    // Names that no file has: it would need a control character.
    let name = |part: usize| format!("{}\u{1}{part}", node.outputs[0]);
    let mut nodes = Vec::new();
    let mut inputs = Vec::new();
    for (i, operand) in operands.chunks_exact(3).enumerate() {
        nodes.push(node.part("DequantizeLinear", operand.to_vec(), name(i)).with_int("axis", axis));
        inputs.push(name(i));
    }
    // A bias is at the accumulator's scale and needs none of its own.
    inputs.extend(bias.cloned());
    let float = name(inputs.len());
    nodes.push(node.renamed(op, inputs, float.clone()));
    let quantize = [&[float], result].concat();
    nodes.push(node.part("QuantizeLinear", quantize, node.outputs[0].clone()));
    nodes
}
