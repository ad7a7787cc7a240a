//! Whole channels: the network becomes smaller, and every kernel faster.

use super::groups::{self, Group};
use super::obs::Surgeon;
use super::shrink::shrink;
use super::walk::{Kept, walk};
use crate::data::Inputs;
use crate::engine::Network;
use std::collections::BTreeMap;
use tinderbox::graph::Graph;

/// Kernels work on this many channels at a time.
const STEP: usize = 4;

/// The order in which channels of a group go, each with its loss.
type Order = Vec<(usize, f64)>;

/// A network and the channels that it can do without.
pub struct Channels<'a, C> {
    dense: &'a Network,
    examples: &'a Inputs,
    groups: Vec<Group>,
    orders: Vec<Order>,
    cost: C,
    /// What the network costs with so many channels of each group removed.
    costs: BTreeMap<Vec<usize>, f64>,
}

impl<'a, E, C: Fn(&Graph) -> Result<f64, E>> Channels<'a, C> {
    /// Finds the channels, and the order in which they go. `cost` is what removing them shall save: the fewer
    /// multiply-accumulates say, or predicted instructions.
    pub fn new(dense: &'a Network, examples: &'a Inputs, cost: C) -> Self {
        let groups = groups::of(&dense.graph);
        let orders = orders(dense, &groups, examples);
        Self { dense, examples, groups, orders, cost, costs: BTreeMap::new() }
    }

    /// Removes channels until the cost is at most `target`, or all that can go are gone: always those that cost least in
    /// loss for what they save. The other weights are solved anew. What is left, and its cost.
    pub fn shrink_to(&mut self, target: f64) -> Result<(Network, f64), E> {
        let removed = self.counts(target)?;
        let kept = self.kept(&removed);
        let mut pruned = shrink(self.dense, &kept);
        walk(self.dense, &mut pruned, &kept, self.examples, |layer| Some(super::all(layer)));
        Ok((pruned, self.cost(&removed)?))
    }

    fn kept(&self, removed: &[usize]) -> Kept {
        let mut kept: Kept = vec![None; self.dense.graph.tensors.len()];
        for ((group, order), removed) in self.groups.iter().zip(&self.orders).zip(removed) {
            let gone: Vec<usize> = order[..*removed].iter().map(|(channel, _)| *channel).collect();
            let stay: Vec<usize> = (0..group.channels).filter(|channel| !gone.contains(channel)).collect();
            group.tensors.iter().for_each(|id| kept[*id] = Some(stay.clone()));
        }
        kept
    }

    fn cost(&mut self, removed: &[usize]) -> Result<f64, E> {
        if let Some(cost) = self.costs.get(removed) {
            return Ok(*cost);
        }
        let cost = (self.cost)(&super::into_graph(shrink(self.dense, &self.kept(removed))))?;
        self.costs.insert(removed.to_vec(), cost);
        Ok(cost)
    }

    /// What the next channels of a group cost in loss, if it can spare them.
    fn loss(&self, group: usize, removed: usize) -> Option<f64> {
        let next = self.orders[group].get(removed..removed + STEP)?;
        (self.groups[group].channels > removed + STEP).then(|| next.iter().map(|(_, loss)| loss).sum())
    }

    /// How many channels each group gives: first as many as the target asks for, then fewer where it has been passed.
    fn counts(&mut self, target: f64) -> Result<Vec<usize>, E> {
        let mut removed = vec![0; self.groups.len()];
        while self.cost(&removed)? > target {
            let Some(more) = self.more(&removed, target)? else { break };
            removed = more;
        }
        while let Some(fewer) = self.fewer(&removed, target)? {
            removed = fewer;
        }
        Ok(removed)
    }

    /// One step more, where it loses least for what it saves above the target.
    fn more(&mut self, removed: &[usize], target: f64) -> Result<Option<Vec<usize>>, E> {
        let cost = self.cost(removed)?;
        let mut best: Option<(f64, Vec<usize>)> = None;
        for group in 0..self.groups.len() {
            let Some(loss) = self.loss(group, removed[group]) else { continue };
            let mut more = removed.to_vec();
            more[group] += STEP;
            let saved = cost - self.cost(&more)?.max(target);
            if saved > 0.0 && best.as_ref().is_none_or(|(least, _)| loss / saved < *least) {
                best = Some((loss / saved, more));
            }
        }
        Ok(best.map(|(_, more)| more))
    }

    /// One step less, where that gains most and the target allows it.
    fn fewer(&mut self, removed: &[usize], target: f64) -> Result<Option<Vec<usize>>, E> {
        let mut best: Option<(f64, Vec<usize>)> = None;
        for group in (0..self.groups.len()).filter(|group| removed[*group] > 0) {
            let mut fewer = removed.to_vec();
            fewer[group] -= STEP;
            let Some(loss) = self.loss(group, fewer[group]) else { continue };
            if best.as_ref().is_none_or(|(most, _)| loss > *most) && self.cost(&fewer)? <= target {
                best = Some((loss, fewer));
            }
        }
        Ok(best.map(|(_, fewer)| fewer))
    }
}

/// For every group, its channels by what their loss does to all readers together.
fn orders(dense: &Network, groups: &[Group], examples: &Inputs) -> Vec<Order> {
    let mut readers: Vec<Vec<Reader>> = groups.iter().map(|_| vec![]).collect();
    let all = vec![None; dense.graph.tensors.len()];
    walk(dense, &mut dense.clone(), &all, examples, |layer| {
        for (group, readers) in groups.iter().zip(&mut readers) {
            if group.readers.contains(&layer.index) {
                let surgeon = Surgeon::new(layer.gram, layer.gram.inverse(), 0..layer.gram.targets.ncols());
                let taps = (layer.gram.inputs.nrows() - 1) / group.channels;
                readers.push(Reader { surgeon, taps, channels: group.channels, energy: layer.gram.energy.max(1e-9) });
            }
        }
        None
    });
    groups.iter().zip(readers).map(|(group, readers)| order(group.channels, readers)).collect()
}

/// A layer that reads a group.
struct Reader {
    surgeon: Surgeon,
    taps: usize,
    channels: usize,
    energy: f64,
}

impl Reader {
    fn columns(&self, channel: usize) -> Vec<usize> {
        (0..self.taps).map(|tap| tap * self.channels + channel).collect()
    }

    /// Loss relative to what the layer's results vary.
    fn loss(&self, channel: usize) -> f64 {
        self.surgeon.loss(&self.columns(channel)) / self.energy
    }
}

fn order(channels: usize, mut readers: Vec<Reader>) -> Order {
    let mut left: Vec<usize> = (0..channels).collect();
    let mut order = vec![];
    while left.len() > 1 {
        let losses = left.iter().map(|channel| readers.iter().map(|reader| reader.loss(*channel)).sum::<f64>());
        let Some((position, loss)) = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        let channel = left.swap_remove(position);
        for reader in &mut readers {
            let columns = reader.columns(channel);
            reader.surgeon.remove(&columns);
        }
        order.push((channel, loss));
    }
    order
}
