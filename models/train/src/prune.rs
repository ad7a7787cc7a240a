//! Fewer weights, without training: choose what costs least by second-order losses, solve the rest anew by least squares.
//!
//! [`obs`] has the algebra, [`walk`] the way through the layers; [`blocks`] and [`channels`] are what can be removed.

pub mod blocks;
pub mod channels;
pub mod groups;
pub mod obs;
pub mod shrink;
pub mod walk;

use crate::data::Inputs;
use crate::engine::{self, Network, Unsupported};
use crate::quantize::scheme::is_product;
use channels::Channels;
use nalgebra::DMatrix;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use tinderbox::graph::{Graph, Node, Op, macs};
use walk::{Layer, walk};

/// Layers with less than this share of the network's work stay dense: they gain little and are often a shortcut, where
/// every weight counts.
const LEAST_SHARE: f64 = 0.05;

/// The same for the first and the last layer, where every weight counts more; networks of a few layers consist of them.
const LEAST_OUTERMOST_SHARE: f64 = 0.25;

/// What to remove.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prune {
    /// This share of the 2x2 blocks of every large layer.
    Blocks(f64),
    /// Channels, until this share of the multiply-accumulates is gone.
    Channels(f64),
}

impl Prune {
    /// How much.
    pub fn share(self) -> f64 {
        match self {
            Self::Blocks(share) | Self::Channels(share) => share,
        }
    }

    /// The same by another share.
    pub fn with_share(self, share: f64) -> Self {
        match self {
            Self::Blocks(_) => Self::Blocks(share),
            Self::Channels(_) => Self::Channels(share),
        }
    }
}

/// What became of a layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerReport {
    /// The node.
    pub layer: String,
    /// Multiply-accumulates before and after, zeros included.
    pub macs: [u64; 2],
    /// Share of the 2x2 blocks of weights that are not all zero; 1 where none can be skipped.
    pub density: f64,
    /// Predicted instructions before and after; none without a target whose costs are known.
    pub instructions: [Option<f64>; 2],
    /// Bits of its weights, if they were quantized.
    pub weight_bits: Option<u8>,
    /// See [`Sensitivity::decibels`](crate::quantize::sensitivity::Sensitivity::decibels).
    pub decibels: Option<f64>,
}

/// Prunes a float network by examples of its input.
pub fn prune(graph: &Graph, examples: &Inputs, what: Prune) -> Result<Graph, Unsupported> {
    let dense = Network::new(graph.clone(), &engine::device())?;
    let macs = |graph: &Graph| Ok::<_, Infallible>(graph.macs() as f64);
    let pruned = match what {
        Prune::Blocks(sparsity) => by_blocks(&dense, examples, sparsity),
        Prune::Channels(share) => {
            let Ok((pruned, _)) = Channels::new(&dense, examples, macs).shrink_to(graph.macs() as f64 * (1.0 - share));
            pruned
        }
    };
    Ok(into_graph(pruned))
}

fn by_blocks(dense: &Network, examples: &Inputs, sparsity: f64) -> Network {
    let mut pruned = dense.clone();
    let kept = vec![None; dense.graph.tensors.len()];
    walk(dense, &mut pruned, &kept, examples, |layer| match is_large(&dense.graph, layer.index) {
        true => blocks::solve(layer.gram, sparsity),
        false => Some(all(layer)),
    });
    pruned
}

/// All weights of a layer, solved anew.
fn all(layer: &Layer<'_>) -> DMatrix<f64> {
    let columns: Vec<usize> = (0..layer.gram.inputs.nrows()).collect();
    layer.gram.solve(&columns, 0..layer.gram.targets.ncols())
}

/// Whether a layer is worth making sparse.
pub fn is_large(graph: &Graph, index: usize) -> bool {
    if matches!(graph.nodes[index].op, Op::DepthwiseConv2d { .. }) {
        return false;
    }
    let products = || (0..graph.nodes.len()).filter(|i| is_product(graph, *i));
    let outermost = products().next() == Some(index) || products().next_back() == Some(index);
    let share = macs(graph, &graph.nodes[index]) as f64 / graph.macs() as f64;
    share >= if outermost { LEAST_OUTERMOST_SHARE } else { LEAST_SHARE }
}

/// The graph with the network's constants.
pub fn into_graph(network: Network) -> Graph {
    let mut graph = network.graph;
    for (id, value) in &network.constants {
        let bytes: Vec<u8> = engine::elements(value).iter().flat_map(|x| x.to_le_bytes()).collect();
        graph.tensors[*id].data = Some(Arc::from(bytes));
    }
    graph.prune();
    graph
}

/// What became of each layer with weights, by node; both graphs have the same nodes.
pub fn compare(before: &Graph, after: &Graph) -> Vec<(usize, LayerReport)> {
    let layers = before.nodes.iter().zip(&after.nodes).enumerate();
    let products = layers.filter(|(index, _)| is_product(before, *index));
    let report = |(index, (old, new)): (usize, (&Node, &Node))| {
        let macs = [macs(before, old), macs(after, new)];
        let (layer, density) = (old.name.clone(), density(after, new));
        (index, LayerReport { layer, macs, density, instructions: [None; 2], weight_bits: None, decibels: None })
    };
    products.map(report).collect()
}

/// Depthwise weights count as dense: no kernel skips them.
fn density(graph: &Graph, node: &Node) -> f64 {
    let weights = node.inputs[1].map(|id| &graph.tensors[id]);
    match weights.and_then(|weights| Some((weights, engine::floats(weights)?))) {
        Some((weights, numbers)) if !matches!(node.op, Op::DepthwiseConv2d { .. }) => {
            blocks::density(&numbers, numbers.len() / weights.shape[0])
        }
        _ => 1.0,
    }
}
