//! The inspection as JSON, for programs.

use super::{attributes::attributes, rows, stored_type};
use crate::graph::{Graph, Quantization, Tensor, TensorId};
use serde_json::{Value, json as object};

/// `{name, totals: {operators, macs, weight_bytes, parameters}, inputs, outputs, variables, operators}`. Tensors are
/// `{name, shape, type, quantization, constant}`; operators `{index, name, op, attributes, inputs, outputs, macs,
/// weight_bytes}`, where an absent input is null. A quantization has one `scale` and `zero_point`, or `scales` and
/// `zero_points` along an `axis`. Bytes of a weight that several operators share are those of the first.
pub fn json(graph: &Graph) -> Value {
    let rows = rows(graph);
    let side = |ids: &[TensorId]| ids.iter().map(|&id| tensor(&graph.tensors[id])).collect::<Vec<_>>();
    let input = |id: &Option<TensorId>| id.map_or(Value::Null, |id| tensor(&graph.tensors[id]));
    let operators: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            object!({
                "index": index,
                "name": row.node.name,
                "op": row.node.op.name(),
                "attributes": attributes(&row.node.op),
                "inputs": row.node.inputs.iter().map(input).collect::<Vec<_>>(),
                "outputs": side(&row.node.outputs),
                "macs": row.macs,
                "weight_bytes": row.weight_bytes,
            })
        })
        .collect();
    object!({
        "name": graph.name,
        "totals": {
            "operators": rows.len(),
            "macs": rows.iter().map(|row| row.macs).sum::<u64>(),
            "weight_bytes": rows.iter().map(|row| row.weight_bytes).sum::<usize>(),
            "parameters": rows.iter().map(|row| row.parameters).sum::<usize>(),
        },
        "inputs": side(&graph.inputs),
        "outputs": side(&graph.outputs),
        "variables": side(&graph.variables.iter().map(|v| v.tensor).collect::<Vec<_>>()),
        "operators": operators,
    })
}

fn tensor(tensor: &Tensor) -> Value {
    object!({
        "name": tensor.name,
        "shape": tensor.shape,
        "type": stored_type(tensor),
        "quantization": tensor.quant.as_ref().map(quantization),
        "constant": tensor.data.is_some(),
    })
}

fn quantization(quant: &Quantization) -> Value {
    match (&quant.scales[..], &quant.zero_points[..]) {
        ([scale], [zero_point]) => object!({ "scale": scale, "zero_point": zero_point }),
        (scales, zero_points) => object!({ "scales": scales, "zero_points": zero_points, "axis": quant.axis }),
    }
}
