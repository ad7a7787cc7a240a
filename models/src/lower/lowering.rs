//! Lowering under way: which buffers there are, who writes them, and how nodes see them.

use super::operators::movement;
use super::{
    Error, InputMode, Kernels, Layer, Lowered, Lowerer, Selection, TensorView, Variable, Variant, View, rows_of,
};
use crate::graph::{DType, Graph, Node as GraphNode, Op, Quantization, Tensor, TensorId};
use crate::passes::{Gains, Pass};
use crate::plan::dataflow::{Access, Buffer, BufferId, Dataflow, Node, Role, Worker};
use std::collections::HashMap;

/// Lowering under way.
pub(super) struct Lowering<'a> {
    pub(super) lowerer: &'a Lowerer<'a>,
    pub(super) selection: &'a Selection,
    pub(super) graph: &'a Graph,
    pub(super) mode: InputMode,
    pub(super) kernels: Kernels,
    /// Steps end where those of the layer before do.
    pub(super) paced: bool,
    gains: Gains,
    /// Index of the node at work.
    pub(super) source: Option<usize>,
    pub(super) flow: Dataflow,
    pub(super) layers: Vec<Option<Layer>>,
    pub(super) inputs: Vec<BufferId>,
    pub(super) outputs: Vec<BufferId>,
    /// Per graph tensor, its buffer, once somebody has written it.
    pub(super) buffers: Vec<Option<BufferId>>,
    /// Per buffer, its own rows.
    pub(super) views: Vec<View>,
    /// What kernels see.
    pub(super) tensors: Vec<TensorView>,
    /// Per node of the graph, the ways to compute it.
    pub(super) variants: Vec<Vec<Variant>>,
    /// Tensors that are not made because their reader pads by itself.
    pub(super) padded: HashMap<TensorId, movement::Padded>,
    /// What survives an inference.
    pub(super) variables: Vec<Variable>,
    /// Per variable, the tensor assigned to it last.
    pub(super) assigned: HashMap<TensorId, TensorId>,
    /// Variables whose assignment is still to be carried out.
    pub(super) pending: Vec<TensorId>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(lowerer: &'a Lowerer<'a>, selection: &'a Selection, paced: bool) -> Self {
        let &Lowerer { graph, mode, kernels, gains, .. } = lowerer;
        let mut lowering = Self {
            lowerer,
            selection,
            variants: vec![vec![]; graph.nodes.len()],
            graph,
            mode,
            kernels,
            paced,
            gains,
            source: None,
            flow: Dataflow::default(),
            layers: vec![],
            inputs: vec![],
            outputs: vec![],
            buffers: vec![None; graph.tensors.len()],
            views: vec![],
            tensors: vec![],
            padded: HashMap::new(),
            variables: vec![],
            assigned: HashMap::new(),
            pending: vec![],
        };
        if gains.ran(Pass::Padding) {
            lowering.padded = movement::paddings_to_merge(graph);
            lowering.gains.add(Pass::Padding, lowering.padded.len());
        }
        for &input in &graph.inputs {
            let role = if mode == InputMode::Whole { Role::Input } else { Role::Inner };
            let buffer = lowering.new_buffer(input, lowering.input_rows(input), role);
            lowering.inputs.push(buffer);
        }
        lowering
    }

    /// An input that is only reshaped has the rows of its reshaped self, if those are finer.
    pub(super) fn input_rows(&self, input: TensorId) -> View {
        let readers = |tensor: TensorId| self.graph.nodes.iter().filter(move |n| n.inputs.contains(&Some(tensor)));
        let mut tensor = input;
        while let Some(GraphNode { op: Op::Reshape, outputs, .. }) = readers(tensor).next() {
            if readers(tensor).count() > 1 {
                break;
            }
            tensor = outputs[0];
        }
        let (own, reshaped) = (rows_of(&self.graph.tensors[input]), rows_of(&self.graph.tensors[tensor]));
        if own.rows == 1 { reshaped } else { own }
    }

    pub(super) fn new_buffer(&mut self, tensor: TensorId, view: View, role: Role) -> BufferId {
        let record = &self.graph.tensors[tensor];
        self.flow.buffers.push(Buffer {
            name: record.name.clone(),
            rows: view.rows,
            stride: 0,
            flat: role != Role::Inner,
            align: record.dtype.bytes().max(4),
            role,
        });
        self.views.push(view);
        let buffer = self.flow.buffers.len() - 1;
        self.buffers[tensor] = Some(buffer);
        buffer
    }

    /// The buffer of a tensor that is read. Constants and pushed inputs get their nodes now, next to their reader.
    pub(super) fn buffer_of(&mut self, tensor: TensorId) -> BufferId {
        let buffer = match self.buffers[tensor] {
            Some(buffer) => buffer,
            None => movement::constant(self, tensor),
        };
        if self.mode != InputMode::Whole
            && let Some(input) = self.inputs.iter().position(|b| *b == buffer)
        {
            self.push_input(input);
        }
        buffer
    }

    /// Adds the node that pushes an input, once.
    pub(super) fn push_input(&mut self, input: usize) {
        let worker = Worker::Caller { input };
        if self.flow.nodes.iter().any(|node| node.worker == worker) {
            return;
        }
        let buffer = self.inputs[input];
        let rows = self.views[buffer].rows;
        let name = format!("push {}", self.flow.buffers[buffer].name);
        let writes = vec![Access { buffer, rows: (0..rows).map(|row| row..row + 1).collect() }];
        self.flow.nodes.push(Node { writes, ..Node::new(&name, worker, rows) });
        self.layers.push(None);
    }

    /// A view of a buffer. Any but the buffer's own requires it to be contiguous.
    pub(super) fn view(&mut self, buffer: BufferId, view: View) -> usize {
        if view != self.views[buffer] {
            self.flow.buffers[buffer].flat = true;
        }
        let seen = TensorView { buffer, view };
        self.tensors.iter().position(|t| *t == seen).unwrap_or_else(|| {
            self.tensors.push(seen);
            self.tensors.len() - 1
        })
    }

    /// Outputs that are inputs, constants or variables, or that come twice, are copies; so are those of a stream that
    /// others read.
    pub(super) fn outputs(&mut self) {
        let stream = self.mode == InputMode::Stream;
        for &output in &self.graph.outputs {
            let own = self.buffers[output].filter(|b| !self.inputs.contains(b) && !self.outputs.contains(b));
            let own = own.filter(|b| self.flow.buffers[*b].role != Role::Persistent);
            let own = own.filter(|b| !stream || !self.is_read(*b));
            let buffer = own.unwrap_or_else(|| movement::copy(self, output));
            if !stream {
                let record = &mut self.flow.buffers[buffer];
                (record.role, record.flat) = (Role::Output, true);
            }
            self.outputs.push(buffer);
        }
        for input in 0..self.inputs.len() {
            if self.mode != InputMode::Whole {
                self.push_input(input);
            }
        }
        if stream {
            self.read_outputs();
        }
    }

    fn is_read(&self, buffer: BufferId) -> bool {
        self.flow.nodes.iter().any(|node| node.reads.iter().any(|access| access.buffer == buffer))
    }

    /// Adds the node that reads the newest row of every output.
    fn read_outputs(&mut self) {
        let rows = self.outputs.iter().map(|buffer| self.views[*buffer].rows).min().unwrap_or(0);
        let read = |buffer: &BufferId| Access { buffer: *buffer, rows: (0..rows).map(|row| row..row + 1).collect() };
        let reads = self.outputs.iter().map(read).collect();
        self.flow.nodes.push(Node { reads, ..Node::new("read outputs", Worker::Reader, rows) });
        self.layers.push(None);
    }

    /// Strides are known once all readers are. Tensors are numbered as their buffers, further views behind them.
    pub(super) fn finish(mut self) -> Lowered {
        for (buffer, view) in self.flow.buffers.iter_mut().zip(&self.views) {
            buffer.stride = if buffer.flat { view.row_bytes } else { view.row_bytes.next_multiple_of(4) };
        }
        let mut tensors: Vec<TensorView> =
            self.views.iter().enumerate().map(|(buffer, view)| TensorView { buffer, view: *view }).collect();
        let others: Vec<TensorView> = self.tensors.iter().copied().filter(|t| !tensors.contains(t)).collect();
        tensors.extend(others);
        for tensor in self.layers.iter_mut().flatten().flat_map(|layer| &mut layer.tensors) {
            let seen = self.tensors[*tensor];
            *tensor = if seen == tensors[seen.buffer] {
                seen.buffer
            } else {
                tensors.iter().position(|t| *t == seen).unwrap_or(seen.buffer)
            };
        }
        self.flow.views = tensors.len() - self.views.len();
        let Self { flow, layers, inputs, outputs, buffers, variants, variables, gains, .. } = self;
        Lowered { flow, layers, tensors, inputs, outputs, buffers, variants, variables, gains }
    }

    pub(super) fn runs(&self, pass: Pass) -> bool {
        self.gains.ran(pass)
    }

    /// Whether `pass` runs, which then does something at `count` places.
    pub(super) fn apply(&mut self, pass: Pass, count: usize) -> bool {
        let runs = self.runs(pass);
        if runs {
            self.gains.add(pass, count);
        }
        runs
    }

    pub(super) fn tensor(&self, id: TensorId) -> &'a Tensor {
        &self.graph.tensors[id]
    }

    /// Input `i` of `node`, which importers guarantee to be there.
    pub(super) fn input(&self, node: &GraphNode, i: usize) -> Result<TensorId, Error> {
        node.inputs.get(i).copied().flatten().ok_or_else(|| Error::unsupported(node, format!("input {i} is missing")))
    }

    /// The contents of a constant input.
    pub(super) fn constant_input(&self, node: &GraphNode, i: usize) -> Result<&'a [u8], Error> {
        let tensor = self.tensor(self.input(node, i)?);
        tensor.data.as_deref().ok_or_else(|| Error::unsupported(node, format!("`{}` must be constant", tensor.name)))
    }

    /// Scale and zero point of a tensor that must have one of each.
    pub(super) fn scale_of(&self, node: &GraphNode, tensor: TensorId) -> Result<(f32, i32), Error> {
        let tensor = self.tensor(tensor);
        match &tensor.quant {
            Some(Quantization { scales, zero_points, .. }) if scales.len() == 1 => Ok((scales[0], zero_points[0])),
            _ => Err(Error::unsupported(node, format!("`{}` must have one scale", tensor.name))),
        }
    }

    /// Says that the operator has no kernel for a tensor of this type.
    pub(super) fn unsupported_type(&self, node: &GraphNode, tensor: TensorId) -> Error {
        let tensor = self.tensor(tensor);
        Error::unsupported(node, format!("`{}` is {}: there is no kernel for this type", tensor.name, tensor.dtype))
    }

    /// Refuses tensors of other types.
    pub(super) fn expect_type(&self, node: &GraphNode, tensor: TensorId, dtype: DType) -> Result<(), Error> {
        if self.tensor(tensor).dtype == dtype { Ok(()) } else { Err(self.unsupported_type(node, tensor)) }
    }
}
