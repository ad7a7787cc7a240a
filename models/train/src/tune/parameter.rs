//! What is trained: constants of the graph, and scales and shifts of its normalizations.

use crate::engine::{Network, Value};
use crate::quantize::scheme::is_product;
use serde::{Deserialize, Serialize};
use tinderbox::graph::TensorId;

/// A parameter: a constant of the graph, or a node's scale or shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Parameter {
    /// Weights or bias.
    Constant(TensorId),
    /// See [`Norm::gamma`](crate::engine::Norm::gamma).
    Gamma(usize),
    /// See [`Norm::beta`](crate::engine::Norm::beta).
    Beta(usize),
}

impl Parameter {
    /// Its value in a network.
    pub(super) fn of(self, network: &Network) -> &Value {
        match self {
            Self::Constant(id) => &network.constants[&id],
            Self::Gamma(node) => &network.norms[&node].gamma,
            Self::Beta(node) => &network.norms[&node].beta,
        }
    }

    /// The same, to be replaced.
    pub(super) fn slot(self, network: &mut Network) -> &mut Value {
        match self {
            Self::Constant(id) => network.constants.get_mut(&id).expect("a constant of the graph"),
            Self::Gamma(node) => &mut network.norms.get_mut(&node).expect("a node with a normalization").gamma,
            Self::Beta(node) => &mut network.norms.get_mut(&node).expect("a node with a normalization").beta,
        }
    }
}

/// All parameters of a network, in order.
pub(super) fn all(network: &Network) -> Vec<Parameter> {
    let graph = &network.graph;
    let products = (0..graph.nodes.len()).filter(|index| is_product(graph, *index));
    let mut parameters: Vec<Parameter> = products
        .flat_map(|index| {
            let constants = &graph.nodes[index].inputs[1..];
            match network.norms.contains_key(&index) {
                // The bias is the normalization's shift.
                true => vec![
                    constants[0].map(Parameter::Constant),
                    Some(Parameter::Gamma(index)),
                    Some(Parameter::Beta(index)),
                ],
                false => constants.iter().map(|id| id.map(Parameter::Constant)).collect(),
            }
        })
        .flatten()
        .collect();
    parameters.sort();
    parameters.dedup();
    parameters
}
