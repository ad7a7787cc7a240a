//! Which neighbouring nodes run together, row by row: the cut points that keep the peak of live bytes lowest.

use super::dataflow::{NodeId, Role};
use super::lifetime::{Layout, Surroundings};
use super::order::Demand;
use std::ops::Range;

/// Longest segment that is tried.
const MAX_NODES: usize = 96;
/// Work in all, in steps simulated and tensors looked at, before longer segments are left out.
const MAX_WORK: usize = 40_000_000;

/// The peaks of all segments.
pub struct Peaks {
    nodes: usize,
    /// `peaks[start][length - 1]`: live bytes while nodes `start..start + length` run, all that waits for later included.
    peaks: Vec<Vec<usize>>,
}

impl Peaks {
    /// Simulates every segment by itself.
    pub fn new(demand: &Demand<'_>, reversed: &[bool]) -> Self {
        let nodes = demand.flow.nodes.len();
        let around = nodes + demand.flow.buffers.len();
        let mut work = 0;
        let mut peaks = vec![vec![]; nodes];
        // Short segments of all starts first, so that the limit spares the long ones only.
        for length in 1..=MAX_NODES.min(nodes) {
            for (start, peaks) in peaks.iter_mut().enumerate().take(nodes - length + 1) {
                if work < MAX_WORK || length == 1 {
                    let segment = start..start + length;
                    work += around + demand.needed[segment.clone()].iter().sum::<usize>();
                    peaks.push(peak(demand, segment, reversed));
                }
            }
        }
        Self { nodes, peaks }
    }

    /// The segmentation with the lowest peak; among equals, the one with the fewest segments. Segments of which one is
    /// within `slack` bytes above the lowest possible peak count as equals.
    pub fn best(&self, slack: usize) -> Vec<Range<NodeId>> {
        let lowest = self.shortest(usize::MAX, |peak, best: usize| best.max(peak), 0).1;
        self.shortest(lowest.saturating_add(slack), |_, count: usize| count + 1, 0).0
    }

    /// The path of least cost from the first node to the last over segments whose peak is at most `limit`.
    fn shortest(
        &self,
        limit: usize,
        extend: impl Fn(usize, usize) -> usize,
        start: usize,
    ) -> (Vec<Range<NodeId>>, usize) {
        let mut costs = vec![usize::MAX; self.nodes + 1];
        let mut from = vec![0; self.nodes + 1];
        costs[0] = start;
        for first in 0..self.nodes {
            if costs[first] == usize::MAX {
                continue;
            }
            for (i, &peak) in self.peaks[first].iter().enumerate().filter(|(_, peak)| **peak <= limit) {
                let (end, cost) = (first + i + 1, extend(peak, costs[first]));
                if cost < costs[end] {
                    (costs[end], from[end]) = (cost, first);
                }
            }
        }
        let mut segments = vec![];
        let mut end = self.nodes;
        while end > 0 {
            segments.push(from[end]..end);
            end = from[end];
        }
        segments.reverse();
        (segments, costs[self.nodes])
    }
}

/// Live bytes while `segment` runs, whatever lies around it included.
fn peak(demand: &Demand<'_>, segment: Range<NodeId>, reversed: &[bool]) -> usize {
    let events = demand.order_segment(segment.clone(), reversed);
    let before = |buffer: usize| match demand.writers[buffer] {
        _ if demand.flow.buffers[buffer].role == Role::Persistent => true,
        Some(writer) => writer < segment.start,
        // An input is gone once its last reader is done.
        None => segment.start == 0 || demand.last_readers[buffer] >= segment.start,
    };
    let after = |buffer: usize| demand.last_readers[buffer] >= segment.end;
    let around = Surroundings {
        present: &before,
        wanted: &after,
        may_be_fresh: &|buffer| may_be_fresh(demand, buffer),
        ring_rows: &|_, least| least,
        pauses: &[],
    };
    Layout::new(demand.flow, &events, &around).peak().0
}

/// Whether a buffer's writer has no other output, for the schedule says once per step where outputs go, and the caller
/// does not look for its newest row in the ring.
pub fn may_be_fresh(demand: &Demand<'_>, buffer: usize) -> bool {
    let one_output = |writer: NodeId| demand.flow.nodes[writer].writes.len() == 1;
    !demand.read_by_caller[buffer] && demand.writers[buffer].is_some_and(one_output)
}
