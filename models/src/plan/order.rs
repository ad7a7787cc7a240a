//! In which order nodes take their steps: demand-driven within segments of the topological order.

use super::dataflow::{Dataflow, NodeId, Role, Worker};
use std::ops::Range;

/// A step of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who works.
    pub node: NodeId,
    /// Number of its step.
    pub step: usize,
}

/// What every ordering of one dataflow needs to know.
pub struct Demand<'a> {
    /// The dataflow.
    pub flow: &'a Dataflow,
    /// Steps that each node takes.
    pub needed: Vec<usize>,
    /// Per buffer, who writes it.
    pub writers: Vec<Option<NodeId>>,
    /// Per buffer, the last node that reads it; a buffer that outlives the inference is read "after all nodes".
    pub last_readers: Vec<NodeId>,
    /// Buffers of which the caller reads the newest row.
    pub read_by_caller: Vec<bool>,
}

impl<'a> Demand<'a> {
    /// Looks at `flow`.
    pub fn new(flow: &'a Dataflow) -> Self {
        Self::until(flow, usize::MAX)
    }

    /// Looks at a stream's `flow` until the outputs have been read so many times.
    pub fn until(flow: &'a Dataflow, readings: usize) -> Self {
        let mut last_readers = vec![0; flow.buffers.len()];
        let mut read_by_caller = vec![false; flow.buffers.len()];
        for (id, node) in flow.nodes.iter().enumerate() {
            for access in &node.reads {
                last_readers[access.buffer] = id;
                read_by_caller[access.buffer] |= node.worker == Worker::Reader;
            }
        }
        for (buffer, last) in flow.buffers.iter().zip(&mut last_readers) {
            if matches!(buffer.role, Role::Output | Role::Persistent) {
                *last = flow.nodes.len();
            }
        }
        Self { flow, needed: flow.needed_steps(readings), writers: flow.writers(), last_readers, read_by_caller }
    }

    /// The steps of all `segments`, one after the other. They cover the nodes in order. `reversed` tells for each node
    /// whether its inputs are asked for last to first.
    pub fn order(&self, segments: &[Range<NodeId>], reversed: &[bool]) -> Vec<Event> {
        let mut run = Run {
            demand: self,
            reversed,
            done: vec![0; self.flow.nodes.len()],
            made: self.rows_at_start(0),
            events: vec![],
        };
        for segment in segments {
            run.segment(segment.clone());
        }
        run.events
    }

    /// The steps of one segment, all earlier nodes being done.
    pub fn order_segment(&self, segment: Range<NodeId>, reversed: &[bool]) -> Vec<Event> {
        let mut done = vec![0; self.flow.nodes.len()];
        done[..segment.start].copy_from_slice(&self.needed[..segment.start]);
        let made = self.rows_at_start(segment.start);
        let mut run = Run { demand: self, reversed, done, made, events: vec![] };
        run.segment(segment);
        run.events
    }

    /// Rows of each buffer that are there when all nodes before `first` are done.
    fn rows_at_start(&self, first: NodeId) -> Vec<usize> {
        let there = |writer: &Option<NodeId>| writer.is_none_or(|writer| writer < first);
        let buffers = self.flow.buffers.iter().zip(&self.writers);
        buffers.map(|(b, writer)| if b.role == Role::Persistent || there(writer) { b.rows } else { 0 }).collect()
    }

    /// Nodes of a segment whose work is wanted outside it.
    fn sinks(&self, segment: Range<NodeId>) -> Vec<NodeId> {
        let wanted = |node: &NodeId| {
            let writes = &self.flow.nodes[*node].writes;
            writes.is_empty() || writes.iter().any(|access| self.last_readers[access.buffer] >= segment.end)
        };
        segment.clone().filter(wanted).collect()
    }
}

struct Run<'a> {
    demand: &'a Demand<'a>,
    reversed: &'a [bool],
    done: Vec<usize>,
    /// Rows of each buffer written so far.
    made: Vec<usize>,
    events: Vec<Event>,
}

impl Run<'_> {
    fn segment(&mut self, segment: Range<NodeId>) {
        let needed = &self.demand.needed;
        let sinks = self.demand.sinks(segment.clone());
        // The sink that is furthest behind goes first, so that none of them makes the others' inputs wait.
        let behind = |run: &Self, node: &&NodeId| run.done[**node] < needed[**node];
        while let Some(&sink) = sinks.iter().filter(|node| behind(self, node)).min_by(|a, b| {
            let (a, b) = (**a, **b);
            (self.done[a] * needed[b]).cmp(&(self.done[b] * needed[a]))
        }) {
            self.advance(sink);
        }
        for node in segment {
            while self.done[node] < needed[node] {
                self.advance(node);
            }
        }
    }

    /// Takes the next step of `node` after every step that it depends on.
    fn advance(&mut self, node: NodeId) {
        // A stack of our own: networks may be deeper than the call stack.
        let mut waiting = vec![node];
        while let Some(&node) = waiting.last() {
            match self.missing(node) {
                Some(other) => waiting.push(other),
                None => {
                    let step = self.done[node];
                    self.events.push(Event { node, step });
                    self.done[node] += 1;
                    for access in &self.demand.flow.nodes[node].writes {
                        let made = &mut self.made[access.buffer];
                        *made = (*made).max(access.rows[step].end);
                    }
                    waiting.pop();
                }
            }
        }
    }

    /// A node that must work before `node` can take its next step.
    fn missing(&self, node: NodeId) -> Option<NodeId> {
        let record = &self.demand.flow.nodes[node];
        let unfinished = |before: &&NodeId| self.done[**before] < self.demand.needed[**before];
        if let Some(&before) = record.after.iter().find(unfinished) {
            return Some(before);
        }
        let step = self.done[node];
        let writer_of_missing = |access: &super::dataflow::Access| {
            if access.rows[step].end > self.made[access.buffer] { self.demand.writers[access.buffer] } else { None }
        };
        match self.reversed[node] {
            false => record.reads.iter().find_map(writer_of_missing),
            true => record.reads.iter().rev().find_map(writer_of_missing),
        }
    }
}
