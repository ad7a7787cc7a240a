//! Streaming over time: the network over ever more frames instead of over one window of them.
//!
//! Time is the outermost dimension of an input that is not 1. Where every operator computes its rows from a few rows of its
//! input, the same way at any time, a network over more frames yields one more row of output for every `hop` frames,
//! each what the network yields for the window of frames that ends there.

use crate::graph::{Graph, Node, Op, Padding, Tensor, TensorId};
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

    /// When a node's outputs come; or why they cannot come row by row.
    fn node(&self, node: &Node) -> Result<Time, String> {
        let input = node.inputs.first().copied().flatten().ok_or("its first input is missing")?;
        if node.inputs.iter().flatten().any(|id| self.flattened[*id].is_some())
            && !matches!(node.op, Op::FullyConnected { .. } | Op::Reshape)
        {
            return Err("it works on all frames of a window at once; only a fully connected layer may".into());
        }
        match &node.op {
            Op::Conv2d { stride, dilation, padding, .. } | Op::DepthwiseConv2d { stride, dilation, padding, .. } => {
                let weights = node.inputs.get(1).copied().flatten().ok_or("its weights are missing")?;
                let kernel = &self.tensor(weights).shape;
                self.windows(
                    node,
                    input,
                    *padding,
                    &[(kernel[1], stride.h, dilation.h), (kernel[2], stride.w, dilation.w)],
                )
            }
            Op::AveragePool2d { kernel, stride, padding, .. } | Op::MaxPool2d { kernel, stride, padding, .. } => {
                self.windows(node, input, *padding, &[(kernel.h, stride.h, 1), (kernel.w, stride.w, 1)])
            }
            Op::FullyConnected { .. } => self.fully_connected(node, input),
            Op::Reshape => self.reshape(node, input),
            Op::Pad => self.pad(node, input),
            Op::Softmax { .. } | Op::LogSoftmax | Op::L2Normalization => {
                let time = self.time(input)?;
                match time.axis + 1 == self.tensor(input).shape.len() {
                    true => Err("it works along the frames; its last dimension must not be time".into()),
                    false => Ok(time),
                }
            }
            Op::Add { .. } | Op::Sub { .. } | Op::Mul { .. } | Op::Binary(_) | Op::Prelu => self.elementwise(node),
            Op::Quantize | Op::Dequantize | Op::Unary(_) => self.elementwise(node),
            _ => Err(
                "it does not compute its rows from a few rows of its input, as convolutions, pools and element-wise \
                      operators do"
                    .into(),
            ),
        }
    }

    fn time(&self, id: TensorId) -> Result<Time, String> {
        self.times[id].ok_or_else(|| format!("`{}` is constant", self.tensor(id).name))
    }

    /// A sliding window: kernel, stride and dilation of rows and of columns.
    fn windows(
        &self,
        node: &Node,
        input: TensorId,
        padding: Padding,
        axes: &[(usize, usize, usize); 2],
    ) -> Result<Time, String> {
        let time = self.time(input)?;
        let &(kernel, stride, dilation) = time
            .axis
            .checked_sub(1)
            .and_then(|axis| axes.get(axis))
            .ok_or("time is neither its rows nor its columns")?;
        let out = self.tensor(node.outputs[0]).shape[time.axis];
        let reach = (kernel - 1) * dilation;
        if padding == Padding::Same && (out - 1) * stride + reach + 1 > time.rows {
            return Err(format!(
                "SAME padding puts rows of padding after every window's last frame, where a stream has frames; its {kernel} \
                 rows need VALID padding over time, or a PAD in front only"
            ));
        }
        Ok(slid(time, out, reach, stride))
    }

    fn fully_connected(&self, node: &Node, input: TensorId) -> Result<Time, String> {
        let source = self.flattened[input].unwrap_or(input);
        let time = self.time(source)?;
        let weights = node.inputs.get(1).copied().flatten().ok_or("its weights are missing")?;
        let (inputs, output) = (self.tensor(weights).shape[1], self.tensor(node.outputs[0]));
        let row = self.tensor(source).elements() / time.rows;
        if inputs == row * time.rows {
            let axis = if output.shape.len() == 4 { 1 } else { 0 };
            return Ok(slid(Time { axis, ..time }, 1, time.rows - 1, 1));
        }
        match (inputs == row, moved_axis(output, time.rows)) {
            (true, Some(axis)) => Ok(Time { axis, ..time }),
            _ => Err(format!("it takes {inputs} elements at a time; it must take a row of {row}, or all rows at once")),
        }
    }

    /// The rows that a reshape puts into a single vector.
    fn flattens(&self, node: &Node) -> Option<TensorId> {
        let (input, output) = (node.inputs.first().copied().flatten()?, self.tensor(node.outputs[0]));
        let several = self.times[input].is_some_and(|time| time.rows > 1);
        let vector = output.shape.last() == Some(&output.elements());
        (node.op == Op::Reshape && several && vector).then(|| self.flattened[input].unwrap_or(input))
    }

    fn reshape(&self, node: &Node, input: TensorId) -> Result<Time, String> {
        let (time, output) = (self.time(input)?, self.tensor(node.outputs[0]));
        if self.flattened[node.outputs[0]].is_some() {
            return Ok(time);
        }
        moved_axis(output, time.rows).map(|axis| Time { axis, ..time }).ok_or_else(|| {
            format!("it takes apart the {} rows of a window; each must remain one index of a dimension", time.rows)
        })
    }

    /// Padding in front stands before the first frame of the stream only.
    fn pad(&self, node: &Node, input: TensorId) -> Result<Time, String> {
        let time = self.time(input)?;
        let amounts = node.inputs.get(1).copied().flatten().and_then(|id| self.tensor(id).integers());
        let amounts = amounts.ok_or("its paddings are not constant")?;
        let (before, after) = (amounts[2 * time.axis], amounts[2 * time.axis + 1]);
        if after > 0 {
            return Err(format!(
                "it puts {after} rows after every window's last frame, where a stream has frames; rows may be put in front \
                 only"
            ));
        }
        let before = before.max(0) as usize;
        Ok(Time { rows: time.rows + before, offset: time.offset + (before * time.hop) as isize, ..time })
    }

    /// Rows of one time meet, and constants that are the same at any time.
    fn elementwise(&self, node: &Node) -> Result<Time, String> {
        let rank = self.tensor(node.outputs[0]).shape.len();
        let mut met: Option<Time> = None;
        for &id in node.inputs.iter().flatten() {
            let tensor = self.tensor(id);
            let Some(time) = self.times[id] else { continue };
            let time = Time { axis: time.axis + rank - tensor.shape.len(), ..time };
            let first = met.get_or_insert(time);
            if (first.axis, first.rows, first.hop) != (time.axis, time.rows, time.hop) {
                return Err(format!(
                    "its inputs do not advance together (`{}`: {} rows of {} frames in a window); all need the same \
                     number of rows, of the same windows and strides over time",
                    tensor.name, time.rows, time.hop
                ));
            }
            first.offset = first.offset.min(time.offset);
        }
        let time = met.ok_or("its inputs are constant")?;
        let constants = node.inputs.iter().flatten().filter(|id| self.times[**id].is_none());
        for tensor in constants.map(|id| self.tensor(*id)) {
            let axis = (time.axis + tensor.shape.len()).checked_sub(rank);
            if axis.is_some_and(|axis| tensor.shape[axis] != 1) {
                return Err(format!("the constant `{}` differs from frame to frame; it must not", tensor.name));
            }
        }
        Ok(time)
    }
}

/// The outermost dimension that is not 1, unless it is the last: which, and how long.
fn outermost(tensor: &Tensor) -> Option<(usize, usize)> {
    let axis = tensor.shape.iter().position(|d| *d != 1)?;
    (axis + 1 < tensor.shape.len()).then(|| (axis, tensor.shape[axis]))
}

/// Which dimension of `tensor` holds its `rows` rows, if one does.
fn moved_axis(tensor: &Tensor, rows: usize) -> Option<usize> {
    match rows {
        // Behind the images of a batch of one.
        1 if tensor.shape.len() == 4 => (tensor.shape[1] == 1).then_some(1),
        1 => (tensor.shape.first() == Some(&1)).then_some(0),
        _ => tensor.shape.iter().position(|d| *d != 1).filter(|axis| tensor.shape[*axis] == rows),
    }
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

/// After windows that reach `reach` rows further and make `out` rows; as for [`slide`].
fn slid(time: Time, out: usize, reach: usize, stride: usize) -> Time {
    let stride = if out == 1 { 1 } else { stride };
    Time { axis: time.axis, rows: out, hop: time.hop * stride, offset: time.offset - (reach * time.hop) as isize }
}

fn forbidden(op: &str, node: &str, what: String) -> Error {
    Error { op: op.into(), node: node.into(), what }
}
