//! Whole channels: the network becomes smaller, and every kernel faster.

use super::groups::{self, Group};
use super::obs::Surgeon;
use super::shrink::{macs_with, shrink};
use super::walk::{Kept, walk};
use crate::data::Inputs;
use crate::engine::Network;
use tinderbox::graph::TensorId;

/// Kernels work on this many channels at a time.
const STEP: usize = 4;

/// The order in which channels of a group go, each with its loss.
type Order = Vec<(usize, f64)>;

/// Removes channels until the share `share` of the multiply-accumulates is gone, always those that cost least for what
/// they save; the other weights are solved anew.
pub fn by_channels(dense: &Network, examples: &Inputs, share: f64) -> Network {
    let groups = groups::of(&dense.graph);
    let orders = orders(dense, &groups, examples);
    let target = (dense.graph.macs() as f64 * (1.0 - share)) as u64;
    let removed = counts(dense, &groups, &orders, target);
    let mut kept: Kept = vec![None; dense.graph.tensors.len()];
    for ((group, order), removed) in groups.iter().zip(&orders).zip(removed) {
        let gone: Vec<usize> = order[..removed].iter().map(|(channel, _)| *channel).collect();
        let stay: Vec<usize> = (0..group.channels).filter(|channel| !gone.contains(channel)).collect();
        group.tensors.iter().for_each(|id| kept[*id] = Some(stay.clone()));
    }
    let mut pruned = shrink(dense, &kept);
    walk(dense, &mut pruned, &kept, examples, |layer| Some(super::all(layer)));
    pruned
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

/// How many channels each group gives: first as many as the target asks for, then fewer where it has been passed.
fn counts(dense: &Network, groups: &[Group], orders: &[Order], target: u64) -> Vec<usize> {
    let graph = &dense.graph;
    let group_of = |id: TensorId| groups.iter().position(|group| group.tensors.contains(&id));
    let macs = |removed: &[usize]| {
        macs_with(graph, |id| {
            let all = graph.tensors[id].shape.last().copied().unwrap_or(1);
            group_of(id).map_or(all, |group| all - removed[group])
        })
    };
    // What the channels between two counts of a group cost in loss.
    let loss = |group: usize, from: usize| {
        orders[group].get(from..from + STEP).map(|losses| losses.iter().map(|(_, loss)| loss).sum::<f64>())
    };
    let mut removed = vec![0; groups.len()];
    while macs(&removed) > target {
        let price = |group: usize| {
            let loss = loss(group, removed[group]).filter(|_| groups[group].channels > removed[group] + STEP)?;
            let mut more = removed.clone();
            more[group] += STEP;
            // What lies below the target is not wanted.
            let saved = macs(&removed) - macs(&more).max(target);
            Some((group, loss / saved.max(1) as f64))
        };
        let cheapest = (0..groups.len()).filter_map(price).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((group, _)) = cheapest else { break };
        removed[group] += STEP;
    }
    loop {
        let fewer = |group: usize| {
            let mut fewer = removed.clone();
            fewer[group] = removed[group].checked_sub(STEP)?;
            (macs(&fewer) <= target).then_some((loss(group, fewer[group])?, fewer))
        };
        let dearest = (0..groups.len()).filter_map(fewer).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, fewer)) = dearest else { break };
        removed = fewer;
    }
    removed
}
