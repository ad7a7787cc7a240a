//! Which layers get fewer or more bits than the others.

use super::range::Range;
use super::scheme::{Scheme, is_product};
use super::{Error, Options, sensitivity};
use crate::data::Inputs;
use crate::engine::Network;
use std::collections::BTreeSet;
use tinderbox::graph::Graph;

/// Names of layers.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    /// Those with weights of 4 bits.
    pub int4: BTreeSet<String>,
    /// Those with activations of 16 bits.
    pub int16: BTreeSet<String>,
}

impl Bits {
    /// The layers that the user named, and those that get 4 bits by `options.weight_bits` or `options.int4_above`.
    pub(super) fn choose(
        network: &Network,
        ranges: &[Range],
        calibration: &Inputs,
        options: &Options,
    ) -> Result<Self, Error> {
        let named = |names| layers(&network.graph, names);
        let mut bits = Self { int4: named(&options.int4)?, int16: named(&options.int16)? };
        let inner = Self { int4: inner(&network.graph), int16: BTreeSet::new() };
        if let Some(least) = options.int4_above {
            let scheme = Scheme::new(network, ranges, &inner, &BTreeSet::new());
            let layers = sensitivity::of_layers(network, &scheme, calibration).into_iter();
            let robust = layers.filter(|layer| layer.weight_bits == 4 && layer.decibels >= least);
            bits.int4.extend(robust.map(|layer| layer.layer));
        }
        if options.weight_bits == 4 {
            bits.int4.extend(inner.int4);
        }
        Ok(bits)
    }
}

/// All layers with weights but for the first and the last.
fn inner(graph: &Graph) -> BTreeSet<String> {
    let products: Vec<usize> = (0..graph.nodes.len()).filter(|index| is_product(graph, *index)).collect();
    let inner = products.get(1..products.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().map(|index| graph.nodes[*index].name.clone()).collect()
}

/// The layers that `names` stand for: each is a node's name, or a part of it that no other node has.
fn layers(graph: &Graph, names: &[String]) -> Result<BTreeSet<String>, Error> {
    let find = |name: &String| {
        let exact = graph.nodes.iter().find(|node| node.name == *name);
        let mut alike = graph.nodes.iter().filter(|node| node.name.contains(name.as_str()));
        match (exact, alike.next(), alike.next()) {
            (Some(node), ..) | (None, Some(node), None) => Ok(node.name.clone()),
            (None, None, _) => Err(Error::Layer { name: name.clone(), what: "no layer" }),
            (None, Some(_), Some(_)) => Err(Error::Layer { name: name.clone(), what: "more than one layer" }),
        }
    };
    names.iter().map(find).collect()
}
