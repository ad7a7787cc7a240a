//! The kernel side of a node being put together.

use super::lowering::Lowering;
use super::{Layer, Place, Variable, View, rows_of};
use crate::graph::{Node as GraphNode, TensorId, macs};
use crate::plan::dataflow::{Access, BufferId, Node, NodeId, Role, Worker};
use std::ops::Range;
use std::sync::Arc;
use tinderbox_runtime::abi::Named;

impl<'a> Lowering<'a> {
    /// Starts the kernel side of a node that makes `rows` output rows, or takes that many steps for one.
    pub(super) fn layer(&mut self, node: &GraphNode, kernel: Named, rows: usize) -> LayerBuilder<'_, 'a> {
        let macs = self.source.map_or(0, |_| macs(self.graph, node));
        self.added_layer(&node.name, node.op.name(), kernel, rows).macs(macs)
    }

    /// Starts a node that makes each row of its output from the same row of input `i`, of the same shape.
    pub(super) fn rows_alike(&mut self, node: &GraphNode, i: usize, kernel: Named) -> LayerBuilder<'_, 'a> {
        let (input, output) = (node.inputs[i].unwrap_or_default(), node.outputs[0]);
        let (from, to) = (rows_of(self.tensor(input)), rows_of(self.tensor(output)));
        let layer = self.layer(node, kernel, to.rows).reads(input, from, |y| y..y + 1).writes(output, to, |y| y..y + 1);
        if to.row_bytes <= from.row_bytes { layer.in_place(0) } else { layer }
    }

    /// Starts a node that the graph does not have.
    pub(super) fn added_layer(&mut self, name: &str, op: &str, kernel: Named, rows: usize) -> LayerBuilder<'_, 'a> {
        let node = Node::new(name, Worker::Kernel, rows);
        let layer = Layer {
            source: self.source,
            name: name.into(),
            op: op.into(),
            kernel,
            params: vec![],
            channels: vec![],
            weights: Arc::from([]),
            tensors: vec![],
            inputs: 0,
            lag: 0,
            macs: 0,
            elements: 0,
            row_elements: 0,
        };
        LayerBuilder { lowering: self, node, layer, rows }
    }
}

/// A node being put together.
pub(super) struct LayerBuilder<'l, 'a> {
    lowering: &'l mut Lowering<'a>,
    node: Node,
    layer: Layer,
    /// Output rows, or steps where there is one only.
    rows: usize,
}

impl LayerBuilder<'_, '_> {
    /// A step makes `rows` output rows. Comes before reads and writes.
    pub(super) fn rows_per_step(mut self, rows: usize) -> Self {
        self.node.rows_per_step = rows;
        self.node.steps = self.rows.div_ceil(rows);
        self
    }

    /// Lets steps end where those of the buffer's writer do: rows that wait for the next step would take memory.
    /// Output row `y` needs rows up to `end(y)`.
    fn keep_pace(&mut self, buffer: BufferId, end: impl Fn(usize) -> usize) {
        let (flow, height) = (&self.lowering.flow, self.node.rows_per_step);
        let mut writes = flow.nodes.iter().flat_map(|node| &node.writes);
        let Some(made) = writes.find(|access| access.buffer == buffer) else { return };
        let possible = |made: usize| (0..self.rows).take_while(|y| end(*y) <= made).count();
        let Some(first) = made.rows.iter().map(|rows| possible(rows.end)).find(|rows| *rows > 0) else { return };
        self.layer.lag = (height - first % height) % height;
        self.node.steps = (self.rows + self.layer.lag).div_ceil(height);
    }

    /// Output row `y` needs `rows(y)` of `tensor`, seen as `view`.
    pub(super) fn reads(mut self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.buffer_of(tensor);
        if self.layer.inputs == 0 {
            self.layer.row_elements = view.row_bytes;
            let (height, own) = (self.node.rows_per_step, self.lowering.views[buffer]);
            if self.lowering.paced && height > 1 && height < self.rows && view == own {
                self.keep_pace(buffer, |y| rows(y).end);
            }
        }
        let access = self.access(buffer, view, rows);
        self.layer.tensors.insert(self.layer.inputs, self.lowering.view(buffer, view));
        self.layer.inputs += 1;
        self.node.reads.push(access);
        self
    }

    /// As [`Self::reads`], for kernels that see the tensor as one block where its rows are not this view's.
    pub(super) fn reads_whole(self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.buffer_of(tensor);
        if view.rows != self.rows {
            self.lowering.flow.buffers[buffer].flat = true;
        }
        self.reads(tensor, view, rows)
    }

    /// Output row `y` is `rows(y)` of `tensor`, which begins here.
    pub(super) fn writes(self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.new_buffer(tensor, view, Role::Inner);
        self.writes_into(buffer, tensor, view, rows)
    }

    /// As [`Self::writes`], in a buffer that is there.
    pub(super) fn writes_into(
        mut self,
        buffer: BufferId,
        tensor: TensorId,
        view: View,
        rows: impl Fn(usize) -> Range<usize>,
    ) -> Self {
        self.layer.elements += self.lowering.tensor(tensor).elements();
        let access = self.access(buffer, view, rows);
        self.layer.tensors.push(self.lowering.view(buffer, view));
        self.node.writes.push(access);
        self
    }

    pub(super) fn access(&self, buffer: BufferId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Access {
        let own = self.lowering.views[buffer];
        let in_own_rows = |range: Range<usize>| {
            let bytes = range.start * view.row_bytes..range.end * view.row_bytes;
            bytes.start / own.row_bytes.max(1)..bytes.end.div_ceil(own.row_bytes.max(1))
        };
        let convert = |range| if view == own { range } else { in_own_rows(range) };
        let (height, lag) = (self.node.rows_per_step, self.layer.lag);
        let step = |step: usize| {
            let (first, end) = ((step * height).saturating_sub(lag), ((step + 1) * height - lag).min(self.rows));
            rows(first).start..rows(end - 1).end
        };
        Access { buffer, rows: (0..self.node.steps).map(|i| convert(step(i))).collect() }
    }

    pub(super) fn params(mut self, params: impl IntoIterator<Item = i32>) -> Self {
        self.layer.params.extend(params);
        self
    }

    pub(super) fn channels(mut self, channels: Vec<i32>) -> Self {
        self.layer.channels = channels;
        self
    }

    pub(super) fn weights(mut self, weights: impl Into<Arc<[u8]>>) -> Self {
        self.layer.weights = weights.into();
        self
    }

    pub(super) fn macs(mut self, macs: u64) -> Self {
        self.layer.macs = macs;
        self
    }

    /// The steps are `rows` rows behind. Comes after reads and writes, which say what each step touches.
    pub(super) fn lag(mut self, rows: usize) -> Self {
        self.layer.lag = rows;
        self
    }

    pub(super) fn scratch(mut self, bytes: usize) -> Self {
        self.node.scratch = bytes;
        self
    }

    pub(super) fn state(mut self, bytes: usize) -> Self {
        self.node.state = bytes;
        self
    }

    /// State that survives from one inference to the next: per part its bytes, and its contents after reset, repeated.
    pub(super) fn persistent_state(mut self, parts: impl IntoIterator<Item = (usize, Arc<[u8]>)>) -> Self {
        let place = Place::State(self.lowering.flow.nodes.len());
        self.node.persistent = true;
        for (bytes, initial) in parts {
            let offset = self.node.state;
            self.lowering.variables.push(Variable { place, offset, bytes, initial });
            self.node.state += bytes;
        }
        self
    }

    /// The node waits until these are done.
    pub(super) fn after(mut self, nodes: Vec<NodeId>) -> Self {
        self.node.after = nodes;
        self
    }

    /// The output row may replace the row of input `i`.
    pub(super) fn in_place(mut self, i: usize) -> Self {
        self.node.in_place.push(i);
        self
    }

    pub(super) fn finish(self) {
        self.lowering.flow.nodes.push(self.node);
        self.lowering.layers.push(Some(self.layer));
    }
}
