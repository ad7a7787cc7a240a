//! Streaming over time: the network over ever more frames instead of over one window of them.
//!
//! Time is the outermost dimension of an input that is not 1. Where every operator computes its rows from a few rows of its
//! input, the same way at any time, a network over more frames yields one more row of output for every `hop` frames,
//! each what the network yields for the window of frames that ends there.

mod operators;

use crate::graph::{Graph, Node, Op, Tensor, TensorId};
use thiserror::Error;

/// Most rows of output from one beginning of the period to the next.
pub(crate) const MAX_PERIOD: usize = 512;

/// More rows than this are not counted.
const MAX_ROWS: usize = 65_000;

/// What forbids streaming.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{op} `{node}` forbids streaming over time: {what}")]
pub struct Error {
    /// TensorFlow Lite's name of the operator, or what else it is.
    pub op: String,
    /// The node or tensor.
    pub node: String,
    /// Why, and what is needed.
    pub what: String,
}

/// A tensor's rows over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    /// The dimension that is time.
    axis: usize,
    /// Rows of one window.
    rows: usize,
    /// Frames from one row to the next.
    hop: usize,
    /// Rows that padding adds before the first frame, and windows take away.
    offset: isize,
}

impl Time {
    /// Rows over `frames` frames.
    fn rows_of(&self, frames: usize) -> usize {
        ((frames as isize + self.offset).max(0) as usize).div_ceil(self.hop)
    }
}

/// `graph` over so many frames that a period fits, and once more to check it.
pub fn lengthen(graph: &Graph) -> Result<Graph, Error> {
    let walk = Walk::new(graph)?;
    let times = || walk.times.iter().flatten();
    let (window, hop) = (times().map(|t| t.rows * t.hop).max().unwrap_or(1), times().map(|t| t.hop).max().unwrap_or(1));
    let frames = (4 * window + 2 * hop * MAX_PERIOD).min(MAX_ROWS);
    let mut long = walk.with_rows(|time| time.rows_of(frames));
    for node in &mut long.nodes {
        if let Some(Time { axis, rows: 1, .. }) = walk.times[node.outputs[0]] {
            slide(&mut node.op, axis);
        }
    }
    // Fully connected layers see the rows that were flattened for them.
    long.nodes.retain(|node| walk.flattened[node.outputs[0]].is_none());
    for input in long.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().flatten()) {
        *input = walk.flattened[*input].unwrap_or(*input);
    }
    Ok(long)
}

/// `graph` as its caller sees it in a stream: inputs are a frame, outputs a row. Inner tensors are as they were.
pub fn interface(graph: &Graph) -> Result<Graph, Error> {
    let one = Walk::new(graph)?.with_rows(|_| 1);
    let mut seen = graph.clone();
    for &id in graph.inputs.iter().chain(&graph.outputs) {
        seen.tensors[id].shape.clone_from(&one.tensors[id].shape);
    }
    Ok(seen)
}

struct Walk<'a> {
    graph: &'a Graph,
    /// Per tensor; `None` for constants.
    times: Vec<Option<Time>>,
    /// Per tensor that is all rows of another one in a single vector, the other one.
    flattened: Vec<Option<TensorId>>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph) -> Result<Self, Error> {
        let mut walk =
            Walk { graph, times: vec![None; graph.tensors.len()], flattened: vec![None; graph.tensors.len()] };
        if let Some(variable) = graph.variables.first() {
            let what = "the network keeps its own state from one call to the next; run it without streaming";
            return Err(forbidden("variable", &graph.tensors[variable.tensor].name, what.into()));
        }
        for &input in &graph.inputs {
            walk.times[input] = Some(walk.input(input)?);
        }
        for node in &graph.nodes {
            let moving = node.inputs.iter().flatten().any(|id| walk.times[*id].is_some());
            if !moving {
                continue;
            }
            if let Some(source) = walk.flattens(node) {
                walk.flattened[node.outputs[0]] = Some(source);
            }
            let time = walk.node(node).map_err(|what| forbidden(node.op.name(), &node.name, what))?;
            for &output in &node.outputs {
                walk.times[output] = Some(time);
            }
        }
        walk.outputs().map(|()| walk)
    }

    /// The graph with `rows` of a tensor's time as its rows.
    fn with_rows(&self, rows: impl Fn(&Time) -> usize) -> Graph {
        let mut graph = self.graph.clone();
        for (tensor, time) in graph.tensors.iter_mut().zip(&self.times) {
            let Some(time) = time else { continue };
            if tensor.shape.get(time.axis) == Some(&time.rows) {
                tensor.shape[time.axis] = rows(time);
            } else {
                tensor.shape = vec![rows(time), tensor.elements() / time.rows];
            }
        }
        graph
    }

    fn tensor(&self, id: TensorId) -> &'a Tensor {
        &self.graph.tensors[id]
    }

    /// An input that is only reshaped has the rows of its reshaped self, as in the lowering.
    fn input(&self, id: TensorId) -> Result<Time, Error> {
        let readers: Vec<&Node> = self.graph.nodes.iter().filter(|node| node.inputs.contains(&Some(id))).collect();
        let own = outermost(self.tensor(id));
        let reshaped = match readers.as_slice() {
            [Node { op: Op::Reshape, outputs, .. }] => outermost(self.tensor(outputs[0])),
            _ => None,
        };
        let found = own.or(reshaped.map(|(_, rows)| (0, rows)));
        let (axis, rows) = found.ok_or_else(|| {
            let what =
                "it is a single frame: nothing would be kept from one call to the next; run it without streaming";
            forbidden("input", &self.tensor(id).name, what.into())
        })?;
        Ok(Time { axis, rows, hop: 1, offset: 0 })
    }

    /// All outputs are read at once.
    fn outputs(&self) -> Result<(), Error> {
        if let Some(id) = self.graph.outputs.iter().find(|id| self.flattened[**id].is_some()) {
            let what = "it is all frames of a window at once; outputs must be rows over time".into();
            return Err(forbidden("output", &self.tensor(*id).name, what));
        }
        let mut hops = self.graph.outputs.iter().map(|id| (*id, self.times[*id].map(|time| time.hop)));
        let first = hops.next();
        match hops.find(|(_, hop)| Some(hop) != first.as_ref().map(|(_, hop)| hop)) {
            None => Ok(()),
            Some((id, _)) => {
                let what = "outputs come at different rates; they must have the same strides over time";
                Err(forbidden("output", &self.tensor(id).name, what.into()))
            }
        }
    }
}

/// The outermost dimension that is not 1, unless it is the last: which, and how long.
fn outermost(tensor: &Tensor) -> Option<(usize, usize)> {
    let axis = tensor.shape.iter().position(|d| *d != 1)?;
    (axis + 1 < tensor.shape.len()).then(|| (axis, tensor.shape[axis]))
}

/// A window that had one place only advances with its input, whatever its stride.
fn slide(op: &mut Op, axis: usize) {
    if let Op::Conv2d { stride, .. }
    | Op::DepthwiseConv2d { stride, .. }
    | Op::AveragePool2d { stride, .. }
    | Op::MaxPool2d { stride, .. } = op
    {
        *(if axis == 1 { &mut stride.h } else { &mut stride.w }) = 1;
    }
}

fn forbidden(op: &str, node: &str, what: String) -> Error {
    Error { op: op.into(), node: node.into(), what }
}
