//! From a network to kernels: each operator becomes a node with a kernel, its constants in the order in which the kernel
//! reads them, and the rows that each of its steps touches.
//!
//! A tensor's rows are the indices of its outermost dimension that is not 1. An operator that sees other rows in the
//! same elements (a reshape came between) reads the tensor through another view, and the tensor is then kept whole and
//! contiguous.

mod armv7em;
mod convolution;
mod dense;
mod form;
mod host;
mod layer;
mod lowering;
mod operators;
mod product;
pub mod requant;
pub mod scale;
mod sparse;
mod table;
mod variant;
mod window;

pub use variant::{Algorithm, Selection, Variant};

use crate::graph::{Graph, Node, Tensor};
use crate::passes::Gains;
use crate::plan::dataflow::{BufferId, Dataflow, NodeId};
use lowering::Lowering;
use requant::Short;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use thiserror::Error;
use tinderbox_runtime::abi::Named;
use tinderbox_runtime::kernels::armv7em::add::Add;

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

impl Error {
    fn unsupported(node: &Node, what: impl Into<String>) -> Self {
        Self { op: node.op.name().into(), node: node.name.clone(), what: what.into() }
    }
}

/// The most steps of a network. The planner's time and memory grow with them; no microcontroller's network comes near.
const MAX_STEPS: usize = 1 << 18;

/// Which kernels may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Those that run everywhere.
    #[default]
    Portable,
    /// Those for the DSP extension too.
    Armv7em,
    /// Those for the machine that the compiler runs on too, in this process only.
    Host,
}

/// Which way inputs reach the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputMode {
    /// Whole, in the arena; an inference consumes them.
    #[default]
    Whole,
    /// Row by row.
    Rows,
    /// Row by row without end: a network that [`crate::stream`] made long.
    Stream,
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
    /// Output rows by which the steps are behind.
    pub lag: usize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Elements of the outputs.
    pub elements: usize,
    /// Bytes of a row of the first input.
    pub row_elements: usize,
}

/// Memory that survives from one inference to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Where it is.
    pub place: Place,
    /// Byte of that place at which it begins.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Contents after reset, repeated until `bytes` are filled.
    pub initial: Arc<[u8]>,
}

/// Where a variable may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a persistent buffer.
    Buffer(BufferId),
    /// In the persistent state of a node of the dataflow.
    State(NodeId),
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
    /// Per tensor of the graph, the buffer that holds it; `None` for tensors that are not made.
    pub buffers: Vec<Option<BufferId>>,
    /// Per node of the graph, the ways to compute it, the one that was taken first; empty where there is no choice.
    pub variants: Vec<Vec<Variant>>,
    /// What survives an inference.
    pub variables: Vec<Variable>,
    /// What the exact passes did.
    pub gains: Gains,
}

/// Per node of the graph and algorithm.
type Streams = HashMap<(usize, Algorithm), Option<Arc<[u8]>>>;

/// Per node of the graph, its output channels' requantization in the short form, where there is one.
type Shorts = HashMap<usize, Arc<[Option<Short>]>>;

/// Per node of the graph, the numbers of the addition kernel, where there are any.
type Sums = HashMap<usize, Option<Add>>;

/// Lowers a graph, as often as it takes to find the best selection: what is costly is done once.
pub struct Lowerer<'a> {
    graph: &'a Graph,
    mode: InputMode,
    kernels: Kernels,
    /// The exact passes, and what they gave before.
    gains: Gains,
    shorts: RefCell<Shorts>,
    sums: RefCell<Sums>,
    /// Weights as kernels read them, or `None` where they are out of a kernel's range.
    streams: RefCell<Streams>,
}

impl<'a> Lowerer<'a> {
    /// Lowers `graph`, with the kernels that the target runs.
    pub fn new(graph: &'a Graph, mode: InputMode, kernels: Kernels) -> Self {
        let gains = Gains::default();
        let (shorts, sums, streams) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { graph, mode, kernels, gains, shorts, sums, streams }
    }

    /// The same with the passes of `gains` only, which gave so much before.
    pub fn with_passes(self, gains: Gains) -> Self {
        Self { gains, ..self }
    }

    /// Lowers the graph with the variants that are selected, and the first possible one where none is.
    pub fn lower(&self, selection: &Selection) -> Result<Lowered, Error> {
        self.run(Lowering::new(self, selection, true))
    }

    /// The same, each layer in as few steps as it could do with, were it by itself: what it costs at least.
    pub(crate) fn lower_unpaced(&self, selection: &Selection) -> Result<Lowered, Error> {
        self.run(Lowering::new(self, selection, false))
    }

    fn run(&self, mut lowering: Lowering<'_>) -> Result<Lowered, Error> {
        let mut steps = 0;
        for (index, node) in self.graph.nodes.iter().enumerate() {
            steps += self.rows(node);
            if steps > MAX_STEPS {
                let what =
                    format!("the network takes more than {MAX_STEPS} steps, one for each row; use a smaller input");
                return Err(Error::unsupported(node, what));
            }
            lowering.source = Some(index);
            operators::lower(&mut lowering, node)?;
            operators::variable::store(&mut lowering, index + 1);
        }
        lowering.source = None;
        lowering.outputs();
        operators::variable::store(&mut lowering, self.graph.nodes.len());
        Ok(lowering.finish())
    }

    /// The most rows of any tensor of a node.
    fn rows(&self, node: &Node) -> usize {
        let tensors = node.inputs.iter().flatten().chain(&node.outputs).map(|id| &self.graph.tensors[*id]);
        tensors.map(|tensor| rows_of(tensor).rows).max().unwrap_or(0)
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
