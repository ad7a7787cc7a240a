//! From a network to kernels: each operator becomes a node with a kernel, its constants in the order in which the kernel
//! reads them, and the rows that each of its steps touches.
//!
//! A tensor's rows are the indices of its outermost dimension that is not 1. An operator that sees other rows in the
//! same elements (a reshape came between) reads the tensor through another view, and the tensor is then kept whole and
//! contiguous.

mod armv7em;
mod conv;
mod elementwise;
mod fully_connected;
mod pool;
mod quantize;
pub mod requant;
pub mod scale;
mod shape;
mod softmax;
mod variant;
mod window;

pub use variant::{Algorithm, Selection, Variant};

use crate::graph::{DType, Graph, Node as GraphNode, Op, Quantization, Tensor, TensorId, macs};
use crate::plan::dataflow::{Access, Buffer, BufferId, Dataflow, Node, Role, Worker};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use thiserror::Error;
use tinderbox_runtime::abi::Named;

/// Why a network cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{op} `{node}`: {what}")]
pub struct Error {
    /// TensorFlow Lite's name of the operator.
    pub op: String,
    /// The node.
    pub node: String,
    /// What is not supported, with the tensor concerned.
    pub what: String,
}

/// Which kernels may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Those that run everywhere.
    #[default]
    Portable,
    /// Those for the DSP extension too.
    Armv7em,
}

/// Which way inputs reach the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputMode {
    /// Whole, in the arena; an inference consumes them.
    #[default]
    Whole,
    /// Row by row.
    Rows,
}

/// Elements of a tensor as rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Number of rows.
    pub rows: usize,
    /// Bytes of each.
    pub row_bytes: usize,
}

/// A buffer as one node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TensorView {
    /// Which buffer.
    pub buffer: BufferId,
    /// Its rows.
    pub view: View,
}

/// The kernel side of a node.
#[derive(Clone)]
pub struct Layer {
    /// Index of the node in the graph; `None` for nodes that lowering added.
    pub source: Option<usize>,
    /// Name of the node.
    pub name: String,
    /// TensorFlow Lite's name of the operator.
    pub op: String,
    /// What executes it.
    pub kernel: Named,
    /// Scalars.
    pub params: Vec<i32>,
    /// Constants per channel.
    pub channels: Vec<i32>,
    /// Weights as the kernel reads them.
    pub weights: Arc<[u8]>,
    /// Views read, then views written: indices into [`Lowered::tensors`].
    pub tensors: Vec<usize>,
    /// How many of `tensors` are read.
    pub inputs: usize,
    /// Steps before the first output row.
    pub lag: usize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Elements of the outputs.
    pub elements: usize,
    /// Bytes of a row of the first input.
    pub row_elements: usize,
}

/// A network as kernels over rows.
#[derive(Clone, Default)]
pub struct Lowered {
    /// What the planner sees.
    pub flow: Dataflow,
    /// Per node of `flow`; `None` where the caller works.
    pub layers: Vec<Option<Layer>>,
    /// What kernels see: the first view of each buffer in the buffers' order, then the others.
    pub tensors: Vec<TensorView>,
    /// Buffers of the inputs, in the model's order.
    pub inputs: Vec<BufferId>,
    /// Buffers of the outputs, in the model's order.
    pub outputs: Vec<BufferId>,
    /// Per node of the graph, the ways to compute it, the one that was taken first; empty where there is no choice.
    pub variants: Vec<Vec<Variant>>,
}

/// Per node of the graph and algorithm.
type Streams = HashMap<(usize, Algorithm), Option<Arc<[u8]>>>;

/// Lowers a graph, as often as it takes to find the best selection: what is costly is done once.
pub struct Lowerer<'a> {
    graph: &'a Graph,
    mode: InputMode,
    kernels: Kernels,
    /// Weights as kernels read them, or `None` where they are out of a kernel's range.
    streams: RefCell<Streams>,
}

impl<'a> Lowerer<'a> {
    /// Lowers `graph`, with the kernels that the target runs.
    pub fn new(graph: &'a Graph, mode: InputMode, kernels: Kernels) -> Self {
        Self { graph, mode, kernels, streams: RefCell::default() }
    }

    /// Lowers the graph with the variants that are selected, and the first possible one where none is.
    pub fn lower(&self, selection: &Selection) -> Result<Lowered, Error> {
        let mut lowering = Lowering::new(self, selection);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            lowering.source = Some(index);
            lowering.node(node)?;
        }
        lowering.source = None;
        lowering.outputs();
        Ok(lowering.finish())
    }
}

/// Lowers `graph` with the first possible variants.
pub fn lower(graph: &Graph, mode: InputMode, kernels: Kernels) -> Result<Lowered, Error> {
    Lowerer::new(graph, mode, kernels).lower(&Selection::default())
}

/// Rows of a dense tensor: its outermost dimension that is not 1, unless that is the last.
pub(crate) fn rows_of(tensor: &Tensor) -> View {
    let inner: Vec<usize> = tensor.shape.iter().copied().skip_while(|d| *d == 1).collect();
    let rows = if inner.len() > 1 { inner[0] } else { 1 };
    View { rows, row_bytes: tensor.bytes() / rows.max(1) }
}

/// Lowering under way.
struct Lowering<'a> {
    lowerer: &'a Lowerer<'a>,
    selection: &'a Selection,
    graph: &'a Graph,
    mode: InputMode,
    kernels: Kernels,
    /// Index of the node at work.
    source: Option<usize>,
    flow: Dataflow,
    layers: Vec<Option<Layer>>,
    inputs: Vec<BufferId>,
    outputs: Vec<BufferId>,
    /// Per graph tensor, its buffer, once somebody has written it.
    buffers: Vec<Option<BufferId>>,
    /// Per buffer, its own rows.
    views: Vec<View>,
    /// What kernels see.
    tensors: Vec<TensorView>,
    /// Per node of the graph, the ways to compute it.
    variants: Vec<Vec<Variant>>,
    /// Tensors that are not made because their reader pads by itself.
    padded: HashMap<TensorId, shape::Padded>,
}

impl<'a> Lowering<'a> {
    fn new(lowerer: &'a Lowerer<'a>, selection: &'a Selection) -> Self {
        let &Lowerer { graph, mode, kernels, .. } = lowerer;
        let mut lowering = Self {
            lowerer,
            selection,
            variants: vec![vec![]; graph.nodes.len()],
            graph,
            mode,
            kernels,
            source: None,
            flow: Dataflow::default(),
            layers: vec![],
            inputs: vec![],
            outputs: vec![],
            buffers: vec![None; graph.tensors.len()],
            views: vec![],
            tensors: vec![],
            padded: shape::paddings_to_merge(graph),
        };
        for &input in &graph.inputs {
            let role = if mode == InputMode::Whole { Role::Input } else { Role::Inner };
            let buffer = lowering.new_buffer(input, lowering.input_rows(input), role);
            lowering.inputs.push(buffer);
        }
        lowering
    }

    fn node(&mut self, node: &'a GraphNode) -> Result<(), Error> {
        match &node.op {
            Op::Conv2d { .. } => conv::conv_2d(self, node),
            Op::DepthwiseConv2d { .. } => conv::depthwise(self, node),
            Op::FullyConnected { .. } => fully_connected::lower(self, node),
            Op::AveragePool2d { .. } | Op::MaxPool2d { .. } => pool::lower(self, node),
            Op::Add { .. } => elementwise::add(self, node),
            Op::Pad => shape::pad(self, node),
            Op::Reshape => shape::reshape(self, node),
            Op::Softmax { .. } => softmax::lower(self, node),
            Op::Quantize => quantize::quantize(self, node),
            Op::Dequantize => quantize::dequantize(self, node),
            _ => Err(unsupported(node, "there is no kernel for it yet")),
        }
    }

    /// An input that is only reshaped has the rows of its reshaped self, if those are finer.
    fn input_rows(&self, input: TensorId) -> View {
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

    fn new_buffer(&mut self, tensor: TensorId, view: View, role: Role) -> BufferId {
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
    fn buffer_of(&mut self, tensor: TensorId) -> BufferId {
        let buffer = match self.buffers[tensor] {
            Some(buffer) => buffer,
            None => shape::constant(self, tensor),
        };
        if self.mode == InputMode::Rows
            && let Some(input) = self.inputs.iter().position(|b| *b == buffer)
        {
            self.push_input(input);
        }
        buffer
    }

    /// Adds the node that pushes an input, once.
    fn push_input(&mut self, input: usize) {
        let worker = Worker::Caller { input };
        if self.flow.nodes.iter().any(|node| node.worker == worker) {
            return;
        }
        let buffer = self.inputs[input];
        let rows = self.views[buffer].rows;
        self.flow.nodes.push(Node {
            name: format!("push {}", self.flow.buffers[buffer].name),
            worker,
            steps: rows,
            rows_per_step: 1,
            reads: vec![],
            writes: vec![Access { buffer, rows: (0..rows).map(|row| row..row + 1).collect() }],
            scratch: 0,
            state: 0,
            in_place: vec![],
            after: vec![],
        });
        self.layers.push(None);
    }

    /// A view of a buffer. Any but the buffer's own requires it to be contiguous.
    fn view(&mut self, buffer: BufferId, view: View) -> usize {
        if view != self.views[buffer] {
            self.flow.buffers[buffer].flat = true;
        }
        let seen = TensorView { buffer, view };
        self.tensors.iter().position(|t| *t == seen).unwrap_or_else(|| {
            self.tensors.push(seen);
            self.tensors.len() - 1
        })
    }

    /// Outputs that are inputs or constants, or that come twice, are copies.
    fn outputs(&mut self) {
        for &output in &self.graph.outputs {
            let own = self.buffers[output].filter(|b| !self.inputs.contains(b) && !self.outputs.contains(b));
            let buffer = own.unwrap_or_else(|| shape::copy(self, output));
            let record = &mut self.flow.buffers[buffer];
            (record.role, record.flat) = (Role::Output, true);
            self.outputs.push(buffer);
        }
        for input in 0..self.inputs.len() {
            if self.mode == InputMode::Rows {
                self.push_input(input);
            }
        }
    }

    /// Strides are known once all readers are. Tensors are numbered as their buffers, further views behind them.
    fn finish(mut self) -> Lowered {
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
        let Self { flow, layers, inputs, outputs, variants, .. } = self;
        Lowered { flow, layers, tensors, inputs, outputs, variants }
    }

    fn tensor(&self, id: TensorId) -> &'a Tensor {
        &self.graph.tensors[id]
    }

    /// Input `i` of `node`, which importers guarantee to be there.
    fn input(&self, node: &GraphNode, i: usize) -> Result<TensorId, Error> {
        node.inputs.get(i).copied().flatten().ok_or_else(|| unsupported(node, format!("input {i} is missing")))
    }

    /// The contents of a constant input.
    fn constant_input(&self, node: &GraphNode, i: usize) -> Result<&'a [u8], Error> {
        let tensor = self.tensor(self.input(node, i)?);
        tensor.data.as_deref().ok_or_else(|| unsupported(node, format!("`{}` must be constant", tensor.name)))
    }

    /// Refuses tensors of other types.
    fn expect_type(&self, node: &GraphNode, tensor: TensorId, dtype: DType) -> Result<(), Error> {
        let tensor = self.tensor(tensor);
        if tensor.dtype == dtype {
            return Ok(());
        }
        Err(unsupported(node, format!("`{}` is {:?}; only {dtype:?} is supported here", tensor.name, tensor.dtype)))
    }

    /// Starts the kernel side of a node that makes `rows` output rows, or takes that many steps for one.
    fn layer(&mut self, node: &GraphNode, kernel: Named, rows: usize) -> LayerBuilder<'_, 'a> {
        let macs = self.source.map_or(0, |_| macs(self.graph, node));
        self.added_layer(&node.name, node.op.name(), kernel, rows).macs(macs)
    }

    /// Starts a node that the graph does not have.
    fn added_layer(&mut self, name: &str, op: &str, kernel: Named, rows: usize) -> LayerBuilder<'_, 'a> {
        let node = Node {
            name: name.into(),
            worker: Worker::Kernel,
            steps: rows,
            rows_per_step: 1,
            reads: vec![],
            writes: vec![],
            scratch: 0,
            state: 0,
            in_place: vec![],
            after: vec![],
        };
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
struct LayerBuilder<'l, 'a> {
    lowering: &'l mut Lowering<'a>,
    node: Node,
    layer: Layer,
    /// Output rows, or steps where there is one only.
    rows: usize,
}

impl LayerBuilder<'_, '_> {
    /// A step makes `rows` output rows. Comes before reads and writes.
    fn rows_per_step(mut self, rows: usize) -> Self {
        self.node.rows_per_step = rows;
        self.node.steps = self.rows.div_ceil(rows);
        self
    }

    /// Output row `y` needs `rows(y)` of `tensor`, seen as `view`.
    fn reads(mut self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.buffer_of(tensor);
        let access = self.access(buffer, view, rows);
        if self.layer.inputs == 0 {
            self.layer.row_elements = view.row_bytes;
        }
        self.layer.tensors.insert(self.layer.inputs, self.lowering.view(buffer, view));
        self.layer.inputs += 1;
        self.node.reads.push(access);
        self
    }

    /// As [`Self::reads`], for kernels that see the tensor as one block where its rows are not this view's.
    fn reads_whole(self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.buffer_of(tensor);
        if view.rows != self.rows {
            self.lowering.flow.buffers[buffer].flat = true;
        }
        self.reads(tensor, view, rows)
    }

    /// Output row `y` is `rows(y)` of `tensor`, which begins here.
    fn writes(mut self, tensor: TensorId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Self {
        let buffer = self.lowering.new_buffer(tensor, view, Role::Inner);
        self.layer.elements += self.lowering.tensor(tensor).elements();
        let access = self.access(buffer, view, rows);
        self.layer.tensors.push(self.lowering.view(buffer, view));
        self.node.writes.push(access);
        self
    }

    fn access(&self, buffer: BufferId, view: View, rows: impl Fn(usize) -> Range<usize>) -> Access {
        let own = self.lowering.views[buffer];
        let in_own_rows = |range: Range<usize>| {
            let bytes = range.start * view.row_bytes..range.end * view.row_bytes;
            bytes.start / own.row_bytes.max(1)..bytes.end.div_ceil(own.row_bytes.max(1))
        };
        let convert = |range| if view == own { range } else { in_own_rows(range) };
        let height = self.node.rows_per_step;
        let step = |step: usize| {
            let (first, last) = (step * height, ((step + 1) * height).min(self.rows) - 1);
            rows(first).start..rows(last).end
        };
        Access { buffer, rows: (0..self.node.steps).map(|i| convert(step(i))).collect() }
    }

    fn params(mut self, params: impl IntoIterator<Item = i32>) -> Self {
        self.layer.params.extend(params);
        self
    }

    fn channels(mut self, channels: Vec<i32>) -> Self {
        self.layer.channels = channels;
        self
    }

    fn weights(mut self, weights: impl Into<Arc<[u8]>>) -> Self {
        self.layer.weights = weights.into();
        self
    }

    fn macs(mut self, macs: u64) -> Self {
        self.layer.macs = macs;
        self
    }

    /// The first `steps` steps make no output row.
    fn lag(mut self, steps: usize) -> Self {
        self.layer.lag = steps;
        self
    }

    fn scratch(mut self, bytes: usize) -> Self {
        self.node.scratch = bytes;
        self
    }

    fn state(mut self, bytes: usize) -> Self {
        self.node.state = bytes;
        self
    }

    /// The output row may replace the row of input `i`.
    fn in_place(mut self, i: usize) -> Self {
        self.node.in_place.push(i);
        self
    }

    fn finish(self) {
        self.lowering.flow.nodes.push(self.node);
        self.lowering.layers.push(Some(self.layer));
    }
}

/// The quantization of a tensor that must have one scale.
fn per_tensor(node: &GraphNode, tensor: &Tensor) -> Result<(f32, i32), Error> {
    match &tensor.quant {
        Some(Quantization { scales, zero_points, .. }) if scales.len() == 1 => Ok((scales[0], zero_points[0])),
        _ => Err(unsupported(node, format!("`{}` must have one scale", tensor.name))),
    }
}

fn unsupported(node: &GraphNode, what: impl Into<String>) -> Error {
    Error { op: node.op.name().into(), node: node.name.clone(), what: what.into() }
}
