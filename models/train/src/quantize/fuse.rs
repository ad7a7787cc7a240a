//! Activations that stand alone move into the operator before them, as converters to TensorFlow Lite do.

use tinderbox::graph::{Activation, Graph, Op, Unary};

/// The graph with ReLU and ReLU6 fused where the operator before them has no other reader.
pub fn activations(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    while let Some((producer, consumer, activation)) = next(&graph) {
        let output = graph.nodes[consumer].outputs[0];
        if let Some(slot) = slot(&mut graph.nodes[producer].op) {
            *slot = activation;
        }
        graph.nodes[producer].outputs = vec![output];
        graph.nodes.remove(consumer);
    }
    graph.prune();
    graph
}

fn next(graph: &Graph) -> Option<(usize, usize, Activation)> {
    graph.nodes.iter().enumerate().find_map(|(consumer, node)| {
        let activation = match node.op {
            Op::Unary(Unary::Relu) => Activation::Relu,
            Op::Unary(Unary::Relu6) => Activation::Relu6,
            Op::Unary(Unary::ReluN1To1) => Activation::ReluN1To1,
            _ => return None,
        };
        let id = node.inputs[0]?;
        let producer = graph.nodes.iter().position(|node| node.outputs == [id])?;
        let mut op = graph.nodes[producer].op.clone();
        let free = slot(&mut op).is_some_and(|slot| *slot == Activation::None);
        (free && readers(graph, id) == 1).then_some((producer, consumer, activation))
    })
}

/// How often a tensor is read, by nodes or by the caller.
pub(crate) fn readers(graph: &Graph, id: usize) -> usize {
    let reads = graph.nodes.iter().flat_map(|node| &node.inputs).filter(|input| **input == Some(id)).count();
    reads + usize::from(graph.outputs.contains(&id))
}

/// Where an operator keeps its activation.
pub(crate) fn slot(op: &mut Op) -> Option<&mut Activation> {
    match op {
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::FullyConnected { activation }
        | Op::Add { activation }
        | Op::Sub { activation }
        | Op::Mul { activation } => Some(activation),
        _ => None,
    }
}
