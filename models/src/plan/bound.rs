//! What no order of steps can go below: a lower bound on the arena.
//!
//! While a node makes one of its steps, the other nodes are somewhere between start and end, as far as the data allow.
//! The least memory over all such states is a minimum closure: vertices are "node has made step k" and "row r is dead",
//! edges say what must have happened before, weights are the bytes that each adds or frees. A minimum cut finds it
//! exactly (Picard 1976, "Maximal closure of a graph and applications to combinatorial problems"). The bound is the
//! largest over the steps looked at; it holds for every order that computes nothing twice and treats rows as atoms.

use super::dataflow::{Dataflow, Node, NodeId, Role};
use super::order::{Demand, Event};
use petgraph::algo::maximum_flow::dinics;
use petgraph::graph::{DiGraph, NodeIndex};

const INFINITE: u64 = u64::MAX / 4;

/// About how much work one call of [`at`] is: the square of the number of vertices.
pub fn work(demand: &Demand<'_>) -> usize {
    let rows: usize = demand.flow.buffers.iter().map(|buffer| buffer.rows).sum();
    let vertices = rows + demand.needed.iter().sum::<usize>();
    vertices.saturating_mul(vertices).max(1)
}

/// The least bytes in use at the moment of `event`, whatever was done before it.
pub fn at(demand: &Demand<'_>, event: Event) -> usize {
    let mut closure = Closure::new(demand);
    closure.force(demand, event);
    let base = closure.base + in_progress(demand.flow, event);
    (base + closure.least_weight()).max(0) as usize
}

/// Bytes of the step itself: what it writes and its scratch, less the rows that it may overwrite.
fn in_progress(flow: &Dataflow, event: Event) -> i64 {
    let node = &flow.nodes[event.node];
    let written = |access: &super::dataflow::Access| {
        let buffer = &flow.buffers[access.buffer];
        if buffer.role == Role::Persistent { 0 } else { access.rows[event.step].len() * buffer.stride }
    };
    let written: usize = node.writes.iter().map(written).sum();
    let replaced = |input: &usize| {
        let access = &node.reads[*input];
        access.rows[event.step].len() * flow.buffers[access.buffer].stride
    };
    let saved = node.in_place.iter().map(replaced).max().unwrap_or(0).min(written);
    (written - saved + node.scratch + passing_state(node)) as i64
}

/// Bytes of a node's state that are in use between its first step and its last only.
fn passing_state(node: &Node) -> usize {
    if node.persistent { 0 } else { node.state }
}

struct Closure {
    graph: DiGraph<(), u64>,
    source: NodeIndex,
    sink: NodeIndex,
    /// Per node, the vertex of each needed step.
    steps: Vec<Vec<NodeIndex>>,
    weights: Vec<i64>,
    /// Weight of the empty closure.
    base: i64,
}

impl Closure {
    fn new(demand: &Demand<'_>) -> Self {
        let mut graph = DiGraph::new();
        let (source, sink) = (graph.add_node(()), graph.add_node(()));
        let mut closure = Self { graph, source, sink, steps: vec![], weights: vec![0, 0], base: 0 };
        for (id, node) in demand.flow.nodes.iter().enumerate() {
            let steps: Vec<_> = (0..demand.needed[id]).map(|_| closure.vertex(0)).collect();
            closure.chain(&steps);
            // State is in use after the first step and before the last is done.
            if let ([first, .., last], bytes) = (steps.as_slice(), passing_state(node) as i64) {
                closure.weights[first.index()] += bytes;
                closure.weights[last.index()] -= bytes;
            }
            closure.base += (node.state - passing_state(node)) as i64;
            closure.steps.push(steps);
        }
        closure.needs(demand);
        for buffer in 0..demand.flow.buffers.len() {
            closure.rows(demand, buffer);
        }
        closure
    }

    fn vertex(&mut self, weight: i64) -> NodeIndex {
        self.weights.push(weight);
        self.graph.add_node(())
    }

    /// `then` cannot be without `first`.
    fn require(&mut self, then: NodeIndex, first: NodeIndex) {
        self.graph.add_edge(then, first, INFINITE);
    }

    fn chain(&mut self, vertices: &[NodeIndex]) {
        for pair in vertices.windows(2) {
            self.require(pair[1], pair[0]);
        }
    }

    /// A step needs the steps that write what it reads.
    fn needs(&mut self, demand: &Demand<'_>) {
        for (id, node) in demand.flow.nodes.iter().enumerate() {
            for step in 0..demand.needed[id] {
                for (writer, steps) in required(demand, node, step) {
                    let (then, first) = (self.steps[id][step], self.steps[writer][steps - 1]);
                    self.require(then, first);
                }
            }
        }
    }

    /// Rows add their bytes when they are written and free them when their last reader is done.
    fn rows(&mut self, demand: &Demand<'_>, id: usize) {
        let buffer = &demand.flow.buffers[id];
        let stride = buffer.stride as i64;
        if buffer.role == Role::Persistent {
            self.base += buffer.bytes() as i64;
            return;
        }
        let mut written_by = vec![None; buffer.rows];
        match demand.writers[id] {
            None => self.base += buffer.bytes() as i64,
            Some(writer) => {
                for access in demand.flow.nodes[writer].writes.iter().filter(|access| access.buffer == id) {
                    for step in 0..demand.needed[writer] {
                        for row in access.rows[step].clone() {
                            written_by[row] = Some(self.steps[writer][step]);
                            self.weights[self.steps[writer][step].index()] += stride;
                        }
                    }
                }
            }
        }
        if buffer.role == Role::Output {
            return;
        }
        let mut readers: Vec<Vec<NodeIndex>> = vec![vec![]; buffer.rows];
        for (reader, node) in demand.flow.nodes.iter().enumerate() {
            for access in node.reads.iter().filter(|access| access.buffer == id) {
                let mut last = vec![None; buffer.rows];
                for step in 0..demand.needed[reader] {
                    for row in access.rows[step].clone() {
                        last[row] = Some(self.steps[reader][step]);
                    }
                }
                for (row, last) in last.into_iter().enumerate() {
                    readers[row].extend(last);
                }
            }
        }
        for (written, readers) in written_by.iter().zip(readers) {
            if written.is_some() || demand.writers[id].is_none() {
                let dead = self.vertex(-stride);
                for before in readers.into_iter().chain(*written) {
                    self.require(dead, before);
                }
            }
        }
    }

    /// Fixes the state to one in which `event` is about to happen.
    fn force(&mut self, demand: &Demand<'_>, event: Event) {
        let steps = &self.steps[event.node];
        let (done, not_done) = (event.step.checked_sub(1).map(|last| steps[last]), steps[event.step]);
        // The node's own state is counted as in progress.
        let state = passing_state(&demand.flow.nodes[event.node]) as i64;
        if event.step > 0 && demand.needed[event.node] > 1 {
            self.base -= state;
        }
        let present = required(demand, &demand.flow.nodes[event.node], event.step)
            .into_iter()
            .map(|(writer, steps)| self.steps[writer][steps - 1]);
        for vertex in done.into_iter().chain(present).collect::<Vec<_>>() {
            self.graph.add_edge(self.source, vertex, INFINITE);
        }
        self.graph.add_edge(not_done, self.sink, INFINITE);
    }

    /// The weight of the lightest closed set: the negative weights, plus what the cut takes back.
    fn least_weight(mut self) -> i64 {
        let mut sum = 0;
        for (i, weight) in self.weights.iter().enumerate() {
            let vertex = NodeIndex::new(i);
            if *weight < 0 {
                sum += weight;
                self.graph.add_edge(self.source, vertex, weight.unsigned_abs());
            } else if *weight > 0 {
                self.graph.add_edge(vertex, self.sink, weight.unsigned_abs());
            }
        }
        sum + dinics(&self.graph, self.source, self.sink).0 as i64
    }
}

/// The nodes, and how many of their steps, that must be done before `node` takes `step`.
fn required(demand: &Demand<'_>, node: &Node, step: usize) -> Vec<(NodeId, usize)> {
    let mut all: Vec<(NodeId, usize)> = vec![];
    for access in &node.reads {
        if demand.flow.buffers[access.buffer].role == Role::Persistent {
            continue;
        }
        let Some(writer) = demand.writers[access.buffer] else { continue };
        let write = demand.flow.nodes[writer].writes.iter().find(|write| write.buffer == access.buffer);
        let steps = write.map_or(0, |write| write.steps_for(access.rows[step].end));
        if steps > 0 {
            all.push((writer, steps));
        }
    }
    all.extend(
        node.after.iter().filter(|before| demand.needed[**before] > 0).map(|before| (*before, demand.needed[*before])),
    );
    all
}
