//! What a model is made of, for people and for programs.

mod attributes;
mod json;
mod text;

use crate::graph::{Graph, Node, Tensor, TensorId};
pub use json::json;
use std::collections::HashSet;
pub use text::text;

/// A node with the constants that it is the first to read.
struct Row<'a> {
    node: &'a Node,
    macs: u64,
    /// Bytes of these constants as stored.
    weight_bytes: usize,
    /// Their elements.
    parameters: usize,
}

/// The nodes; a constant that several read is counted once.
fn rows(graph: &Graph) -> Vec<Row<'_>> {
    let mut seen: HashSet<TensorId> = HashSet::new();
    let row = |node| {
        let constants = constants(graph, node).filter(|(id, _)| seen.insert(*id));
        let (weight_bytes, parameters) =
            constants.fold((0, 0), |(bytes, n), (_, t)| (bytes + t.stored_bytes(), n + t.elements()));
        Row { node, macs: crate::graph::macs(graph, node), weight_bytes, parameters }
    };
    graph.nodes.iter().map(row).collect()
}

fn constants<'a>(graph: &'a Graph, node: &'a Node) -> impl Iterator<Item = (TensorId, &'a Tensor)> {
    let tensors = node.inputs.iter().flatten().map(|&id| (id, &graph.tensors[id]));
    tensors.filter(|(_, tensor)| tensor.data.is_some())
}

/// `INT8`, or `INT4` where fewer bits are stored.
fn stored_type(tensor: &Tensor) -> String {
    match tensor.bits {
        4 => "INT4".into(),
        16 if tensor.dtype.bytes() == 4 => "FLOAT16".into(),
        _ => tensor.dtype.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, DType, Op, Quantization};

    fn tensor(name: &str, shape: &[usize], data: Option<&[u8]>) -> Tensor {
        let quant = Some(Quantization::per_tensor(0.5, -3));
        let (name, shape, data) = (name.into(), shape.to_vec(), data.map(Into::into));
        Tensor { name, shape, dtype: DType::I8, quant, data, bits: 8 }
    }

    /// Two layers that share their weights.
    fn shared() -> Graph {
        let tensors = vec![
            tensor("x", &[1, 2], None),
            tensor("w", &[2, 2], Some(&[1, 2, 3, 4])),
            tensor("h", &[1, 2], None),
            tensor("y", &[1, 2], None),
        ];
        let dense = |name: &str, from, to| Node {
            name: name.into(),
            op: Op::FullyConnected { activation: Activation::Relu },
            inputs: vec![Some(from), Some(1)],
            outputs: vec![to],
        };
        let nodes = vec![dense("h", 0, 2), dense("y", 2, 3)];
        let graph = Graph { name: "tied".into(), tensors, nodes, inputs: vec![0], outputs: vec![3], variables: vec![] };
        graph.validate().expect("a valid graph");
        graph
    }

    #[test]
    fn shared_weights_are_counted_once() {
        let json = json(&shared());
        assert_eq!(json["totals"]["weight_bytes"], 4);
        assert_eq!(json["totals"]["macs"], 8);
        assert_eq!(json["operators"][1]["op"], "FULLY_CONNECTED");
        assert_eq!(json["inputs"][0]["quantization"]["zero_point"], -3);
    }

    #[test]
    fn the_text_tells_operators_totals_and_quantization() {
        let text = text(&shared());
        for part in ["tied", "FULLY_CONNECTED", "relu", "2 operators", "8 MACs", "4 B of weights", "0.5 * (q + 3)"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
