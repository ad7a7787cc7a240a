//! When each operator's rows come, or why they cannot come one by one.

use super::{Time, Walk};
use crate::graph::{Node, Op, Padding, Tensor, TensorId};

impl Walk<'_> {
    /// When a node's outputs come; or why they cannot come row by row.
    pub(super) fn node(&self, node: &Node) -> Result<Time, String> {
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
    pub(super) fn flattens(&self, node: &Node) -> Option<TensorId> {
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

/// Which dimension of `tensor` holds its `rows` rows, if one does.
fn moved_axis(tensor: &Tensor, rows: usize) -> Option<usize> {
    match rows {
        // Behind the images of a batch of one.
        1 if tensor.shape.len() == 4 => (tensor.shape[1] == 1).then_some(1),
        1 => (tensor.shape.first() == Some(&1)).then_some(0),
        _ => tensor.shape.iter().position(|d| *d != 1).filter(|axis| tensor.shape[*axis] == rows),
    }
}

/// After windows that reach `reach` rows further and make `out` rows; as for [`slide`].
fn slid(time: Time, out: usize, reach: usize, stride: usize) -> Time {
    let stride = if out == 1 { 1 } else { stride };
    Time { axis: time.axis, rows: out, hop: time.hop * stride, offset: time.offset - (reach * time.hop) as isize }
}
